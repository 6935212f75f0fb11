/** One run of a schedule: make, deliver, fetch back and restore for a test, and only then remove what is not kept any more. */
import { rm } from 'node:fs/promises';
import type { World } from '../base/world.ts';
import type { Barrier } from '../barrier/barrier.ts';
import { ed25519Signer } from '../crypto/signatures/ed25519.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import type { Stored } from '../model/transaction.ts';
import type { ScannableStorage } from '../storage/storage.ts';
import { SnapshotError } from './container.ts';
import { DestinationError } from './destination.ts';
import type { Destination } from './destination.ts';
import { makeSnapshot } from './make.ts';
import type { Maker } from './make.ts';
import { datedName } from './names.ts';
import { prove } from './prove.ts';
import type { Schedule, Status } from './records.ts';
import { FUTURE_MS_MAX, expendable } from './retention.ts';
import { unpack } from './unpack.ts';

export interface RunPorts extends Maker {
  readonly world: Pick<World, 'clock' | 'random' | 'log'>;
  readonly barrier: Barrier;
  /** Opens the copy that a snapshot holds as a store that nobody can change. */
  readonly openCopy: (file: string) => ScannableStorage;
}

export interface Outcome {
  readonly url: string;
  readonly bytes: number;
  /** Undefined when it was not tried. */
  readonly verifiedRecords: number | undefined;
  readonly kept: number;
  readonly inFuture: number;
}

/** @throws what went wrong. What was delivered and failed the test because it came back changed is removed. */
export async function runSchedule(
  ports: RunPorts,
  schedule: Schedule,
  destination: Destination,
  name: string,
  known: Pick<Stored<Status>, 'knownMs' | 'own'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { clock } = ports.world;
  await assertOwn(schedule, destination, known, clock.nowMs());
  await destination.sweep(clock.nowMs());
  const made = await makeSnapshot(ports, name);
  try {
    signal.throwIfAborted();
    await destination.put(name, made, signal);
  } finally {
    await made.discard();
  }
  let verifiedRecords: number | undefined;
  if (schedule.verify) verifiedRecords = await testRestore(ports, destination, name, signal);
  signal.throwIfAborted();
  const left = await prune(ports, schedule, destination, name);
  return { url: destination.urlOf(name), bytes: made.bytes, verifiedRecords, ...left };
}

/**
 * A store that was restored, or copied for a rehearsal, has its schedules: it must not remove what the original has delivered since.
 * @throws {DestinationError}
 */
async function assertOwn(
  schedule: Schedule,
  destination: Destination,
  { knownMs, own = [] }: Pick<Stored<Status>, 'knownMs' | 'own'>,
  nowMs: number,
): Promise<void> {
  if (knownMs === undefined) return;
  for (const { name } of await destination.list()) {
    const createdMs = datedName(name, schedule.filePrefix)?.createdMs ?? 0;
    if (createdMs <= knownMs || createdMs > nowMs + FUTURE_MS_MAX || own.includes(name)) continue;
    throw new DestinationError(
      `another server has delivered ${name} there since: if this store was restored and is the only one, say "operator snapshot run ${schedule.name}"`,
    );
  }
}

/** The public key of the cluster's snapshots. */
export function publicKeyOf({ seed }: Pick<Maker, 'seed'>): Buffer {
  const bytes = seed();
  const { publicKey } = ed25519Signer(bytes);
  wipe(bytes);
  return publicKey;
}

/** @returns how many records it has. @throws {SnapshotError} it is not what was made, or cannot be restored. */
export async function testRestore(
  ports: RunPorts,
  destination: Destination,
  name: string,
  signal: AbortSignal,
): Promise<number> {
  const { barrier, openCopy, workFile } = ports;
  const file = workFile();
  try {
    await unpack(destination.open(name, signal), file, publicKeyOf(ports)).catch(
      async (error: unknown) => {
        // It is of no use, and must not pass for one that is.
        if (error instanceof SnapshotError) await destination.remove(name).catch(() => {});
        throw error;
      },
    );
    const storage = openCopy(file);
    try {
      return await prove(barrier, storage, signal);
    } finally {
      await storage.close();
    }
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new SnapshotError(`the test restore failed: ${error.message}`, { cause: error });
  } finally {
    await removeCopy(file);
  }
}

/** With what SQLite leaves beside it. */
export async function removeCopy(file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
}

async function prune(
  { world }: RunPorts,
  schedule: Schedule,
  destination: Destination,
  newest: string,
): Promise<Pick<Outcome, 'kept' | 'inFuture'>> {
  const nowMs = world.clock.nowMs();
  const dated = (await destination.list()).flatMap(
    ({ name }) => datedName(name, schedule.filePrefix) ?? [],
  );
  const inFuture = dated.filter(({ createdMs }) => createdMs > nowMs + FUTURE_MS_MAX).length;
  const removed = expendable(dated, schedule.retention, nowMs).filter(
    ({ name }) => name !== newest,
  );
  for (const { name } of removed) {
    await destination.remove(name);
    world.log.info('old snapshot removed', { schedule: schedule.name, snapshot: name });
  }
  return { kept: dated.length - removed.length, inFuture };
}
