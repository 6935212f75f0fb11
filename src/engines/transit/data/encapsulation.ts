/** `encapsulate` and `decapsulate`: shared secrets by ML-KEM (FIPS 203), for protocols that do their own encryption with them. */
import { decapsulateWith, encapsulateFor } from '../../../crypto/kem-seal.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { AuthenticationError } from '../../../crypto/xaes.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { asRequestError, ItemError, SOFT_DELETED } from '../failures.ts';
import { findKey, parseMarked, versionToMake, withVersion } from '../keys/key-record.ts';
import type { StoredKey } from '../keys/key-record.ts';
import { keyTypeOf } from '../keys/key-types.ts';
import { findKeyToMake } from '../keys/make-key.ts';
import { KEY_VERSION, NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import { inputBytes } from './crypt.ts';
import type { Reply } from '../../../model/reply.ts';

interface EncapsulateFields {
  readonly name: string;
  readonly key_version: number;
}

interface DecapsulateFields {
  readonly name: string;
  readonly ciphertext: string;
}

function checked(record: StoredKey | undefined): StoredKey {
  if (record === undefined) throw invalidRequest('encryption key not found');
  if (record.softDeleted) throw invalidRequest(SOFT_DELETED);
  if (keyTypeOf(record).family !== 'ml-kem') {
    throw invalidRequest(`encapsulation not supported for key type ${record.type}`);
  }
  return record;
}

export function encapsulationPaths(ports: TransitPorts): readonly Path[] {
  const { keys } = ports;

  async function encapsulate(
    request: Request<EncapsulateFields>,
    store: Transaction,
  ): Promise<Reply> {
    const { name, key_version: wanted } = request.fields;
    const record = checked(await findKeyToMake(store, name, ports, request));
    const version = making(record, wanted);
    const { publicKey } = await keys.ready(store, name, record, version);
    if (publicKey === undefined) throw new Error('a key has no public half');
    const { ciphertext, sharedKey } = encapsulateFor(publicKey);
    const data = {
      ciphertext: withVersion(version, ciphertext.toString('base64')),
      key_version: version,
      shared_key: sharedKey.toString('base64'),
    };
    wipe(sharedKey);
    return { data };
  }

  async function decapsulate(
    { fields }: Request<DecapsulateFields>,
    store: Transaction,
  ): Promise<Reply> {
    const record = checked(await findKey(store, fields.name));
    try {
      const { version, body } = parseMarked(record, fields.ciphertext, 'ciphertext');
      const sealed = inputBytes(body, 'invalid ciphertext: could not decode base64');
      const { privateKey } = await keys.ready(store, fields.name, record, version);
      if (privateKey === undefined) throw new ItemError('the key version has no private half');
      const sharedKey = decapsulateWith(privateKey, sealed);
      const data = { shared_key: sharedKey.toString('base64') };
      wipe(sharedKey);
      return { data };
    } catch (error) {
      if (error instanceof ItemError) throw asRequestError(error);
      if (!(error instanceof AuthenticationError)) throw error;
      throw invalidRequest('invalid ciphertext length');
    }
  }

  return [
    definePath({
      pattern: 'encapsulate/{name}',
      fields: { name: NAME, key_version: KEY_VERSION },
      help: {
        synopsis: 'Makes a shared secret that only the holder of an ML-KEM key finds again.',
        description: 'Whoever has the public key can do the same without the server.',
      },
      operations: { update: { summary: 'Encapsulate', handler: encapsulate } },
    }),
    definePath({
      pattern: 'decapsulate/{name}',
      fields: {
        name: NAME,
        ciphertext: {
          kind: 'string',
          description:
            'The encapsulation, as it was answered; `vault:vN:` and base64 of one that was made elsewhere.',
          default: '',
        },
      },
      help: {
        synopsis: 'Finds the shared secret of an encapsulation.',
        description:
          'Of one that was changed it finds another secret, as ML-KEM wants it. Whoever may do this can also decrypt.',
      },
      operations: { update: { summary: 'Decapsulate', handler: decapsulate } },
    }),
  ];
}

function making(record: StoredKey, wanted: number): number {
  try {
    return versionToMake(record, wanted, 'encapsulation');
  } catch (error) {
    throw error instanceof ItemError ? asRequestError(error) : error;
  }
}
