/**
 * What a server does because others work on the same store: follows what they change, is on the roster, holds the duty to act
 * outside when nobody else does, and unseals itself when one of them has created the cluster.
 */
import { dataKey } from '../../barrier/barrier-unit.ts';
import type { Barrier } from '../../barrier/barrier.ts';
import { uuid } from '../../base/random.ts';
import type { World } from '../../base/world.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import { SharedDuty } from '../../core/replicas/duty.ts';
import type { Duty } from '../../core/replicas/duty.ts';
import { Roster } from '../../core/replicas/roster.ts';
import type { Replica } from '../../core/replicas/roster.ts';
import { EXPIRY_PREFIX } from '../../leases/expiry-queue.ts';
import type { Unit } from '../../model/transaction.ts';
import type { SharedStorage } from '../../storage/storage.ts';
import { assertSettled, MOVE_MARKER_KEY, MovedError } from '../moving/move-marker.ts';
import { AUDIT_DEVICES_PREFIX } from '../../system/audit-records.ts';
import { AUDITED_HEADERS_KEY } from '../../system/config/audited-headers.ts';

/** Between two looks at what others have changed, while no request brings the news: work that they schedule waits as long. */
const FOLLOW_MS = 50;
/** The same while sealed, and between attempts to unseal. */
const FOLLOW_SEALED_MS = 1_000;

/** Without news from the store for this long, a server counts as cut off. */
const CUT_OFF_MS = 3_000;

const EXPIRY_KEYS = dataKey('root', EXPIRY_PREFIX, '');
const AUDIT_KEYS = dataKey('root', AUDIT_DEVICES_PREFIX, '');
const HEADER_KEY = dataKey('root', AUDITED_HEADERS_KEY.prefix, AUDITED_HEADERS_KEY.key);

export interface ReplicasOptions {
  readonly world: World;
  readonly storage: SharedStorage;
  readonly barrier: Barrier;
  readonly begin: () => CoreUnit;
  readonly self: () => Omit<Replica, 'id' | 'beat' | 'beatMs'>;
  /** Reacts to what others have done; each may be called at any time and must bear being called in vain. */
  readonly react: {
    /** Something was scheduled, or this server has taken over what is. */
    readonly expiry: () => void;
    readonly auditDevices: () => Promise<void>;
    readonly auditedHeaders: () => Promise<void>;
    /** While sealed: the cluster may exist now, and the seal may open it. */
    readonly sealed: () => Promise<void>;
  };
}

export class Replicas {
  readonly #options: ReplicasOptions;
  /** Of this process. */
  readonly id: string;
  readonly #roster: Roster;
  readonly #duty: SharedDuty;
  #stopListening: () => void;
  #cancel: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** Keys that others have changed since they were looked at; undefined = any may have. */
  #changed: Set<string> | undefined = new Set();
  /** The store may have been moved elsewhere, behind this server’s back. */
  #maybeMoved = false;
  #failing = false;
  #heardMs: number;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    const { world, begin, self, react } = options;
    this.#heardMs = world.clock.monotonicMs();
    this.id = uuid(world.random);
    this.#roster = new Roster({ world, begin, self, id: this.id });
    this.#duty = new SharedDuty({
      world,
      begin,
      roster: this.#roster,
      name: 'expiry',
      gained: react.expiry,
    });
    // What was missed while the roster was in doubt is found at the next beat.
    this.#roster.onBeat(async () => {
      if (this.#duty.held) react.expiry();
    });
    this.#stopListening = options.storage.onChanged((keys) => this.#note(keys));
  }

  get duty(): Duty {
    return this.#duty;
  }

  /** Whether the store has answered lately. */
  get reachable(): boolean {
    return this.#options.world.clock.monotonicMs() - this.#heardMs < CUT_OFF_MS;
  }

  async nodes(unit: Unit): Promise<readonly Replica[]> {
    return await this.#roster.replicas(unit);
  }

  /** From the start of the process on, sealed or not. */
  follow(): void {
    this.#cancel ??= () => {};
    this.#arm();
  }

  /** After unsealing. */
  async enter(): Promise<void> {
    await this.#roster.start();
  }

  /** Before sealing. Off the roster first: a beat under way would take the duty again as soon as it is handed over. */
  async leave(): Promise<void> {
    await this.#roster.stop();
    try {
      await this.#duty.release();
    } catch {
      // The others find out by themselves.
    }
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#stopListening = () => {};
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#turn;
  }

  #note(keys: readonly string[] | undefined): void {
    if (keys === undefined) this.#changed = undefined;
    else if (this.#changed !== undefined) for (const key of keys) this.#changed.add(key);
    if (keys === undefined || keys.includes(MOVE_MARKER_KEY)) this.#maybeMoved = true;
    // Work that is due must not wait for the next look.
    if (keys === undefined || keys.some((key) => key.startsWith(EXPIRY_KEYS))) {
      this.#options.react.expiry();
    }
  }

  #arm(): void {
    if (this.#cancel === undefined) return;
    const { barrier, world } = this.#options;
    this.#cancel = world.clock.after(barrier.sealed ? FOLLOW_SEALED_MS : FOLLOW_MS, () => {
      this.#turn = this.#look().then(() => this.#arm());
    });
  }

  async #look(): Promise<void> {
    const { storage, barrier, react, world } = this.#options;
    try {
      await storage.catchUp();
      this.#heardMs = world.clock.monotonicMs();
      if (this.#maybeMoved) await assertSettled(storage);
      this.#maybeMoved = false;
      if (barrier.sealed) {
        // Nothing is kept count of: after unsealing everything is looked at.
        this.#changed = undefined;
        await react.sealed();
      } else await this.#react();
      this.#failing = false;
    } catch (error) {
      if (error instanceof MovedError) world.fatal(error.message);
      if (!this.#failing) {
        const reason = error instanceof Error ? error.message : 'not an error';
        world.log.warn('what other servers do cannot be followed', { reason });
      }
      this.#failing = true;
    }
  }

  async #react(): Promise<void> {
    const changed = this.#changed;
    if (changed?.size === 0) return;
    this.#changed = new Set();
    const { barrier, react } = this.#options;
    const keys = changed === undefined ? undefined : [...changed];
    const touches = (prefix: string): boolean =>
      keys === undefined || keys.some((key) => key.startsWith(prefix));
    try {
      await barrier.changedElsewhere(keys);
      if (touches(AUDIT_KEYS)) await react.auditDevices();
      if (touches(HEADER_KEY)) await react.auditedHeaders();
    } catch (error) {
      // Once more at the next look.
      this.#changed = undefined;
      throw error;
    }
  }
}
