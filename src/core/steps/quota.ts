/** Rate limits act on what the request line and headers say, before a byte of the body is read (CVE-2025-12044). */
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export async function quota(parts: Parts, exchange: Exchange): Promise<void> {
  // A second attempt after a conflict is no second request.
  if (exchange.requestRecorded !== undefined) return;
  await parts.quotas.admit(exchange);
}
