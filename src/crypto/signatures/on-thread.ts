/**
 * Signatures made and checked in another thread. One takes 30 µs (P-256) to some milliseconds (RSA, P-521) of a processor; handing it over
 * takes 5 µs of the thread that serves everybody, and several are made at once where there are several processors.
 */
import { sign, verify } from 'node:crypto';
import type { KeyObject, SignKeyObjectInput } from 'node:crypto';
import { shortWork } from '../../base/slow-work.ts';
import type { SlowWork } from '../../base/slow-work.ts';

type Key = KeyObject | SignKeyObjectInput;

/**
 * @param hash OpenSSL's name; null where the key has a way of its own (Ed25519, ML-DSA)
 * @param work the queue that it waits in; another one for keys whose signatures take longer than some milliseconds
 */
export function signOnThread(
  hash: string | null | undefined,
  message: Buffer,
  key: Key,
  work: SlowWork = shortWork(),
): Promise<Buffer> {
  return work.run(
    () =>
      new Promise((resolve, reject) => {
        sign(hash, message, key, (error, signature) => {
          if (error === null) resolve(signature);
          else reject(error);
        });
      }),
  );
}

/** As {@link signOnThread}. */
export function verifyOnThread(
  hash: string | null | undefined,
  message: Buffer,
  key: Key,
  signature: Buffer,
  work: SlowWork = shortWork(),
): Promise<boolean> {
  return work.run(
    () =>
      new Promise((resolve, reject) => {
        verify(hash, message, key, signature, (error, valid) => {
          if (error === null) resolve(valid);
          else reject(error);
        });
      }),
  );
}
