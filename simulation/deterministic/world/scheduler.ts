/**
 * The only source of time and order in a simulated run. Whatever takes time is an event; events happen one after the other, those
 * of the same moment in an order that the seed chooses, and each together with everything that follows from it at once.
 */
import type { Chance } from './chance.ts';

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly what: string;
  /** Undefined once it was called off. */
  run: (() => void) | undefined;
}

/** Events of one run after which it counts as running in circles. */
const EVENTS_MAX = 60_000;

export class Scheduler {
  readonly #chance: Chance;
  readonly #heap: Event[] = [];
  readonly #trace: ((line: string) => void) | undefined;
  #nowMs = 0;
  #hash1 = 0x811c9dc5;
  #hash2 = 0x1b873593;
  events = 0;

  constructor(chance: Chance, trace?: (line: string) => void) {
    this.#chance = chance;
    this.#trace = trace;
  }

  /** Milliseconds since the beginning of the run, with fractions. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Runs of a seed that agree in this have done the same in the same order. */
  get digest(): string {
    return `${(this.#hash1 >>> 0).toString(16).padStart(8, '0')}${(this.#hash2 >>> 0).toString(16).padStart(8, '0')}`;
  }

  /** @returns a function that calls it off. */
  in(delayMs: number, what: string, run: () => void): () => void {
    const event: Event = {
      atMs: this.#nowMs + Math.max(delayMs, 0),
      order: this.#chance.unit(),
      what,
      run,
    };
    push(this.#heap, event);
    return () => (event.run = undefined);
  }

  sleep(delayMs: number, what: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.in(delayMs, what, resolve);
    return promise;
  }

  /** Makes `text` a part of what runs of the same seed must agree in. */
  note(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      this.#hash1 = Math.imul(this.#hash1 ^ code, 0x01000193);
      this.#hash2 = Math.imul(this.#hash2 ^ code, 0x85ebca6b) + 1;
    }
    this.#trace?.(`${this.#nowMs.toFixed(3).padStart(11)} ${text}`);
  }

  /** More has happened than in any run that comes to an end. */
  get endless(): boolean {
    return this.events > EVENTS_MAX;
  }

  /** Lets events happen until `over` says so, there is nothing left before `untilMs`, or the run is {@link endless}. */
  async run(untilMs: number, over: () => boolean = () => false): Promise<void> {
    await everythingElse();
    while (!over()) {
      const event = this.#heap[0];
      if (event === undefined || event.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return;
      }
      pop(this.#heap);
      const { run } = event;
      if (run === undefined) continue;
      this.#nowMs = event.atMs;
      if (++this.events > EVENTS_MAX) return;
      this.note(event.what);
      run();
      await everythingElse();
    }
  }
}

/** Resolves after every promise that can go on has gone on: Node.js runs ticks when no microtask is left. */
function everythingElse(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Event[], event: Event): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(event, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    const right = heap[child + 1];
    const left = heap[child];
    if (left === undefined) break;
    let least = left;
    if (right !== undefined && isBefore(right, left)) {
      least = right;
      child += 1;
    }
    if (!isBefore(least, last)) break;
    heap[index] = least;
    index = child;
  }
  heap[index] = last;
}
