/**
 * Key sets of issuers, fetched when they are needed and kept for a while. A token with an unknown key leads to another look,
 * but not more often than once in a while: a stream of forged tokens must not become a stream of requests to the issuer.
 */
import type { Clock } from '../../base/clock.ts';
import { parseJwks, verifyWithAny } from '../../crypto/jws.ts';
import type { Jws, NamedKey } from '../../crypto/jws.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchJson } from '../fetch-json.ts';

export interface KeySource {
  readonly kind: 'jwks' | 'discovery';
  readonly url: string;
  /** '' = the system's certificates. */
  readonly caPem: string;
}

/** A removed key is accepted for at most as long. */
const KEPT_MS = 5 * 60_000;
/** Between two looks for a key that is not there. */
const LOOK_AGAIN_MS = 10_000;
/** Sources kept; beyond that all are fetched anew. */
const SOURCES_MAX = 256;

interface Kept {
  readonly fetchedMs: number;
  readonly keys: readonly NamedKey[];
}

export class KeySets {
  readonly #clock: Clock;
  readonly #fetch: FetchJson;
  readonly #kept = new Map<string, Kept>();
  readonly #fetching = new Map<string, Promise<Kept>>();

  constructor(clock: Clock, fetch: FetchJson) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  /** Whether a key of the source made the signature. @throws {FetchError} */
  async verify(jws: Jws, source: KeySource): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs();
    const kept = this.#kept.get(idOf(source));
    const fresh = kept !== undefined && nowMs - kept.fetchedMs < KEPT_MS;
    const current = fresh ? kept : await this.#load(source);
    if (verifyWithAny(jws, current.keys)) return true;
    if (!fresh || nowMs - current.fetchedMs < LOOK_AGAIN_MS) return false;
    return verifyWithAny(jws, (await this.#load(source)).keys);
  }

  /** Fetches the keys of a source that is being configured. @throws {FetchError} */
  async check(source: KeySource): Promise<void> {
    await this.#load(source);
  }

  /** Several logins at once wait for the same answer. */
  async #load(source: KeySource): Promise<Kept> {
    const id = idOf(source);
    const pending = this.#fetching.get(id);
    if (pending !== undefined) return await pending;
    const loading = this.#fetchKeys(source).finally(() => this.#fetching.delete(id));
    this.#fetching.set(id, loading);
    const kept = await loading;
    if (this.#kept.size >= SOURCES_MAX) this.#kept.clear();
    this.#kept.set(id, kept);
    return kept;
  }

  async #fetchKeys(source: KeySource): Promise<Kept> {
    const options = source.caPem === '' ? {} : { caPem: source.caPem };
    let { url } = source;
    if (source.kind === 'discovery') {
      const base = url.replace(/\/$/, '');
      const { status, document } = await this.#fetch(
        `${base}/.well-known/openid-configuration`,
        options,
      );
      const { issuer, jwks_uri: keys } = (document ?? {}) as {
        issuer?: unknown;
        jwks_uri?: unknown;
      };
      if (status !== 200 || typeof keys !== 'string')
        throw new FetchError('no discovery document there');
      // OpenID Connect Discovery 1.0 §4.3: the document speaks for the issuer that was asked for.
      if (typeof issuer !== 'string' || issuer.replace(/\/$/, '') !== base)
        throw new FetchError('the discovery document is another issuer’s');
      url = keys;
    }
    const { status, document } = await this.#fetch(url, options);
    const keys = status === 200 ? parseJwks(document) : undefined;
    if (keys === undefined) throw new FetchError('no key set there');
    return { fetchedMs: this.#clock.monotonicMs(), keys };
  }
}

function idOf(source: KeySource): string {
  return JSON.stringify([source.kind, source.url, source.caPem]);
}
