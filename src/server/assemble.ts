/** Puts the parts of the core together. The only place, with builtins.ts, that knows them all. */
import type { AuditBroker } from '../audit/broker.ts';
import type { World } from '../base/world.ts';
import { RequestError } from '../model/errors.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { auditTrail } from '../core/audit-trail.ts';
import { Bindings } from '../core/bindings/bindings.ts';
import type { Binding } from '../core/bindings/bindings.ts';
import type { Handle } from '../core/call.ts';
import { createCore } from '../core/core.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { Expirer } from '../core/expiry/expirer.ts';
import { GONE_PREFIX } from '../core/expiry/work.ts';
import { DEFAULT_LOCKOUT_RULES, LockoutKeeper } from '../core/lockout/lockout.ts';
import type { LockoutRules } from '../core/lockout/lockout.ts';
import { countInMemory, countInStore } from '../core/lockout/lockout-failures.ts';
import { Issuer } from '../core/issuer.ts';
import { Approvals } from '../core/held/approvals.ts';
import type { MountEntry } from '../core/mounts/mount-entry.ts';
import { MountTable } from '../core/mounts/mount-table.ts';
import type { AnyBackend, BackendFactory, LeaseBounds } from '../core/mounts/mount-table.ts';
import { rootNamespace } from '../core/mounts/namespaces.ts';
import { Intents } from '../core/outside/intents.ts';
import type { Namespace } from '../core/mounts/namespaces.ts';
import type { Duty } from '../core/replicas/duty.ts';
import type { Parts } from '../core/parts.ts';
import { PolicyAuthority, policyScope } from '../core/policy-authority.ts';
import { PolicyStore } from '../policy/policy-store.ts';
import { QuotaKeeper } from '../core/quotas/keeper.ts';
import { leaseCounter } from './ports/lease-counter.ts';
import { ExpiryQueue } from '../leases/expiry-queue.ts';
import { LeaseStore } from '../leases/lease-store.ts';
import { batchCodec } from '../tokens/batch-token.ts';
import { TokenStore } from '../tokens/token-store.ts';
import { identityServices } from './ports/identity-services.ts';
import { watchReaders } from './outside/reader-watch.ts';
import { loadGuards } from './ports/guard-ports.ts';
import { mfaServices } from './ports/mfa-services.ts';
import { batchSeal, sessionSeal } from './batch-seal.ts';
import { credentialServices } from './ports/credential-ports.ts';
import { API_VERSION } from './version.ts';
import { wrappingJwt } from './wrapping-jwt.ts';
import type { Services } from './services.ts';

export interface AssembleOptions {
  readonly world: World;
  readonly barrier: Barrier;
  readonly audit: AuditBroker;
  readonly leaseBounds: LeaseBounds;
  readonly initialized: () => boolean;
  readonly apiAddress: () => string;
  /** Whether the storage has answered lately. */
  readonly reachable: () => boolean;
  /** Other processes may work on the store. */
  readonly shared: boolean;
  /** Whether this process acts outside the store for all. */
  readonly duty: Duty;
  /** Bindings of the configuration. */
  readonly bindings?: readonly Binding[] | undefined;
  /** Lockout rules of an auth method's mounts that have none of their own; the usual ones without it. */
  readonly lockoutRules?: ((method: string) => LockoutRules) | undefined;
  /** The barrier is open and what requests need is in place: audit devices above all. */
  readonly serving: () => boolean;
  /** Opens loaded snapshots. */
  readonly snapshot: Parts['snapshot'];
  /** Builds the backends, given what they need of the core. */
  readonly backends: (services: Services) => {
    readonly factory: BackendFactory;
    readonly system: AnyBackend;
    readonly stop: () => Promise<void>;
  };
}

export interface Assembly extends Services {
  /** Lets go of what backends hold outside. */
  readonly stopBackends: () => Promise<void>;
  readonly handle: Handle;
}

export function assemble(options: AssembleOptions): Assembly {
  const { world, barrier, audit } = options;
  const begin = (): CoreUnit => barrier.begin();
  const state = (): 'uninitialized' | 'sealed' | 'unsealed' =>
    options.serving() ? 'unsealed' : options.initialized() ? 'sealed' : 'uninitialized';
  const root = (): Namespace => rootNamespace(barrier.sealed ? '' : barrier.clusterId);
  const hash = (text: string): string => barrier.tokenHmac.digestText(text, 'hex');
  const queue = new ExpiryQueue();
  const wrapping = wrappingJwt(barrier);
  const tokens = new TokenStore({
    wrapping,
    world,
    hash,
    expiry: queue,
    batch: batchCodec(batchSeal(barrier, world.random)),
  });
  const leases = new LeaseStore(queue);
  let factory: BackendFactory = () => undefined;
  const backends: BackendFactory = (entry) => factory(entry);
  const table = new MountTable({
    begin,
    backends,
    root,
    system: options.leaseBounds,
    guards: loadGuards,
  });
  const policies = new PolicyStore({
    changed: (unit, namespaceId) => (unit as CoreUnit).bumpEpoch(policyScope(namespaceId)),
  });
  const identity = identityServices({ world, hash, begin, table });
  const approvals = new Approvals({ tokens, approver: identity.approver });
  const mfa = mfaServices(identity.store, { begin, table });
  const credentials = credentialServices(identity.store, sessionSeal(barrier, world.random));
  const bindings = new Bindings(begin, options.bindings ?? []);
  const authority = new PolicyAuthority({ world, policies, identity: identity.view });
  const countLeases = leaseCounter(leases, tokens);
  const quotas = new QuotaKeeper({ clock: world.clock, begin, countLeases });
  const lockout = new LockoutKeeper({
    clock: world.clock,
    begin,
    hash,
    rulesOf: options.lockoutRules ?? (() => DEFAULT_LOCKOUT_RULES),
    failures: options.shared ? countInStore(begin, hash) : countInMemory(),
  });
  const intents = new Intents({
    world,
    begin,
    queue,
    assertMounted: (unit, accessor) => assertMounted(table, unit, accessor),
  });
  const expirer = new Expirer({
    intents,
    audit,
    world,
    begin,
    queue,
    tokens,
    leases,
    backends,
    table,
    mountOf: (unit, namespaceId, accessor) => mountOf(table, unit, namespaceId, accessor),
    shred: (unit, namespaceId) => barrierUnit(unit).shredNamespaceKey(namespaceId),
    unsealed: () => !barrier.sealed,
    duty: options.duty,
  });
  const services: Services = {
    world,
    barrier,
    audit,
    begin,
    state,
    root,
    table,
    tokens,
    leases,
    queue,
    intents,
    expirer,
    authority,
    leaseBounds: options.leaseBounds,
    identity,
    mfa,
    approvals,
    credentials,
    bindings,
    policies,
    quotas,
    lockout,
    countLeases,
    hash,
  };
  const built = options.backends(services);
  ({ factory } = built);
  const parts: Parts = {
    world,
    apiVersion: API_VERSION,
    begin,
    state,
    root,
    table,
    tokens,
    leases,
    queue,
    intents,
    issuer: new Issuer({
      world,
      tokens,
      leases,
      login: identity.login,
      secondFactor: mfa.demand,
    }),
    authority,
    identity: identity.port,
    approvals,
    credentials: credentials.port,
    bindings,
    reachable: options.reachable,
    audit: watchReaders(auditTrail(audit), { world, begin }),
    quotas,
    lockout,
    snapshot: options.snapshot,
    settler: () => expirer.settler(),
    committed: (unit) => queue.committed(unit),
    wrapping,
    apiAddress: options.apiAddress,
    system: built.system,
  };
  const core = createCore(parts);
  const handle: Handle = (call) => {
    expirer.noteRequest();
    return core(call);
  };
  return { ...services, handle, stopBackends: built.stop };
}

/** Forgets everything that is known of the store, when it is sealed or may be another. */
export function forgetStore(assembly: Services): void {
  assembly.table.clear();
  assembly.authority.clear();
  assembly.identity.store.clear();
  assembly.mfa.clear();
  assembly.lockout.clear();
  assembly.bindings.clear();
  assembly.credentials.judge.clear();
}

/** The core's units are the barrier's. */
export function barrierUnit(unit: CoreUnit): ReturnType<Barrier['begin']> {
  return unit as ReturnType<Barrier['begin']>;
}

/** Nothing may be begun outside for a mount that is being removed, alone or with its namespace: its data will be gone when it has to be undone. */
async function assertMounted(table: MountTable, unit: CoreUnit, accessor: string): Promise<void> {
  const mount = (await table.routing(unit)).mountsByAccessor.get(accessor);
  if (mount === undefined || mount.entry.tainted || mount.namespace.tainted) {
    throw new RequestError('unavailable', 'the mount is being removed or moved');
  }
}

/** The entry of a mount, whether still routed or already removed. */
async function mountOf(
  table: MountTable,
  unit: CoreUnit,
  namespaceId: string,
  accessor: string,
): Promise<MountEntry | undefined> {
  const routed = (await table.routing(unit)).mountsByAccessor.get(accessor);
  if (routed !== undefined) return routed.entry;
  const gone = unit.view(namespaceId, GONE_PREFIX);
  for (const id of await gone.list('')) {
    const entry = await gone.getJson<MountEntry>(id);
    if (entry?.accessor === accessor) return entry;
  }
  return undefined;
}
