/** Into service and out of it. Going out never waits for a slow store for long; going in waits until what was left under way has ended. */
import { sealedError } from '../../barrier/keys/live-keys.ts';
import type { Afterwards } from './end-service.ts';

export interface ServicePorts {
  readonly sealed: () => boolean;
  /** Puts everything in place. Between its steps it asks whether it is still wanted, which throws when it is not. */
  readonly start: (assertWanted: () => void) => Promise<void>;
  readonly end: (afterwards: Afterwards) => Ending;
}

/** Neither rejects. */
export interface Ending {
  /** The keys are gone. */
  readonly wiped: Promise<void>;
  /** Nothing of this service is under way any more. */
  readonly over: Promise<unknown>;
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

  /** After unsealing. */
  async serve(): Promise<void> {
    if (this.#ports.sealed()) return;
    const serving = (this.#serving ??= this.#begin());
    try {
      await serving;
    } catch (error) {
      if (this.#serving === serving) this.#serving = undefined;
      throw error;
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
    this.#ends += 1;
    const { wiped, over } = this.#ports.end(afterwards);
    this.#left = Promise.allSettled([this.#left, serving, over]);
    await wiped;
  }
}
