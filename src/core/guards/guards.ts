/** What stands above policies. It is loaded with the routing table and costs a request nothing to know. */
import type { Exclusion } from '../../identity/roles/records.ts';
import type { Environments } from './environments.ts';

export interface Guards {
  /** By namespace; only of those that have any. */
  readonly exclusions: ReadonlyMap<string, readonly Exclusion[]>;
  /** Undefined when nothing carries an environment. */
  readonly environments: Environments | undefined;
}
