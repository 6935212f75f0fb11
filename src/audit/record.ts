/**
 * What an audit record is made of, in the core's own terms. `render.ts` hashes it and writes it in the shape that Vault's
 * audit log has, so that parsers made for Vault read it.
 */
import type { Connection, Operation } from '../model/request.ts';
import type { NamespaceRef, Principal } from '../model/principal.ts';
import type { Reply } from '../model/reply.ts';

export type AuditedProtocol = 'vault' | 'aws' | 'azure' | 'gcp';

export interface GrantingPolicy {
  readonly name: string;
  readonly namespaceId: string;
  readonly namespacePath?: string | undefined;
  readonly type: string;
}

/** How the decision came about. */
export interface PolicyResults {
  readonly allowed: boolean;
  readonly grantingPolicies?: readonly GrantingPolicy[] | undefined;
  /** Why it was refused, in a few fixed words; never a submitted value. */
  readonly deniedBy?: string | undefined;
  /** Names of entities whose approval the request needed and has. */
  readonly approvedBy?: readonly string[] | undefined;
  /** Id of the exception by which somebody got at another environment than its own. */
  readonly environmentException?: string | undefined;
}

/** The mount that serves the request, with the keys that its settings exempt from hashing. */
export interface AuditedMount {
  /** Below its namespace, with a trailing slash: `secret/`, `auth/token/`. */
  readonly path: string;
  readonly type: string;
  readonly accessor: string;
  /** `audit_non_hmac_request_keys` of the mount. */
  readonly clearRequestKeys?: readonly string[] | undefined;
  /** `audit_non_hmac_response_keys` of the mount. */
  readonly clearResponseKeys?: readonly string[] | undefined;
}

/**
 * One request. Hand the same object to `request` and, inside the {@link ReplyEntry}, to `reply`: what was rendered once is
 * used again.
 */
export interface RequestEntry {
  readonly id: string;
  readonly protocol: AuditedProtocol;
  /** The operation in the protocol's own words: `secretsmanager:GetSecretValue`. */
  readonly action?: string | undefined;
  /** What the protocol of another cloud calls the place and the caller. */
  readonly binding?: AuditedBinding | undefined;
  readonly operation: Operation;
  readonly namespace: NamespaceRef;
  /** Canonical path below the namespace, the mount included. */
  readonly path: string;
  readonly mount?: AuditedMount | undefined;
  /** As the caller sent it; undefined when none was sent. */
  readonly token?: string | undefined;
  /** Undefined when nobody was authenticated. */
  readonly principal?: Principal | undefined;
  readonly policyResults?: PolicyResults | undefined;
  /** Uses that a limited token has left. */
  readonly remainingUses?: number | undefined;
  /** When the token was made, milliseconds since the epoch. */
  readonly tokenIssuedAtMs?: number | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly connection?: Connection | undefined;
  /** Decimal serial number of the verified client certificate. */
  readonly clientCertificateSerialNumber?: string | undefined;
  /** All request headers, lower-cased, credentials removed; only the configured ones are recorded. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly wrapTtlSeconds?: number | undefined;
  /** Refusals of callers who had proved nothing that were left out of the log since the last one that was not. */
  readonly refusalsNotRecorded?: number | undefined;
  /** Why it is refused, when that is known before the handler runs. */
  readonly error?: Error | undefined;
  /** The broker's own: what it has rendered of this request already. Leave it out. */
  rendered?: RenderedPart[] | undefined;
}

export interface AuditedBinding {
  /** Account, host name of a vault, or project. */
  readonly name: string;
  readonly region?: string | undefined;
  /** `user/ann`, `assumed-role/app/session`; undefined as long as nobody was authenticated. */
  readonly caller?: string | undefined;
}

export interface RenderedPart {
  /** Who rendered it: another device renders anew. */
  readonly by: object;
  readonly text: string;
}

/** The token that a login or token creation made. */
export interface AuditedAuth {
  readonly clientToken: string;
  readonly accessor: string;
  readonly displayName?: string | undefined;
  readonly policies: readonly string[];
  readonly tokenPolicies: readonly string[];
  readonly identityPolicies: readonly string[];
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly leaseDurationSeconds: number;
  readonly entityId: string;
  readonly tokenType: 'service' | 'batch';
  readonly numUses: number;
}

export interface AuditedWrap {
  readonly token: string;
  readonly accessor: string;
  readonly ttlSeconds: number;
  /** RFC 3339. */
  readonly creationTime: string;
  readonly creationPath: string;
  readonly wrappedAccessor?: string | undefined;
}

/** What the caller is about to get. For a wrapped reply, hand in the reply that is inside as well: it is hashed anyway. */
export interface ReplyEntry {
  readonly request: RequestEntry;
  readonly reply?: Reply | undefined;
  readonly lease?: { readonly id: string } | undefined;
  readonly auth?: AuditedAuth | undefined;
  readonly wrap?: AuditedWrap | undefined;
  readonly error?: Error | undefined;
  /** Why a login was refused, which its caller is not told: in fixed words, never a submitted value. */
  readonly reason?: string | undefined;
}

/** What an administrator configured per header name (lower case): recorded hashed, or in clear. */
export type AuditedHeaders = ReadonlyMap<string, { readonly hmac: boolean }>;

/** How one device wants its records. Each device has its own: one that records in clear never affects another (SEC-52). */
export interface RecordOptions {
  /** Nothing is hashed. */
  readonly logRaw: boolean;
  /** Accessors are hashed too. */
  readonly hmacAccessor: boolean;
  /** Replies to list requests carry the number of keys in place of the keys. */
  readonly elideListResponses: boolean;
}

export const RECORD_OPTIONS_DEFAULT: RecordOptions = {
  logRaw: false,
  hmacAccessor: true,
  elideListResponses: false,
};
