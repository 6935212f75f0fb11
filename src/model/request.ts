/** The one shape that every protocol's request is translated to, and the one shape of its answer. */
import type { JsonObject } from '../base/json.ts';
import type { Outside, Schedule } from './outside.ts';
import type { Evidence } from './evidence.ts';
import type { Retention } from './secret-task.ts';
import type { Task } from './task.ts';
import type { Transaction, Unit } from './transaction.ts';

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

export interface NamespaceRef {
  /** Short random id; the root namespace is `root`. */
  readonly id: string;
  /** `''` for the root namespace, else `a/b/` (no leading slash, one trailing slash). */
  readonly path: string;
}

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

/** Who asks, once the token has been judged. */
export interface Principal {
  /** Storage id of the token (an HMAC), never the token. */
  readonly tokenId: string;
  readonly accessor: string;
  readonly displayName: string;
  readonly entityId: string;
  readonly tokenType: 'service' | 'batch';
  readonly tokenNamespace: NamespaceRef;
  /** Every policy in force, token's and identity's, sorted. */
  readonly policies: readonly string[];
  readonly tokenPolicies: readonly string[];
  readonly identityPolicies: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly isRoot: boolean;
  /** Path of the login or creation that made the token. */
  readonly path: string;
  /** Seconds left, 0 = never expires. */
  readonly ttlSeconds: number;
  /** A policy that only this token has, as text. */
  readonly inlinePolicy?: string;
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

/** A dynamic secret's lease: the core registers it and gives it an id. */
export interface LeaseGrant {
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly renewable: boolean;
  /** Which of the backend's `secrets` renews and revokes it. */
  readonly secretType: string;
  /** What renewal and revocation need to know; stored encrypted with the lease. */
  readonly internal: JsonObject;
}

/** A login that succeeded, or a token to be made: the core turns it into a token. */
export interface AuthGrant {
  readonly displayName: string;
  readonly policies: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly explicitMaxTtlSeconds?: number;
  readonly periodSeconds?: number;
  readonly renewable: boolean;
  readonly numUses?: number;
  readonly tokenType?: 'service' | 'batch' | 'default';
  readonly noDefaultPolicy?: boolean;
  readonly boundCidrs?: readonly string[];
  readonly strictlyBindIp?: boolean;
  /** Who logged in, for identity: name unique within the mount. */
  readonly alias?: { readonly name: string; readonly metadata?: Readonly<Record<string, string>> };
  readonly groupAliases?: readonly string[];
  /** The entity itself, in place of an alias: the login is by a credential of it. */
  readonly entityId?: string;
  /** What the method's renewal needs to know; stored with the token. */
  readonly internal?: JsonObject;
}

/** What a login has to show before it gets a token, as the protocol words it. */
export interface MfaRequirement {
  readonly mfa_request_id: string;
  readonly mfa_constraints: Readonly<Record<string, object>>;
}

/** A login whose first factor was good: all that its token is made of. */
export interface CompletedLogin {
  /** The auth mount that it came in by, and the path of the request. */
  readonly mountAccessor: string;
  readonly path: string;
  readonly grant: AuthGrant;
}

/** A token that was made or renewed, as the caller sees it. */
export interface IssuedAuth {
  /** '' when only the accessor was named. */
  readonly clientToken: string;
  readonly accessor: string;
  readonly policies: readonly string[];
  readonly tokenPolicies: readonly string[];
  readonly identityPolicies: readonly string[];
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly leaseDurationSeconds: number;
  readonly renewable: boolean;
  readonly entityId: string;
  readonly tokenType: 'service' | 'batch';
  readonly orphan: boolean;
  readonly numUses: number;
  /** There is no token yet: this has to be shown first. */
  readonly mfaRequirement?: MfaRequirement;
}

/** A lease that was made or renewed, as the caller sees it. */
export interface IssuedLease {
  readonly id: string;
  readonly renewable: boolean;
  readonly durationSeconds: number;
}

/** A body too large for memory. Whoever holds it reads it to its end or destroys it: either releases what it stands on. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** Undefined for a stream that goes on until somebody ends it (a live log). */
  readonly lengthBytes: number | undefined;
  destroy(): void;
}

export interface RawReply {
  readonly contentType: string;
  readonly body: Buffer | string;
  /** Sent in place of the body. */
  readonly stream?: ByteStream;
}

/** Undefined as a whole, or without anything to show, means: done, nothing to say (204). */
export interface Reply {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly warnings?: readonly string[];
  /** HTTP status in the Vault protocol when it is not the usual one (a deleted version answers 404 with data). */
  readonly status?: number;
  readonly lease?: LeaseGrant;
  readonly auth?: AuthGrant;
  /** A login that waited for its second factor, and has shown it. */
  readonly completedLogin?: CompletedLogin;
  /** A token or lease that the core itself made or renewed (`auth/token/create`, `sys/leases/renew`). */
  readonly issuedAuth?: IssuedAuth;
  readonly issuedLease?: IssuedLease;
  /** The whole answer comes from a wrapping token: this envelope, as it was stored. */
  readonly unwrapped?: string;
  /** The request that waited under this wrapping token is to be made now; its answer is the answer. */
  readonly resume?: { readonly id: string; readonly namespaceId: string };
  /** What the commit scheduled (clean-up after a revocation) is over before the caller gets an answer. */
  readonly settle?: boolean;
  /**
   * Asked after that, with a unit (and an engine's view in it) that sees what came of it; throws when what was asked for has not come about.
   * @throws {RequestError}
   */
  readonly settled?: (unit: Unit, view: Transaction) => Promise<void>;
  /** The answer must be wrapped again with this TTL and creation path (`sys/wrapping/rewrap`). */
  readonly rewrap?: {
    readonly envelope: string;
    readonly ttlSeconds: number;
    readonly creationPath: string;
    readonly raw?: true;
  };
  /** A body that is not JSON of ours (a certificate, metrics text). */
  readonly raw?: RawReply;
  /** The data is the whole body, without the envelope (`sys/health`, `sys/seal-status` …). */
  readonly bare?: boolean;
  /** The data also appears at the top level of the envelope (25 `sys` routes; clients rely on either place). */
  readonly injectTopLevel?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}
