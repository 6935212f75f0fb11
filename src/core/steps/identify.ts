/** Finds the token that the caller sent. Judges nothing: an unknown token is no token. */
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export async function identify(parts: Parts, exchange: Exchange): Promise<void> {
  const { call } = exchange;
  if (call.token === undefined || parts.state() !== 'unsealed') return;
  exchange.token = await parts.tokens.lookup(exchange.unit, call.token, exchange.nowMs);
}
