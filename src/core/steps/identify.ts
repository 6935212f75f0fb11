/** Finds the token that the caller sent, or that its credential has. An unknown token is no token. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';
import { bind } from './bind.ts';
import { resume } from './hold.ts';
import { logIn } from './log-in.ts';

export function identify(parts: Parts, exchange: Exchange): Awaitable<void> {
  const { bound } = exchange.call;
  if (bound === undefined) return recogniseToken(parts, exchange);
  return after(bind(parts, exchange, bound), () => recogniseToken(parts, exchange));
}

function recogniseToken(parts: Parts, exchange: Exchange): Awaitable<void> {
  const { call } = exchange;
  if (call.evidence !== undefined) return logIn(parts, exchange, call.evidence);
  if (call.resumed !== undefined) return resume(parts, exchange, call.resumed);
  if (call.token === undefined || parts.state() !== 'unsealed') return;
  const found = parts.tokens.lookup(exchange.unit, call.token, exchange.nowMs);
  return after(found, (token) => void (exchange.token = token));
}
