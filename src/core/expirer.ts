/**
 * Ends what is due: tokens, leases, and what revoked tokens, removed mounts and deleted namespaces left behind. Each entry of the
 * queue is worked off in transactions of its own, so a crash at any point leaves the entry, and the work goes on after the start.
 */
import type { World } from '../base/world.ts';
import { RequestError } from '../model/errors.ts';
import { ConflictError } from '../storage/storage.ts';
import type { DueEntry, ExpiryQueue } from '../leases/expiry-queue.ts';
import type { LeaseRecord, LeaseStore } from '../leases/lease-store.ts';
import type { TokenStore } from '../tokens/token-store.ts';
import { isExpired } from '../tokens/token-record.ts';
import type { CoreUnit } from './epoch-cache.ts';
import { dataPrefix } from './mount-entry.ts';
import type { MountEntry } from './mount-entry.ts';
import { ROUTING_SCOPE } from './mount-table.ts';
import type { BackendFactory, MountTable } from './mount-table.ts';
import { getMigration, moveStep } from './mover.ts';
import { deleteNamespaceRecord } from './namespaces.ts';
import { wipe } from './wipe.ts';
import { cubbyholePrefix } from './steps/wrap.ts';

export interface ExpirerPorts {
  readonly world: World;
  readonly begin: () => CoreUnit;
  readonly queue: ExpiryQueue;
  readonly tokens: TokenStore;
  readonly leases: LeaseStore;
  readonly backends: BackendFactory;
  readonly table: MountTable;
  /** The entry of a mount, whether still routed or already removed. */
  readonly mountOf: (
    unit: CoreUnit,
    namespaceId: string,
    accessor: string,
  ) => Promise<MountEntry | undefined>;
  /** Forgets a namespace's key: what is left of it can never be read again. */
  readonly shred: (unit: CoreUnit, namespaceId: string) => void;
  readonly unsealed: () => boolean;
}

/** Entries looked at in one round. */
const ROUND_ENTRIES = 256;
/** Records deleted in one transaction. */
const WIPE_RECORDS = 1000;
/** Children or leases taken up in one transaction. */
const FAN_OUT = 500;
/** Longest sleep: a clock that was set forward is noticed by then. */
const SLEEP_MS_MAX = 60_000;
/** After a failed round. */
const RETRY_MS = 5_000;
/** An orphaned parent's stub is looked at again after this. */
const STUB_CHECK_MS = 3_600_000;
const REVOKE_ATTEMPTS_MAX = 6;
const REVOKE_BACKOFF_MS = 10_000;
const COMMIT_ATTEMPTS_MAX = 10;
/** Longest time a caller waits for what its own request scheduled. */
const SETTLE_MS_MAX = 10_000;

/** Where the entries of removed mounts wait for their clean-up. */
export const GONE_PREFIX: string = 'core/mount-gone/';

export class Expirer {
  readonly #ports: ExpirerPorts;
  #cancel: (() => void) | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #stopped = true;

  constructor(ports: ExpirerPorts) {
    this.#ports = ports;
    ports.queue.onSchedule((atMs) => this.#wakeBy(atMs));
  }

  start(): void {
    this.#stopped = false;
    this.#wakeBy(this.#ports.world.clock.nowMs());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    await this.#running?.catch(() => {});
  }

  /** Works off everything that is due now; waits at most {@link SETTLE_MS_MAX}. */
  async settle(): Promise<void> {
    if (this.#running !== undefined) await this.#running.catch(() => {});
    await this.#run();
  }

  #wakeBy(atMs: number): void {
    if (this.#stopped || atMs >= this.#wakeAtMs) return;
    this.#cancel?.();
    this.#wakeAtMs = atMs;
    const { clock } = this.#ports.world;
    const delayMs = Math.min(Math.max(atMs - clock.nowMs(), 1), SLEEP_MS_MAX);
    this.#cancel = clock.after(delayMs, () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#run().catch((error: unknown) => {
        this.#ports.world.log.error('expiry failed', { error: textOf(error) });
        this.#wakeBy(clock.nowMs() + RETRY_MS);
      });
    });
  }

  async #run(): Promise<void> {
    this.#running ??= this.#rounds().finally(() => (this.#running = undefined));
    await this.#running;
  }

  async #rounds(): Promise<void> {
    const { clock } = this.#ports.world;
    const endMs = clock.monotonicMs() + SETTLE_MS_MAX;
    while (!this.#stopped && this.#ports.unsealed()) {
      const entries = await this.#ports.queue.earliest(this.#ports.begin(), ROUND_ENTRIES);
      const first = entries[0];
      if (first === undefined) return;
      const nowMs = clock.nowMs();
      const due = entries.filter((entry) => entry.atMs <= nowMs);
      if (due.length === 0) {
        this.#wakeBy(first.atMs);
        return;
      }
      for (const entry of due) await this.#end(entry, nowMs);
      if (clock.monotonicMs() > endMs) {
        this.#wakeBy(clock.nowMs());
        return;
      }
    }
  }

  async #end(entry: DueEntry, nowMs: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const unit = this.#ports.begin();
      try {
        await this.#handle(unit, entry, nowMs);
        await unit.commit();
        return;
      } catch (error) {
        if (error instanceof ConflictError && attempt < COMMIT_ATTEMPTS_MAX) continue;
        throw error;
      }
    }
  }

  async #handle(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<void> {
    switch (entry.kind) {
      case 'token':
        return await this.#endToken(unit, entry, nowMs);
      case 'lease':
        return await this.#endLease(unit, entry, nowMs);
      case 'cleanup':
        return await this.#cleanUp(unit, entry, nowMs);
      case 'cleanup-orphaning':
        return await this.#cleanUpOrphaning(unit, entry, nowMs);
      case 'unmount':
        return await this.#cleanUpMount(unit, entry, nowMs);
      case 'namespace':
        return await this.#cleanUpNamespace(unit, entry);
      case 'move':
        return await this.#move(unit, entry, nowMs);
    }
  }

  async #endToken(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<void> {
    const { queue, tokens } = this.#ports;
    queue.remove(unit, entry);
    const record = await tokens.raw(unit, entry);
    if (record === undefined || record.orphaning === true) return;
    if (isExpired(record, nowMs)) tokens.revoke(unit, record, nowMs);
    else queue.schedule(unit, entry, record.expiresMs);
  }

  /** What a dead token leaves: children, leases, cubbyhole. */
  async #cleanUp(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<void> {
    const { queue, tokens } = this.#ports;
    const children = await tokens.children(unit, entry, FAN_OUT);
    for (const child of children) {
      const record = await tokens.raw(unit, child);
      if (record !== undefined) tokens.revoke(unit, record, nowMs);
      tokens.forgetChild(unit, entry, child);
    }
    const empty = await this.#cleanUpHoldings(unit, entry, nowMs);
    if (empty && children.length < FAN_OUT) queue.remove(unit, entry);
  }

  async #cleanUpOrphaning(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<void> {
    const { queue, tokens } = this.#ports;
    if (!(await this.#cleanUpHoldings(unit, entry, nowMs))) return;
    queue.remove(unit, entry);
    const children = await tokens.children(unit, entry, 1);
    if (children.length === 0) tokens.deleteRaw(unit, entry);
    else queue.schedule(unit, entry, nowMs + STUB_CHECK_MS);
  }

  /** Leases and cubbyhole of a token; true when nothing is left. */
  async #cleanUpHoldings(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<boolean> {
    const { leases } = this.#ports;
    const held = await leases.ofToken(unit, entry.namespaceId, entry.id, FAN_OUT);
    for (const lease of held) {
      const record = await leases.get(unit, lease.namespaceId, lease.id);
      if (record !== undefined) leases.expireNow(unit, record, nowMs);
      leases.forget(unit, entry.namespaceId, entry.id, lease);
    }
    const wiped = await wipe(
      unit.view(entry.namespaceId, cubbyholePrefix(entry.id)),
      '',
      WIPE_RECORDS,
    );
    return wiped && held.length < FAN_OUT;
  }

  async #endLease(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<void> {
    const { queue, leases } = this.#ports;
    queue.remove(unit, entry);
    const record = await leases.get(unit, entry.namespaceId, entry.id);
    if (record === undefined || record.irrevocable !== undefined) return;
    if (record.expiresMs > nowMs) {
      queue.schedule(unit, entry, record.expiresMs);
      return;
    }
    try {
      await this.#revokeAtTarget(unit, record, nowMs);
      leases.delete(unit, record);
    } catch (error) {
      if (error instanceof ConflictError) throw error;
      this.#revocationFailed(unit, entry, record, nowMs, error);
    }
  }

  /** Asks the engine; its own records change in the same commit. */
  async #revokeAtTarget(unit: CoreUnit, record: LeaseRecord, nowMs: number): Promise<void> {
    const { backends, mountOf } = this.#ports;
    const mount = await mountOf(unit, record.namespaceId, record.mountAccessor);
    if (mount === undefined) throw new RequestError('internal', 'the mount of the lease is gone');
    const secret = backends(mount)?.secrets?.[record.secretType];
    if (secret === undefined)
      throw new RequestError('internal', 'the engine cannot revoke this kind of secret');
    const view = unit.view(record.namespaceId, dataPrefix(mount));
    await secret.revoke(
      { leaseId: record.id, internal: record.internal, incrementSeconds: 0, nowMs },
      view,
    );
  }

  #revocationFailed(
    unit: CoreUnit,
    entry: DueEntry,
    record: LeaseRecord,
    nowMs: number,
    error: unknown,
  ): void {
    const { queue, leases, world } = this.#ports;
    const attempts = record.attempts + 1;
    world.log.warn('revocation failed', { lease_id: record.id, attempts, error: textOf(error) });
    const next: LeaseRecord = { ...record, attempts };
    if (attempts >= REVOKE_ATTEMPTS_MAX) {
      leases.markIrrevocable(unit, next, textOf(error));
      return;
    }
    leases.put(unit, next);
    queue.schedule(unit, entry, nowMs + REVOKE_BACKOFF_MS * 2 ** (attempts - 1));
  }

  async #cleanUpMount(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<void> {
    const { queue } = this.#ports;
    const gone = unit.view(entry.namespaceId, GONE_PREFIX);
    const mount = await gone.getJson<MountEntry>(entry.id);
    if (mount === undefined) {
      queue.remove(unit, entry);
      return;
    }
    if (!(await this.endBelow(unit, entry.namespaceId, mount.path, nowMs, false))) {
      // The leases are being revoked at their targets; the mount's own data must wait for them.
      const waiting = await this.#ports.leases.list(unit, entry.namespaceId, mount.path, {
        limit: 1,
      });
      if (waiting.length > 0) {
        queue.remove(unit, entry);
        queue.schedule(unit, entry, nowMs + REVOKE_BACKOFF_MS);
      }
      return;
    }
    if (!(await wipe(unit.view(entry.namespaceId, dataPrefix(mount)), '', WIPE_RECORDS))) return;
    gone.delete(entry.id);
    queue.remove(unit, entry);
  }

  async #move(unit: CoreUnit, entry: DueEntry, nowMs: number): Promise<void> {
    const { queue, table } = this.#ports;
    const migration = await getMigration(unit, entry.id);
    if (migration === undefined || migration.status !== 'in-progress') {
      queue.remove(unit, entry);
      return;
    }
    if (!(await this.endBelow(unit, entry.namespaceId, migration.entry.path, nowMs, false))) return;
    if (await moveStep(unit, table, entry.id, migration)) queue.remove(unit, entry);
  }

  /**
   * Ends the tokens and leases below a path. With `force`, leases are dropped without asking their engine.
   * Returns true when none is left.
   */
  async endBelow(
    unit: CoreUnit,
    namespaceId: string,
    prefix: string,
    nowMs: number,
    force: boolean,
  ): Promise<boolean> {
    const { tokens, leases } = this.#ports;
    let left = FAN_OUT;
    const folders = [prefix];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const name of await tokens.listLeases(unit, namespaceId, folder, { limit: FAN_OUT })) {
        if (name.endsWith('/')) {
          folders.push(folder + name);
          continue;
        }
        if (left-- <= 0) return false;
        const ref = await tokens.byLeaseId(unit, namespaceId, folder + name);
        const record = ref === undefined ? undefined : await tokens.raw(unit, ref);
        if (record !== undefined) tokens.revoke(unit, record, nowMs);
        else tokens.forgetLease(unit, namespaceId, folder + name);
      }
    }
    let found = false;
    const leaseFolders = [prefix];
    for (let folder = leaseFolders.pop(); folder !== undefined; folder = leaseFolders.pop()) {
      for (const name of await leases.list(unit, namespaceId, folder, { limit: FAN_OUT })) {
        if (name.endsWith('/')) {
          leaseFolders.push(folder + name);
          continue;
        }
        if (left-- <= 0) return false;
        const record = await leases.get(unit, namespaceId, folder + name);
        if (record === undefined) continue;
        if (force) {
          leases.delete(unit, record);
        } else if (record.expiresMs > nowMs) {
          leases.expireNow(unit, record, nowMs);
          found = true;
        } else {
          found = true;
        }
      }
    }
    return !found;
  }

  async #cleanUpNamespace(unit: CoreUnit, entry: DueEntry): Promise<void> {
    const { queue } = this.#ports;
    const gone = await unit.view(entry.namespaceId, GONE_PREFIX).list('', { limit: 1 });
    if (gone.length > 0) {
      queue.remove(unit, entry);
      queue.schedule(unit, entry, this.#ports.world.clock.nowMs() + 100);
      return;
    }
    if (!(await wipe(unit.view(entry.namespaceId, ''), '', WIPE_RECORDS))) return;
    this.#ports.shred(unit, entry.namespaceId);
    deleteNamespaceRecord(unit, entry.namespaceId);
    unit.bumpEpoch(ROUTING_SCOPE);
    queue.remove(unit, entry);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'not an error';
}
