/** What the steps of the pipeline work with. */
import type { Awaitable } from '../base/awaitable.ts';
import type { World } from '../base/world.ts';
import type { CredentialRecord, JudgedCredential } from '../identity/credentials/record.ts';
import type { RequestError } from '../model/errors.ts';
import type { ExpiryQueue } from '../leases/expiry-queue.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Stored } from '../model/transaction.ts';
import type { LeaseStore } from '../leases/lease-store.ts';
import type { TokenRef } from '../tokens/token-record.ts';
import type { TokenStore } from '../tokens/token-store.ts';
import type { WrappingTexts } from '../tokens/wrapping-text.ts';
import type { Binding } from './bindings/bindings.ts';
import type { BoundPlace, Call } from './call.ts';
import type { PolicyAuthority } from './policy-authority.ts';
import type { CoreUnit } from './epoch-cache.ts';
import type { Exchange } from './exchange.ts';
import type { Approvals } from './held/approvals.ts';
import type { AnyBackend, MountTable } from './mounts/mount-table.ts';
import type { Namespace } from './mounts/namespaces.ts';
import type { Intents } from './outside/intents.ts';
import type { Issuer } from './issuer.ts';
import type { SnapshotPort } from './recall.ts';

/** Durable records of what was asked and answered; each promise rejects with `audit_failed`. */
export interface AuditTrail {
  request(exchange: Exchange, error?: RequestError): Promise<void>;
  reply(exchange: Exchange, error?: RequestError): Promise<void>;
}

/** Rate limits, applied before the body is read. May add headers. @throws {RequestError} rate_limited */
export interface Quotas {
  /** @throws {RequestError} rate_limited */
  admit(exchange: Exchange): Awaitable<void>;
  /** Whether one more lease may be made. @throws {RequestError} lease_count_exceeded */
  admitLease(exchange: Exchange): Promise<void>;
}

/** Refuses logins of a name after too many failed ones. */
export interface Lockout {
  /** @throws {RequestError} permission_denied */
  admit(exchange: Exchange): Promise<void>;
  succeeded(exchange: Exchange): Promise<void>;
  failed(exchange: Exchange): Promise<void>;
}

/** Who a token's entity is, and what that adds. */
export interface IdentityPort {
  /** Policies of the entity, its groups and the roles that it has activated; undefined when the entity is disabled. */
  policies(
    unit: CoreUnit,
    namespaceId: string,
    entityId: string,
    nowMs: number,
  ): Awaitable<readonly string[] | undefined>;
  /** Ids of the entity, through merges, and of its groups; undefined when there is none. */
  members(
    unit: CoreUnit,
    namespaceId: string,
    entityId: string,
    nowMs: number,
  ): Awaitable<readonly string[] | undefined>;
}

/** Credentials of identities that are shown with each request. */
export interface CredentialPort {
  /** @throws {RequestError} permission_denied, with a reason */
  judge(
    unit: CoreUnit,
    namespaceId: string,
    evidence: Evidence,
    nowMs: number,
  ): Awaitable<JudgedCredential>;
  /** Undefined when the entity is disabled or gone. */
  entityName(unit: CoreUnit, namespaceId: string, entityId: string): Promise<string | undefined>;
  /** Notes which token a credential has. */
  remember(unit: CoreUnit, credential: Stored<CredentialRecord>, token: TokenRef): void;
}

/** What facades' names stand for. */
export interface BindingPort {
  find(
    unit: CoreUnit,
    protocol: Call['protocol'],
    place: Pick<BoundPlace, 'name' | 'region'>,
  ): Awaitable<Binding | undefined>;
}

export interface Parts extends SnapshotPort {
  /** Of the API that is spoken: shown where paths are described. */
  readonly apiVersion: string;
  readonly world: World;
  readonly begin: () => CoreUnit;
  readonly state: () => 'uninitialized' | 'sealed' | 'unsealed';
  readonly root: () => Namespace;
  /** Whether the storage has answered lately. */
  readonly reachable: () => boolean;
  readonly table: MountTable;
  readonly tokens: TokenStore;
  readonly leases: LeaseStore;
  readonly queue: ExpiryQueue;
  readonly intents: Intents;
  readonly issuer: Issuer;
  readonly authority: PolicyAuthority;
  readonly identity: IdentityPort;
  readonly approvals: Approvals;
  readonly credentials: CredentialPort;
  readonly bindings: BindingPort;
  readonly audit: AuditTrail;
  readonly quotas: Quotas;
  readonly lockout: Lockout;
  /** Taken before a commit: waits until what that has made due in the expiry queue is done, for a bounded time. */
  readonly settler: () => () => Promise<void>;
  /** Writes wrapping tokens in their signed form. */
  readonly wrapping: Pick<WrappingTexts, 'seal'>;
  /** Where clients reach this server; '' when it is not known. */
  readonly apiAddress: () => string;
  /** Told after each commit. */
  readonly committed: (unit: CoreUnit) => void;
  /** Serves the few paths that answer while sealed. */
  readonly system: AnyBackend;
}
