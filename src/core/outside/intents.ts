/**
 * Intents (see model/outside.ts): opened in a commit of their own before the act, closed in the commit of the request that they
 * belong to, and settled by the expiry queue when that commit never came. They lie in one list, whatever their namespace, so
 * that a start finds them at once.
 */
import type { Awaitable } from '../../base/awaitable.ts';
import { base62 } from '../../base/random.ts';
import { RequestError } from '../../model/errors.ts';
import { ACT_MS_MAX } from '../../model/outside.ts';
import type { Intent } from '../../model/outside.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import { Replacements } from './replacements.ts';
import type { IntentRecord, NewIntent, Opened } from './intent-record.ts';
import type { IntentPorts } from './intent-ports.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

/** The core's own kind: a leased secret that is about to be made. */
export const LEND: string = 'lend';
/** Kinds of backends are told apart from the core's own. */
export const OWN_PREFIX: string = 'own:';

const PREFIX = 'core/intent/';
const ID_LENGTH = 16;
/** An intent is settled this long after it was opened: no act takes longer. */
const SETTLE_AFTER_MS = 2 * ACT_MS_MAX;
/** Others wait for the end of a replacement: after this the process that was at it may have died, and it is looked which credential the target takes. */
const LOOK_AT_REPLACEMENT_MS = 5_000;

/** Pauses between looks at what is open: as long as it has been open. */
const LOOK_MS_MIN = 50;
const LOOK_MS_MAX = 10_000;

export class Intents {
  readonly #ports: IntentPorts;
  /** Those whose request is under way in this process: not to be settled, however long it takes. */
  readonly #active = new Set<string>();
  readonly #replacements: Replacements;

  constructor(ports: IntentPorts) {
    this.#ports = ports;
    this.#replacements = new Replacements(ports);
  }

  /** See {@link Replacements.over}. */
  async replaced(mountAccessor: string | undefined): Promise<string | undefined> {
    return await this.#replacements.over(mountAccessor);
  }

  #view(unit: Unit): Transaction {
    return unit.view(ROOT_NAMESPACE_ID, PREFIX);
  }

  /**
   * Commits an intent on its own. The commit of `unit`, the request's, then depends on its still being open.
   * @throws {RequestError} when the mount is being removed
   */
  async open(unit: Unit, intent: NewIntent): Promise<Opened> {
    const { world, begin, queue, assertMounted } = this.#ports;
    if (intent.replaces !== undefined) await this.#replacements.assertNone(intent);
    const id = `${intent.mountAccessor}:${base62(world.random, ID_LENGTH)}`;
    const nowMs = world.clock.nowMs();
    const record: IntentRecord = { ...intent, id, openedMs: nowMs, attempts: 0 };
    this.#active.add(id);
    try {
      const own = begin();
      await assertMounted(own, intent.mountAccessor);
      this.#view(own).putJsonNew(id, record);
      this.#replacements.begin(own, record);
      const replaces = record.replaces !== undefined;
      queue.scheduleNew(
        own,
        dueOf(record),
        replaces ? nowMs + LOOK_AT_REPLACEMENT_MS : settledMs(record),
      );
      await own.commit();
      queue.committed(own);
      await this.#view(unit).get(id);
    } catch (error) {
      this.#active.delete(id);
      throw error;
    }
    return { record, withdrawn: false, over: false };
  }

  /** In the unit of the request that succeeds: what was intended has come about. */
  close(unit: Unit, opened: readonly Opened[]): Awaitable<void> {
    return inTurn(opened, ({ record }) => this.delete(unit, record));
  }

  /** In any unit, after a request has failed or has to run again: what was withdrawn is forgotten, the rest is settled now. */
  leave(unit: Unit, opened: readonly Opened[], nowMs: number): Awaitable<void> {
    return inTurn(opened, ({ record, withdrawn, over }) => {
      if (withdrawn) return this.delete(unit, record);
      // Also when it was settled meanwhile: the act may have come after that.
      this.#view(unit).putJson(record.id, over ? { ...record, over } : record);
      this.#ports.queue.schedule(unit, dueOf(record), nowMs);
    });
  }

  /** The request is over, one way or the other. */
  release(opened: Iterable<Opened>): void {
    for (const { record } of opened) {
      this.#active.delete(record.id);
      if (record.replaces !== undefined) this.#replacements.wake();
    }
  }

  /**
   * A request is about to run again, and would wait for the end of a replacement that is its own: that is settled first.
   * @throws {ConflictError}
   */
  async giveUp(opened: readonly Opened[], nowMs: number): Promise<void> {
    // First: when this cannot be written they are settled as soon as they fall due, and nobody else would say that they are over.
    this.release(opened);
    const unit = this.#ports.begin();
    await this.leave(unit, opened, nowMs);
    await unit.commit();
    this.#ports.queue.committed(unit);
  }

  isActive(id: string): boolean {
    return this.#active.has(id);
  }

  async get(unit: Unit, id: string): Promise<IntentRecord | undefined> {
    return await this.#view(unit).getJson<IntentRecord>(id);
  }

  put(unit: Unit, record: IntentRecord): void {
    this.#view(unit).putJson(record.id, record);
  }

  delete(unit: Unit, record: IntentRecord): Awaitable<void> {
    this.#view(unit).delete(record.id);
    if (record.replaces !== undefined) return this.#replacements.end(unit, record);
  }

  /** Whether a mount has left something open, whose settling needs its data: then when to look again, else undefined. */
  async openUntilMs(unit: Unit, mountAccessor: string, nowMs: number): Promise<number | undefined> {
    const after = `${mountAccessor}:`;
    const [next] = await this.#view(unit).list('', { after, limit: 1 });
    if (next?.startsWith(after) !== true) return undefined;
    const record = await this.get(unit, next);
    // Most requests are over soon, and whoever moves the mount should not wait for much longer than they take.
    const ageMs = record === undefined ? 0 : nowMs - record.openedMs;
    return nowMs + Math.min(Math.max(ageMs, LOOK_MS_MIN), LOOK_MS_MAX);
  }

  /** After a start of the only process: nobody is at work on what is open, so it is settled now. */
  async resume(): Promise<void> {
    const unit = this.#ports.begin();
    const nowMs = this.#ports.world.clock.nowMs();
    for (const id of await this.#view(unit).list('')) {
      const record = await this.get(unit, id);
      if (record !== undefined && !this.#active.has(id)) {
        this.#ports.queue.schedule(unit, dueOf(record), nowMs);
      }
    }
    await unit.commit();
    this.#ports.queue.committed(unit);
  }
}

/** One after the other; a promise only when something has to be waited for. */
function inTurn<T>(items: readonly T[], act: (item: T) => Awaitable<void>): Awaitable<void> {
  for (const [index, item] of items.entries()) {
    const pending = act(item);
    if (pending !== undefined) return pending.then(() => inTurn(items.slice(index + 1), act));
  }
}

function dueOf({ namespaceId, id }: IntentRecord): {
  readonly kind: 'intent';
  readonly namespaceId: string;
  readonly id: string;
} {
  return { kind: 'intent', namespaceId, id };
}

/** From then on the act of an intent has happened or never will, in milliseconds since the epoch. */
export function settledMs({ openedMs }: IntentRecord): number {
  return openedMs + SETTLE_AFTER_MS;
}

/** What a handler gets of an intent. */
export function handleOf(opened: Opened): Intent {
  return {
    withdraw() {
      opened.withdrawn = true;
    },
  };
}

/** For operations that have not declared effects outside: their request may not be recorded yet. */
export function refuseOutside(): never {
  throw new RequestError('internal', 'the operation does not declare outside effects');
}
