/** Where every choice of a simulated run comes from: a stream of numbers that its seed repeats (sfc32, Chris Doty-Humphrey). */
import type { Random } from '../../../src/base/random.ts';

/** Rounds that mix the seed before the first number is used. */
const WARM_UP_ROUNDS = 12;

export class Chance implements Random {
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  /** @param stream tells apart the streams of one seed: what one part draws does not change what another gets. */
  constructor(seed: number, stream: string) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = hashOf(stream);
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.#next();
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.#next() / 2 ** 32;
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return probability > 0 && this.unit() < probability;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  /** Mostly near `typical`, sometimes many times that: how long things take. */
  delayMs(typical: number): number {
    return typical * (0.2 + -Math.log(1 - this.unit()));
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  bytes(length: number): Buffer {
    const words = new Int32Array(Math.ceil(length / 4));
    for (let index = 0; index < words.length; index++) words[index] = this.#next();
    return Buffer.from(words.buffer, 0, length);
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
