/** The one shape of an answer, whatever protocol it goes out by: data, a lease, a token, or bytes. */
import type { JsonObject } from '../base/json.ts';
import type { Transaction, Unit } from './transaction.ts';

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
   * @returns another reply in place of this one, or undefined
   * @throws {RequestError}
   */
  readonly settled?: (unit: Unit, view: Transaction) => Promise<Reply | undefined>;
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
