/** What is stored of the rotation of a secret: its policy, where a rotation is, and what became of the last ones. */
import { nextDueMs } from '../../../calendar/calendar.ts';
import type { Recurrence } from '../../../calendar/calendar.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import type { Fields } from '../../../rotators/rotator.ts';
import { forgetReaders } from './readers.ts';

export const ROTATIONS: string = 'rotation/';
/** Rotations whose records are kept beside a secret. */
export const HISTORY_MAX = 50;

export interface RotationPolicy {
  readonly rotator: string;
  /** As sent, secrets included. */
  readonly settings: JsonObject;
  readonly recurrence: Recurrence;
  /** How long the value before stays valid after a rotation. */
  readonly graceSeconds: number;
  /** Age beyond which the value counts as overdue, and is renewed outside of any window; 0 = none. */
  readonly maxAgeSeconds: number;
  /** Rotations that come due together are spread over this time. */
  readonly staggerSeconds: number;
  readonly passwordPolicy: string;
  /** Who is known to use the secret, beside those who were seen to read it. */
  readonly consumers: readonly string[];
  readonly paused: boolean;
}

/**
 * Where a rotation is. What is stored here was committed before the step that it names was begun: a crash repeats that step.
 * `grace`: the new value is current, the one before still valid. `rollback`: a step has failed, and the target may take either.
 */
export type Phase = 'idle' | 'install' | 'verify' | 'grace' | 'rollback';

export interface Past {
  readonly id: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly outcome: 'rotated' | 'failed';
  /** The version that was made; 0 = none. */
  readonly version: number;
  readonly step: string;
  readonly error: string;
}

export interface RotationState {
  readonly phase: Phase;
  /** Of the rotation under way, or of the last one. */
  readonly id: string;
  readonly startedMs: number;
  /** The value when it began, and what changes; kept until the old value is retired. */
  readonly before: Fields;
  readonly next: Fields;
  /** When the next rotation begins. */
  readonly dueMs: number;
  /** When the step of `phase` is due. */
  readonly stepMs: number;
  readonly rotatedMs: number;
  /** The version that is being retired, while in grace. */
  readonly previousVersion: number;
  /** Failed attempts since the last success, what the last one failed at and with. */
  readonly failures: number;
  readonly failedStep: string;
  readonly lastError: string;
  /** That the value is too old has been told. */
  readonly overdueTold?: boolean;
  /** Asked for by somebody: neither pause nor window holds it up. */
  readonly asked: boolean;
  /** The secret is gone, and the policy goes when what is under way at the target is over. */
  readonly ending?: true;
  readonly history: readonly Past[];
}

export interface RotationRecord {
  readonly policy: RotationPolicy;
  readonly state: RotationState;
}

/** Never through the cache of decoded records: it holds values. */
export async function findRotation(
  store: Reader,
  path: string,
): Promise<RotationRecord | undefined> {
  return await store.getJson<RotationRecord>(ROTATIONS + path);
}

export function putRotation(store: Transaction, path: string, record: RotationRecord): void {
  store.putJson(ROTATIONS + path, record);
}

export function removeRotation(store: Transaction, path: string): void {
  store.delete(ROTATIONS + path);
  forgetReaders(store, path);
}

/**
 * The secret is removed, and with it its policy: whoever writes another secret to that path has not asked for a rotation. What is
 * under way at the target is brought to its end first.
 */
export async function endRotation(store: Transaction, path: string): Promise<void> {
  const record = await findRotation(store, path);
  if (record === undefined) return;
  const { policy, state } = record;
  if (state.phase === 'idle') removeRotation(store, path);
  else putRotation(store, path, { policy, state: { ...state, ending: true } });
}

/** A number from 0 up to 1 that is always the same for a path. */
function spread(path: string): number {
  let hash = 2166136261;
  for (let at = 0; at < path.length; at++) {
    hash = Math.imul(hash ^ path.charCodeAt(at), 16777619);
  }
  return (hash >>> 0) / 2 ** 32;
}

/** When the next rotation begins: by the recurrence, staggered, and never later than the greatest age. */
export function dueAfter(
  policy: RotationPolicy,
  path: string,
  rotatedMs: number,
  nowMs: number,
): number {
  const { recurrence, staggerSeconds, maxAgeSeconds } = policy;
  const regular =
    nextDueMs(recurrence, recurrence.schedule === '' ? rotatedMs : nowMs) +
    Math.floor(spread(path) * staggerSeconds * 1000);
  return maxAgeSeconds === 0 ? regular : Math.min(regular, rotatedMs + maxAgeSeconds * 1000);
}

export function isOverdue({ policy, state }: RotationRecord, nowMs: number): boolean {
  return policy.maxAgeSeconds > 0 && nowMs > state.rotatedMs + policy.maxAgeSeconds * 1000;
}

/** A renewal that greatest age itself sets off gets this long before anybody is called. */
const OVERDUE_LATE_MS = 300_000;

/** When it is to be told that the value is too old; undefined when it has been, or when no age is too much. */
export function overdueTellMs({ policy, state }: RotationRecord): number | undefined {
  if (policy.maxAgeSeconds === 0 || state.overdueTold === true) return undefined;
  return state.rotatedMs + policy.maxAgeSeconds * 1000 + OVERDUE_LATE_MS;
}

export const NEW_STATE: Omit<RotationState, 'dueMs' | 'rotatedMs'> = {
  phase: 'idle',
  id: '',
  startedMs: 0,
  before: {},
  next: {},
  stepMs: 0,
  previousVersion: 0,
  failures: 0,
  failedStep: '',
  lastError: '',
  asked: false,
  history: [],
};

export function remembered(state: RotationState, past: Past): readonly Past[] {
  return [past, ...state.history].slice(0, HISTORY_MAX);
}
