/** Keeps a request that needs approvals, and makes it once they are there. */
import type { Awaitable } from '../../base/awaitable.ts';
import { formatTime } from '../../base/time-format.ts';
import { RequestError, invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Decision } from '../../policy/acl.ts';
import { neededFactors } from '../../policy/control-group.ts';
import { NEEDED_CAPABILITY } from '../../policy/capability.ts';
import type { ControlGroup } from '../../policy/policy.ts';
import type { TokenRef } from '../../tokens/token-record.ts';
import type { Exchange } from '../exchange.ts';
import { factorsOf } from '../held/approvals.ts';
import { APPROVAL_TTL_SECONDS, approvalMaxTtlSeconds } from '../held/settings.ts';
import { HELD_LENGTH_MAX, heldRequest, putHeld } from '../held/held-request.ts';
import type { Denial, HeldRequest } from '../held/held-request.ts';
import { dropWaiting, putWaiting } from '../held/waiting.ts';
import type { Parts } from '../parts.ts';
import { wrappingToken } from './wrapping.ts';

/** What stands in the way of a request whose approvals are not complete. */
const MISSING = 'Request needs further approval';

/** Where a caller may say why it asks. */
const REASON_HEADER = 'x-strongroom-reason';
const REASON_LENGTH_MAX = 1024;

/** Takes up a request that was held: with the token that asked for it. */
export async function resume(parts: Parts, exchange: Exchange, wrapping: TokenRef): Promise<void> {
  const { unit, nowMs } = exchange;
  const record = await parts.tokens.byRef(unit, wrapping, nowMs);
  const held = record === undefined ? undefined : await heldRequest(unit, wrapping);
  if (record === undefined || held === undefined)
    throw invalidRequest('wrapping token is not valid or does not exist');
  exchange.resumed = held;
  exchange.token = await tokenOf(parts, exchange, held);
  // In the commit of what it asked for: of two that open it at once only one is served.
  exchange.atEnd.push(() => {
    dropWaiting(unit, wrapping, held);
    parts.tokens.revoke(unit, record, nowMs);
  });
}

async function tokenOf(
  { tokens }: Parts,
  { unit, nowMs }: Exchange,
  { token }: HeldRequest,
): Promise<Exchange['token']> {
  return 'createdMs' in token
    ? await tokens.ifAlive(unit, token, nowMs)
    : await tokens.byRef(unit, token, nowMs);
}

/**
 * What becomes of a request that the policies allow on condition of approvals: held for now, or let through when it was held
 * and they are there. The policies in force now count, not those of then.
 */
export function approve(parts: Parts, exchange: Exchange, decision: Decision): Awaitable<void> {
  const { resumed, call, principal } = exchange;
  if (resumed === undefined) {
    if (call.protocol !== 'vault')
      throw permissionDenied('control_group: the protocol cannot wait for approvals');
    if (principal === undefined || principal.entityId === '')
      throw permissionDenied('control_group: a token without an entity cannot ask for approvals');
    exchange.heldBy = decision.controlGroups;
    return;
  }
  return letThrough(parts, exchange, resumed, decision);
}

async function letThrough(
  parts: Parts,
  exchange: Exchange,
  resumed: HeldRequest,
  decision: Decision,
): Promise<void> {
  const { denied } = resumed;
  if (denied !== undefined)
    throw new RequestError('invalid_request', deniedText(denied), { detail: 'control_group' });
  const factors = neededFactors(decision.controlGroups, NEEDED_CAPABILITY[exchange.operation]);
  const approvedBy = await parts.approvals.approvedBy(exchange.unit, resumed, factors);
  if (approvedBy === undefined)
    throw new RequestError('invalid_request', MISSING, { detail: 'control_group' });
  exchange.approvedBy = approvedBy;
  exchange.decision = { ...decision, allowed: true };
}

function deniedText({ entityName, reason }: Denial): string {
  const by = `The request was denied by ${entityName}`;
  return reason === '' ? by : `${by}: ${reason}`;
}

/** Gives the caller a wrapping token in place of the answer. */
export function hold(parts: Parts, exchange: Exchange): Awaitable<void> {
  if (exchange.heldBy !== undefined) return keep(parts, exchange, exchange.heldBy);
}

async function keep(
  parts: Parts,
  exchange: Exchange,
  heldBy: readonly ControlGroup[],
): Promise<void> {
  const { principal, token, unit, namespace, call } = exchange;
  if (principal === undefined || token === undefined) throw permissionDenied();
  const wanted = heldBy.map((group) => group.ttlSeconds).filter((seconds) => seconds > 0);
  const ttlSeconds = Math.min(
    ...(wanted.length === 0 ? [APPROVAL_TTL_SECONDS] : wanted),
    await approvalMaxTtlSeconds(unit, namespace.id),
  );
  const issued = await wrappingToken(parts, exchange, {
    ttlSeconds,
    creationPath: exchange.path,
    numUses: 0,
  });
  const { operation, query, wrapTtlSeconds } = call;
  const reason = (call.headers[REASON_HEADER] ?? '').trim();
  if (reason.length > REASON_LENGTH_MAX) throw invalidRequest('the reason is too long');
  const held: HeldRequest = {
    accessor: issued.record.accessor,
    requestedMs: exchange.nowMs,
    untilMs: exchange.nowMs + ttlSeconds * 1000,
    reason,
    call: { operation, path: exchange.path, query, wrapTtlSeconds },
    body: exchange.bodyRead ? exchange.data : null,
    operation: exchange.operation,
    namespaceId: namespace.id,
    tokenNamespaceId: principal.tokenNamespace.id,
    entityId: principal.entityId,
    entityName: await parts.approvals.nameOf(unit, principal),
    token: token.type === 'batch' ? token : { id: token.id, namespaceId: token.namespaceId },
    groups: heldBy,
    authorizations: [],
  };
  if (JSON.stringify(held).length > HELD_LENGTH_MAX)
    throw invalidRequest('the request is too large to wait for approvals');
  putHeld(unit, issued.record, held);
  await putWaiting(unit, issued.record, held, factorsOf(held));
  exchange.wrap = {
    token: issued.clientToken,
    accessor: issued.record.accessor,
    ttlSeconds,
    creationTime: formatTime(exchange.nowMs),
    creationPath: exchange.path,
  };
}
