/** How a service ends. */

/** Neither rejects. */
export interface Ending {
  /** The keys are gone. */
  readonly wiped: Promise<void>;
  /** Nothing of this service is under way any more. */
  readonly over: Promise<unknown>;
}

/** `sealed`: the server goes on, and records what it is asked under a key of its own; `stopped`: its log is about to be closed. */
export type Afterwards = 'sealed' | 'stopped';
