/** What `sys/monitor` needs of the core: whether the token of somebody who follows the log is still in force. */
import type { LogFeed } from '../../base/log.ts';
import type { MonitorPorts } from '../../system/watch/monitor.ts';
import type { Services } from '../services.ts';

export function monitorPorts(
  { world, begin, state, tokens }: Pick<Services, 'world' | 'begin' | 'state' | 'tokens'>,
  feed: LogFeed,
): MonitorPorts {
  const { clock } = world;
  return {
    clock,
    feed,
    async stillThere(principal, sinceMs) {
      if (state() !== 'unsealed') return false;
      // A batch token is stored nowhere: it lasts as long as it said.
      if (principal.tokenType === 'batch') {
        return clock.nowMs() < sinceMs + principal.ttlSeconds * 1000;
      }
      const ref = { id: principal.tokenId, namespaceId: principal.tokenNamespace.id };
      return (await tokens.byRef(begin(), ref, clock.nowMs())) !== undefined;
    },
  };
}
