/**
 * Signatures made and checked in another thread. One takes 30 µs (P-256) to some milliseconds (RSA, P-521) of a processor; handing it over
 * takes 5 µs of the thread that serves everybody, and several are made at once where there are several processors.
 */
import { sign, verify } from 'node:crypto';
import type { KeyObject, SignKeyObjectInput } from 'node:crypto';

type Key = KeyObject | SignKeyObjectInput;

/** @param hash OpenSSL's name; null where the key has a way of its own (Ed25519, ML-DSA) */
export function signOnThread(
  hash: string | null | undefined,
  message: Buffer,
  key: Key,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(hash, message, key, (error, signature) => {
      if (error === null) resolve(signature);
      else reject(error);
    });
  });
}

/** @param hash as for {@link signOnThread} */
export function verifyOnThread(
  hash: string | null | undefined,
  message: Buffer,
  key: Key,
  signature: Buffer,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(hash, message, key, signature, (error, valid) => {
      if (error === null) resolve(valid);
      else reject(error);
    });
  });
}
