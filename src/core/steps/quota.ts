/** Rate limits act on what the request line and headers say, before a byte of the body is read (CVE-2025-12044). */
import type { Awaitable } from '../../base/awaitable.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export function quota(parts: Parts, exchange: Exchange): Awaitable<void> {
  // A second attempt after a conflict is no second request.
  if (exchange.requestRecorded !== undefined) return;
  return parts.quotas.admit(exchange);
}
