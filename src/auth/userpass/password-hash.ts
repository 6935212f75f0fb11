/** Passwords are stored as Argon2id hashes (RFC 9106), computed on the thread pool, away from the event loop. */
import { argon2, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import { slowWork } from '../../base/slow-work.ts';

/**
 * Costs of a new hash: 12 MiB, three passes, one lane, which OWASP's password storage guidance lists as sufficient and which
 * takes about 30 ms of one core. A stored hash names the costs that it was made with, so they can be raised later.
 */
const MEMORY_KIB = 12_288;
const PASSES = 3;
const PARALLELISM = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** Logins that wait for a thread; whoever comes later is turned away instead of waiting for ever. */
const WAITING_MAX = 512;

export interface PasswordHash {
  readonly algorithm: 'argon2id';
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
  /** Base64. */
  readonly salt: string;
  readonly tag: string;
}

const hashing = slowWork(WAITING_MAX);

async function derive(
  password: string,
  costs: Omit<PasswordHash, 'algorithm' | 'tag'>,
  tagBytes: number,
): Promise<Buffer> {
  return await hashing.run(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        argon2(
          'argon2id',
          {
            message: Buffer.from(password),
            nonce: Buffer.from(costs.salt, 'base64'),
            parallelism: costs.parallelism,
            tagLength: tagBytes,
            memory: costs.memoryKib,
            passes: costs.passes,
          },
          (error, tag) => (error === null ? resolve(tag) : reject(error)),
        );
      }),
  );
}

/** @throws {WorkQueueFullError} */
export async function hashPassword(password: string, random: Random): Promise<PasswordHash> {
  const costs = {
    memoryKib: MEMORY_KIB,
    passes: PASSES,
    parallelism: PARALLELISM,
    salt: random.bytes(SALT_BYTES).toString('base64'),
  };
  const tag = await derive(password, costs, TAG_BYTES);
  return { algorithm: 'argon2id', ...costs, tag: tag.toString('base64') };
}

/** What an unknown user's password is compared with, so that it takes as long as a known one's (CVE-2025-6011). */
export const DUMMY_HASH: PasswordHash = {
  algorithm: 'argon2id',
  memoryKib: MEMORY_KIB,
  passes: PASSES,
  parallelism: PARALLELISM,
  salt: Buffer.alloc(SALT_BYTES).toString('base64'),
  tag: Buffer.alloc(TAG_BYTES).toString('base64'),
};

/** Whether a password is the one that was hashed. @throws {WorkQueueFullError} */
export async function verifyPassword(password: string, hash: PasswordHash): Promise<boolean> {
  const expected = Buffer.from(hash.tag, 'base64');
  const tag = await derive(password, hash, expected.length);
  return timingSafeEqual(tag, expected);
}
