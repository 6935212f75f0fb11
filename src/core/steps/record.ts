/** Hands the request to the audit trail. What has effects waits for it; what has none runs meanwhile. */
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export function record(parts: Parts, exchange: Exchange): void {
  if (exchange.requestRecorded !== undefined) return;
  const recorded = parts.audit.request(exchange);
  // Whoever needs it awaits it; until then a failure must not count as unhandled.
  recorded.catch(() => {});
  exchange.requestRecorded = recorded;
}
