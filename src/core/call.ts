/**
 * The door of the core: what a facade hands in (evidence and names, nothing decided) and what it gets back to render.
 */
import type { JsonObject } from '../base/json.ts';
import type { RequestError } from '../model/errors.ts';
import type { Connection, IssuedAuth, IssuedLease, Reply } from '../model/request.ts';

/** What the wire asked for; the core tells `create` from `update` itself. */
export type CallOperation =
  | 'read'
  | 'write'
  | 'patch'
  | 'delete'
  | 'list'
  | 'scan'
  | 'header'
  | 'help';

export interface Call {
  readonly protocol: 'vault' | 'aws' | 'azure' | 'gcp';
  readonly operation: CallOperation;
  /** Canonical path without the protocol's own prefix (`/v1/`); may begin with a namespace; list and scan end in '/'. */
  readonly path: string;
  /** Namespace named beside the path (`X-Vault-Namespace`), canonical: `''` or `a/b/`. */
  readonly namespace: string;
  /** The token as sent, undefined when none was. Judged by the core only. */
  readonly token: string | undefined;
  /** The token came in `Authorization: Bearer` (RFC 6750). */
  readonly bearer?: boolean;
  /** Query parameters, without those that the wire itself consumed (`list`, `help` …). */
  readonly query: Readonly<JsonObject>;
  /** Parses the body; called once, after rate limits. @throws {RequestError} */
  readonly readBody: () => Promise<Readonly<JsonObject>>;
  /** Requested wrapping TTL in seconds; 0 = none. */
  readonly wrapTtlSeconds: number;
  readonly wrapFormat: '' | 'jwt';
  readonly connection: Connection;
  /** All request headers, lower-cased, credentials removed; several values joined with ', '. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the caller went away or the request's time is over. */
  readonly signal?: AbortSignal;
}

export interface WrapInfo {
  readonly token: string;
  readonly accessor: string;
  readonly ttlSeconds: number;
  /** RFC 3339 with nanoseconds. */
  readonly creationTime: string;
  readonly creationPath: string;
  /** Accessor of the token inside, when a login or token creation was wrapped. */
  readonly wrappedAccessor?: string;
}

export interface Answer {
  readonly requestId: string;
  /** Path of the namespace that served the request, for the `X-Vault-Namespace` echo. */
  readonly namespacePath: string;
  /** Set instead of everything below when the request failed. */
  readonly error?: RequestError;
  /** Undefined without error: done, nothing to say. */
  readonly reply?: Reply;
  readonly lease?: IssuedLease;
  readonly auth?: IssuedAuth;
  readonly wrap?: WrapInfo;
  /** Extra headers: rate limits, retry-after. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Turns one call into one answer. Never throws. */
export type Handle = (call: Call) => Promise<Answer>;
