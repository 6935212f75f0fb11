/** Asks the policies. A refusal says nothing more than that, whatever the reason. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { RequestError } from '../../model/errors.ts';
import type { Acl, Decision } from '../../policy/acl.ts';
import { fullPath, listedError } from '../exchange.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';
import { foldedPath } from './folded-path.ts';
import { approve } from './hold.ts';
import { readFields } from './parse.ts';
import { appliesTo, isAmong } from '../declared/paths.ts';

export function authorize(parts: Parts, exchange: Exchange): Awaitable<void> {
  const { principal } = exchange;
  if (principal === undefined) throw denied('no principal');
  return after(parts.authority.acl(exchange.unit, principal), (acl) =>
    decide(parts, exchange, acl),
  );
}

function decide(parts: Parts, exchange: Exchange, acl: Acl): Awaitable<void> {
  exchange.acl = acl;
  const decision = judge(exchange, acl);
  exchange.decision = decision;
  if (!isAllowed(decision)) throw denied(decision.reason);
  if (needsSudo(exchange) && !decision.sudo && exchange.operation !== 'help') {
    throw denied('the path needs sudo');
  }
  if (decision.limit !== undefined) setLimit(exchange, decision.limit);
  if (!decision.allowed) return approve(parts, exchange, decision);
}

function needsSudo({ match, mount, pathBelowMount }: Exchange): boolean {
  if (match !== undefined) return appliesTo(match.path.sudo, pathBelowMount);
  return isAmong(mount?.backend.sudoPlaces, pathBelowMount);
}

/** Puts what the policy says in place of the `limit` of a listing. */
function setLimit(exchange: Exchange, limit: number): void {
  exchange.data = { ...exchange.data, limit: String(limit) };
  if (exchange.match !== undefined) readFields(exchange, exchange.match);
}

/** Where the backend folds a name of the path, both spellings must be allowed: the refusal of either counts. */
function judge(exchange: Exchange, acl: Acl): Decision {
  const path = fullPath(exchange);
  const question = {
    operation: exchange.operation,
    data: exchange.data,
    wrapTtlSeconds: exchange.call.wrapTtlSeconds,
    nowMs: exchange.nowMs,
  };
  const decision = acl.decide({ ...question, path });
  const { match, pathBelowMount } = exchange;
  const folded = match === undefined ? undefined : foldedPath(pathBelowMount, match);
  if (folded === undefined || !isAllowed(decision)) return decision;
  const mountPath = path.slice(0, path.length - pathBelowMount.length);
  const foldedDecision = acl.decide({ ...question, path: mountPath + folded });
  const sudo = decision.sudo && foldedDecision.sudo;
  if (!isAllowed(foldedDecision) || decision.allowed) return { ...foldedDecision, sudo };
  // Either of them may be held back: the approvals of both are needed.
  const controlGroups = [...decision.controlGroups, ...foldedDecision.controlGroups];
  return { ...decision, sudo, controlGroups };
}

/** Allowed, if need be on condition of approvals. */
function isAllowed({ allowed, reason }: Decision): boolean {
  return allowed || reason === 'control_group';
}

function denied(detail: string): RequestError {
  return new RequestError('permission_denied', listedError('permission denied'), { detail });
}
