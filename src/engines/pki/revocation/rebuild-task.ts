/** Making lists anew by the calendar: complete ones before they end, delta lists every so often. */
import { uuid } from '../../../base/random.ts';
import { namesBelow } from '../../../model/listing/list-names.ts';
import type { Schedule, TaskOutcome, TaskType } from '../../../model/outside.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { crlConfig, secondsOf } from './config.ts';
import type { CrlConfig } from './config.ts';
import { crlState, rebuildCrls, rebuildDeltaCrls } from './crl.ts';
import type { CrlState } from './crl.ts';
import { RECENT } from './revoked.ts';

export const REBUILD_TASK = 'crl-rebuild';
/** The one task that is not out of date. */
const GENERATION = 'crl-rebuild-generation';
/** Shortest pause between two runs. */
const PAUSE_MS_MIN = 1000;

/** To be called when the settings have changed: what was planned by the old ones ends by itself. */
export function planRebuilds(
  ports: PkiPorts,
  store: Transaction,
  schedule: Schedule,
  config: CrlConfig,
  nowMs: number,
): void {
  const generation = uuid(ports.random);
  store.putJson(GENERATION, generation);
  if (config.auto_rebuild && !config.disable) schedule(REBUILD_TASK, generation, nowMs);
}

/** When the first complete list ends, less the grace; undefined when there is none. */
function completeDueMs({ details }: CrlState, config: CrlConfig): number | undefined {
  const ends = Object.values(details).map((each) => each.expiresMs);
  if (ends.length === 0) return undefined;
  return Math.min(...ends) - secondsOf(config.auto_rebuild_grace_period) * 1000;
}

export function rebuildTask(ports: PkiPorts): TaskType {
  return {
    async run({ name, nowMs }, store): Promise<TaskOutcome> {
      const config = await crlConfig(store);
      const generation = await store.getJson<string>(GENERATION);
      if (!config.auto_rebuild || config.disable || generation !== name) return 'done';
      const state = await crlState(store);
      const intervalMs = secondsOf(config.delta_rebuild_interval) * 1000;
      let completeMs = completeDueMs(state, config);
      let deltaMs = config.enable_delta ? state.deltaLastModifiedMs + intervalMs : undefined;
      const lifetimeMs = secondsOf(config.expiry) * 1000;
      if (completeMs !== undefined && completeMs <= nowMs) {
        const warnings = await rebuildCrls(ports, store, { nowMs });
        for (const warning of warnings)
          ports.log.warn('a revocation list was not made', { warning });
        completeMs = nowMs + lifetimeMs - secondsOf(config.auto_rebuild_grace_period) * 1000;
        if (deltaMs !== undefined) deltaMs = nowMs + intervalMs;
      } else if (deltaMs !== undefined && deltaMs <= nowMs) {
        if ((await namesBelow(store, RECENT)).length > 0) {
          await rebuildDeltaCrls(ports, store, nowMs);
        }
        deltaMs = nowMs + intervalMs;
      }
      // Without a list there is nothing to wait for: the first issuer brings one.
      const nextMs = Math.min(completeMs ?? nowMs + lifetimeMs, deltaMs ?? Infinity);
      return Math.max(nextMs, nowMs + PAUSE_MS_MIN);
    },
  };
}
