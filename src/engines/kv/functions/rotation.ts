/**
 * Rotation of secrets by functions outside, in the four steps of AWS's contract, so that its own rotation functions serve. What is
 * going on lies in a record of its own: the function writes to the secret meanwhile, and must not be in this one's way.
 */
import { uuid } from '../../../base/random.ts';
import type { Random } from '../../../base/random.ts';
import {
  assertRecurrence,
  CalendarError,
  nextDueMs,
  putOffMs,
} from '../../../calendar/calendar.ts';
import type { Recurrence } from '../../../calendar/calendar.ts';
import { invalidRequest, RequestError } from '../../../model/errors.ts';
import type { Schedule, TaskOutcome, TaskType } from '../../../model/outside.ts';
import type {
  Recurring,
  RotationPlan,
  RotationState,
  Teller,
} from '../../../model/tasks/secret-task.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { setLabels } from '../../../model/secret.ts';
import type { Secret } from '../../../model/secret.ts';
import { servedNumber } from '../secret/secret.ts';
import { loadSecret, saveSecret } from '../secret/secret-store.ts';
import { callStep, STEPS } from './call.ts';
import type { CallOut } from './call.ts';
import { findFunction } from './functions.ts';

export const ROTATE_BY_FUNCTION = 'rotate-by-function';
const PREFIX = 'function-rotation/';
/** The whole of it is tried so often, with these pauses; then it waits until it is due again. */
const PAUSES_MS: readonly number[] = [30_000, 120_000, 600_000, 1_800_000];

interface Run {
  /** Write token of the version that is being made. */
  readonly token: string;
  /** Index in {@link STEPS}; beyond them: to be judged. */
  readonly step: number;
  readonly attempts: number;
}

interface Rotation {
  readonly function: string;
  readonly secretId: string;
  readonly pendingLabel: string;
  readonly recurrence?: Recurrence;
  readonly dueMs?: number;
  readonly lastMs?: number;
  readonly failure?: string;
  readonly run?: Run;
}

export interface FunctionPorts {
  readonly random: Random;
  readonly callOut: CallOut;
  readonly tell: Teller;
}

async function find(store: Reader, path: string): Promise<Rotation | undefined> {
  return await store.getJson<Rotation>(PREFIX + path);
}

export async function rotationState(
  store: Reader,
  path: string,
): Promise<RotationState | undefined> {
  const found = await find(store, path);
  if (found === undefined) return undefined;
  const { run, lastMs, dueMs, failure } = found;
  return { running: run?.token, lastMs, dueMs, failure };
}

/** A period, or a schedule in UTC. @throws {RequestError} */
function recurrenceOf(plan: Recurring | undefined): Recurrence | undefined {
  if (plan === undefined) return undefined;
  const recurrence: Recurrence = { ...plan, timeZone: '' };
  try {
    assertRecurrence(recurrence);
    return recurrence;
  } catch (error) {
    if (!(error instanceof CalendarError)) throw error;
    throw invalidRequest(error.message);
  }
}

/** Sets up, changes or ends the rotation of a secret. Gives what of the secret itself changes by it. */
export async function planRotation(
  store: Transaction,
  path: string,
  plan: RotationPlan | undefined,
  schedule: Schedule,
  nowMs: number,
): Promise<(secret: Secret) => Secret> {
  const before = await find(store, path);
  if (plan === undefined) {
    if (before !== undefined) store.delete(PREFIX + path);
    return (secret) => secret;
  }
  if ((await findFunction(store, plan.function)) === undefined) {
    throw new RequestError('invalid_request', 'there is no such function', {
      reason: 'no_function',
    });
  }
  const recurrence = recurrenceOf(plan.recurrence);
  const { function: name, secretId, pendingLabel, startNow } = plan;
  const dueMs = recurrence === undefined ? undefined : nextDueMs(recurrence, nowMs);
  const run = startNow === undefined ? before?.run : { token: startNow, step: 0, attempts: 0 };
  store.putJson(PREFIX + path, {
    function: name,
    secretId,
    pendingLabel,
    ...(recurrence === undefined ? {} : { recurrence }),
    ...(dueMs === undefined ? {} : { dueMs }),
    ...(before?.lastMs === undefined ? {} : { lastMs: before.lastMs }),
    ...(run === undefined ? {} : { run }),
  } satisfies Rotation);
  const at = run === undefined ? dueMs : nowMs;
  if (at !== undefined) schedule(ROTATE_BY_FUNCTION, path, at);
  return startNow === undefined
    ? (secret) => secret
    : (secret) => announced(secret, pendingLabel, startNow);
}

/** The version to be made has an id and a label before it has a value: the functions look for that. */
function announced(secret: Secret, label: string, token: string): Secret {
  const others = Object.entries(secret.waiting ?? {}).filter(
    ([, labels]) => !labels.includes(label),
  );
  const known = secret.versions.findLast((version) => version.writeToken === token);
  if (known !== undefined)
    return setLabels({ ...secret, waiting: Object.fromEntries(others) }, { [label]: known.number });
  const unlabelled = setLabels(secret, { [label]: 0 });
  return { ...unlabelled, waiting: Object.fromEntries([...others, [token, [label]]]) };
}

export function functionTask(ports: FunctionPorts): TaskType {
  return {
    async run({ name: path, nowMs }, store) {
      const rotation = await find(store, path);
      if (rotation === undefined) return 'done';
      if (rotation.run === undefined) return await begin(ports, store, path, rotation, nowMs);
      const step = STEPS[rotation.run.step];
      if (step === undefined) return await judge(store, path, rotation, nowMs);
      const target = await findFunction(store, rotation.function);
      if (target === undefined)
        throw new RequestError('upstream_failed', 'there is no such function any more');
      await callStep(ports.callOut, target, {
        Step: step,
        SecretId: rotation.secretId,
        ClientRequestToken: rotation.run.token,
      });
      store.putJson(PREFIX + path, {
        ...rotation,
        run: { ...rotation.run, step: rotation.run.step + 1 },
      });
      return 'again';
    },
    async failed({ name: path, nowMs }, store, reason) {
      const rotation = await find(store, path);
      if (rotation?.run === undefined) return 'done';
      const pauseMs = PAUSES_MS[rotation.run.attempts];
      if (pauseMs !== undefined) {
        // From the start: a step that was cut off may have left anything behind, and all of them can be repeated.
        const run: Run = { ...rotation.run, step: 0, attempts: rotation.run.attempts + 1 };
        store.putJson(PREFIX + path, { ...rotation, failure: reason, run });
        return nowMs + pauseMs;
      }
      const { run: _run, ...rest } = rotation;
      return rested(store, path, { ...rest, failure: reason }, nowMs);
    },
  };
}

/** Puts the rotation to rest until it is due again. */
function rested(store: Transaction, path: string, rotation: Rotation, nowMs: number): TaskOutcome {
  const { recurrence } = rotation;
  if (recurrence === undefined) {
    store.putJson(PREFIX + path, rotation);
    return 'done';
  }
  const dueMs = nextDueMs(recurrence, nowMs);
  store.putJson(PREFIX + path, { ...rotation, dueMs });
  return dueMs;
}

async function begin(
  { random }: FunctionPorts,
  store: Transaction,
  path: string,
  rotation: Rotation,
  nowMs: number,
): Promise<TaskOutcome> {
  const { dueMs, recurrence, pendingLabel } = rotation;
  if (dueMs === undefined || recurrence === undefined) return 'done';
  if (dueMs > nowMs) return dueMs;
  const later = putOffMs(recurrence, dueMs, nowMs);
  if (later !== undefined) {
    store.putJson(PREFIX + path, { ...rotation, dueMs: later });
    return later;
  }
  const record = await loadSecret(store, path);
  if (record === undefined) return ended(store, path);
  if (record.secret.deletedMs !== undefined) return rested(store, path, rotation, nowMs);
  const token = uuid(random);
  saveSecret(store, path, { ...record, secret: announced(record.secret, pendingLabel, token) });
  store.putJson(PREFIX + path, { ...rotation, run: { token, step: 0, attempts: 0 } });
  return 'again';
}

/** All steps are done: the label must be on the current version, or on none. */
async function judge(
  store: Transaction,
  path: string,
  rotation: Rotation,
  nowMs: number,
): Promise<TaskOutcome> {
  const record = await loadSecret(store, path);
  if (record === undefined) return ended(store, path);
  const { secret } = record;
  const { pendingLabel } = rotation;
  const waits = Object.values(secret.waiting ?? {}).some((labels) => labels.includes(pendingLabel));
  const labels = secret.labels ?? {};
  const labelled = Object.hasOwn(labels, pendingLabel) ? labels[pendingLabel] : undefined;
  if (waits || (labelled !== undefined && labelled !== servedNumber(secret))) {
    throw new RequestError(
      'upstream_failed',
      'the function did not make the new version the current one',
    );
  }
  const { run: _run, failure: _failure, ...rest } = rotation;
  return rested(store, path, { ...rest, lastMs: nowMs }, nowMs);
}

/** The secret is gone, and with it what made its values. */
function ended(store: Transaction, path: string): TaskOutcome {
  store.delete(PREFIX + path);
  return 'done';
}
