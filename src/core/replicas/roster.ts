/**
 * The processes that work on one store. Each writes a record of itself every few seconds; the others take it for alive as long as
 * that record changes, by their own monotonic clocks: no clock of two machines is ever compared to decide anything.
 */
import type { World } from '../../base/world.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

/** Between two records of a process. */
export const BEAT_MS = 2_000;
/** A process whose record has not changed for this long counts as gone. */
export const GONE_MS = 10_000;
/** A process that could not write its record for this long stops what only one may do: well before others count it as gone. */
export const SURE_MS = 6_000;
/** Records of processes that are gone are removed after this. */
const FORGOTTEN_MS = 120_000;
const REPLICAS_MAX = 1_000;
/** Clocks further apart than this are worth a warning: lifetimes are judged by them. */
const SKEW_MS_MAX = 5_000;
const PREFIX = 'core/replica/';

export interface Replica {
  /** New at every start. */
  readonly id: string;
  readonly apiAddress: string;
  readonly clusterAddress: string;
  readonly hostname: string;
  readonly version: string;
  readonly startedMs: number;
  readonly beat: number;
  /** When it wrote this, by its own clock, in milliseconds since the epoch. */
  readonly beatMs: number;
}

interface Seen {
  beat: number;
  sinceMs: number;
}

export interface RosterPorts {
  readonly world: World;
  readonly begin: () => CoreUnit;
  readonly id: string;
  readonly self: () => Omit<Replica, 'id' | 'beat' | 'beatMs'>;
}

export class Roster {
  readonly #ports: RosterPorts;
  readonly #seen = new Map<string, Seen>();
  readonly #afterBeat: (() => Promise<void>)[] = [];
  #beat = 0;
  #lastBeatMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #skewed = false;

  constructor(ports: RosterPorts) {
    this.#ports = ports;
  }

  get id(): string {
    return this.#ports.id;
  }

  /** Resolves when the beat under way is over. */
  get turn(): Promise<void> {
    return this.#turn;
  }

  /** Whether the others still take this process for alive. */
  get sure(): boolean {
    return this.#ports.world.clock.monotonicMs() - this.#lastBeatMs < SURE_MS;
  }

  /** Runs `action` after each beat. */
  onBeat(action: () => Promise<void>): void {
    this.#afterBeat.push(action);
  }

  async start(): Promise<void> {
    this.#cancel = () => {};
    this.#turn = this.#run();
    await this.#turn;
    this.#arm();
  }

  /** Takes leave, so that others need not wait until this process counts as gone. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#turn;
    this.#lastBeatMs = Number.NEGATIVE_INFINITY;
    this.#seen.clear();
    await this.#attempt(async () => {
      const unit = this.#ports.begin();
      this.#view(unit).delete(this.id);
      await unit.commit();
    });
  }

  /** False when a process is known to be gone. One that was never seen counts from its first sight. */
  isAlive(id: string): boolean {
    if (id === '') return false;
    if (id === this.id) return true;
    const nowMs = this.#ports.world.clock.monotonicMs();
    const seen = this.#seen.get(id);
    if (seen === undefined) {
      this.#seen.set(id, { beat: -1, sinceMs: nowMs });
      return true;
    }
    return nowMs - seen.sinceMs < GONE_MS;
  }

  /** All that are alive, this one included. */
  async replicas(unit: Unit): Promise<readonly Replica[]> {
    const view = this.#view(unit);
    const ids = await view.list('', { limit: REPLICAS_MAX });
    const found = await view.getRecords<Replica>(ids);
    return found.filter(
      (replica) => replica !== undefined && this.isAlive(replica.id),
    ) as Replica[];
  }

  #view(unit: Unit): Transaction {
    return unit.view(ROOT_NAMESPACE_ID, PREFIX);
  }

  #arm(): void {
    if (this.#cancel === undefined) return;
    this.#cancel = this.#ports.world.clock.after(BEAT_MS, () => {
      this.#turn = this.#run().then(() => this.#arm());
    });
  }

  async #run(): Promise<void> {
    await this.#attempt(() => this.#write());
    await this.#attempt(() => this.#look());
    for (const action of this.#afterBeat) await this.#attempt(action);
  }

  async #write(): Promise<void> {
    const { begin, self, world } = this.#ports;
    const atMs = world.clock.monotonicMs();
    const unit = begin();
    this.#beat += 1;
    const replica = { ...self(), id: this.id, beat: this.#beat, beatMs: world.clock.nowMs() };
    this.#view(unit).putJson(this.id, replica);
    await unit.commit();
    // Counted from before it was sent: no other process can have seen it earlier.
    this.#lastBeatMs = atMs;
  }

  async #look(): Promise<void> {
    const { begin, world } = this.#ports;
    const unit = begin();
    const view = this.#view(unit);
    const nowMs = world.clock.monotonicMs();
    const ids = await view.list('', { limit: REPLICAS_MAX });
    for (const id of ids) {
      if (id === this.id) continue;
      const replica = await view.getJson<Replica>(id);
      if (replica === undefined) continue;
      const seen = this.#seen.get(id);
      if (seen === undefined) this.#seen.set(id, { beat: replica.beat, sinceMs: nowMs });
      else if (seen.beat !== replica.beat) {
        if (seen.beat >= 0) this.#compareClocks(replica);
        seen.beat = replica.beat;
        seen.sinceMs = nowMs;
      } else if (nowMs - seen.sinceMs > FORGOTTEN_MS) view.delete(id);
    }
    // Not before: who asks for one that is gone would otherwise hear again and again that it was just seen.
    for (const [id, { sinceMs }] of this.#seen)
      if (!ids.includes(id) && nowMs - sinceMs > FORGOTTEN_MS) this.#seen.delete(id);
    await unit.commit();
  }

  /** A record that has just changed was written a moment ago. */
  #compareClocks({ hostname, apiAddress, beatMs }: Replica): void {
    const { clock, log } = this.#ports.world;
    const skewMs = Math.abs(clock.nowMs() - beatMs);
    if (skewMs <= SKEW_MS_MAX + BEAT_MS === !this.#skewed) return;
    this.#skewed = !this.#skewed;
    if (this.#skewed) {
      log.warn('the clock of another server is far from this one: lifetimes differ', {
        hostname,
        apiAddress,
        skewMs,
      });
    }
  }

  /** A failure is told; the next beat tries again. */
  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof ConflictError || this.#cancel === undefined) return;
      const reason = error instanceof Error ? error.message : 'not an error';
      this.#ports.world.log.warn('the record of this server could not be kept', { reason });
    }
  }
}
