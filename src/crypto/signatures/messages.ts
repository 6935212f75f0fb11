/**
 * Signatures of messages. One by a large key takes up to some milliseconds of a processor (RSA, P-384, P-521) and is made in another thread,
 * so that nobody else waits for it. The quick ones (P-256, Ed25519; with RSA to verify) take 25 to 80 µs: less than handing them over,
 * which wakes a thread of the pool and this one again.
 */
import { KeyObject, sign, verify } from 'node:crypto';
import type { SignKeyObjectInput } from 'node:crypto';
import { promisify } from 'node:util';
import { shortWork } from '../../base/slow-work.ts';
import type { SlowWork } from '../../base/slow-work.ts';

type Key = KeyObject | SignKeyObjectInput;

const QUICK_CURVE = 'prime256v1';
const QUICK_TO_SIGN = ['ed25519'];
const QUICK_TO_VERIFY = ['ed25519', 'rsa'];

const signInPool = promisify(sign);
const verifyInPool = promisify(verify);

function isQuick(key: Key, quickTypes: readonly string[]): boolean {
  const own = key instanceof KeyObject ? key : key.key;
  const { asymmetricKeyType: type = '' } = own;
  return quickTypes.includes(type) || own.asymmetricKeyDetails?.namedCurve === QUICK_CURVE;
}

/**
 * @param hash OpenSSL's name; null where the key has a way of its own (Ed25519, ML-DSA)
 * @param work the queue that it waits in; another one for keys whose signatures take longer than some milliseconds
 */
export async function signMessage(
  hash: string | null | undefined,
  message: Buffer,
  key: Key,
  work: SlowWork = shortWork(),
): Promise<Buffer> {
  if (isQuick(key, QUICK_TO_SIGN)) return sign(hash, message, key);
  return await work.run(() => signInPool(hash, message, key));
}

/** As {@link signMessage}. */
export async function verifyMessage(
  hash: string | null | undefined,
  message: Buffer,
  key: Key,
  signature: Buffer,
  work: SlowWork = shortWork(),
): Promise<boolean> {
  if (isQuick(key, QUICK_TO_VERIFY)) return verify(hash, message, key, signature);
  return await work.run(() => verifyInPool(hash, message, key, signature));
}
