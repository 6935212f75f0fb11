/**
 * A duty: work that one process at a time may do for all, such as ending leases at their targets. Its record names the holder and
 * changes with every hand-over; every transaction of the work reads it, so that one of a former holder, however late it comes
 * out of a pause, cannot be committed (fencing).
 */
import type { World } from '../../base/world.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import type { Roster } from './roster.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

const PREFIX = 'core/duty/';

interface DutyRecord {
  readonly holder: string;
  /** Counts the hand-overs. */
  readonly fence: number;
}

export interface Duty {
  /** Whether this process may begin a piece of the work now. */
  readonly held: boolean;
  /** Makes the commit of `unit` depend on holding it. @throws {DutyLostError} */
  guard(unit: Unit): Promise<void>;
}

/** Another process has taken over. */
export class DutyLostError extends Error {
  override readonly name = 'DutyLostError';
}

/** Of the only process on a store. */
export const OWN_DUTY: Duty = { held: true, guard: async () => {} };

export interface SharedDutyPorts {
  readonly world: World;
  readonly begin: () => CoreUnit;
  readonly roster: Roster;
  readonly name: string;
  /** Told when this process takes over. */
  readonly gained: () => void;
}

export class SharedDuty implements Duty {
  readonly #ports: SharedDutyPorts;
  #mine = false;

  constructor(ports: SharedDutyPorts) {
    this.#ports = ports;
    ports.roster.onBeat(() => this.look());
  }

  get held(): boolean {
    return this.#mine && this.#ports.roster.sure;
  }

  async guard(unit: Unit): Promise<void> {
    const record = await this.#view(unit).getRecord<DutyRecord>(this.#ports.name);
    if (this.held && record?.holder === this.#ports.roster.id) return;
    if (record?.holder !== this.#ports.roster.id) this.#mine = false;
    throw new DutyLostError(`another server does ${this.#ports.name}`);
  }

  /** Takes over if nobody holds it who is alive. */
  async look(): Promise<void> {
    const { begin, name, roster, world, gained } = this.#ports;
    const unit = begin();
    const record = await this.#view(unit).getRecord<DutyRecord>(name);
    if (record?.holder === roster.id) {
      this.#mine = true;
      return;
    }
    this.#mine = false;
    if (record !== undefined && roster.isAlive(record.holder)) return;
    const fence = (record?.fence ?? 0) + 1;
    this.#view(unit).putJson(name, { holder: roster.id, fence });
    await unit.commit();
    this.#mine = true;
    world.log.info('took over a duty', { duty: name, fence });
    gained();
  }

  /** Hands it over: whoever comes first takes it. */
  async release(): Promise<void> {
    if (!this.#mine) return;
    this.#mine = false;
    const { begin, name, roster } = this.#ports;
    try {
      const unit = begin();
      const record = await this.#view(unit).getRecord<DutyRecord>(name);
      if (record?.holder !== roster.id) return;
      this.#view(unit).putJson(name, { holder: '', fence: record.fence });
      await unit.commit();
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }

  #view(unit: Unit): Transaction {
    return unit.view(ROOT_NAMESPACE_ID, PREFIX);
  }
}
