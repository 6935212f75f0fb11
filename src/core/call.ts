/**
 * The door of the core: what a facade hands in (evidence and names, nothing decided) and what it gets back to render.
 */
import type { JsonObject } from '../base/json.ts';
import type { RequestError } from '../model/errors.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Retention } from '../model/tasks/secret-task.ts';
import type { Task } from '../model/tasks/task.ts';
import type { TokenRef } from '../tokens/token-record.ts';
import type { Connection } from '../model/request.ts';
import type { IssuedAuth, IssuedLease, Reply } from '../model/reply.ts';

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

/** The parts of a binding: which of its mounts a path is relative to. '' = none, the namespace itself. */
export type BoundPart = 'secrets' | 'keys' | 'certificates' | 'login' | '';

/** Names what a facade's own world (an AWS account and region, an Azure vault, a Google project) is bound to here. */
export interface BoundPlace {
  /** AWS: the account. Azure: the vault's host, lower case, without port. Google: the project. */
  readonly name: string;
  /** AWS: the region. Google: the location. A binding without region serves all of them. */
  readonly region?: string;
  readonly part: BoundPart;
}

export interface Call {
  readonly protocol: 'vault' | 'aws' | 'azure' | 'gcp';
  readonly operation: CallOperation;
  /** Canonical path without the protocol's own prefix (`/v1/`); may begin with a namespace; list and scan end in '/'. */
  readonly path: string;
  /** Namespace named beside the path (`X-Vault-Namespace`), canonical: `''` or `a/b/`. */
  readonly namespace: string;
  /**
   * In place of `namespace`: the core looks the binding up (`sys/bindings`, or a `binding` block of the configuration), and
   * `path` is relative to the mount that it names. An unknown one is refused with `not_found` and the reason `unbound`.
   */
  readonly bound?: BoundPlace | undefined;
  /** The token as sent, undefined when none was. Judged by the core only. */
  readonly token: string | undefined;
  /** The token came in `Authorization: Bearer` (RFC 6750). */
  readonly bearer?: boolean;
  /** Query parameters, without those that the wire itself consumed (`list`, `help` …). */
  readonly query: Readonly<JsonObject>;
  /**
   * In place of `token`: proof of a credential of an identity. Each credential has one ordinary token, made at its first use
   * and again when that ended; what it may do is what its entity may. Refused with `permission_denied` and one of the
   * reasons of identity/credentials/judge.ts.
   */
  readonly evidence?: Evidence;
  /**
   * The facade could make no request of what was sent (no signature, one that is over): nothing is done but to record that, within
   * limits (core/refused/refusals.ts), and to answer with it.
   */
  readonly refusal?: RequestError;
  /** In place of a token: the wrapping token of a request that waited for approvals, and is made now. */
  readonly resumed?: TokenRef;
  /** What to do with the secret or key that the path names, in place of what the path does for a Vault client. */
  readonly task?: Task;
  /** Set by the core, from the binding. */
  readonly retention?: Retention;
  /** The operation in the protocol's own words (`secretsmanager:GetSecretValue`), for the audit record. */
  readonly action?: string;
  /** A second factor that comes with a login: by id or name of a method, its codes. */
  readonly secondFactor?: ReadonlyMap<string, readonly string[]>;
  /** Parses the body; called once, after rate limits. @throws {RequestError} */
  readonly readBody: () => Promise<Readonly<JsonObject>>;
  /** The body as it comes, in place of {@link readBody}: for paths that take files. */
  readonly upload?: () => AsyncIterable<Uint8Array>;
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

/** Who asked, as far as it is known: for errors that name the caller. */
export interface Caller {
  /** `user/<entity>`, or of temporary credentials `assumed-role/<role>/<session>`. */
  readonly name: string;
  /** Of the token behind it. */
  readonly accessor: string;
  readonly entityId: string;
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
  /** Only of calls that showed {@link Call.evidence}. */
  readonly caller?: Caller;
  /** Extra headers: rate limits, retry-after. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Turns one call into one answer. Never throws. */
export type Handle = (call: Call) => Promise<Answer>;
