/** The one shape that every protocol's request is translated to. */
import type { JsonObject } from '../base/json.ts';
import type { Outside, Schedule } from './outside.ts';
import type { Evidence } from './evidence.ts';
import type { Retention } from './tasks/secret-task.ts';
import type { Task } from './tasks/task.ts';
import type { Transaction } from './transaction.ts';
import type { NamespaceRef, Principal } from './principal.ts';

/** What a caller asks for. `create` and `update` are told apart by the path's existence check. */
export type Operation =
  | 'create'
  | 'read'
  | 'update'
  | 'patch'
  | 'delete'
  | 'list'
  | 'scan'
  | 'header'
  | 'help'
  | 'renew'
  | 'revoke';

export interface MountRef {
  /** Below its namespace, with a trailing slash: `secret/`, `auth/token/`. */
  readonly path: string;
  readonly type: string;
  readonly accessor: string;
  readonly uuid: string;
  readonly options: Readonly<Record<string, string>> | null;
  /** Effective lease bounds of the mount, in seconds. */
  readonly defaultLeaseTtlSeconds: number;
  readonly maxLeaseTtlSeconds: number;
  /** Settings of the mount that a backend may care about (`token_type` …), as stored. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** DER of the client's certificate chain, leaf first, when TLS asked for one and the caller sent one. */
  readonly clientCertificates: readonly Buffer[];
  /** `unix:` listeners have no address. */
  readonly local: boolean;
}

/** The data of a mount at an earlier time. */
export interface Past {
  /** What is written there is never stored. */
  readonly store: Transaction;
  /** When the snapshot was made, in milliseconds since the epoch; of the mount as it is, the time of the request. */
  readonly atMs: number;
}

/**
 * The request's mount as a loaded snapshot has it; with '' as it is now. The caller must be allowed to read the path, whatever he
 * asks for.
 * @throws {RequestError} permission_denied, not_found
 */
export type Recall = (snapshotId: string) => Promise<Past>;

export interface Request<V = Readonly<Record<string, unknown>>> {
  /** UUID, also the `request_id` of the answer and of the audit records. */
  readonly id: string;
  readonly operation: Operation;
  readonly namespace: NamespaceRef;
  readonly mount: MountRef;
  /** Canonical path below the mount. */
  readonly path: string;
  /** Parameters of the path, the query and the body, checked against the declaration. */
  readonly fields: V;
  /** Body or query as it came. */
  readonly data: Readonly<JsonObject>;
  /** Who asks; undefined on unauthenticated paths without a valid token. */
  readonly principal: Principal | undefined;
  readonly connection: Connection;
  /** Headers that the mount's `passthrough_request_headers` name, lower-cased; never a credential. */
  readonly headers: Readonly<Record<string, string>>;
  /** The one "now" of this request, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Requested wrapping TTL in seconds, 0 = not wrapped. */
  readonly wrapTtlSeconds: number;
  /** The caller holds `sudo` on this path (or is root). */
  readonly sudo: boolean;
  /** Brackets acts outside the store; only for operations that declare `outsideEffects`. */
  readonly outside: Outside;
  /** Puts a task of this backend on the calendar, in the commit of this request. */
  readonly schedule: Schedule;
  /** The token as sent; only parts of the core get it, never an engine or auth method. */
  readonly clientToken?: string;
  /** Environments that the caller is bound to: what it makes is bound as well. */
  readonly environments?: readonly string[];
  /** It came in `Authorization: Bearer`. */
  readonly bearer?: boolean;
  /** An `Authorization` header that holds no token (Basic credentials); parts of the core get it, on paths without a token. */
  readonly authorization?: string;
  /** What was shown in place of a token; as {@link clientToken}. */
  readonly evidence?: Evidence;
  /** Whom the evidence stands for, as its protocol names it: `user/ann`. */
  readonly callerName?: string;
  /** Of the binding that led here. */
  readonly retention?: Retention;
  /** Set when the query asks for the past: {@link Past}. */
  readonly recall?: Recall;
  /** The body as it comes, unread: only paths that declare `takesUpload` get one. */
  readonly upload?: AsyncIterable<Uint8Array>;
  /** What a facade wants done with the secret or key that the path names; only paths that take tasks get one. */
  readonly task?: Task;
}
