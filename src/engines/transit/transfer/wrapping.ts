/**
 * Keys on their way in and out: an AES-256 key under RSA-OAEP, then the key itself under AES key wrap with padding (PKCS #11's
 * CKM_RSA_AES_KEY_WRAP). The mount's own RSA-4096 wrapping key is made when it is first asked for.
 */
import { constants, createPrivateKey, createPublicKey, publicEncrypt } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../../base/random.ts';
import { unwrapKey, wrapKey } from '../../../crypto/key-wrap.ts';
import { makeRsaKey } from '../../../crypto/rsa/keys.ts';
import { wipe } from '../../../crypto/secret-bytes.ts';
import { AuthenticationError } from '../../../crypto/xaes.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { rsaDecrypt } from '../../../crypto/jwa.ts';
import { refused } from '../failures.ts';

const WRAPPING_KEY = 'wrapping-key';
const WRAPPING_KEY_BITS = 4096;
const WRAPPED_BYTES = WRAPPING_KEY_BITS / 8;
const EPHEMERAL_BYTES = 32;

/** Hashes that OAEP may use: names of the API, of WebCrypto and of OpenSSL. */
const OAEP_HASHES: ReadonlyMap<string, { readonly web: string; readonly openssl: string }> =
  new Map([
    ['SHA1', { web: 'SHA-1', openssl: 'sha1' }],
    ['SHA256', { web: 'SHA-256', openssl: 'sha256' }],
    ['SHA384', { web: 'SHA-384', openssl: 'sha384' }],
    ['SHA512', { web: 'SHA-512', openssl: 'sha512' }],
  ]);

function hashOf(name: string): { readonly web: string; readonly openssl: string } {
  const hash = OAEP_HASHES.get(name.toUpperCase());
  if (hash === undefined) {
    throw invalidRequest(
      `unknown hash function; supported are ${[...OAEP_HASHES.keys()].join(', ')}`,
    );
  }
  return hash;
}

async function wrappingKey(store: Transaction): Promise<KeyObject> {
  const stored = await store.get(WRAPPING_KEY);
  if (stored !== undefined) {
    const key = createPrivateKey({ key: stored, format: 'der', type: 'pkcs8' });
    wipe(stored);
    return key;
  }
  const privateKey = await makeRsaKey(WRAPPING_KEY_BITS);
  store.put(WRAPPING_KEY, privateKey.export({ format: 'der', type: 'pkcs8' }));
  return privateKey;
}

/** PEM of the public half. */
export async function wrappingPublicKey(store: Transaction): Promise<string> {
  return createPublicKey(await wrappingKey(store)).export({ format: 'pem', type: 'spki' });
}

/** The key in `blob`; the caller wipes it. @throws {RequestError} */
export async function unwrapImported(
  store: Transaction,
  blob: Buffer,
  hashName: string,
): Promise<Buffer> {
  const hash = hashOf(hashName);
  if (blob.length <= WRAPPED_BYTES) throw refused('provided ciphertext is too short');
  const key = await wrappingKey(store);
  let ephemeral: Buffer;
  try {
    ephemeral = await rsaDecrypt(key, blob.subarray(0, WRAPPED_BYTES), hash.web);
  } catch {
    throw refused('the ephemeral key was not wrapped with this wrapping key and hash function');
  }
  try {
    if (ephemeral.length !== EPHEMERAL_BYTES) {
      throw refused('expected ephemeral AES key to be 256-bit');
    }
    return unwrapKey(ephemeral, blob.subarray(WRAPPED_BYTES));
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    throw refused('the key was not wrapped with the ephemeral key');
  } finally {
    wipe(ephemeral);
  }
}

/** `secret` for the owner of `publicKey`, in base64: what an import there takes. @throws {RequestError} */
export function wrapForExport(
  publicKey: KeyObject,
  secret: Buffer,
  hashName: string,
  random: Random,
): string {
  const { openssl } = hashOf(hashName);
  const ephemeral = random.bytes(EPHEMERAL_BYTES);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const wrapped = publicEncrypt({ key: publicKey, padding, oaepHash: openssl }, ephemeral);
  const blob = Buffer.concat([wrapped, wrapKey(ephemeral, secret)]);
  wipe(ephemeral);
  return blob.toString('base64');
}
