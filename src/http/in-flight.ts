/** The requests that are being answered right now, for `sys/in-flight-req`. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { uuid } from '../base/random.ts';

/** What a request says of itself while it runs. */
export interface RunningRequest {
  readonly method: string;
  /** Path as it was sent, without the query, which may hold secrets. */
  readonly path: string;
  readonly clientAddress: string;
  /** On the monotonic clock. */
  readonly startMonotonicMs: number;
}

export interface InFlightRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly clientAddress: string;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
}

/** Joins what all listeners are doing. Running requests pay nothing for it: ids are made when somebody looks. */
export class InFlightRegistry {
  readonly #sets: Iterable<RunningRequest>[] = [];
  readonly #ids = new WeakMap<RunningRequest, string>();
  readonly #world: { readonly clock: Clock; readonly random: Random };

  constructor(world: { readonly clock: Clock; readonly random: Random }) {
    this.#world = world;
  }

  /** A new set whose members count as running. */
  open<R extends RunningRequest>(): Set<R> {
    const running = new Set<R>();
    this.#sets.push(running);
    return running;
  }

  /** All running requests. A request keeps its id as long as it runs. */
  list(): readonly InFlightRequest[] {
    const { clock, random } = this.#world;
    const startToEpochMs = clock.nowMs() - clock.monotonicMs();
    const requests: InFlightRequest[] = [];
    for (const running of this.#sets) {
      for (const request of running) {
        let id = this.#ids.get(request);
        if (id === undefined) {
          id = uuid(random);
          this.#ids.set(request, id);
        }
        const { method, path, clientAddress, startMonotonicMs } = request;
        const startMs = Math.round(startToEpochMs + startMonotonicMs);
        requests.push({ id, method, path, clientAddress, startMs });
      }
    }
    return requests;
  }
}
