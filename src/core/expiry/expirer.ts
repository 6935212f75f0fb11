/**
 * Ends what is due: tokens, leases, and what revoked tokens, removed mounts and deleted namespaces left behind. Each entry of the
 * queue is worked off in transactions of its own, so a crash at any point leaves the entry, and the work goes on after the start.
 * Entries are worked off side by side, so that a target that does not answer holds up nobody else.
 */
import type { Clock } from '../../base/clock.ts';
import { RequestError } from '../../model/errors.ts';
import { ConflictError, StorageError } from '../../storage/storage.ts';
import { subjectOf } from '../../leases/expiry-queue.ts';
import type { DueEntry } from '../../leases/expiry-queue.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { DutyLostError } from '../replicas/duty.ts';
import { endBelowKind } from './below.ts';
import { leaseKind } from './leases.ts';
import { Pace } from './pace.ts';
import { Patience } from './patience.ts';
import { placeKinds } from './places.ts';
import { intentKind, taskKind } from '../outside/left-open.ts';
import { OVERTAKEN_MAX, overtaken } from '../outside/overtaken.ts';
import { isNewsTo } from './settler.ts';
import type { Settler } from './settler.ts';
import { tokenKinds } from './tokens.ts';
import type { ExpirerPorts, Kind, Kinds, Outcome } from './work.ts';

/** Entries read at once. */
const ENTRIES_READ = 256;
/** Entries worked off side by side; their commits share a write. */
const BUSY_MAX = 32;
/** Longest sleep: a clock that was set forward is noticed by then. */
const SLEEP_MS_MAX = 60_000;
/** After a fault of the store. */
const RETRY_MS = 5_000;
/** An entry that waits for others which make no progress. */
const WAITING_MS = 10_000;
const COMMIT_ATTEMPTS_MAX = 10;
/** Between looks at what others have to do before someone who waits here may go on. */
const ELSEWHERE_MS = 20;
/** Longest time a caller waits for what its own request scheduled. */
export const SETTLE_MS_MAX = 10_000;

export class Expirer {
  readonly #ports: ExpirerPorts;
  readonly #clock: Clock;
  readonly #kinds: Kinds;
  readonly #pace: Pace;
  readonly #patience: Patience;
  readonly #busy = new Map<string, Promise<void>>();
  /** Entries that wait for others to get on. */
  readonly #waiting = new Map<string, DueEntry>();
  readonly #settlers = new Set<Settler>();
  #cancel: (() => void) | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #nudge = Promise.withResolvers<void>();
  #fault: unknown;
  #stopped = true;

  constructor(ports: ExpirerPorts) {
    this.#ports = ports;
    this.#clock = ports.world.clock;
    this.#pace = new Pace(this.#clock);
    this.#patience = new Patience(ports.world.log);
    this.#kinds = {
      ...tokenKinds(ports),
      ...placeKinds(ports),
      lease: leaseKind(ports),
      'end-below': endBelowKind(ports),
      intent: intentKind(ports),
      task: taskKind(ports),
    };
    ports.queue.onCommitted((atMs) => this.#wakeBy(atMs));
  }

  start(): void {
    this.#stopped = false;
    this.#wakeBy(this.#clock.nowMs());
  }

  /** Starts nothing more. What is under way is not waited for: it fails to commit and is found again after the start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#nudge.resolve();
    await this.#running?.catch(() => {});
    this.#busy.clear();
    this.#waiting.clear();
  }

  /**
   * To be taken before the commit that schedules what is waited for, which may be under way already when that is answered.
   * @returns what waits until everything is worked off that is due and was not under way before; at most {@link SETTLE_MS_MAX}.
   * It throws {@link StorageError}.
   */
  settler(): () => Promise<void> {
    const [sinceMs, busyBefore] = [this.#clock.nowMs(), new Set(this.#busy.keys())];
    return () => this.#settle({ sinceMs, busyBefore, looked: false, done: false });
  }

  async #settle(settler: Settler): Promise<void> {
    const over = Promise.withResolvers<void>();
    settler.resolve = over.resolve;
    const cancel = this.#clock.after(SETTLE_MS_MAX, () => {
      settler.done = true;
      over.resolve();
    });
    this.#settlers.add(settler);
    try {
      while (!settler.done && !this.#stopped && this.#ports.unsealed()) {
        this.#nudge.resolve();
        await Promise.race([this.#run(), over.promise]);
      }
    } finally {
      this.#settlers.delete(settler);
      cancel();
    }
  }

  /** Somebody asks for something. */
  noteRequest(): void {
    this.#pace.noteRequest();
  }

  /** There is more to do: another process has scheduled something, or this one has taken over. */
  wake(): void {
    this.#wakeBy(this.#clock.nowMs());
  }

  #wakeBy(atMs: number): void {
    if (this.#stopped) return;
    // Without the duty, only what somebody here waits for is worked off.
    if (!this.#ports.duty.held && this.#settlers.size === 0) return;
    if (this.#running !== undefined && atMs <= this.#clock.nowMs()) this.#nudge.resolve();
    if (atMs >= this.#wakeAtMs) return;
    this.#cancel?.();
    this.#wakeAtMs = atMs;
    const delayMs = Math.min(Math.max(atMs - this.#clock.nowMs(), 1), SLEEP_MS_MAX);
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#run().catch(() => {});
    });
  }

  async #run(): Promise<void> {
    this.#running ??= this.#rounds()
      .catch((error: unknown) => {
        this.#ports.world.log.error('expiry failed', { error: textOf(error) });
        this.#wakeBy(this.#clock.nowMs() + RETRY_MS);
        throw error;
      })
      .finally(() => (this.#running = undefined));
    await this.#running;
  }

  async #rounds(): Promise<void> {
    this.#fault = undefined;
    while (!this.#stopped && this.#ports.unsealed()) {
      if (this.#fault !== undefined) throw this.#fault;
      this.#nudge = Promise.withResolvers<void>();
      for (const settler of this.#settlers) settler.looked = true;
      const room = this.#busy.size + this.#waiting.size + ENTRIES_READ;
      const entries = await this.#ports.queue.earliest(this.#ports.begin(), room);
      const nowMs = this.#clock.nowMs();
      const free = entries.filter(({ key }) => !this.#busy.has(key) && !this.#waiting.has(key));
      const now = free.filter(({ atMs }) => atMs <= nowMs);
      const due = this.#takeable(now);
      for (const entry of due) {
        if (this.#stopped) return;
        this.#take(entry, nowMs);
        while (this.#busy.size >= BUSY_MAX && !this.#stopped) await this.#progress();
        // Nobody who waits for what is due is kept waiting by others who ask.
        if (this.#pace.isOver() && this.#settlers.size === 0 && !this.#stopped) {
          this.#nudge = Promise.withResolvers<void>();
          await this.#pace.giveWay(this.#nudge.promise);
        }
      }
      if (due.length > 0) continue;
      if (now.some((entry) => !this.#isOurs(entry) && this.#isAwaited(entry))) {
        await this.#pause(ELSEWHERE_MS);
        // What waited may have waited for what the other process has done.
        this.#waiting.clear();
        continue;
      }
      // What is left of them is held back by another entry of the same subject, which is under way.
      this.#release(now);
      if (this.#busy.size > 0) {
        await this.#progress();
        continue;
      }
      if (this.#waiting.size > 0) {
        await this.#putOff(nowMs);
        continue;
      }
      const next = free[0];
      if (next !== undefined) this.#wakeBy(next.atMs);
      return;
    }
  }

  /** Waits until an entry is worked off or there is something new to look at. */
  async #progress(): Promise<void> {
    await Promise.race([...this.#busy.values(), this.#nudge.promise]);
    this.#nudge = Promise.withResolvers<void>();
  }

  /**
   * Those that can be taken up now: of one subject one at a time. What is asked of its engine twice at once may fail at one of
   * them, and the failure would outlive the success.
   */
  #takeable(now: readonly DueEntry[]): DueEntry[] {
    const taken = new Set([...this.#busy.keys()].map(subjectOf));
    return now.filter((entry) => {
      const subject = subjectOf(entry.key);
      if (!this.#isOurs(entry) || taken.has(subject)) return false;
      taken.add(subject);
      return true;
    });
  }

  #isOurs(entry: DueEntry): boolean {
    return this.#ports.duty.held || this.#kinds[entry.kind]?.outside !== true;
  }

  /** Due, not to be worked off here, and somebody waits who came when it was no old business yet. */
  #isAwaited(entry: DueEntry): boolean {
    for (const settler of this.#settlers) {
      if (!settler.done && isNewsTo(settler, entry)) return true;
    }
    return false;
  }

  async #pause(delayMs: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const cancel = this.#clock.after(delayMs, over.resolve);
    await Promise.race([over.promise, ...this.#busy.values()]);
    cancel();
  }

  /** Nothing more can be taken up: whoever waited for nothing that is left, or under way, may go on. */
  #release(left: readonly DueEntry[]): void {
    for (const settler of this.#settlers) {
      if (!settler.looked || settler.done) continue;
      if (left.some((entry) => this.#isOurs(entry) && isNewsTo(settler, entry))) continue;
      if ([...this.#busy.keys()].some((key) => !settler.busyBefore.has(key))) continue;
      settler.done = true;
      settler.resolve?.();
    }
  }

  #take(entry: DueEntry, nowMs: number): void {
    const done: Promise<void> = this.#end(entry, nowMs)
      .catch((error: unknown) => {
        if (!this.#stopped) this.#fault = error;
      })
      .finally(() => {
        if (this.#busy.get(entry.key) === done) this.#busy.delete(entry.key);
      });
    this.#busy.set(entry.key, done);
  }

  async #end(entry: DueEntry, nowMs: number): Promise<void> {
    const kind: Kind | undefined = this.#kinds[entry.kind];
    let failure: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const unit = this.#ports.begin();
      try {
        if (kind?.outside === true) await this.#ports.duty.guard(unit);
        if (kind === undefined) failure = 'unknown kind of work';
        const outcome =
          failure === undefined && kind !== undefined
            ? await kind.work(unit, entry, nowMs)
            : await this.#fail(kind, unit, entry, failure ?? '');
        await this.#record(unit, entry, outcome);
        if (failure === undefined) this.#patience.worked(entry);
        return;
      } catch (error) {
        if (this.#stopped || isStorage(error)) throw error;
        if (error instanceof DutyLostError) return;
        if (error instanceof ConflictError) {
          if (attempt < COMMIT_ATTEMPTS_MAX) continue;
          throw error;
        }
        // Whoever settles a replacement must not wait for its end.
        if (kind?.outside === true && entry.kind !== 'intent' && attempt <= OVERTAKEN_MAX) {
          if ((await overtaken(this.#ports.intents, unit, undefined, error)) !== undefined)
            continue;
        }
        // A failure while a failure is recorded: the record itself cannot be read.
        if (failure !== undefined) return await this.#skip(entry, textOf(error));
        failure = textOf(error);
      }
    }
  }

  async #record(unit: CoreUnit, entry: DueEntry, outcome: Outcome): Promise<void> {
    const { queue } = this.#ports;
    if (outcome === 'waiting') {
      this.#waiting.set(entry.key, entry);
      return;
    }
    if (outcome !== 'again') queue.remove(unit, entry);
    if (typeof outcome === 'number') queue.schedule(unit, entry, outcome);
    await unit.commit();
    queue.committed(unit);
    // Whoever waits may have waited for this.
    if (outcome === 'done') this.#waiting.clear();
  }

  async #fail(
    kind: Kind | undefined,
    unit: CoreUnit,
    entry: DueEntry,
    reason: string,
  ): Promise<Outcome> {
    const nowMs = this.#clock.nowMs();
    if (kind?.failed !== undefined) return await kind.failed(unit, entry, nowMs, reason);
    return nowMs + this.#patience.pauseAfter(entry, reason);
  }

  /** One entry that cannot be worked off must not hold up the rest. */
  async #skip(entry: DueEntry, reason: string): Promise<void> {
    const unit = this.#ports.begin();
    await this.#record(unit, entry, await this.#fail(undefined, unit, entry, reason));
  }

  /** Everything that is due waits for something that is not due yet. */
  async #putOff(nowMs: number): Promise<void> {
    const unit = this.#ports.begin();
    for (const entry of this.#waiting.values()) {
      this.#ports.queue.remove(unit, entry);
      this.#ports.queue.schedule(unit, entry, nowMs + WAITING_MS);
    }
    this.#waiting.clear();
    await unit.commit();
    this.#ports.queue.committed(unit);
  }
}

/** Nothing can be done now, for this entry or any other. */
function isStorage(error: unknown): boolean {
  return (
    error instanceof StorageError || (error instanceof RequestError && error.code === 'sealed')
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'not an error';
}
