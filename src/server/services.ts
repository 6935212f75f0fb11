/** What a server is made of once it is put together: what its parts are given to work with. */
import type { AuditBroker } from '../audit/broker.ts';
import type { World } from '../base/world.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { Bindings } from '../core/bindings/bindings.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { Expirer } from '../core/expiry/expirer.ts';
import { LockoutKeeper } from '../core/lockout/lockout.ts';
import { Approvals } from '../core/held/approvals.ts';
import { MountTable } from '../core/mounts/mount-table.ts';
import type { LeaseBounds } from '../core/mounts/mount-table.ts';
import { Intents } from '../core/outside/intents.ts';
import type { Namespace } from '../core/mounts/namespaces.ts';
import type { Parts } from '../core/parts.ts';
import { PolicyAuthority } from '../core/policy-authority.ts';
import { PolicyStore } from '../policy/policy-store.ts';
import { QuotaKeeper } from '../core/quotas/keeper.ts';
import type { QuotaWorld } from '../core/quotas/keeper.ts';
import { ExpiryQueue } from '../leases/expiry-queue.ts';
import { LeaseStore } from '../leases/lease-store.ts';
import { TokenStore } from '../tokens/token-store.ts';
import type { IdentityServices } from './ports/identity-services.ts';
import type { MfaServices } from './ports/mfa-services.ts';
import type { CredentialServices } from './ports/credential-ports.ts';

/** What the parts of `sys` and the token method work with. */
export interface Services {
  readonly world: World;
  readonly barrier: Barrier;
  readonly audit: AuditBroker;
  readonly begin: () => CoreUnit;
  readonly state: Parts['state'];
  readonly root: () => Namespace;
  readonly table: MountTable;
  readonly tokens: TokenStore;
  readonly leases: LeaseStore;
  readonly queue: ExpiryQueue;
  readonly intents: Intents;
  readonly expirer: Expirer;
  readonly authority: PolicyAuthority;
  readonly leaseBounds: LeaseBounds;
  readonly identity: IdentityServices;
  readonly mfa: MfaServices;
  readonly approvals: Approvals;
  readonly credentials: CredentialServices;
  readonly bindings: Bindings;
  readonly policies: PolicyStore;
  readonly quotas: QuotaKeeper;
  readonly lockout: LockoutKeeper;
  readonly countLeases: QuotaWorld['countLeases'];
  /** HMAC under the token key, hex. */
  readonly hash: (text: string) => string;
}
