/** Puts together what makes, keeps and opens snapshots of a running server. */
import type { MetricsRegistry } from '../../base/metrics/metrics.ts';
import { deriveKey } from '../../crypto/key-derivation.ts';
import { wipe } from '../../crypto/secret-bytes.ts';
import { taskAudit } from '../../core/outside/task-audit.ts';
import type { Duty } from '../../core/replicas/duty.ts';
import { RequestError } from '../../model/errors.ts';
import { SnapshotKeeper } from '../../snapshots/keeper.ts';
import type { SnapshotMetrics } from '../../snapshots/keeper.ts';
import { archiveOf } from '../../snapshots/archive.ts';
import { LoadedSnapshots } from '../../snapshots/loaded.ts';
import type { Processes } from '../../snapshots/loaded.ts';
import { makeSnapshot } from '../../snapshots/make.ts';
import { snapshotName } from '../../snapshots/names.ts';
import { Restorer } from '../../snapshots/restore.ts';
import type { RestorePorts } from '../../snapshots/restore.ts';
import { publicKeyOf } from '../../snapshots/run.ts';
import type { RunPorts } from '../../snapshots/run.ts';
import { openSqliteCopy } from '../../storage/sqlite/copy.ts';
import { assertBackup } from '../../storage/sqlite/restore.ts';
import type { Storage } from '../../storage/storage.ts';
import type { BackupPorts } from '../../system/storage/backup.ts';
import type { SnapshotAutoPorts } from '../../system/storage/snapshot-auto.ts';
import type { SnapshotLoadPorts } from '../../system/storage/snapshot-load.ts';
import { VERSION } from '../version.ts';
import { streamOf } from './copies.ts';
import { destinations, refusePlace } from './destinations.ts';
import { NO_SNAPSHOTS } from './options.ts';
import type { SnapshotOptions } from './options.ts';
import type { Services } from '../services.ts';

const NO_COPY = 'this storage has no backup of its own: it is in memory';
/** Between two looks for loaded snapshots whose time is over. */
const TIDY_MS: number = 10 * 60 * 1000;

export interface SnapshotPorts extends BackupPorts, SnapshotAutoPorts, SnapshotLoadPorts {}

export interface SnapshotServices {
  readonly keeper: SnapshotKeeper;
  readonly loaded: LoadedSnapshots;
  readonly ports: SnapshotPorts;
  /** After unsealing, and before sealing. */
  start(): void;
  stop(): Promise<void>;
  /** Before the process ends. */
  close(): void;
}

export interface SnapshotSurroundings {
  /** Without it there are none. */
  readonly options: SnapshotOptions | undefined;
  readonly services: Services;
  readonly duty: Duty;
  readonly registry: MetricsRegistry;
  readonly clusterName: () => string;
  readonly storageType: string;
  readonly storage: Storage;
  readonly refusalOfCopy: RestorePorts['refusalOfCopy'];
  readonly takenUp: RestorePorts['takenUp'];
  readonly processes: Processes;
}

export function snapshotServices(surroundings: SnapshotSurroundings): SnapshotServices {
  const { options = NO_SNAPSHOTS, services, duty } = surroundings;
  const { barrier, begin } = services;
  const world = { ...services.world, log: services.world.log.named('snapshot') };
  const { copyTo, work } = options;
  const destination = destinations(options, world.clock);
  const run: RunPorts = {
    world,
    barrier,
    copyTo,
    workFile: work.file,
    openCopy: openSqliteCopy,
    seed: () => signingSeed(barrier),
    about: () => ({
      cluster_id: barrier.clusterId,
      cluster_name: surroundings.clusterName(),
      version: VERSION,
      storage_type: surroundings.storageType,
    }),
  };
  const keeper = new SnapshotKeeper({
    ...run,
    world,
    begin,
    duty,
    destination,
    metrics: snapshotMetrics(surroundings.registry),
    audited: (schedule) => auditedRun(services, schedule),
  });
  const loaded = new LoadedSnapshots({
    ...run,
    begin,
    destination,
    processes: surroundings.processes,
  });
  const { storage, refusalOfCopy, takenUp } = surroundings;
  const restorer = new Restorer({
    ...run,
    storage,
    refusalOfCopy,
    takenUp,
    assertWhole: (file) => assertBackup(file, 'the snapshot'),
  });
  let cancelTidy: (() => void) | undefined;
  const tidy = (): void => {
    cancelTidy = world.clock.after(TIDY_MS, () => {
      loaded.dropOver().catch(() => {});
      tidy();
    });
  };
  return {
    keeper,
    loaded,
    ports: {
      takeBackup: copyTo && takeBackup(run),
      refusal: () => (copyTo === undefined ? NO_COPY : undefined),
      refusePlace: ({ place }) => refusePlace(options, place),
      listed: async (schedule) => await (await destination(schedule)).list(),
      publicKey: () => publicKeyOf(run),
      restore: (pieces, force) => restorer.restore(pieces, force),
      take: (pieces) => loaded.take(pieces),
      load: (schedule, snapshot) => loaded.load(schedule, snapshot),
      stateOf: (id) => loaded.stateOf(id),
      unload: (id) => loaded.unload(id),
    },
    start() {
      if (copyTo !== undefined) keeper.start();
      tidy();
    },
    async stop() {
      cancelTidy?.();
      await keeper.stop();
      await loaded.stop();
    },
    close: () => work.remove(),
  };
}

/** Snapshots are signed with a key of their own, which comes from the one that signs audit checkpoints. */
function signingSeed(barrier: Services['barrier']): Buffer {
  const checkpoints = barrier.checkpointSeed();
  const seed = deriveKey(checkpoints, { info: 'strongroom snapshot' });
  wipe(checkpoints);
  return seed;
}

/** A snapshot for a caller, made when it is asked for. */
function takeBackup(run: RunPorts): NonNullable<BackupPorts['takeBackup']> {
  const { clock, random } = run.world;
  return async (form) => {
    const made = await makeSnapshot(run, snapshotName('manual', clock.nowMs(), random));
    return streamOf(
      form === 'plain' ? made : { ...archiveOf(made), discard: () => made.discard() },
    );
  };
}

/** What the calendar does stands in the audit log like what callers do. */
async function auditedRun(
  services: Services,
  schedule: string,
): Promise<(error?: unknown) => Promise<void>> {
  const { namespaces, mounts } = await services.table.routing(services.begin());
  const [root, mount] = [namespaces.get(''), mounts.get('sys/')];
  if (root === undefined || mount === undefined) throw new RequestError('internal', 'no sys mount');
  const audit = taskAudit(services, { id: root.id, path: root.path }, mount.entry);
  await audit.record(`storage/raft/snapshot-auto/run/${schedule}`);
  return (error) => audit.end(error);
}

function snapshotMetrics(registry: MetricsRegistry): SnapshotMetrics {
  const gauge = (name: string, help: string): ReturnType<MetricsRegistry['gauge']> =>
    registry.gauge(name, { help, labels: ['schedule'] });
  const made = registry.counter('snapshot.made', {
    help: 'Snapshots that were made by schedule, by outcome.',
    labels: ['schedule', 'outcome'],
  });
  const errors = gauge('snapshot.errors', 'Snapshots that failed since the last that went well.');
  const bytes = gauge('snapshot.bytes', 'Size of the last snapshot.');
  const last = gauge(
    'snapshot.last_success',
    'When the last snapshot went well, in seconds since the epoch.',
  );
  return {
    succeeded(schedule, size, endMs) {
      made.of(schedule, 'success').add();
      errors.of(schedule).set(0);
      bytes.of(schedule).set(size);
      last.of(schedule).set(Math.floor(endMs / 1000));
    },
    failed(schedule, inARow) {
      made.of(schedule, 'failure').add();
      errors.of(schedule).set(inARow);
    },
  };
}
