/**
 * Key sets of issuers, fetched when they are needed and kept for a while. A token with an unknown key leads to another look,
 * but not more often than once in a while: a stream of forged tokens must not become a stream of requests to the issuer.
 */
import type { Clock } from '../base/clock.ts';
import { parseJwks, verifyWithAny } from '../crypto/jws.ts';
import type { Jws, NamedKey } from '../crypto/jws.ts';
import { FetchError } from './fetch-json.ts';
import type { FetchJson, FetchOptions } from './fetch-json.ts';

export interface KeySource {
  readonly kind: 'jwks' | 'discovery';
  readonly url: string;
  /** '' = the system's certificates. */
  readonly caPem: string;
  readonly serverNames?: readonly string[];
  /** Issuers that a discovery document may speak for, when not exactly the one whose URL was asked. */
  readonly issuers?: readonly string[];
}

/** What a discovery document says of its provider (OpenID Connect Discovery 1.0 §3, RFC 8628 §4). */
export interface ProviderMetadata {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly userinfoEndpoint: string;
  readonly deviceEndpoint: string;
  readonly tokenAuthMethods: readonly string[];
}

/** A removed key is accepted for at most as long, while the issuer answers. */
const KEPT_MS = 5 * 60_000;
/** Keys that serve on while the issuer does not answer. */
const STALE_MAX_MS = 60 * 60_000;
/** Between two looks for a key that is not there, and between two at an issuer that does not answer. */
const LOOK_AGAIN_MS = 10_000;
/** Sources kept; beyond that all are fetched anew. */
const SOURCES_MAX = 256;

interface Kept {
  readonly fetchedMs: number;
  readonly keys: readonly NamedKey[];
  readonly metadata: ProviderMetadata | undefined;
}

interface Failure {
  readonly atMs: number;
  readonly error: unknown;
}

export class KeySets {
  readonly #clock: Clock;
  readonly #fetch: FetchJson;
  readonly #kept = new Map<string, Kept>();
  readonly #failed = new Map<string, Failure>();
  readonly #fetching = new Map<string, Promise<Kept>>();

  constructor(clock: Clock, fetch: FetchJson) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  /** Whether a key of the source made the signature. @throws {FetchError} */
  async verify(jws: Jws, source: KeySource): Promise<boolean> {
    const before = this.#kept.get(idOf(source));
    const current = await this.#current(source);
    if (await verifyWithAny(jws, current.keys)) return true;
    const justFetched = current !== before;
    if (justFetched || this.#clock.monotonicMs() - current.fetchedMs < LOOK_AGAIN_MS) return false;
    return await verifyWithAny(jws, (await this.#load(source)).keys);
  }

  /** What the provider says of itself; undefined for a source that is a mere key set. @throws {FetchError} */
  async metadata(source: KeySource): Promise<ProviderMetadata | undefined> {
    return (await this.#current(source)).metadata;
  }

  /** Fetches the keys of a source that is being configured, whatever is known of it. @throws {FetchError} */
  async check(source: KeySource): Promise<void> {
    this.#failed.delete(idOf(source));
    await this.#load(source);
  }

  /** Fresh keys, or older ones as long as fresh ones cannot be had. */
  async #current(source: KeySource): Promise<Kept> {
    const kept = this.#kept.get(idOf(source));
    const ageMs = this.#clock.monotonicMs() - (kept?.fetchedMs ?? 0);
    if (kept !== undefined && ageMs < KEPT_MS) return kept;
    try {
      return await this.#load(source);
    } catch (error) {
      if (kept !== undefined && ageMs < STALE_MAX_MS && error instanceof FetchError) return kept;
      throw error;
    }
  }

  /** Several logins at once wait for the same answer. */
  async #load(source: KeySource): Promise<Kept> {
    const id = idOf(source);
    const pending = this.#fetching.get(id);
    if (pending !== undefined) return await pending;
    const failure = this.#failed.get(id);
    if (failure !== undefined && this.#clock.monotonicMs() - failure.atMs < LOOK_AGAIN_MS)
      throw failure.error;
    const loading = this.#fetchKeys(source).finally(() => this.#fetching.delete(id));
    this.#fetching.set(id, loading);
    try {
      const kept = await loading;
      this.#keep(id, kept);
      return kept;
    } catch (error) {
      if (this.#failed.size >= SOURCES_MAX) this.#failed.clear();
      this.#failed.set(id, { atMs: this.#clock.monotonicMs(), error });
      throw error;
    }
  }

  #keep(id: string, kept: Kept): void {
    if (this.#kept.size >= SOURCES_MAX) this.#kept.clear();
    this.#kept.set(id, kept);
    this.#failed.delete(id);
  }

  async #fetchKeys(source: KeySource): Promise<Kept> {
    const options = fetchOptionsOf(source);
    const metadata =
      source.kind === 'discovery' ? await this.#discover(source, options) : undefined;
    const { status, document } = await this.#fetch(metadata?.jwksUri ?? source.url, options);
    const keys = status === 200 ? parseJwks(document) : undefined;
    if (keys === undefined) throw new FetchError('no key set there');
    return { fetchedMs: this.#clock.monotonicMs(), keys, metadata };
  }

  async #discover(
    { url, issuers = [url] }: KeySource,
    options: FetchOptions,
  ): Promise<ProviderMetadata> {
    const base = url.replace(/\/$/, '');
    const { status, document } = await this.#fetch(
      `${base}/.well-known/openid-configuration`,
      options,
    );
    const metadata = metadataOf((document ?? {}) as Record<string, unknown>);
    if (status !== 200 || metadata.jwksUri === '')
      throw new FetchError('no discovery document there');
    // OpenID Connect Discovery 1.0 §4.3: the document speaks for the issuer that was asked for.
    const plain = (text: string): string => text.replace(/\/$/, '');
    if (!issuers.some((issuer) => plain(issuer) === plain(metadata.issuer)))
      throw new FetchError('the discovery document is another issuer’s');
    return metadata;
  }
}

/** How the servers of a source are reached. */
export function fetchOptionsOf(source: KeySource): FetchOptions {
  return {
    ...(source.caPem === '' ? {} : { caPem: source.caPem }),
    ...(source.serverNames === undefined ? {} : { serverNames: source.serverNames }),
  };
}

function metadataOf(document: Readonly<Record<string, unknown>>): ProviderMetadata {
  const text = (name: string): string => {
    const value = document[name];
    return typeof value === 'string' ? value : '';
  };
  const methods = document['token_endpoint_auth_methods_supported'];
  return {
    issuer: text('issuer'),
    jwksUri: text('jwks_uri'),
    authorizationEndpoint: text('authorization_endpoint'),
    tokenEndpoint: text('token_endpoint'),
    userinfoEndpoint: text('userinfo_endpoint'),
    deviceEndpoint: text('device_authorization_endpoint'),
    tokenAuthMethods: Array.isArray(methods)
      ? methods.filter((each) => typeof each === 'string')
      : [],
  };
}

function idOf(source: KeySource): string {
  return JSON.stringify([
    source.kind,
    source.url,
    source.caPem,
    source.serverNames ?? [],
    source.issuers ?? [],
  ]);
}
