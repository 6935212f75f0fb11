/**
 * Snapshots that secrets can be read from, without anything being restored. Which are loaded is a record that all servers see;
 * the copy itself each of them fetches when it is first asked for it.
 */
import type { BarrierUnit } from '../barrier/barrier-unit.ts';
import type { BarrierCopy } from '../barrier/copy.ts';
import { uuid } from '../base/random.ts';
import { RequestError, invalidRequest, notFound } from '../model/errors.ts';
import type { Stored, Unit } from '../model/transaction.ts';
import type { ScannableStorage } from '../storage/storage.ts';
import { snapshotIn } from './archive.ts';
import { SnapshotError } from './container.ts';
import type { Destination } from './destination.ts';
import { isSnapshotName } from './names.ts';
import { deleteLoaded, loadedIds, putLoaded, readLoaded, readSchedule } from './records.ts';
import type { LoadedRecord, Schedule } from './records.ts';
import { publicKeyOf, removeCopy } from './run.ts';
import type { RunPorts } from './run.ts';
import { unpack } from './unpack.ts';

/** How long a snapshot stays loaded. */
export const LOADED_MS: number = 72 * 60 * 60 * 1000;
/** Snapshots that may be loaded at a time: each takes the room of the whole store. */
export const LOADED_MAX = 4;
/** In place of a schedule: a caller has brought it. */
const UPLOADED = '';
/** How long a request waits for a snapshot to be fetched. */
const WAIT_MS = 20_000;

export interface LoadedPorts extends RunPorts {
  readonly begin: () => Unit & { commit(): Promise<void> };
  readonly destination: (schedule: Schedule) => Promise<Destination>;
  readonly processes: Processes;
}

/** Who works on this store. */
export interface Processes {
  /** Of this one. */
  readonly id: string;
  /** All that are alive, by id, with the words by which people know them. */
  readonly alive: (unit: Unit) => Promise<ReadonlyMap<string, string>>;
}

interface OpenCopy {
  readonly barrier: BarrierCopy;
  readonly storage: ScannableStorage;
  readonly file: string;
  /** When the snapshot was made. */
  readonly createdMs: number;
}

interface Opening {
  readonly copy: Promise<OpenCopy>;
  ready: boolean;
}

export class LoadedSnapshots {
  readonly #ports: LoadedPorts;
  readonly #open = new Map<string, Opening>();
  #stop: AbortController = new AbortController();

  constructor(ports: LoadedPorts) {
    this.#ports = ports;
  }

  /**
   * Begins to fetch a snapshot and waits for a while: what is not there then comes later, and what fails later is unloaded.
   * @throws {RequestError}
   */
  async load(schedule: string, snapshot: string): Promise<LoadedRecord> {
    const { world, begin, about } = this.#ports;
    if (!isSnapshotName(snapshot)) throw invalidRequest('that is no name of a snapshot');
    await this.#assertRoom();
    const id = uuid(world.random);
    const destination = await this.#placeOf(schedule);
    const nowMs = world.clock.nowMs();
    const record: LoadedRecord = {
      id,
      schedule,
      snapshot,
      url: destination.urlOf(snapshot),
      clusterId: about().cluster_id,
      loadedMs: nowMs,
      expiresMs: nowMs + LOADED_MS,
    };
    const opening = this.#keep(id, this.#fetch(destination, snapshot));
    const unit = begin();
    putLoaded(unit, record);
    await unit.commit();
    const fetched = opening.copy.catch(async (error: unknown) => {
      const { message: reason } = asTold(error);
      world.log.warn('a snapshot could not be loaded', { id, schedule, snapshot, reason });
      await this.unload(id).catch(() => {});
      throw error;
    });
    await this.#inTime(fetched);
    return record;
  }

  /**
   * Takes a snapshot that a caller brings, for this server alone and until it ends.
   * @throws {RequestError}
   */
  async take(pieces: AsyncIterable<Uint8Array>): Promise<LoadedRecord> {
    const { world, begin, about, processes } = this.#ports;
    await this.#assertRoom();
    const id = uuid(world.random);
    const nowMs = world.clock.nowMs();
    const times = { loadedMs: nowMs, expiresMs: nowMs + LOADED_MS };
    const record: LoadedRecord = {
      id,
      schedule: UPLOADED,
      snapshot: '',
      url: '',
      clusterId: about().cluster_id,
      holder: processes.id,
      ...times,
    };
    try {
      await this.#keep(id, this.#unpacked(snapshotIn(pieces))).copy;
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw asTold(error);
      throw invalidRequest(`the snapshot cannot be loaded: ${error.message}`, { cause: error });
    }
    const unit = begin();
    putLoaded(unit, record);
    await unit.commit();
    return record;
  }

  async #assertRoom(): Promise<void> {
    await this.dropOver();
    if ((await loadedIds(this.#ports.begin())).length < LOADED_MAX) return;
    throw invalidRequest(`${LOADED_MAX} snapshots are loaded already: unload one`);
  }

  /** `ready` here, or on its way; servers that nobody has asked for it have not fetched it. */
  stateOf(id: string): 'ready' | 'loading' | 'not fetched' {
    const opening = this.#open.get(id);
    return opening === undefined ? 'not fetched' : opening.ready ? 'ready' : 'loading';
  }

  /** True when it came in time. @throws {RequestError} it failed. */
  async #inTime(coming: Promise<unknown>): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#ports.world.clock.after(WAIT_MS, () => resolve(false));
    try {
      return await Promise.race([coming.then(() => true), promise]);
    } catch (error) {
      throw asTold(error);
    } finally {
      cancel();
    }
  }

  /** A unit over the snapshot: what it writes is never stored. @throws {RequestError} not_found */
  async unit(
    live: Unit,
    id: string,
  ): Promise<{ readonly unit: BarrierUnit; readonly atMs: number }> {
    const record = await readLoaded(live, id);
    if (record === undefined || record.expiresMs <= this.#ports.world.clock.nowMs()) {
      await this.#close(id);
      throw notFound('no such snapshot is loaded');
    }
    const opening = await this.#opened(live, record);
    if (!(await this.#inTime(opening.copy))) {
      throw new RequestError('unavailable', 'the snapshot is being fetched, try again', {
        headers: { 'Retry-After': '10' },
      });
    }
    const { barrier, createdMs } = await opening.copy;
    return { unit: barrier.begin(), atMs: createdMs };
  }

  /** False when there is none. */
  async unload(id: string): Promise<boolean> {
    const unit = this.#ports.begin();
    const found = (await readLoaded(unit, id)) !== undefined;
    if (found) {
      deleteLoaded(unit, id);
      await unit.commit();
    }
    await this.#close(id);
    return found;
  }

  /** Lets go of every copy; the records stay. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the server seals or stops'));
    this.#stop = new AbortController();
    for (const id of this.#open.keys()) await this.#close(id);
  }

  async #opened(live: Unit, record: Stored<LoadedRecord>): Promise<Opening> {
    const { id, schedule, snapshot } = record;
    const opening = this.#open.get(id);
    if (opening !== undefined) return opening;
    if (schedule === UPLOADED) throw await this.#elsewhere(live, record);
    const destination = await this.#placeOf(schedule);
    return this.#open.get(id) ?? this.#keep(id, this.#fetch(destination, snapshot));
  }

  /** Why an uploaded snapshot cannot be read here. A refusal in words: of a 404 clients show none. */
  async #elsewhere(live: Unit, { holder = '' }: Stored<LoadedRecord>): Promise<RequestError> {
    const { id, alive } = this.#ports.processes;
    const place = holder === id ? undefined : (await alive(live)).get(holder);
    if (place === undefined) {
      return invalidRequest(
        'the server that was given the snapshot has ended or was sealed since: load it again',
      );
    }
    return invalidRequest(
      `the snapshot was given to another server and can be read through that one only: ${place}. One that is loaded from a schedule can be read through each`,
    );
  }

  #keep(id: string, copy: Promise<OpenCopy>): Opening {
    const opening: Opening = { copy, ready: false };
    this.#open.set(id, opening);
    copy.then(
      () => (opening.ready = true),
      () => {
        if (this.#open.get(id) === opening) this.#open.delete(id);
      },
    );
    return opening;
  }

  async #placeOf(name: string): Promise<Destination> {
    const schedule = await readSchedule(this.#ports.begin(), name);
    if (schedule === undefined) throw notFound('no such schedule of snapshots');
    return await this.#ports.destination(schedule);
  }

  #fetch(destination: Destination, snapshot: string): Promise<OpenCopy> {
    return this.#unpacked(destination.open(snapshot, this.#stop.signal));
  }

  async #unpacked(pieces: AsyncIterable<Uint8Array>): Promise<OpenCopy> {
    const { barrier, openCopy, workFile } = this.#ports;
    const file = workFile();
    let storage: ScannableStorage | undefined;
    try {
      const manifest = await unpack(pieces, file, publicKeyOf(this.#ports));
      storage = openCopy(file);
      const createdMs = Date.parse(manifest.created_time);
      return { barrier: await barrier.openCopy(storage), storage, file, createdMs };
    } catch (error) {
      await storage?.close();
      await removeCopy(file);
      throw error;
    }
  }

  async #close(id: string): Promise<void> {
    const opening = this.#open.get(id);
    this.#open.delete(id);
    const copy = await opening?.copy.catch(() => undefined);
    if (copy === undefined) return;
    copy.barrier.seal();
    await copy.storage.close();
    await removeCopy(copy.file);
  }

  /** Forgets those whose time is over, and those that nobody has any more. */
  async dropOver(): Promise<void> {
    const { begin, world, processes } = this.#ports;
    const unit = begin();
    const ids = await loadedIds(unit);
    for (const id of this.#open.keys()) if (!ids.includes(id)) await this.#close(id);
    const alive = await processes.alive(unit);
    for (const id of ids) {
      const record = await readLoaded(unit, id);
      if (record === undefined) continue;
      const { expiresMs, schedule, holder = '' } = record;
      const lost = holder === processes.id ? !this.#open.has(id) : !alive.has(holder);
      if (expiresMs <= world.clock.nowMs() || (schedule === UPLOADED && lost))
        await this.unload(id);
    }
  }
}

/** What went wrong with the destination or the snapshot may be told to whoever may load one. */
function asTold(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const reason = error instanceof Error ? error.message : 'unknown';
  return new RequestError('upstream_failed', `the snapshot cannot be loaded: ${reason}`);
}
