/**
 * User lockout: after too many failed logins in a row a name is refused for a while, whatever password comes with it. The
 * name is the one that the method itself calls canonical, so that spellings do not count apart (CVE-2025-6004), and names of
 * nobody are counted too, so that a lock does not tell who exists.
 */
import type { Clock } from '../../base/clock.ts';
import { permissionDenied } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import type { Exchange } from '../exchange.ts';
import type { FailureCount } from './lockout-failures.ts';
import type { Mount } from '../mounts/mount-table.ts';

export interface LockoutRules {
  /** Failed logins in a row; 0 = never locked. */
  readonly threshold: number;
  readonly durationSeconds: number;
  /** Time without a failure after which the count starts again. */
  readonly counterResetSeconds: number;
  readonly disabled: boolean;
}

export const DEFAULT_LOCKOUT_RULES: LockoutRules = {
  threshold: 5,
  durationSeconds: 900,
  counterResetSeconds: 900,
  disabled: false,
};

export interface LockoutPorts {
  readonly clock: Clock;
  readonly begin: () => CoreUnit;
  /** Hash of a name: a fixed length for storage keys. */
  readonly hash: (text: string) => string;
  /** Rules of the server's configuration for an auth method, where its mounts have none of their own. */
  readonly rulesOf: (method: string) => LockoutRules;
  readonly failures: FailureCount;
}

/** Locks looked at for expiry whenever a new one is written. */
const SWEPT_AT_ONCE = 16;
const PREFIX = 'core/locked-user/';

interface Lock {
  readonly name: string;
  readonly untilMs: number;
}

export interface LockedUsers {
  readonly accessor: string;
  readonly names: readonly string[];
}

export class LockoutKeeper {
  readonly #ports: LockoutPorts;

  constructor(ports: LockoutPorts) {
    this.#ports = ports;
  }

  /** @throws {RequestError} permission_denied while the name of this login is locked */
  async admit(exchange: Exchange): Promise<void> {
    const login = this.#loginOf(exchange);
    if (login === undefined) return;
    const lock = await locks(exchange.unit, login.mount).getJson<Lock>(this.#key(login));
    if (lock !== undefined && lock.untilMs > exchange.nowMs)
      throw permissionDenied('the user is locked out');
  }

  /** A login went through: the count starts again, and an old lock goes with the login's own commit. */
  async succeeded(exchange: Exchange): Promise<void> {
    const login = this.#loginOf(exchange);
    if (login === undefined) return;
    await this.#ports.failures.forget(exchange.unit, countKey(login));
    const view = locks(exchange.unit, login.mount);
    const key = this.#key(login);
    if ((await view.getJson<Lock>(key)) !== undefined) view.delete(key);
  }

  /** A login was refused for its credentials. */
  async failed(exchange: Exchange): Promise<void> {
    const login = this.#loginOf(exchange);
    if (login === undefined) return;
    const { rules } = login;
    const { nowMs } = exchange;
    const resetMs = rules.counterResetSeconds * 1000;
    const count = await this.#ports.failures.add(countKey(login), nowMs, resetMs);
    if (count >= rules.threshold) await this.#lock(login, nowMs);
  }

  /** Names that are locked now, by mount, of one namespace. */
  async locked(unit: Unit, namespaceId: string, nowMs: number): Promise<readonly LockedUsers[]> {
    const found: LockedUsers[] = [];
    const view = unit.view(namespaceId, PREFIX);
    for (const folder of await view.list('')) {
      const names: string[] = [];
      for (const id of await view.list(folder)) {
        const lock = await view.getJson<Lock>(folder + id);
        if (lock !== undefined && lock.untilMs > nowMs) names.push(lock.name);
      }
      if (names.length > 0) found.push({ accessor: folder.slice(0, -1), names: names.sort() });
    }
    return found;
  }

  async unlock(unit: Unit, namespaceId: string, accessor: string, name: string): Promise<void> {
    for (const spelling of new Set([name, name.toLowerCase()])) {
      const login = { accessor, name: spelling };
      await this.#ports.failures.forget(unit, countKey(login));
      unit.view(namespaceId, `${PREFIX}${accessor}/`).delete(this.#key(login));
    }
  }

  /** After a seal. */
  clear(): void {
    this.#ports.failures.clear();
  }

  async #lock(login: Login, nowMs: number): Promise<void> {
    const unit = this.#ports.begin();
    const view = locks(unit, login.mount);
    for (const id of await view.list('', { limit: SWEPT_AT_ONCE })) {
      const lock = await view.getJson<Lock>(id);
      if (lock !== undefined && lock.untilMs <= nowMs) view.delete(id);
    }
    const lock: Lock = {
      name: login.name,
      untilMs: nowMs + login.rules.durationSeconds * 1000,
    };
    view.putJson(this.#key(login), lock);
    await this.#ports.failures.forget(unit, countKey(login));
    try {
      await unit.commit();
    } catch (error) {
      // Another replica or request has locked the same name.
      if (!(error instanceof ConflictError)) throw error;
    }
  }

  #key(login: Pick<Login, 'name'>): string {
    return this.#ports.hash(`locked user ${login.name}`);
  }

  /** Undefined when nobody is ever locked here. */
  #loginOf(exchange: Exchange): Login | undefined {
    const { mount } = exchange;
    if (mount === undefined || mount.backend.scope !== 'mount') return undefined;
    const name = mount.backend.loginName?.(exchange);
    if (name === undefined || name === '') return undefined;
    const rules = this.#rulesOf(mount);
    if (rules.disabled || rules.threshold === 0 || rules.durationSeconds === 0) return undefined;
    return { accessor: mount.entry.accessor, mount, name, rules };
  }

  #rulesOf(mount: Mount): LockoutRules {
    const tuned = mount.entry.config.user_lockout_config;
    const rules = this.#ports.rulesOf(mount.entry.type);
    if (tuned === undefined) return rules;
    // What is 0 was not tuned.
    return {
      threshold: tuned.user_lockout_threshold || rules.threshold,
      durationSeconds: tuned.user_lockout_duration || rules.durationSeconds,
      counterResetSeconds: tuned.user_lockout_counter_reset_duration || rules.counterResetSeconds,
      disabled: tuned.user_lockout_disable || rules.disabled,
    };
  }
}

interface Login {
  readonly accessor: string;
  readonly mount: Mount;
  readonly name: string;
  readonly rules: LockoutRules;
}

function countKey(login: Pick<Login, 'accessor' | 'name'>): string {
  return `${login.accessor}/${login.name}`;
}

function locks(unit: Unit, mount: Mount): ReturnType<Unit['view']> {
  return unit.view(mount.namespace.id, `${PREFIX}${mount.entry.accessor}/`);
}
