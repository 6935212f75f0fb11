/** `export`: keys in the forms that other programs read. Only of keys that were made, or declared, exportable. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { refused, SOFT_DELETED } from '../failures.ts';
import { findKey, usableVersions } from '../keys/key-record.ts';
import type { KeyVersion, StoredKey } from '../keys/key-record.ts';
import { keyTypeOf } from '../keys/key-types.ts';
import type { KeyType } from '../keys/key-types.ts';
import {
  ed25519Pair,
  ed25519PublicText,
  privateKeyOf,
  publicKeyOf,
  withMaterial,
} from '../keys/material.ts';
import type { Material } from '../keys/material.ts';
import { NAME } from '../ports.ts';
import type { Reply } from '../../../model/reply.ts';

const FORMATS: ReadonlySet<string> = new Set(['', 'raw', 'der', 'pem']);
const PRIVATE_KINDS: ReadonlySet<string> = new Set(['encryption-key', 'signing-key', 'hmac-key']);
const KINDS: ReadonlySet<string> = new Set([...PRIVATE_KINDS, 'public-key', 'certificate-chain']);

function noSuchFormat(what: string): Error {
  return refused(`unknown format for ${what}`);
}

function rawText(bytes: Buffer, format: string): string {
  if (format === 'der' || format === 'pem') {
    throw noSuchFormat('symmetric key; supported values are `` or `raw`');
  }
  return bytes.toString('base64');
}

function privateText(type: KeyType, pkcs8: Buffer, format: string): string {
  // Only the public half is there.
  if (pkcs8.length === 0) return '';
  if (format === 'der') return pkcs8.toString('base64');
  const key = privateKeyOf(pkcs8);
  if (format === 'pem') {
    const pem = key.export({ format: 'pem', type: 'pkcs8' });
    return type.family === 'rsa' ? pem : pem.trim();
  }
  switch (type.family) {
    case 'ed25519':
      return ed25519Pair(key).toString('base64');
    case 'ml-dsa':
    case 'slh-dsa':
    case 'ml-kem':
      return key.export({ format: 'pem', type: 'pkcs8' }).trim();
    default:
      if (format === 'raw') throw noSuchFormat('key; supported values are ``, `der`, or `pem`');
      return type.family === 'rsa'
        ? key.export({ format: 'pem', type: 'pkcs1' })
        : key.export({ format: 'pem', type: 'sec1' }).trim();
  }
}

function publicText(type: KeyType, version: KeyVersion | undefined, format: string): string {
  const text = version?.publicKey;
  if (text === undefined) {
    throw refused(`unknown key type ${type.name} for export type public-key`);
  }
  if (format === 'der') return text;
  const key = publicKeyOf(text);
  if (type.family === 'ed25519' && format !== 'pem') return ed25519PublicText(key);
  if (format === 'raw') throw noSuchFormat('key; supported values are ``, `der`, or `pem`');
  const pem = key.export({ format: 'pem', type: 'spki' });
  return type.family === 'rsa' ? pem : pem.trim();
}

function privateExport(type: KeyType, kind: string, material: Material, format: string): string {
  if (kind === 'hmac-key') return rawText(material.hmac, format);
  if (type.aead !== undefined) return rawText(material.key, format);
  return privateText(type, material.key, format);
}

/** The versions that `version` of the path names. @throws {RequestError} */
export function exportedVersions(record: StoredKey, version: string): number[] {
  if (version === '') return usableVersions(record);
  const digits = version === 'latest' ? String(record.latestVersion) : version.replace(/^v/, '');
  if (!/^[+-]?\d{1,9}$/.test(digits)) throw invalidRequest('invalid key version');
  const number = Number(digits);
  if (number < record.minDecryptionVersion) {
    throw invalidRequest('version for export is below minimum decryption version');
  }
  if (!Object.hasOwn(record.versions, number)) {
    throw invalidRequest('version does not exist or cannot be found');
  }
  return [number];
}

interface ExportFields {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly format: string;
}

function checkKind(type: KeyType, kind: string): void {
  if (kind === 'encryption-key' && !type.encrypts) {
    throw invalidRequest('encryption not supported for the key');
  }
  if (kind === 'signing-key' && !type.signs) {
    throw invalidRequest('signing not supported for the key');
  }
  if (kind === 'certificate-chain' && !type.signs) {
    throw invalidRequest('certificate chain not supported for keys that do not support signing');
  }
}

async function exportKey({ fields }: Request<ExportFields>, store: Transaction): Promise<Reply> {
  const { name, type: kind, format } = fields;
  if (!KINDS.has(kind)) throw invalidRequest('invalid export type');
  if (!FORMATS.has(format)) throw invalidRequest('invalid format');
  const record = await findKey(store, name);
  if (record === undefined) throw notFound();
  if (!record.exportable && PRIVATE_KINDS.has(kind)) {
    throw invalidRequest('private key material is not exportable');
  }
  if (record.softDeleted) throw refused(SOFT_DELETED);
  const type = keyTypeOf(record);
  checkKind(type, kind);
  const exported: Record<string, string> = {};
  for (const version of exportedVersions(record, fields.version)) {
    if (PRIVATE_KINDS.has(kind)) {
      exported[version] = await withMaterial(store, name, version, (material) =>
        privateExport(type, kind, material, format),
      );
    } else if (kind === 'public-key') {
      exported[version] = publicText(type, record.versions[version], format);
    } else {
      const { certificates } = record.versions[version] ?? {};
      if (certificates === undefined) {
        throw refused('selected key version does not have a certificate chain imported');
      }
      exported[version] = certificates.join('\n');
    }
  }
  return { data: { name, type: record.type, keys: exported } };
}

export function exportPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'export/{type}/{name}[/{version..+}]',
      fields: {
        name: NAME,
        type: {
          kind: 'string',
          description: `What to export: ${[...KINDS].join(', ')}.`,
          default: '',
        },
        version: {
          kind: 'string',
          description: 'The version, or `latest`; all that may be used without it.',
          default: '',
        },
        format: {
          kind: 'string',
          description: 'The form: `raw`, `der` or `pem`; what suits the type without it.',
          default: '',
        },
      },
      help: {
        synopsis: 'Exports a named key.',
        description:
          'Secret keys only if the key is exportable; public keys and certificates always.',
      },
      operations: { read: { summary: 'Export a key', handler: exportKey } },
    }),
  ];
}
