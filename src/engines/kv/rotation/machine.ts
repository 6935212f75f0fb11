/**
 * A rotation, step by step: create → install → verify and promote → grace → retire. Each step is one run of the task and one
 * commit, and what it will do was committed by the one before. A step that fails leads to a rollback: the target takes the
 * current value and not the new one. So after a crash or a failure at any point exactly one current value opens the target.
 */
import { uuid } from '../../../base/random.ts';
import { putOffMs } from '../../../calendar/calendar.ts';
import { RequestError } from '../../../model/errors.ts';
import type { TaskContext, TaskOutcome, TaskType } from '../../../model/outside.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { RotationContext } from '../../../rotators/rotator.ts';
import { TargetError } from '../../../targets/database.ts';
import { secretExists } from '../secret/secret-store.ts';
import { concurrentRotations } from './settings.ts';
import { alert, tellOverdue } from './alarms.ts';
import { contextOf, rotationOf } from './opening.ts';
import type { RotationPorts } from './ports.ts';
import {
  dueAfter,
  findRotation,
  isOverdue,
  overdueTellMs,
  putRotation,
  remembered,
  removeRotation,
} from './record.ts';
import type { RotationPolicy, RotationRecord, RotationState } from './record.ts';
import { currentValue, promote } from './value.ts';

export const ROTATE: string = 'rotate';

const RETRY_MS = 60_000;
const RETRY_MS_MAX = 3_600_000;
/** Who finds no place asks again after this. */
const WAIT_MS = 2_000;
const WAIT_MS_MAX = 60_000;
const FIELDS_BYTES_MAX = 64 * 1024;

/** One step of one rotation. */
interface Step {
  readonly ports: RotationPorts;
  readonly task: TaskContext;
  readonly store: Transaction;
  readonly policy: RotationPolicy;
  readonly state: RotationState;
  readonly path: string;
  readonly slot: string;
}

export function rotateTask(ports: RotationPorts): TaskType {
  return {
    async run(task, store) {
      const path = task.name;
      const slot = `${task.namespaceId} ${path}`;
      const found = await findRotation(store, path);
      if (found === undefined) {
        ports.slots.free(slot);
        return 'done';
      }
      const record = tellOverdue(ports, task, store, found);
      const step: Step = { ports, task, store, ...record, path, slot };
      switch (record.state.phase) {
        case 'idle':
          return await begin(step, record);
        case 'install':
          return await attempt(step, 'install', install);
        case 'verify':
          return await attempt(step, 'verify', verifyAndPromote);
        case 'grace':
          return await retire(step);
        case 'rollback':
          return await rollBack(step);
        default:
          throw new Error('unknown phase of a rotation');
      }
    },
    async failed(task, store, reason) {
      const record = await findRotation(store, task.name);
      if (record === undefined) return 'done';
      const slot = `${task.namespaceId} ${task.name}`;
      const step: Step = { ports, task, store, ...record, path: task.name, slot };
      const { phase } = record.state;
      if (phase === 'idle') return failedBefore(step, 'create', reason);
      if (phase === 'grace' || phase === 'rollback') return postponed(step, phase, reason);
      const { nowMs: stepMs } = task;
      put(step, {
        ...record.state,
        phase: 'rollback',
        failedStep: phase,
        lastError: reason,
        stepMs,
      });
      return stepMs;
    },
  };
}

function put({ store, path, policy }: Step, state: RotationState): void {
  if (state.ending === true && state.phase === 'idle') removeRotation(store, path);
  else putRotation(store, path, { policy, state });
}

/** `idle`: is it time, is there a place; then the new value is made and stored. */
async function begin(step: Step, record: RotationRecord): Promise<TaskOutcome> {
  const { ports, task, store, policy, state, path, slot } = step;
  const { nowMs } = task;
  // What is paused is not renewed, but that it has become too old is told.
  if (policy.paused && !state.asked) return overdueTellMs(record) ?? 'done';
  if (!(await secretExists(store, path))) {
    removeRotation(store, path);
    return 'done';
  }
  if (state.dueMs > nowMs) return state.dueMs;
  if (!state.asked && !isOverdue(record, nowMs)) {
    // Repeated attempts keep to the window too, so the time that this one was due at says nothing.
    const later = putOffMs(policy.recurrence, 0, nowMs);
    if (later !== undefined) {
      put(step, { ...state, dueMs: later });
      return later;
    }
  }
  const most = await concurrentRotations(store);
  if (!ports.slots.take(slot, most)) {
    // The more there are before it, the later it asks again.
    return nowMs + Math.min(WAIT_MS * (1 + ports.slots.waiting / most), WAIT_MS_MAX);
  }
  const id = uuid(ports.random);
  const audited = await task.record(`rotation/create/${path}`);
  try {
    const { fields: current } = await currentValue(store, path, nowMs);
    const rotation = await rotationOf(ports, policy);
    const context = contextOf(ports, task.namespaceId, policy, { id, current, next: {} });
    const next = await rotation.create(context);
    if (Buffer.byteLength(JSON.stringify(next)) > FIELDS_BYTES_MAX) {
      throw new TargetError('the new value is too large', { mayHaveChanged: false });
    }
    put(step, { ...state, phase: 'install', id, startedMs: nowMs, before: current, next });
    return 'again';
  } catch (error) {
    const reason = told(error);
    audited.failed(reason);
    return failedBefore({ ...step, state: { ...state, id, startedMs: nowMs } }, 'create', reason);
  }
}

/** What may be shown of an error; anything else is a fault of this program, and thrown. */
function told(error: unknown): string {
  if (error instanceof TargetError || error instanceof RequestError) return error.message;
  throw error;
}

function contextIn({ ports, task, policy, state }: Step): RotationContext {
  return contextOf(ports, task.namespaceId, policy, {
    id: state.id,
    current: state.before,
    next: state.next,
  });
}

/** Runs a step at the target; when it fails, the rotation is undone there. */
async function attempt(
  step: Step,
  name: string,
  act: (step: Step) => Promise<TaskOutcome>,
): Promise<TaskOutcome> {
  const { ports, state, task } = step;
  // After a start nobody holds its place yet.
  ports.slots.take(step.slot, Number.POSITIVE_INFINITY);
  const audited = await task.record(`rotation/${name}/${step.path}`);
  try {
    return await act(step);
  } catch (error) {
    const reason = told(error);
    audited.failed(reason);
    if (name === 'install' && error instanceof TargetError && !error.mayHaveChanged) {
      return failedBefore(step, name, reason);
    }
    put(step, {
      ...state,
      phase: 'rollback',
      failedStep: name,
      lastError: reason,
      stepMs: task.nowMs,
    });
    return 'again';
  }
}

async function install(step: Step): Promise<TaskOutcome> {
  await (await rotationOf(step.ports, step.policy)).install(contextIn(step));
  put(step, { ...step.state, phase: 'verify' });
  return 'again';
}

async function verifyAndPromote(step: Step): Promise<TaskOutcome> {
  const { ports, task, store, policy, state, path, slot } = step;
  const { nowMs } = task;
  const context = contextIn(step);
  await (await rotationOf(ports, policy)).verify(context, { ...state.before, ...state.next });
  const graceEndMs = nowMs + policy.graceSeconds * 1000;
  const promotion = { next: state.next, id: state.id, keepUntilMs: graceEndMs };
  const { version, previous } = await promote(store, path, promotion, task);
  put(step, {
    ...state,
    phase: 'grace',
    next: {},
    stepMs: graceEndMs,
    rotatedMs: nowMs,
    overdueTold: false,
    dueMs: Math.max(dueAfter(policy, path, nowMs, nowMs), graceEndMs),
    previousVersion: previous,
    failures: 0,
    failedStep: '',
    lastError: '',
    asked: false,
    history: remembered(state, {
      id: state.id,
      startedMs: state.startedMs,
      endedMs: nowMs,
      outcome: 'rotated',
      version,
      step: '',
      error: '',
    }),
  });
  ports.slots.free(slot);
  ports.alerts.rotated();
  ports.log.info('secret rotated', { rotation: state.id, version });
  return policy.graceSeconds === 0 ? 'again' : graceEndMs;
}

async function retire(step: Step): Promise<TaskOutcome> {
  const { ports, task, policy, state, path } = step;
  if (state.stepMs > task.nowMs) return state.stepMs;
  const audited = await task.record(`rotation/retire/${path}`);
  try {
    await (await rotationOf(ports, policy)).retire(contextIn(step), state.before);
  } catch (error) {
    const reason = told(error);
    audited.failed(reason);
    return postponed(step, 'retire', reason);
  }
  put(step, {
    ...state,
    phase: 'idle',
    before: {},
    previousVersion: 0,
    failures: 0,
    failedStep: '',
    lastError: '',
  });
  return state.dueMs;
}

/** Until it succeeds the target may take either value: both are kept, and nothing else is begun. */
async function rollBack(step: Step): Promise<TaskOutcome> {
  const { ports, task, policy, state, path } = step;
  if (state.stepMs > task.nowMs) return state.stepMs;
  const audited = await task.record(`rotation/rollback/${path}`);
  const rotation = await rotationOf(ports, policy);
  try {
    await rotation.rollback(contextIn(step));
    await rotation.verify(contextIn(step), state.before);
  } catch (error) {
    const reason = told(error);
    audited.failed(reason);
    return postponed(step, 'rollback', `${state.lastError}; and taking it back: ${reason}`);
  }
  return failedBefore(step, state.failedStep, state.lastError);
}

/** What somebody asked for says nothing of how long the target will be away: however often it failed, it is tried again soon. */
function backoffMs({ asked }: RotationState, failures: number): number {
  if (asked) return RETRY_MS;
  return Math.min(RETRY_MS * 2 ** Math.min(failures - 1, 20), RETRY_MS_MAX);
}

/** The target is as it was: the rotation is over, and tried again later. */
function failedBefore(step: Step, failedStep: string, lastError: string): TaskOutcome {
  const { ports, task, state, slot } = step;
  const failures = state.failures + 1;
  const dueMs = task.nowMs + backoffMs(state, failures);
  put(step, {
    ...state,
    phase: 'idle',
    before: {},
    next: {},
    dueMs,
    failures,
    failedStep,
    lastError,
    asked: false,
    history: remembered(state, {
      id: state.id,
      startedMs: state.startedMs,
      endedMs: task.nowMs,
      outcome: 'failed',
      version: 0,
      step: failedStep,
      error: lastError,
    }),
  });
  ports.slots.free(slot);
  alert(step, failures, failedStep, lastError);
  return dueMs;
}

/** The step itself is tried again. */
function postponed(step: Step, failedStep: string, lastError: string): TaskOutcome {
  const { ports, task, state, slot } = step;
  const failures = state.failures + 1;
  const stepMs = task.nowMs + backoffMs(state, failures);
  put(step, {
    ...state,
    stepMs,
    failures,
    failedStep,
    asked: false,
    ...(state.phase === 'rollback' ? {} : { lastError }),
  });
  ports.slots.free(slot);
  alert(step, failures, failedStep, lastError);
  return stepMs;
}
