/** How keys and their versions look in Key Vault's JSON: JSON Web Keys (RFC 7517), public halves only. */
import { createHash, createPublicKey } from 'node:crypto';
import type { ManagedKey, ManagedKeyVersion } from '../../../model/tasks/key-task.ts';
import { attributesOf, tagsMember } from '../objects/attributes.ts';
import type { Vault } from '../objects/vault-rules.ts';
import { badParameter } from '../wire/errors.ts';

interface KeyKind {
  readonly kty: 'RSA' | 'EC';
  readonly size?: number;
  readonly curve?: string;
}

/** Keys that this API can express, by their type here. */
const KINDS: ReadonlyMap<string, KeyKind> = new Map<string, KeyKind>([
  ['rsa-2048', { kty: 'RSA', size: 2048 }],
  ['rsa-3072', { kty: 'RSA', size: 3072 }],
  ['rsa-4096', { kty: 'RSA', size: 4096 }],
  ['ecdsa-p256', { kty: 'EC', curve: 'P-256' }],
  ['ecdsa-p384', { kty: 'EC', curve: 'P-384' }],
  ['ecdsa-p521', { kty: 'EC', curve: 'P-521' }],
]);

const RSA_SIZE_DEFAULT = 2048;
const CURVE_DEFAULT = 'P-256';

/** True for keys that this API can show. */
export function isShowable(key: ManagedKey): boolean {
  return KINDS.has(key.type);
}

/** The type of key that a caller asks for. @throws {AzureError} there is none such here */
export function typeOf(kty: unknown, size: unknown, curve: unknown): string {
  const wanted = typeof kty === 'string' ? kty : '';
  if (wanted.endsWith('-HSM') || wanted === 'oct') {
    throw badParameter('Keys of this type are not supported: there is no hardware module here.');
  }
  const row = [...KINDS].find(
    ([, kind]) =>
      kind.kty === wanted &&
      (kind.kty === 'RSA'
        ? kind.size === (size ?? RSA_SIZE_DEFAULT)
        : kind.curve === (curve ?? CURVE_DEFAULT)),
  );
  if (row === undefined) throw badParameter('The type, size or curve of the key is not supported.');
  return row[0];
}

export type KeyOperation = 'encrypt' | 'decrypt' | 'sign' | 'verify' | 'wrapKey' | 'unwrapKey';

/** What a key of each type is good for, unless it says less. */
export const OPERATIONS: Readonly<Record<KeyKind['kty'], readonly KeyOperation[]>> = {
  RSA: ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'],
  EC: ['sign', 'verify'],
};

/** Below this name in a key's attributes. */
export const OPERATIONS_ATTRIBUTE = 'azure.key_ops';

/** What the key may be used for through this API. */
export function operationsOf(key: ManagedKey): readonly string[] {
  const stored = key.attributes?.[OPERATIONS_ATTRIBUTE];
  if (stored !== undefined) return stored === '' ? [] : stored.split(',');
  return OPERATIONS[KINDS.get(key.type)?.kty ?? 'EC'];
}

/** @throws {AzureError} */
export function readOperations(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw badParameter('The property key_ops is not a list.');
  const known: readonly string[] = OPERATIONS.RSA;
  for (const one of value) {
    if (typeof one !== 'string' || !known.includes(one)) {
      throw badParameter('The property key_ops names an operation that is not supported.');
    }
  }
  return [...new Set(value as readonly string[])].join(',');
}

/** The id of a version: 32 hexadecimal digits that depend on the key itself. */
export function keyVersionId(name: string, number: number, version: ManagedKeyVersion): string {
  return createHash('sha256')
    .update(JSON.stringify([name, number, version.createdMs, version.publicKey ?? '']))
    .digest('hex')
    .slice(0, 32);
}

/** The public half as a JSON Web Key. @param publicKey SubjectPublicKeyInfo in DER */
export function publicJwk(publicKey: Buffer): Record<string, unknown> {
  const key = createPublicKey({
    key: publicKey,
    format: 'der',
    type: 'spki',
  });
  return { ...key.export({ format: 'jwk' }) };
}

export interface ChosenVersion {
  readonly number: number;
  readonly version: ManagedKeyVersion;
}

export function kidOf(vault: Pick<Vault, 'base'>, name: string, chosen: ChosenVersion): string {
  return `${vault.base}/keys/${name}/${keyVersionId(name, chosen.number, chosen.version)}`;
}

export function keyBundle(
  vault: Vault,
  name: string,
  key: ManagedKey,
  chosen: ChosenVersion,
): Record<string, unknown> {
  const { version } = chosen;
  return {
    key: {
      kid: kidOf(vault, name, chosen),
      ...publicJwk(Buffer.from(version.publicKey ?? '', 'base64')),
      key_ops: operationsOf(key),
    },
    attributes: attributesOf(version, vault),
    ...tagsMember(version.tags),
  };
}

/** An entry of a list; without a version, of the key. */
export function listedKey(
  vault: Vault,
  name: string,
  chosen: ChosenVersion,
  withVersion: boolean,
): Record<string, unknown> {
  return {
    kid: withVersion ? kidOf(vault, name, chosen) : `${vault.base}/keys/${name}`,
    attributes: attributesOf(chosen.version, vault),
    ...tagsMember(chosen.version.tags),
  };
}
