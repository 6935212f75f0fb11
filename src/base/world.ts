/** The doors to the outside world that the core needs beside storage: handed in by the composition root or a simulation. */
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';
import type { Log } from './log.ts';

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends the process after an unrecoverable fault (a failed fsync, an unreadable keyring). Never returns in production. */
  readonly fatal: (reason: string, detail?: unknown) => never;
}
