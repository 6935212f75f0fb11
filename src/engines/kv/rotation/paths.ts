/** `rotation/`: which secrets of the mount are renewed, how, when, and what came of it. */
import { formatTime } from '../../../base/time-format.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { RequestError, invalidRequest, notFound } from '../../../model/errors.ts';
import { listTree } from '../../../model/listing/list-tree.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { TargetError } from '../../../targets/database.ts';
import { holdsPassword } from '../../../targets/settings.ts';
import { assertSecretPath } from '../secret/secret-store.ts';
import { calendarText } from './calendar-text.ts';
import type { Coming } from './calendar-text.ts';
import { ROTATE } from './machine.ts';
import { contextOf, rotationOf } from './opening.ts';
import { POLICY_FIELDS, policyOf } from './policy-fields.ts';
import type { PolicyValues } from './policy-fields.ts';
import type { RotationPorts } from './ports.ts';
import { readersOf } from './readers.ts';
import {
  NEW_STATE,
  ROTATIONS,
  dueAfter,
  findRotation,
  overdueTellMs,
  putRotation,
  removeRotation,
} from './record.ts';
import type { RotationRecord } from './record.ts';
import { rotationSettingsPath } from './settings.ts';
import { shownRotation, timeOrEmpty } from './shown-rotation.ts';
import { currentValue } from './value.ts';
import type { Reply } from '../../../model/reply.ts';

const PATH = POLICY_FIELDS.path;
/** Most entries of a calendar. */
const CALENDAR_MAX = 5_000;
const DAYS_DEFAULT = 90;
const DAYS_MAX = 3_660;
const DAY_MS = 86_400_000;
const GIVEN_UP =
  'A rotation was under way and has been given up: the value before, or one that was not promoted, may still be valid at the target.';
const NOT_YET =
  'The rotation is not over yet: it takes its time, or waits for others that are under way. rotation/secret/… tells when it is.';
const PASSWORD_IN_ADDRESS =
  'settings.connection_url contains a password: write {{username}} and {{password}} in its place, so that it is not shown';

async function rotationAt(store: Reader, path: string): Promise<RotationRecord> {
  const record = await findRotation(store, path);
  if (record === undefined) throw notFound();
  return record;
}

export function rotationPaths(ports: RotationPorts): readonly Path[] {
  async function write(request: Request<PolicyValues>, store: Transaction): Promise<Reply> {
    const { fields, nowMs } = request;
    const { path } = fields;
    assertSecretPath(path);
    const { createdMs } = await currentValue(store, path, nowMs);
    const before = await findRotation(store, path);
    const policy = await policyOf(ports, fields, before?.policy);
    const underWay = before !== undefined && before.state.phase !== 'idle';
    if (underWay && policy.rotator !== before.policy.rotator) {
      throw invalidRequest('a rotation is under way: its rotator cannot change until it is over');
    }
    if (fields.password_policy !== undefined && policy.passwordPolicy !== '') {
      await ports.password(request.namespace.id, policy.passwordPolicy);
    }
    const rotatedMs = before?.state.rotatedMs ?? createdMs;
    const dueMs = Math.max(dueAfter(policy, path, rotatedMs, nowMs), nowMs);
    const { ending: _ending, ...kept } = before?.state ?? { ...NEW_STATE, rotatedMs };
    // Settings are put right when a step fails with those that were there: it is tried again with them at once.
    const retried = underWay && fields.settings !== undefined && kept.failures > 0;
    const state = { ...kept, dueMs, ...(retried ? { stepMs: nowMs } : {}) };
    const record = { policy, state };
    putRotation(store, path, record);
    const stepMs = underWay ? state.stepMs : dueMs;
    const wakeMs = policy.paused && !underWay ? overdueTellMs(record) : stepMs;
    if (wakeMs !== undefined) request.schedule(ROTATE, path, Math.max(wakeMs, nowMs));
    const reply = { data: await shownRotation(ports, record, nowMs) };
    return holdsPassword(policy.settings) ? { ...reply, warnings: [PASSWORD_IN_ADDRESS] } : reply;
  }

  async function rotateNow(
    request: Request<{ readonly path: string; readonly force: boolean }>,
    store: Transaction,
  ): Promise<Reply> {
    const { fields, nowMs } = request;
    const { path, force } = fields;
    const { policy, state } = await rotationAt(store, path);
    if (state.phase === 'grace' && !force) {
      throw invalidRequest('the value before is still in its time of grace; force ends that now');
    }
    const next = { ...state, asked: true, dueMs: nowMs, stepMs: Math.min(state.stepMs, nowMs) };
    putRotation(store, path, { policy, state: next });
    request.schedule(ROTATE, path, nowMs);
    return {
      settle: true,
      async settled(_unit, view) {
        const after = await findRotation(view, path);
        if (after?.state.asked === true) return { warnings: [NOT_YET] };
        if (after === undefined || after.state.failures === 0) return undefined;
        const { failedStep, lastError } = after.state;
        throw new RequestError('upstream_failed', `${failedStep}: ${lastError}`, {
          vaultStatus: 500,
        });
      },
    };
  }

  async function rehearse(
    { fields, nowMs, namespace, id }: Request<{ readonly path: string }>,
    store: Reader,
  ): Promise<Reply> {
    const { policy } = await rotationAt(store, fields.path);
    const { fields: current, version } = await currentValue(store, fields.path, nowMs);
    const context = contextOf(ports, namespace.id, policy, { id, current, next: {} });
    const readers = await readersOf(store, fields.path);
    try {
      const found = await (await rotationOf(ports, policy)).rehearse(context);
      return { data: { ok: true, found, error: '', version, readers: readers.length } };
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      return {
        data: { ok: false, found: [], error: error.message, version, readers: readers.length },
      };
    }
  }

  async function consumers(
    { fields, nowMs }: Request<{ readonly path: string }>,
    store: Reader,
  ): Promise<Reply> {
    const { policy } = await rotationAt(store, fields.path);
    const { version } = await currentValue(store, fields.path, nowMs);
    const readers = await readersOf(store, fields.path);
    return {
      data: {
        current_version: version,
        declared: policy.consumers,
        readers: readers.map((reader) => ({
          name: reader.name,
          entity_id: reader.entityId,
          version: reader.version,
          last_read: formatTime(reader.lastMs),
          behind: reader.version < version,
        })),
      },
    };
  }

  async function coming(store: Reader, nowMs: number, days: number): Promise<Coming[]> {
    const untilMs = nowMs + days * DAY_MS;
    const all: Coming[] = [];
    for (const key of await listTree(store, ROTATIONS)) {
      const path = key.slice(ROTATIONS.length);
      const record = await findRotation(store, path);
      if (record === undefined) continue;
      const { policy, state } = record;
      if (state.phase === 'grace') all.push({ path, atMs: state.stepMs, what: 'Retire' });
      if (policy.paused) continue;
      let atMs = state.dueMs;
      for (
        let count = 0;
        atMs <= untilMs && count < CALENDAR_MAX && all.length < CALENDAR_MAX;
        count++
      ) {
        all.push({ path, atMs: Math.max(atMs, nowMs), what: 'Rotate' });
        atMs = dueAfter(policy, path, atMs, atMs);
      }
    }
    return all.toSorted((a, b) => a.atMs - b.atMs).slice(0, CALENDAR_MAX);
  }

  const days = {
    kind: 'int',
    description: `How far ahead, in days; ${DAYS_DEFAULT} by default.`,
    default: DAYS_DEFAULT,
    query: true,
  } as const;
  const bounded = (wanted: number): number => Math.min(Math.max(wanted, 1), DAYS_MAX);

  return [
    rotationSettingsPath,
    definePath({
      pattern: 'rotation/rotators',
      fields: {},
      help: { synopsis: 'Lists the ways in which a secret can be renewed, with their settings.' },
      operations: {
        read: {
          summary: 'List rotators.',
          handler: async () => ({
            data: Object.fromEntries(
              [...(await ports.rotators()).values()].map(({ type, summary, settings }) => [
                type,
                {
                  summary,
                  settings: Object.fromEntries(settings.map((one) => [one.name, one.description])),
                },
              ]),
            ),
          }),
        },
      },
    }),
    definePath({
      pattern: 'rotation/calendar',
      fields: { days },
      help: { synopsis: 'What comes: rotations, and the ends of times of grace.' },
      operations: {
        read: {
          summary: 'Read the calendar.',
          handler: async ({ fields, nowMs }, store) => ({
            data: {
              coming: (await coming(store, nowMs, bounded(fields.days))).map(
                ({ path, atMs, what }) => ({
                  path,
                  at: formatTime(atMs),
                  what: what.toLowerCase(),
                }),
              ),
            },
          }),
        },
      },
    }),
    definePath({
      pattern: 'rotation/calendar.ics',
      fields: { days },
      help: { synopsis: 'The same as a calendar that other programs subscribe to (iCalendar).' },
      operations: {
        read: {
          summary: 'Read the calendar as iCalendar.',
          handler: async ({ fields, nowMs, mount }, store) => {
            const all = await coming(store, nowMs, bounded(fields.days));
            const body = calendarText(all, mount.path, nowMs);
            return { raw: { contentType: 'text/calendar; charset=utf-8', body } };
          },
        },
      },
    }),
    definePath({
      pattern: 'rotation/now/{path..+}',
      fields: {
        path: PATH,
        force: {
          kind: 'bool',
          description: 'Ends the time of grace of the value before, if it is in one.',
          default: false,
        },
      },
      help: { synopsis: 'Rotates a secret now.' },
      operations: {
        update: { summary: 'Rotate a secret.', outsideEffects: true, handler: rotateNow },
      },
    }),
    definePath({
      pattern: 'rotation/dry-run/{path..+}',
      fields: { path: PATH },
      help: { synopsis: 'Tries a rotation out at the target without changing anything.' },
      operations: {
        update: { summary: 'Rehearse a rotation.', outsideEffects: true, handler: rehearse },
      },
    }),
    definePath({
      pattern: 'rotation/history/{path..+}',
      fields: { path: PATH },
      help: { synopsis: 'The last rotations of a secret.' },
      operations: {
        read: {
          summary: 'Read the history of a rotation.',
          handler: async ({ fields }, store) => ({
            data: {
              history: (await rotationAt(store, fields.path)).state.history.map((past) => ({
                id: past.id,
                started: timeOrEmpty(past.startedMs),
                ended: formatTime(past.endedMs),
                outcome: past.outcome,
                version: past.version,
                step: past.step,
                error: past.error,
              })),
            },
          }),
        },
      },
    }),
    definePath({
      pattern: 'rotation/consumers/{path..+}',
      fields: { path: PATH },
      help: {
        synopsis: 'Who uses a secret: those who were declared, and those who were seen to read it.',
        description:
          'Before a rotation: who will be affected. After it: who still has the value before.',
      },
      operations: { read: { summary: 'List the consumers of a secret.', handler: consumers } },
    }),
    definePath({
      pattern: 'rotation/secret/{path...}',
      fields: POLICY_FIELDS,
      exists: async ({ fields }, store) => (await findRotation(store, fields.path)) !== undefined,
      help: {
        synopsis: 'The rotation policy of a secret.',
        description:
          'Whoever may write it may learn the secret, since it says where new values are sent: grant it like a write of the secret.',
      },
      operations: {
        create: { summary: 'Have a secret rotated.', handler: write },
        update: { summary: 'Change a rotation policy.', handler: write },
        read: {
          summary: 'Read a rotation policy and where it stands.',
          handler: async ({ fields, nowMs }, store) => ({
            data: await shownRotation(ports, await rotationAt(store, fields.path), nowMs),
          }),
        },
        delete: {
          summary: 'Stop rotating a secret.',
          handler: async ({ fields }, store) => {
            const record = await findRotation(store, fields.path);
            const underWay = record !== undefined && record.state.phase !== 'idle';
            if (underWay && !fields.force) {
              throw invalidRequest(
                'a rotation is under way: wait for its end, so that nothing stays valid that nobody knows; force=true gives it up',
              );
            }
            removeRotation(store, fields.path);
            return underWay ? { warnings: [GIVEN_UP] } : undefined;
          },
        },
        list: {
          summary: 'List secrets with a rotation policy.',
          handler: async ({ fields }, store) => {
            const folder =
              fields.path === '' || fields.path.endsWith('/') ? fields.path : `${fields.path}/`;
            const keys = await store.list(ROTATIONS + folder);
            if (keys.length === 0) throw notFound();
            return { data: { keys } };
          },
        },
      },
    }),
  ];
}
