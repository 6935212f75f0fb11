/** `derive-key`: a symmetric key that two parties agree on by ECDH, each with its own key pair. */
import { createPublicKey, diffieHellman } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { aeadKeyBytes } from '../../../crypto/aead.ts';
import { hkdfExpand, hkdfExtract } from '../../../crypto/hkdf.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { refused, SOFT_DELETED } from '../failures.ts';
import { findKey } from '../keys/key-record.ts';
import type { StoredKey } from '../keys/key-record.ts';
import { KEY_TYPES, keyTypeOf } from '../keys/key-types.ts';
import type { KeyType } from '../keys/key-types.ts';
import { emptyRecord, PLAIN_SETTINGS } from '../keys/make-key.ts';
import { privateKeyOf, withMaterial } from '../keys/material.ts';
import { NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import { checkFits } from './imported.ts';
import { addImported } from './import.ts';

const ALGORITHM = 'ecdh';
const NOTHING = Buffer.alloc(0);

interface Fields {
  readonly name: string;
  readonly key_derivation_algorithm: string;
  readonly peer_public_key: string;
  readonly base_key_name: string;
  readonly base_key_version: number;
  readonly derived_key_type: string;
}

function symmetricType(name: string): KeyType {
  const type = KEY_TYPES.get(name.toLowerCase());
  if (type?.aead === undefined) throw invalidRequest('unknown key type');
  return type;
}

async function baseKey(store: Transaction, name: string): Promise<StoredKey> {
  const record = name === '' ? undefined : await findKey(store, name);
  if (record === undefined) throw invalidRequest('specified base key not found');
  if (record.softDeleted) throw invalidRequest(SOFT_DELETED);
  if (keyTypeOf(record).family !== 'ecdsa') {
    throw invalidRequest(`base key type ${record.type} does not support key agreement`);
  }
  return record;
}

function versionOf(record: StoredKey, wanted: number): number {
  if (wanted === 0) return record.latestVersion;
  const problem =
    wanted < 0
      ? 'is negative'
      : wanted > record.latestVersion
        ? 'is higher than the latest key version'
        : wanted < record.minDecryptionVersion || !Object.hasOwn(record.versions, wanted)
          ? 'is less than the minimum available key version'
          : undefined;
  if (problem !== undefined) throw refused(`requested version of the base key ${problem}`);
  return wanted;
}

/** A new agreement is the next version of the key. */
function takesMore(existing: StoredKey, type: KeyType): boolean {
  const { imported, softDeleted, derived } = existing;
  return existing.type === type.name && imported && !softDeleted && !derived;
}

function peerKey(type: KeyType, pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw refused('failed to parse supplied peer public key PEM');
  }
  checkFits(type, key, 'the peer public key does not match the base key');
  return key;
}

/** HKDF-SHA-256 of the shared secret without salt or info, as OpenBao derives it: both sides must find the same key. */
function agree(own: KeyObject, peer: KeyObject, length: number): Buffer {
  const secret = diffieHellman({ privateKey: own, publicKey: peer });
  const extracted = hkdfExtract(secret);
  const key = Buffer.from(hkdfExpand(extracted, NOTHING, length));
  wipe(secret);
  wipe(extracted);
  return key;
}

export function deriveKeyPaths(ports: TransitPorts): readonly Path[] {
  async function derive(request: Request<Fields>, store: Transaction): Promise<undefined> {
    const { fields } = request;
    if (fields.key_derivation_algorithm !== ALGORITHM) {
      throw invalidRequest('key derivation algorithm not supported');
    }
    if (fields.peer_public_key === '') throw invalidRequest('peer public key not provided');
    const type = symmetricType(fields.derived_key_type);
    const base = await baseKey(store, fields.base_key_name);
    const peer = peerKey(keyTypeOf(base), fields.peer_public_key);
    const version = versionOf(base, fields.base_key_version);
    const existing = await findKey(store, fields.name);
    if (existing !== undefined && !takesMore(existing, type)) {
      throw refused('a key of this name exists already, and is none that was agreed on');
    }
    const length = type.aead === undefined ? 0 : aeadKeyBytes(type.aead);
    const key = await withMaterial(store, fields.base_key_name, version, (material) => {
      if (material.key.length === 0) throw refused('the base key version has no private half');
      return agree(privateKeyOf(material.key), peer, length);
    });
    const record = existing ?? { ...emptyRecord(type, PLAIN_SETTINGS), imported: true };
    addImported(store, fields.name, record, { key, publicKey: undefined }, ports, request);
  }

  return [
    definePath({
      pattern: 'derive-key/{name}',
      fields: {
        name: { ...NAME, description: 'Name of the key that comes of it.' },
        key_derivation_algorithm: {
          kind: 'string',
          description: 'How: `ecdh`.',
          default: ALGORITHM,
        },
        peer_public_key: {
          kind: 'string',
          description: 'The other side’s public key in PEM.',
          default: '',
        },
        base_key_name: {
          kind: 'string',
          description: 'The own key pair: an `ecdsa` key of the same curve.',
          default: '',
        },
        base_key_version: {
          kind: 'int',
          description: 'Version of the own key pair; 0 is the latest.',
          default: 0,
        },
        derived_key_type: {
          kind: 'string',
          description: 'Type of the key that comes of it: one that encrypts symmetrically.',
          default: 'aes256-gcm96',
        },
      },
      help: {
        synopsis: 'Makes a key that another party makes too, from its own key pair.',
        description:
          'The new key is kept like an imported one; agreeing again adds a version to it.',
      },
      operations: { update: { summary: 'Agree on a key', handler: derive } },
    }),
  ];
}
