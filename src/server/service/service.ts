/**
 * Into service and out of it. Going out never waits for a slow store for long; going in waits until what was left under way has ended, and
 * is tried until it comes about: a server that is open but not in service answers nothing, and nobody would ask it to try again.
 */
import { sealedError } from '../../barrier/keys/live-keys.ts';
import type { World } from '../../base/world.ts';
import type { Afterwards, Ending } from './ending.ts';

/** Between attempts to go into service. */
const AGAIN_MS = 1_000;

export interface ServicePorts {
  readonly world: World;
  readonly sealed: () => boolean;
  /** Puts everything in place. Between its steps it asks whether it is still wanted, which throws when it is not. */
  readonly start: (assertWanted: () => void) => Promise<void>;
  readonly end: (afterwards: Afterwards) => Ending;
}

export class Service {
  readonly #ports: ServicePorts;
  /** Going into service, or done with it. */
  #serving: Promise<void> | undefined;
  /** What the last end has left under way: at a slow store it may outlive the keys, and would meddle with the next start. */
  #left: Promise<unknown> = Promise.resolve();
  /** A start that was overtaken by an end begins nothing more. */
  #ends = 0;
  #ready = false;
  /** Calls off the next attempt. */
  #again: (() => void) | undefined;

  constructor(ports: ServicePorts) {
    this.#ports = ports;
  }

  /** In service, with everything in place. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Resolves when nothing of a service that has ended is under way. */
  get left(): Promise<unknown> {
    return this.#left;
  }

  /** After unsealing. A failure is told, and what failed is tried again. */
  async serve(): Promise<void> {
    if (this.#ports.sealed()) return;
    this.#serving ??= this.#attempt();
    await this.#serving;
  }

  async #attempt(): Promise<void> {
    const ends = this.#ends;
    try {
      await this.#begin();
    } catch (error) {
      if (ends === this.#ends) this.#tryAgain(error);
      throw error;
    }
  }

  #tryAgain(error: unknown): void {
    const { clock, log } = this.#ports.world;
    this.#serving = undefined;
    if (this.#ports.sealed()) return;
    const reason = error instanceof Error ? error.message : 'not an error';
    log.named('core').warn('not in service yet, which is tried again', { reason });
    this.#again?.();
    this.#again = clock.after(AGAIN_MS, () => void this.#serveAgain());
  }

  async #serveAgain(): Promise<void> {
    try {
      await this.serve();
    } catch {
      // Told, and tried again.
    }
  }

  async #begin(): Promise<void> {
    const ends = this.#ends;
    const assertWanted = (): void => {
      if (ends !== this.#ends || this.#ports.sealed()) throw sealedError();
    };
    await this.#left;
    assertWanted();
    await this.#ports.start(assertWanted);
    assertWanted();
    this.#ready = true;
  }

  /** Stops everything and wipes the keys. */
  async end(afterwards: Afterwards = 'sealed'): Promise<void> {
    const serving = this.#serving;
    this.#serving = undefined;
    this.#ready = false;
    this.#again?.();
    this.#again = undefined;
    this.#ends += 1;
    const { wiped, over } = this.#ports.end(afterwards);
    this.#left = Promise.allSettled([this.#left, serving, over]);
    await wiped;
  }
}
