/** Runs the handler, and turns what it grants into a lease or a token. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { RequestError, notFound } from '../../model/errors.ts';
import { assertFields, operationOf, requestOf, storeOf } from '../dispatch.ts';
import type { Exchange } from '../exchange.ts';
import { helpReply } from '../declared/help-reply.ts';
import type { Parts } from '../parts.ts';
import type { Reply } from '../../model/reply.ts';

export function handle(parts: Parts, exchange: Exchange): Awaitable<void> {
  if (exchange.heldBy !== undefined) return;
  if (exchange.operation === 'help') {
    exchange.reply = helpReply(exchange, parts.apiVersion);
    return;
  }
  const spec = operationOf(exchange);
  assertFields(exchange);
  assertTask(exchange);
  if (spec.outsideEffects !== true) return callHandler(parts, exchange, spec);
  return after(exchange.requestRecorded, () => callHandler(parts, exchange, spec));
}

function callHandler(
  parts: Parts,
  exchange: Exchange,
  spec: ReturnType<typeof operationOf>,
): Awaitable<void> {
  const request = requestOf(parts, exchange, spec);
  exchange.request = request;
  const called =
    exchange.operation === 'list' &&
    (exchange.warnings.length > 0 || exchange.call.wrapTtlSeconds > 0)
      ? list(exchange, spec, request)
      : spec.handler(request, storeOf(exchange));
  return after(called, (reply) => {
    exchange.reply = reply ?? undefined;
    exchange.settle = reply?.settle === true ? parts.settler() : undefined;
    for (const opened of exchange.intents) opened.over = true;
    if (reply?.lease !== undefined && spec.outsideEffects === true) assertLent(exchange);
    // An empty answer stays empty: parameters without effect are told only beside something else.
    if (exchange.reply === undefined) exchange.warnings = [];
  });
}

/**
 * A listing of nothing is not found, as a read of nothing is; but when there is something to tell the caller (a parameter without
 * effect), it is an answer without keys.
 */
async function list(
  exchange: Exchange,
  spec: ReturnType<typeof operationOf>,
  request: Parameters<typeof spec.handler>[0],
): Promise<Reply | undefined> {
  const reply = await found(() => spec.handler(request, storeOf(exchange)));
  if (reply !== undefined) return reply;
  if (exchange.call.wrapTtlSeconds > 0) throw notFound('unsupported path');
  return { data: {} };
}

/** Undefined where nothing is listed. */
async function found(listing: () => Awaitable<Reply | undefined>): Promise<Reply | undefined> {
  try {
    const reply = await listing();
    const keys = reply?.data?.['keys'];
    const isEmpty = Array.isArray(keys) && keys.length === 0 && reply?.warnings === undefined;
    return isEmpty ? undefined : reply;
  } catch (error) {
    if (error instanceof RequestError && error.code === 'not_found' && error.message === '')
      return undefined;
    throw error;
  }
}

/** A task is run or refused, never passed over: without it the path would answer in another protocol's words. */
function assertTask({ call, match }: Exchange): void {
  if (call.task === undefined || match?.path.takesTasks === true) return;
  throw new RequestError('unsupported_operation', 'the mount keeps no versioned secrets', {
    reason: 'not_versioned',
  });
}

export function grant(parts: Parts, exchange: Exchange): Awaitable<void> {
  const { reply } = exchange;
  if (reply === undefined) return;
  exchange.lease = reply.issuedLease;
  exchange.auth = reply.issuedAuth;
  const { auth, completedLogin, lease } = reply;
  if (auth !== undefined || completedLogin !== undefined || lease !== undefined) {
    return issue(parts, exchange, reply);
  }
}

async function issue(parts: Parts, exchange: Exchange, reply: Reply): Promise<void> {
  await parts.quotas.admitLease(exchange);
  const { completedLogin: login } = reply;
  if (login !== undefined) exchange.auth = await parts.issuer.finish(exchange, login);
  if (reply.auth !== undefined) exchange.auth = await parts.issuer.token(exchange, reply.auth);
  if (reply.lease !== undefined) exchange.lease = parts.issuer.lease(exchange, reply.lease);
}

/** What is lent from outside must be found and taken back whatever happens to this request. */
function assertLent({ intents }: Exchange): void {
  if (intents.length > 0) return;
  throw new RequestError('internal', 'a secret was made outside without an intent');
}

export function finish(parts: Parts, exchange: Exchange): Awaitable<void> {
  for (const action of exchange.atEnd) action();
  if (exchange.intents.length > 0) return parts.intents.close(exchange.unit, exchange.intents);
}
