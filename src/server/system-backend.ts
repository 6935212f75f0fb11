/** `sys/*`: the paths of the core, each from its own file. */
import type { CoreUnit } from '../core/epoch-cache.ts';
import type { AnyBackend, BackendFactory } from '../core/mounts/mount-table.ts';
import { uuid } from '../base/random.ts';
import { bindingPaths } from '../system/bindings.ts';
import { capabilityPaths } from '../system/capabilities.ts';
import { internalSpecsPaths } from '../system/internal-specs.ts';
import { passwordPolicyPaths } from '../system/password-policies.ts';
import { policyPaths } from '../system/policies.ts';
import { quotaPaths } from '../system/quotas/quotas.ts';
import { counterPaths } from '../system/counters.ts';
import { pluginPaths } from '../system/plugins.ts';
import type { PluginPorts } from '../system/plugins.ts';
import { auditPaths } from '../system/audit.ts';
import { auditPorts } from './ports/audit-ports.ts';
import { monitorPorts } from './ports/monitor-ports.ts';
import { rawPorts } from './ports/raw-ports.ts';
import { capabilityPorts } from './ports/capability-ports.ts';
import { openApiOf } from './ports/open-api.ts';
import { auditedHeaderPaths, AUDITED_HEADERS_SCOPE } from '../system/config/audited-headers.ts';
import { corsPaths, CORS_SCOPE } from '../system/config/cors.ts';
import { hostInfoPaths } from '../system/host-info.ts';
import { loggerPaths } from '../system/loggers.ts';
import { monitoringPaths } from '../system/metrics.ts';
import { rawPaths } from '../system/raw/raw.ts';
import { monitorPaths } from '../system/watch/monitor.ts';
import { pprofPaths } from '../system/watch/pprof.ts';
import { clockPaths } from '../system/config/clock.ts';
import { sanitizedStatePaths } from '../system/config/sanitized-state.ts';
import { uiHeaderPaths } from '../system/config/ui-headers.ts';
import type { Unit } from '../model/transaction.ts';
import type { Monitoring } from './monitoring.ts';
import { quotaPorts } from './ports/quota-ports.ts';
import { internalUiPaths } from '../system/internal-ui.ts';
import { lockedUserPaths } from '../system/locked-users.ts';
import { leasePaths } from '../system/leases/paths.ts';
import { mountPaths } from '../system/mounts/enable.ts';
import type { MountPorts } from '../system/mounts/ports.ts';
import { remountPaths } from '../system/mounts/remount.ts';
import { tunePaths } from '../system/mounts/tune.ts';
import { namespacePaths } from '../system/namespaces.ts';
import { statusPaths } from '../system/status.ts';
import type { StatusPorts } from '../system/status.ts';
import { backupPaths } from '../system/storage/backup.ts';
import { snapshotAutoPaths } from '../system/storage/snapshot-auto.ts';
import { snapshotLoadPaths } from '../system/storage/snapshot-load.ts';
import type { SnapshotPorts } from './snapshots/snapshots.ts';
import { approvalPaths } from '../system/access/approvals.ts';
import { controlGroupPaths } from '../system/access/control-group.ts';
import { environmentPaths } from '../system/access/environments.ts';
import { environmentPorts } from './ports/guard-ports.ts';
import { explainPaths } from '../system/explain.ts';
import { mfaValidationPaths } from '../system/access/mfa.ts';
import { explainPorts } from './ports/explain-ports.ts';
import { toolPaths } from '../system/tools.ts';
import { wrappingPaths } from '../system/wrapping.ts';
import { keyringPaths } from '../system/seal/keyring-paths.ts';
import type { SealPorts } from '../system/seal/ports.ts';
import { rekeyPaths } from '../system/seal/rekey-paths.ts';
import { rootGenerationPaths } from '../system/seal/root-generation-paths.ts';
import { sealPaths } from '../system/seal/seal-paths.ts';
import { barrierUnit } from './assemble.ts';
import type { Services } from './services.ts';

export interface SystemOptions {
  readonly pluginNames: PluginPorts['names'];
  /** The API level that is reported as the version. */
  readonly version: string;
  readonly programVersion: string;
  readonly auditCreationAllowed: boolean;
  /** `sys/raw` is there. */
  readonly rawStorage: boolean;
  readonly snapshots: SnapshotPorts;
  readonly status: Omit<StatusPorts, 'state' | 'version' | 'programVersion'>;
  readonly seal: Omit<SealPorts, 'keyring' | 'version'>;
  readonly monitoring: Monitoring;
  /** The configuration without anything secret. */
  readonly sanitizedConfig: () => Readonly<Record<string, unknown>>;
  readonly adoptClock: () => void;
}

/** What a handler calls in the unit that changes something that is cached. */
function bump(scope: string): (unit: Unit) => void {
  return (unit) => (unit as CoreUnit).bumpEpoch(scope);
}

export function systemBackend(
  services: Services,
  backends: BackendFactory,
  options: SystemOptions,
): AnyBackend {
  const { world, table, queue, tokens, leases, authority, leaseBounds, root, hash, state } =
    services;
  const mounts: MountPorts = {
    world,
    table,
    queue,
    backends,
    system: leaseBounds,
    version: options.version,
  };
  const seal: SealPorts = {
    ...options.seal,
    keyring: services.barrier,
    version: options.version,
  };
  return {
    type: 'system',
    kind: 'system',
    scope: 'unit',
    summary: 'system backend: endpoints used for control, policy and debugging',
    openPlaces: ['wrapping/pubkey', 'replication/status', 'internal/ui/mounts/'],
    sudoPlaces: [
      'audit/',
      'config/auditing/',
      'config/ui/headers/',
      'plugins/catalog/',
      'leases/revoke-prefix/',
      'leases/revoke-force/',
      'leases/lookup/',
      'internal/inspect/',
    ],
    paths: [
      ...statusPaths({
        ...options.status,
        state,
        version: options.version,
        programVersion: options.programVersion,
      }),
      ...sealPaths(seal),
      ...keyringPaths(seal),
      ...rekeyPaths(seal),
      ...rootGenerationPaths(seal),
      ...auditPaths(auditPorts(services.audit, options.auditCreationAllowed)),
      ...tunePaths(mounts),
      ...mountPaths(mounts, 'secret'),
      ...mountPaths(mounts, 'auth'),
      ...remountPaths(mounts),
      ...namespacePaths({
        ...mounts,
        root,
        hash,
        prepare: (unit, namespaceId, nowMs) =>
          services.policies.initialize(unit, namespaceId, nowMs),
        createKey: (unit, namespaceId) =>
          barrierUnit(unit as never).createNamespaceKey(namespaceId),
      }),
      ...leasePaths({
        leases,
        tokens,
        mountByAccessor: async (unit, accessor) =>
          (await table.routing(unit)).mountsByAccessor.get(accessor),
        queue,
      }),
      ...lockedUserPaths({
        locked: (unit, namespaceId, nowMs) => services.lockout.locked(unit, namespaceId, nowMs),
        unlock: (unit, namespaceId, accessor, name) =>
          services.lockout.unlock(unit, namespaceId, accessor, name),
        namespacesFrom: async (unit, path) =>
          [...(await table.routing(unit as CoreUnit)).namespaces.values()].filter((namespace) =>
            namespace.path.startsWith(path),
          ),
      }),
      ...wrappingPaths({ tokens }),
      ...pluginPaths({
        ...mounts,
        names: options.pluginNames,
        programVersion: options.programVersion,
      }),
      ...counterPaths({
        tokens: (unit, namespaceId) => tokens.count(unit, namespaceId),
        entities: services.identity.count,
      }),
      ...internalUiPaths({ ...mounts, authority }),
      ...toolPaths(world.random),
      ...policyPaths({ policies: services.policies }),
      ...passwordPolicyPaths({ random: world.random }),
      ...capabilityPaths(capabilityPorts(services)),
      ...explainPaths(explainPorts(services)),
      ...mfaValidationPaths(services.mfa.secondFactor),
      ...approvalPaths({ approvals: services.approvals, identity: services.identity.store }),
      ...controlGroupPaths(services.approvals),
      ...environmentPaths(environmentPorts(services)),
      ...backupPaths(options.snapshots),
      ...snapshotAutoPaths(options.snapshots),
      ...snapshotLoadPaths(options.snapshots),
      ...internalSpecsPaths({ openApi: openApiOf(services, options.version) }),
      ...quotaPaths(
        quotaPorts(table, { countLeases: services.countLeases, newId: () => uuid(world.random) }),
      ),
      ...corsPaths({ changed: bump(CORS_SCOPE) }),
      ...uiHeaderPaths(),
      ...sanitizedStatePaths(options.sanitizedConfig),
      ...clockPaths(options.adoptClock),
      ...auditedHeaderPaths({ changed: bump(AUDITED_HEADERS_SCOPE) }),
      ...monitoringPaths(options.monitoring),
      ...loggerPaths(options.monitoring.logs),
      ...monitorPaths(monitorPorts(services, options.monitoring.feed)),
      ...pprofPaths(options.monitoring.profiling),
      ...(options.rawStorage ? rawPaths(rawPorts(services)) : []),
      ...hostInfoPaths({ clock: world.clock }),
      ...bindingPaths({
        bindings: services.bindings,
        namespaceExists: async (unit, path) =>
          (await table.routing(unit as CoreUnit)).namespaces.has(path),
      }),
    ],
  };
}
