/**
 * Which requests wait in a namespace, for those who look for what they may approve. The names begin with the time at which the
 * wait ends, so that the first ones are over first: each request that is held clears some of them away.
 */
import type { Stored, Transaction, Unit } from '../../model/transaction.ts';
import type { NeededFactor } from '../../policy/control-group.ts';
import type { TokenRef } from '../../tokens/token-record.ts';
import type { HeldRequest } from './held-request.ts';

const PREFIX = 'core/held/';
/** Digits of a time in milliseconds, for some thousand years. */
const TIME_DIGITS = 15;
/** More than are added at once. */
const CLEARED = 4;
/** Most that are looked at when somebody asks what waits. */
const WAITING_MAX = 2000;

/** What tells whom a request concerns, without reading it: it may be large. */
export interface Waiting {
  readonly wrapping: TokenRef;
  readonly entityId: string;
  readonly factors: readonly NeededFactor[];
}

function nameOf({ untilMs, accessor }: Pick<HeldRequest, 'untilMs' | 'accessor'>): string {
  return `${String(untilMs).padStart(TIME_DIGITS, '0')}-${accessor}`;
}

function isOver(name: string, nowMs: number): boolean {
  return Number(name.slice(0, TIME_DIGITS)) <= nowMs;
}

function viewOf(unit: Unit, namespaceId: string): Transaction {
  return unit.view(namespaceId, PREFIX);
}

export async function putWaiting(
  unit: Unit,
  wrapping: TokenRef,
  held: HeldRequest,
  factors: readonly NeededFactor[],
): Promise<void> {
  const view = viewOf(unit, wrapping.namespaceId);
  const { id, namespaceId } = wrapping;
  for (const name of await view.list('', { limit: CLEARED }))
    if (isOver(name, held.requestedMs)) view.delete(name);
  const waiting: Waiting = { wrapping: { id, namespaceId }, entityId: held.entityId, factors };
  view.putJsonNew(nameOf(held), waiting);
}

export function dropWaiting(unit: Unit, wrapping: TokenRef, held: HeldRequest): void {
  viewOf(unit, wrapping.namespaceId).delete(nameOf(held));
}

/** Those whose wait ends first. */
export async function waitingIn(
  unit: Unit,
  namespaceId: string,
  nowMs: number,
): Promise<readonly Stored<Waiting>[]> {
  const view = viewOf(unit, namespaceId);
  // Behind everything that is over.
  const after = String(nowMs + 1).padStart(TIME_DIGITS, '0');
  const names = await view.list('', { after, limit: WAITING_MAX });
  const found = await view.getRecords<Waiting>(names);
  return found.filter((each) => each !== undefined);
}
