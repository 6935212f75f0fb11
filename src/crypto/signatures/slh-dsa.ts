/**
 * SLH-DSA (FIPS 205) as OpenSSL has it. A signature is tens of thousands of hashes, up to a second of a processor, so keys and signatures
 * wait for a thread of their own queue.
 */
import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { slowWork } from '../../base/slow-work.ts';
import { signMessage, verifyMessage } from './messages.ts';

/** Parameter sets (FIPS 205, table 2): `s` is small and slow, `f` is fast and large. */
export const SLH_DSA_SETS: readonly string[] = ['sha2', 'shake'].flatMap((hash) =>
  ['128s', '128f', '192s', '192f', '256s', '256f'].map((size) => `${hash}-${size}`),
);

const NAME = 'slh-dsa-';
/** Most callers that wait. */
const WAITING_MAX = 256;
const work = slowWork(WAITING_MAX);
const generate = promisify(generateKeyPair);

export function isSlhDsa(key: KeyObject): boolean {
  return key.asymmetricKeyType?.startsWith(NAME) ?? false;
}

/** A new private key. @param set of {@link SLH_DSA_SETS}. @throws {WorkQueueFullError} too many wait */
export async function makeSlhDsaKey(set: string): Promise<KeyObject> {
  return await work.run(async () => (await generate(`${NAME}${set}` as 'ml-dsa-44')).privateKey);
}

/** @throws {WorkQueueFullError} too many wait */
export async function signSlhDsa(key: KeyObject, message: Buffer): Promise<Buffer> {
  return await signMessage(null, message, key, work);
}

/** @throws {WorkQueueFullError} too many wait */
export async function verifySlhDsa(
  key: KeyObject,
  message: Buffer,
  signature: Buffer,
): Promise<boolean> {
  return await verifyMessage(null, message, key, signature, work);
}
