/**
 * RSA key pairs. Looking for primes takes a processor tenths of a second, so new keys wait for a thread of their own queue, and
 * sizes that are asked for again and again are made ahead while nobody waits. A key that was made ahead is OpenSSL's alone until
 * it is handed out, once; OpenSSL clears it when it is dropped.
 */
import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { slowWork } from '../../base/slow-work.ts';
import type { SlowWork } from '../../base/slow-work.ts';

/** Exponents are odd and at least this (RFC 8017 §3.1): under 1 every message is its own signature. */
const EXPONENT_MIN = 3n;

/** Whether a public exponent, which the key's owner chose, can be one. */
export function hasSoundExponent(key: KeyObject): boolean {
  const exponent = key.asymmetricKeyDetails?.publicExponent ?? 0n;
  return exponent >= EXPONENT_MIN && exponent % 2n === 1n;
}

/** Most callers that wait for a key. */
const WAITING_MAX = 512;

/** Most keys that lie ready, by size: about two seconds of work each, for the two processors of a small machine. */
const AHEAD_MAX: ReadonlyMap<number, number> = new Map([
  [2048, 64],
  [3072, 16],
  [4096, 4],
]);

interface Shelf {
  readonly keys: KeyObject[];
  readonly max: number;
  /** How often nothing lay here: each time after the first doubles what is made ahead. */
  misses: number;
  isFilling: boolean;
}

export class RsaKeys {
  readonly #shelves = new Map<number, Shelf>();
  readonly #work: SlowWork;
  readonly #generate: (bits: number) => Promise<KeyObject>;

  constructor(work: SlowWork, generate: (bits: number) => Promise<KeyObject>) {
    this.#work = work;
    this.#generate = generate;
  }

  /** A private key that nobody else has or gets. @throws {WorkQueueFullError} too many wait */
  async take(bits: number): Promise<KeyObject> {
    const shelf = this.#shelfOf(bits);
    const ready = shelf?.keys.shift();
    if (shelf !== undefined && ready === undefined) shelf.misses++;
    const make = async (): Promise<KeyObject> => shelf?.keys.shift() ?? this.#generate(bits);
    const key = ready ?? (await this.#work.run(make));
    if (shelf !== undefined) void this.#fill(shelf, bits);
    return key;
  }

  #shelfOf(bits: number): Shelf | undefined {
    const max = AHEAD_MAX.get(bits);
    if (max === undefined) return undefined;
    const found = this.#shelves.get(bits);
    if (found !== undefined) return found;
    const shelf: Shelf = { keys: [], max, misses: 0, isFilling: false };
    this.#shelves.set(bits, shelf);
    return shelf;
  }

  /** One at a time, and only while nobody waits. */
  async #fill(shelf: Shelf, bits: number): Promise<void> {
    if (shelf.isFilling) return;
    shelf.isFilling = true;
    try {
      while (this.#work.isIdle() && shelf.keys.length < wanted(shelf)) {
        const key = await this.#work.run(() => this.#generate(bits));
        shelf.keys.push(key);
      }
    } catch {
      // Whoever asks next meets the error.
    } finally {
      shelf.isFilling = false;
    }
  }
}

function wanted({ misses, max }: Shelf): number {
  return misses < 2 ? 0 : Math.min(max, 2 ** (misses - 1));
}

const generate = promisify(generateKeyPair);

/** The keys of this process: they belong to nobody before they are taken, whatever runs in it. */
const keys = new RsaKeys(
  slowWork(WAITING_MAX),
  async (bits) => (await generate('rsa', { modulusLength: bits })).privateKey,
);

/** A new private key. @param bits of the modulus. @throws {WorkQueueFullError} too many wait for keys */
export async function makeRsaKey(bits: number): Promise<KeyObject> {
  return await keys.take(bits);
}
