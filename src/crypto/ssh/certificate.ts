/** OpenSSH certificates (PROTOCOL.certkeys): a public key with names, times and permissions, signed by an authority. */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { signMessage } from '../signatures/messages.ts';
import { publicKeyOf } from './public-key.ts';
import type { SshPublicKey } from './public-key.ts';
import { SshFormatError, SshReader, mpint, string, uint32, uint64 } from './wire.ts';

export const CERTIFICATE_NONCE_BYTES = 32;

export type CertificateKind = 'user' | 'host';
const KIND_NUMBER: Readonly<Record<CertificateKind, number>> = { user: 1, host: 2 };

/** What a certificate says. */
interface CertificateContent {
  readonly kind: CertificateKind;
  readonly serial: bigint;
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Seconds since the epoch. */
  readonly validAfter: number;
  readonly validBefore: number;
  readonly criticalOptions: ReadonlyMap<string, string>;
  readonly extensions: ReadonlyMap<string, string>;
}

export interface CertificateSpec extends CertificateContent {
  readonly publicKey: SshPublicKey;
  /** {@link CERTIFICATE_NONCE_BYTES} of randomness. */
  readonly nonce: Uint8Array;
}

/** Signature algorithms that an RSA authority may use (RFC 8332; `ssh-rsa` is SHA-1). */
const RSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
  ['ssh-rsa', 'sha1'],
]);
const EC_HASHES: ReadonlyMap<number, string> = new Map([
  [256, 'sha256'],
  [384, 'sha384'],
  [521, 'sha512'],
]);

/**
 * Signs a certificate and gives it as a line of an `…-cert.pub` file.
 * @param algorithm name of the signature algorithm, `default` for the authority's own
 * @throws {SshFormatError} the algorithm does not fit the authority's key
 */
export async function signCertificate(
  spec: CertificateSpec,
  authority: KeyObject,
  algorithm: string,
): Promise<string> {
  const { publicKey } = spec;
  const signer = publicKeyOf(createPublicKey(authority));
  const type = certificateType(publicKey.type);
  const body = Buffer.concat([
    string(type),
    string(spec.nonce),
    publicKey.parts,
    uint64(spec.serial),
    uint32(KIND_NUMBER[spec.kind]),
    string(spec.keyId),
    string(Buffer.concat(spec.principals.map(string))),
    uint64(BigInt(spec.validAfter)),
    uint64(BigInt(spec.validBefore)),
    string(options(spec.criticalOptions)),
    string(options(spec.extensions)),
    string(''),
    string(signer.blob),
  ]);
  const signature = await signatureOver(body, authority, signer, algorithm);
  return `${type} ${Buffer.concat([body, string(signature)]).toString('base64')}\n`;
}

/** `ssh-ed25519-cert-v01@openssh.com`; the names of security keys carry the domain already. */
function certificateType(type: string): string {
  const domain = '@openssh.com';
  const base = type.endsWith(domain) ? type.slice(0, -domain.length) : type;
  return `${base}-cert-v01${domain}`;
}

/** In byte order of their names, each with its value in a string of its own, or nothing. */
function options(values: ReadonlyMap<string, string>): Buffer {
  const sorted = [...values].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Buffer.concat(
    sorted.flatMap(([name, value]) => [string(name), string(value === '' ? '' : string(value))]),
  );
}

async function signatureOver(
  body: Buffer,
  key: KeyObject,
  signer: SshPublicKey,
  algorithm: string,
): Promise<Buffer> {
  if (signer.kind === 'rsa') {
    const name = algorithm === 'default' ? 'rsa-sha2-256' : algorithm;
    const hash = RSA_HASHES.get(name);
    if (hash === undefined) throw unsupported(signer);
    return Buffer.concat([string(name), string(await signMessage(hash, body, key))]);
  }
  if (algorithm !== 'default' && algorithm !== signer.type) throw unsupported(signer);
  if (signer.kind === 'ed25519') {
    return Buffer.concat([string(signer.type), string(await signMessage(null, body, key))]);
  }
  const hash = EC_HASHES.get(signer.bits) ?? 'sha256';
  const pair = await signMessage(hash, body, { key, dsaEncoding: 'ieee-p1363' });
  const half = pair.length / 2;
  const numbers = Buffer.concat([mpint(pair.subarray(0, half)), mpint(pair.subarray(half))]);
  return Buffer.concat([string(signer.type), string(numbers)]);
}

function unsupported(signer: SshPublicKey): SshFormatError {
  return new SshFormatError(
    `failed to generate signed SSH key: sign error: unsupported signature algorithm for key format "${signer.type}"`,
  );
}

export interface ReadCertificate extends CertificateContent {
  readonly type: string;
  /** The authority's key. */
  readonly authority: Buffer;
}

/** Strings of the key in a certificate, by the beginning of its type: what has to be skipped. */
const KEY_STRINGS: readonly (readonly [string, number])[] = [
  ['ssh-rsa', 2],
  ['ssh-dss', 4],
  ['ssh-ed25519', 1],
  ['ecdsa-', 2],
  ['sk-ssh-ed25519', 2],
  ['sk-ecdsa-', 3],
];

/** What a certificate says; its signature is not checked. @throws {SshFormatError} */
export function readCertificate(line: string): ReadCertificate {
  const reader = new SshReader(Buffer.from(line.trim().split(' ')[1] ?? '', 'base64'));
  const type = reader.text();
  const skipped = KEY_STRINGS.find(([start]) => type.startsWith(start))?.[1];
  if (skipped === undefined || !type.includes('-cert-v01@')) {
    throw new SshFormatError('this is no certificate');
  }
  // The nonce, then the key.
  for (let left = 1 + skipped; left > 0; left--) reader.string();
  const serial = reader.uint64();
  const kind = reader.uint32() === KIND_NUMBER.host ? 'host' : 'user';
  const keyId = reader.text();
  const principals: string[] = [];
  for (const names = new SshReader(reader.string()); !names.ended;) principals.push(names.text());
  const validAfter = Number(reader.uint64());
  const validBefore = Number(reader.uint64());
  const criticalOptions = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  reader.string();
  return {
    type,
    kind,
    serial,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    authority: reader.string(),
  };
}

function readOptions(bytes: Buffer): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const reader = new SshReader(bytes); !reader.ended;) {
    const name = reader.text();
    const value = reader.string();
    found.set(name, value.length === 0 ? '' : new SshReader(value).text());
  }
  return found;
}
