/** The server that an import reads. It is not trusted: its answers have a size, its lists a length, its redirects lead nowhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../../client/client.ts';
import { isJsonObject } from '../../../../client/json.ts';
import type { JsonObject } from '../../../../client/json.ts';
import { faultOfPath } from '../names.ts';

/** Largest answer, in bytes: a list of a million names fits. */
export const SOURCE_ANSWER_BYTES_MAX: number = 64 * 1024 * 1024;
/** Names that one import may meet in one place. */
export const SOURCE_NAMES_MAX = 1_000_000;

/** Spreads requests: no two begin closer together than the rate allows. */
export class Pace {
  readonly #gapMs: number;
  #nextMs = -Infinity;

  /** @param perSecond requests; 0 = no limit */
  constructor(perSecond: number) {
    this.#gapMs = perSecond > 0 ? 1_000 / perSecond : 0;
  }

  async turn(): Promise<void> {
    if (this.#gapMs === 0) return;
    const nowMs = performance.now();
    const startMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = startMs + this.#gapMs;
    if (startMs > nowMs) await sleep(startMs - nowMs);
  }
}

/** A name of a list that could lead elsewhere. */
export interface BadName {
  readonly name: string;
  readonly fault: string;
}

export class Source {
  readonly #client: Client;
  readonly #pace: Pace;

  constructor(client: Client, pace: Pace) {
    this.#client = client;
    this.#pace = pace;
  }

  get address(): string {
    return this.#client.address;
  }

  /** The same server in one of its namespaces. @param path `''` or `a/b/`, below the client's own */
  in(path: string): Source {
    if (path === '') return this;
    const own = this.#client.namespace;
    const namespace = own === '' || own.endsWith('/') ? own + path : `${own}/${path}`;
    return new Source(this.#client.with({ namespace }), this.#pace);
  }

  /** The data of an answer; undefined when nothing is there. @throws {ApiError | ConnectionError} */
  async read(
    path: string,
    query?: Readonly<Record<string, string>>,
  ): Promise<JsonObject | undefined> {
    await this.#pace.turn();
    return (await this.#client.read(path, query))?.data;
  }

  /** Names below `path`, folders with a slash at their end; those that cannot be names here go to `onBad`. */
  async list(path: string, onBad: (bad: BadName) => void): Promise<string[]> {
    const data = await this.read(path, { list: 'true' });
    const keys = data?.['keys'];
    if (!Array.isArray(keys)) return [];
    if (keys.length > SOURCE_NAMES_MAX)
      throw new Error(`the list has more than ${SOURCE_NAMES_MAX} names`);
    const names = new Set<string>();
    for (const key of keys) {
      if (typeof key !== 'string') continue;
      const bare = key.endsWith('/') ? key.slice(0, -1) : key;
      const fault = bare.includes('/') ? 'it has a slash inside' : faultOfPath(bare);
      if (fault === undefined) names.add(key);
      else onBad({ name: key, fault });
    }
    return [...names];
  }

  /** As {@link list}, where names may have slashes inside (policies, mounts). */
  async object(path: string): Promise<JsonObject | undefined> {
    const data = await this.read(path);
    const inner = data?.['data'];
    // Some answers repeat themselves below `data`.
    return isJsonObject(inner) ? inner : data;
  }

  close(): void {
    this.#client.close();
  }
}
