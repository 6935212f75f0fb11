/** `keys/NAME/csr` and `keys/NAME/set-certificate`: certificates for signing keys that stay here. */
import { X509Certificate } from 'node:crypto';
import { DerError } from '../../../crypto/der.ts';
import { nextPem, pemOf } from '../../../crypto/pem.ts';
import { requestLike } from '../../../crypto/x509/request.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { SOFT_DELETED } from '../failures.ts';
import { findKey, putKey } from '../keys/key-record.ts';
import type { StoredKey } from '../keys/key-record.ts';
import { keyTypeOf } from '../keys/key-types.ts';
import { publicKeyOf } from '../keys/material.ts';
import { NAME } from '../ports.ts';
import type { TransitPorts } from '../ports.ts';
import type { Reply } from '../../../model/reply.ts';

const CSR_LABEL = 'CERTIFICATE REQUEST';
/** Most certificates in a chain. */
const CHAIN_MAX = 16;

interface Fields {
  readonly name: string;
  readonly version: number | undefined;
}

async function signingKey(store: Reader, name: string): Promise<StoredKey> {
  const record = await findKey(store, name);
  if (record === undefined) throw invalidRequest(`key with provided name '${name}' not found`);
  if (record.softDeleted) throw invalidRequest(SOFT_DELETED);
  if (!keyTypeOf(record).signs) {
    throw invalidRequest(`key type '${record.type}' does not support signing`);
  }
  if (record.derived) {
    throw invalidRequest('operation not supported for keys with derivation enabled');
  }
  return record;
}

function versionOf(record: StoredKey, wanted: number | undefined): number {
  const version = wanted === undefined ? record.latestVersion : wanted;
  if (version < record.minDecryptionVersion || !Object.hasOwn(record.versions, version)) {
    throw invalidRequest('no such key version');
  }
  return version;
}

function problemWith(problem: string): Error {
  return invalidRequest(`failed to persist certificate chain: ${problem}`);
}

const CERTIFICATE =
  /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]*-----END (?:X509 )?CERTIFICATE-----/g;

function parseChain(text: string): X509Certificate[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0 || blocks.length > CHAIN_MAX) {
    throw invalidRequest(
      `provided certificate chain did not contain 1 to ${CHAIN_MAX} PEM encoded certificates`,
    );
  }
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw invalidRequest('could not parse a certificate in the certificate chain');
  }
}

function checkChain(chain: readonly X509Certificate[], publicKey: string | undefined): void {
  const [leaf, ...others] = chain;
  if (leaf?.ca !== false) {
    throw problemWith('certificate in the first element is not a valid leaf certificate');
  }
  if (!others.every((certificate) => certificate.ca)) {
    throw problemWith('every certificate after the first must be one of an authority');
  }
  if (publicKey === undefined || !leaf.publicKey.equals(publicKeyOf(publicKey))) {
    throw problemWith('leaf certificate public key does not match the selected key version');
  }
}

export function certificatePaths({ keys }: TransitPorts): readonly Path[] {
  async function makeRequest(
    { fields }: Request<Fields & { readonly csr: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const { name } = fields;
    const record = await signingKey(store, name);
    const version = versionOf(record, fields.version);
    const template = fields.csr === '' ? undefined : nextPem(fields.csr)?.block;
    if (fields.csr !== '' && template?.label !== CSR_LABEL) {
      throw invalidRequest('could not decode PEM CSR');
    }
    const { privateKey } = await keys.ready(store, name, record, version);
    if (privateKey === undefined) {
      throw invalidRequest('private key not imported for key version selected');
    }
    try {
      const csr = `${pemOf(await requestLike(privateKey, template?.bytes), CSR_LABEL)}\n`;
      return { data: { name, type: record.type, csr } };
    } catch (error) {
      if (error instanceof DerError) throw invalidRequest('could not parse the CSR');
      if (error instanceof RangeError) {
        throw invalidRequest(`key type '${record.type}' has no certification requests yet`);
      }
      throw error;
    }
  }

  async function setCertificate(
    { fields }: Request<Fields & { readonly certificate_chain: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const { name, certificate_chain: text } = fields;
    const record = await signingKey(store, name);
    const chain = parseChain(text);
    const version = versionOf(record, fields.version);
    const existing = record.versions[version];
    checkChain(chain, existing?.publicKey);
    const certificates = chain.map((certificate) => certificate.toString().trim());
    const changed = { createdMs: existing?.createdMs ?? 0, ...existing, certificates };
    putKey(store, name, { ...record, versions: { ...record.versions, [version]: changed } });
    return { data: { name, type: record.type, certificate_chain: text } };
  }

  const version = {
    kind: 'int',
    description: 'Version of the key; the latest without it.',
  } as const;
  return [
    definePath({
      pattern: 'keys/{name}/csr',
      fields: {
        name: NAME,
        version,
        csr: {
          kind: 'string',
          description: 'A request in PEM whose subject and extensions are taken over.',
          default: '',
        },
      },
      help: { synopsis: 'Makes a certification request for a signing key.' },
      operations: { update: { summary: 'Make a certification request', handler: makeRequest } },
    }),
    definePath({
      pattern: 'keys/{name}/set-certificate',
      fields: {
        name: NAME,
        version,
        certificate_chain: {
          kind: 'string',
          description: 'Certificates in PEM, that of the key first.',
          default: '',
        },
      },
      help: { synopsis: 'Keeps the certificate of a signing key with it.' },
      operations: { update: { summary: 'Set the certificate', handler: setCertificate } },
    }),
  ];
}
