/**
 * One start of one server process, as the rest of the world sees it: everything goes in and out by its doors. A process that died
 * does nothing more, at whichever door that was; one that is stopped takes in what arrived when it goes on.
 */
import type { Clock } from '../../../src/base/clock.ts';
import type { Log, LogFields } from '../../../src/base/log.ts';
import { SteadyClock } from '../../../src/base/steady-clock.ts';
import type { World } from '../../../src/base/world.ts';
import { Chance } from './chance.ts';
import type { Scheduler } from './scheduler.ts';

/** When every simulated run begins: 1 January 2030. */
export const EPOCH_MS: number = Date.UTC(2030, 0, 1);

export interface MachineOptions {
  readonly scheduler: Scheduler;
  readonly name: string;
  readonly seed: number;
  /** How far its wall clock is from the others'. */
  readonly skewMs: number;
  /** Timers are this late at most, as on a busy machine; may change as the run goes on. */
  readonly latenessMs: () => number;
  /** The process takes the time that its machine has, whatever that is. */
  readonly believesClock: boolean;
}

export class DeadError extends Error {
  override readonly name = 'DeadError';
}

export class Machine {
  readonly #options: MachineOptions;
  readonly #scheduler: Scheduler;
  readonly chance: Chance;
  readonly world: World;
  readonly #onDeath = new Set<() => void>();
  #alive = true;
  #stopped = false;
  #waiting: (() => void)[] = [];
  /** Somebody has set the clock of the machine by so much. */
  #setMs = 0;
  /** Doors that it still gets through; undefined = any number. */
  #doorsLeft: number | undefined;
  /** Why it ended, when it ended by itself. */
  fatal: string | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler;
    this.chance = new Chance(options.seed, `machine ${options.name}`);
    this.world = {
      clock: this.#clock(),
      random: new Chance(options.seed, `random ${options.name}`),
      log: this.#log(''),
      fatal: (reason) => {
        this.fatal = reason;
        this.die(`ends: ${reason}`);
        throw new DeadError(reason);
      },
    };
  }

  get name(): string {
    return this.#options.name;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Something arrives. */
  enter(action: () => void): void {
    if (!this.#alive) return;
    if (this.#stopped) this.#waiting.push(action);
    else action();
  }

  /** Something is about to go out; false when the process does not live to see it. */
  leave(): boolean {
    if (this.#doorsLeft !== undefined && this.#alive && this.#doorsLeft-- <= 0) this.die('killed');
    return this.#alive;
  }

  /** What arrives after `delayMs`. */
  later(delayMs: number, what: string, action: () => void): () => void {
    return this.#scheduler.in(delayMs, what, () => this.enter(action));
  }

  /** Kills it at the door after the next `doors`. */
  dieAfter(doors: number): void {
    this.#doorsLeft = doors;
  }

  die(how: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#waiting = [];
    this.#scheduler.note(`${this.name} ${how}`);
    const hooks = [...this.#onDeath];
    this.#onDeath.clear();
    for (const hook of hooks) hook();
  }

  /** Told of its end. @returns a function that calls it off. */
  onDeath(hook: () => void): () => void {
    this.#onDeath.add(hook);
    return () => void this.#onDeath.delete(hook);
  }

  /** SIGSTOP, and SIGCONT after `forMs`. */
  stop(forMs: number): void {
    if (!this.#alive || this.#stopped) return;
    this.#stopped = true;
    this.#scheduler.note(`${this.name} stopped`);
    this.#scheduler.in(forMs, `${this.name} goes on`, () => this.goOn());
  }

  goOn(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    for (const action of this.#waiting.splice(0)) {
      // What it does may stop or end it again.
      this.enter(action);
    }
  }

  /** Its machine says another time; 0 sets it right. */
  setClock(byMs: number): void {
    if (this.#alive) this.#scheduler.note(`${this.name} has its clock set by ${byMs} ms`);
    this.#setMs = byMs;
  }

  #clock(): Clock {
    const { skewMs, latenessMs, name } = this.#options;
    const scheduler = this.#scheduler;
    const machine: Clock = {
      nowMs: () => EPOCH_MS + Math.floor(scheduler.nowMs + skewMs + this.#setMs),
      monotonicMs: () => scheduler.nowMs,
      after: (delayMs, action) => {
        const late = this.chance.unit() * latenessMs();
        return this.later(delayMs + late, `${name} timer`, action);
      },
    };
    if (this.#options.believesClock) return machine;
    return new SteadyClock({
      log: this.#log('clock'),
      machine,
      uptimeMs: () => scheduler.nowMs,
    });
  }

  #log(logger: string): Log {
    const say =
      (level: string) =>
      (message: string, fields?: LogFields): void => {
        // Names of files and lines differ from one checkout to the next.
        const shown = fields?.['error'] === undefined ? JSON.stringify(fields ?? {}) : '';
        this.#scheduler.note(`${this.name} ${level} ${logger} ${message} ${shown}`);
        if (message === 'request crashed') this.crashes.push(String(fields?.['error']));
      };
    return {
      trace: () => {},
      debug: () => {},
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      named: (name) => this.#log(name),
    };
  }

  /** Requests that ended in an error nobody foresaw. */
  readonly crashes: string[] = [];
}
