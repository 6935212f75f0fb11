/** Ed25519 (RFC 8032) by raw keys: 32-byte seeds and public keys. */
import { createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** DER of an Ed25519 SubjectPublicKeyInfo and PKCS #8 key up to the key itself (RFC 8410 §4, §7). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const KEY_BYTES = 32;

export interface Ed25519Signer {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  sign(message: Buffer): Buffer;
}

/** From a 32-byte seed (RFC 8032 §5.1.5), which the caller may zero afterwards. */
export function ed25519Signer(seed: Uint8Array): Ed25519Signer {
  if (seed.length !== KEY_BYTES) throw new RangeError('an Ed25519 seed has 32 bytes');
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return {
    publicKey: rawPublicKey(createPublicKey(privateKey)),
    sign: (message) => sign(null, message, privateKey),
  };
}

/** The 32 bytes of a public key. */
export function rawPublicKey(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  return Buffer.from(spki.subarray(SPKI_PREFIX.length));
}

/** Makes a verifier of one public key; importing a key costs more than a verification. */
export function ed25519Verifier(
  publicKey: Uint8Array,
): (message: Uint8Array, signature: Uint8Array) => boolean {
  const der = Buffer.concat([SPKI_PREFIX, publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return (message, signature) => verify(null, message, key, signature);
}

/** Short name of a public key: the first 16 hexadecimal digits of its SHA-256. */
export function keyId(publicKey: Uint8Array): string {
  return hash('sha256', publicKey, 'hex').slice(0, 16);
}

/** The public key that base64 text stands for; undefined unless it is 32 bytes in canonical form. */
export function parsePublicKey(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === KEY_BYTES && bytes.toString('base64') === text ? bytes : undefined;
}
