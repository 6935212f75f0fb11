/** Runs the handler, and turns what it grants into a lease or a token. */
import { assertFields, operationOf, requestOf, storeOf } from '../dispatch.ts';
import type { Exchange } from '../exchange.ts';
import { helpReply } from '../help-reply.ts';
import type { Parts } from '../parts.ts';

export async function handle(_parts: Parts, exchange: Exchange): Promise<void> {
  if (exchange.operation === 'help') {
    exchange.reply = helpReply(exchange);
    return;
  }
  const spec = operationOf(exchange);
  assertFields(exchange);
  if (spec.outsideEffects === true) await exchange.requestRecorded;
  exchange.request = requestOf(exchange);
  exchange.reply = (await spec.handler(exchange.request, storeOf(exchange))) ?? undefined;
  // An empty answer stays empty: parameters without effect are told only beside something else.
  if (exchange.reply === undefined) exchange.warnings = [];
}

export async function grant(parts: Parts, exchange: Exchange): Promise<void> {
  const { reply } = exchange;
  if (reply === undefined) return;
  exchange.lease = reply.issuedLease;
  exchange.auth = reply.issuedAuth;
  if (reply.auth !== undefined || reply.lease !== undefined)
    await parts.quotas.admitLease(exchange);
  if (reply.auth !== undefined) exchange.auth = await parts.issuer.token(exchange, reply.auth);
  if (reply.lease !== undefined) exchange.lease = parts.issuer.lease(exchange, reply.lease);
}

export function finish(_parts: Parts, exchange: Exchange): void {
  for (const action of exchange.atEnd) action();
}
