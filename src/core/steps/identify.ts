/** Finds the token that the caller sent, or that its credential has. An unknown token is no token. */
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';
import { bind } from './bind.ts';
import { logIn } from './log-in.ts';

export async function identify(parts: Parts, exchange: Exchange): Promise<void> {
  const { call } = exchange;
  if (call.bound !== undefined) await bind(parts, exchange, call.bound);
  if (call.evidence !== undefined) return await logIn(parts, exchange, call.evidence);
  if (call.token === undefined || parts.state() !== 'unsealed') return;
  exchange.token = await parts.tokens.lookup(exchange.unit, call.token, exchange.nowMs);
}
