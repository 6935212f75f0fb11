/**
 * Records that live for minutes (authorization codes, logins that wait for a second factor). They lie under the minute in which
 * they end, so that those that nobody came back for are found and removed without looking at the others.
 */
import { isJsonObject, parseJson } from '../base/json.ts';
import type { Transaction } from './transaction.ts';

const MINUTE_MS = 60_000;
const MINUTE_DIGITS = 10;
/** Minutes, and records in each of them, that one write removes. */
const SWEPT_MINUTES = 2;
const SWEPT_RECORDS = 64;

interface Kept {
  readonly untilMs: number;
  readonly value: unknown;
}

export class ShortLived<T> {
  readonly #view: Transaction;
  readonly #prefix: string;
  readonly #ttlMs: number;

  /** `prefix` ends in '/'; ids are safe as parts of a key (hex, base62). */
  constructor(view: Transaction, prefix: string, ttlSeconds: number) {
    this.#view = view;
    this.#prefix = prefix;
    this.#ttlMs = ttlSeconds * 1000;
  }

  async put(id: string, value: T, nowMs: number): Promise<void> {
    const untilMs = nowMs + this.#ttlMs;
    const kept: Kept = { untilMs, value };
    this.#view.putJson(this.#folder(untilMs) + id, kept);
    await this.#sweep(nowMs);
  }

  /** Undefined when it never was, is over or was removed. */
  async get(id: string, nowMs: number): Promise<T | undefined> {
    return (await this.#find(id, nowMs))?.value;
  }

  /** As {@link get}; nobody gets it again. */
  async take(id: string, nowMs: number): Promise<T | undefined> {
    const found = await this.#find(id, nowMs);
    if (found !== undefined) this.#view.delete(found.key);
    return found?.value;
  }

  async #find(id: string, nowMs: number): Promise<{ key: string; value: T } | undefined> {
    const keys: string[] = [];
    for (let ms = nowMs; minuteOf(ms) <= minuteOf(nowMs + this.#ttlMs); ms += MINUTE_MS)
      keys.push(this.#folder(ms) + id);
    const texts = await this.#view.getMany(keys);
    for (const [index, text] of texts.entries()) {
      const key = keys[index];
      if (text === undefined || key === undefined) continue;
      const kept = parseJson(text.toString());
      if (!isJsonObject(kept)) continue;
      const { untilMs, value } = kept as unknown as Kept;
      return nowMs < untilMs ? { key, value: value as T } : undefined;
    }
    return undefined;
  }

  #folder(untilMs: number): string {
    return `${this.#prefix}${String(minuteOf(untilMs)).padStart(MINUTE_DIGITS, '0')}/`;
  }

  async #sweep(nowMs: number): Promise<void> {
    const now = this.#folder(nowMs);
    for (const minute of await this.#view.list(this.#prefix, { limit: SWEPT_MINUTES })) {
      const folder = this.#prefix + minute;
      if (folder >= now) return;
      for (const id of await this.#view.list(folder, { limit: SWEPT_RECORDS }))
        this.#view.delete(folder + id);
    }
  }
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}
