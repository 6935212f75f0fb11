/** Rate limits act on what the request line and headers say, before a byte of the body is read (CVE-2025-12044). */
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export function quota(parts: Parts, exchange: Exchange): void | Promise<void> {
  if (exchange.bodyRead) return;
  return parts.quotas.admit(exchange);
}
