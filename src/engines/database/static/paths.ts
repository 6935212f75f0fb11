/** `static-roles`, `static-creds`, `rotate-role`: accounts that exist already, whose credentials are kept and changed here. */
import { CalendarError, assertRecurrence, nextDueMs } from '../../../calendar/calendar.ts';
import type { Recurrence } from '../../../calendar/calendar.ts';
import { uuid } from '../../../base/random.ts';
import { formatTime } from '../../../base/time-format.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import { listPath } from '../../../model/listing/list-path.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { assertAllowed, connectionOf } from '../connection.ts';
import { ROLE_NAME } from '../ports.ts';
import type { DatabasePorts } from '../ports.ts';
import { ROLES, ruleOf, shownCredential } from '../role.ts';
import { STATIC_ROLES, findStaticRole } from './record.ts';
import type { StaticRole } from './record.ts';
import { ROTATE, rotateNow, staticRoleOf } from './rotation.ts';
import { unsupported } from '../credential.ts';
import type { Reply } from '../../../model/reply.ts';

const FIELDS = {
  name: ROLE_NAME,
  db_name: { kind: 'string', description: 'Connection that the account belongs to.' },
  username: { kind: 'string', description: 'Name of the account in the database.' },
  rotation_period: {
    kind: 'duration_seconds',
    description: 'How often its credential changes; at least five seconds.',
  },
  rotation_schedule: {
    kind: 'string',
    description: 'When its credential changes, as five fields of cron in UTC; instead of a period.',
  },
  rotation_window: {
    kind: 'duration_seconds',
    description: 'How long after a time of the schedule a change may begin; at least an hour.',
  },
  rotation_statements: { kind: 'string_list', description: 'Statements that set the credential.' },
  credential_type: { kind: 'string', description: '"password" or "rsa_private_key".' },
  credential_config: {
    kind: 'string_map',
    description: 'Of passwords `password_policy`, of keys `key_bits` and `format`.',
  },
} as const;

interface StaticFields {
  readonly name: string;
  readonly db_name: string | undefined;
  readonly username: string | undefined;
  readonly rotation_period: number | undefined;
  readonly rotation_schedule: string | undefined;
  readonly rotation_window: number | undefined;
  readonly rotation_statements: readonly string[] | undefined;
  readonly credential_type: string | undefined;
  readonly credential_config: Readonly<Record<string, string>> | undefined;
}

const PERIOD_SECONDS_MIN = 5;
const WINDOW_SECONDS_MIN = 3600;

/** @throws {RequestError} */
function recurrenceOf(fields: StaticFields, before: Recurrence | undefined): Recurrence {
  const { rotation_period: period, rotation_schedule: schedule, rotation_window: window } = fields;
  if (period !== undefined && schedule !== undefined) {
    throw invalidRequest(
      'mutually exclusive fields rotation_period and rotation_schedule were both specified',
    );
  }
  if (period === undefined && schedule === undefined && before === undefined) {
    throw invalidRequest('rotation_period is required to create static accounts');
  }
  if (window !== undefined && window !== 0 && window < WINDOW_SECONDS_MIN) {
    throw invalidRequest('rotation_window must be 3600 seconds or more');
  }
  if (period !== undefined) {
    if (period < PERIOD_SECONDS_MIN) {
      throw invalidRequest(`rotation_period must be ${PERIOD_SECONDS_MIN} seconds or more`);
    }
    if (window !== undefined && window !== 0) {
      throw invalidRequest('rotation_window is invalid with use of rotation_period');
    }
    return { periodSeconds: period, schedule: '', timeZone: '', windowSeconds: 0 };
  }
  const recurrence: Recurrence = {
    periodSeconds: schedule === undefined ? (before?.periodSeconds ?? 0) : 0,
    schedule: schedule ?? before?.schedule ?? '',
    timeZone: '',
    windowSeconds: window ?? before?.windowSeconds ?? 0,
  };
  try {
    assertRecurrence(recurrence);
  } catch (error) {
    if (!(error instanceof CalendarError)) throw error;
    throw invalidRequest(`could not parse rotation_schedule: ${error.message}`);
  }
  return recurrence;
}

async function write(
  ports: DatabasePorts,
  request: Request<StaticFields>,
  store: Transaction,
): Promise<undefined> {
  const { fields, nowMs } = request;
  if ((await store.get(ROLES + fields.name)) !== undefined) {
    throw invalidRequest('Role and Static Role names must be unique');
  }
  const before = await findStaticRole(store, fields.name);
  const connection = fields.db_name ?? before?.connection ?? '';
  if (connection === '') throw invalidRequest('database name is a required field');
  const username = fields.username ?? before?.username ?? '';
  if (username === '') {
    throw invalidRequest('username is a required field to create a static account');
  }
  if (before !== undefined && before.username !== username) {
    throw invalidRequest('cannot update static account username');
  }
  const recurrence = recurrenceOf(fields, before?.recurrence);
  // The key of a certificate would have to be kept to be shown again.
  if (fields.credential_type === 'client_certificate') throw unsupported('client_certificate');
  const changed = {
    connection,
    username,
    recurrence,
    credential: ruleOf(fields, before?.credential),
    statements: fields.rotation_statements ?? before?.statements ?? [],
  };
  if (before === undefined) {
    const role: StaticRole = {
      ...changed,
      id: uuid(ports.random),
      current: undefined,
      rotatedMs: 0,
      dueMs: 0,
      pending: undefined,
      failures: 0,
      lastError: '',
    };
    await rotateNow(ports, request, store, role);
    return;
  }
  // A rotation that is under way is brought to its end: until then nobody knows which of the two credentials the database takes.
  const dueMs =
    before.pending === undefined
      ? nextDueMs(recurrence, recurrence.schedule === '' ? before.rotatedMs : nowMs)
      : before.dueMs;
  store.putJson(STATIC_ROLES + fields.name, { ...before, ...changed, dueMs });
  request.schedule(ROTATE, fields.name, dueMs);
}

function shownRecurrence({
  periodSeconds,
  schedule,
  windowSeconds,
}: Recurrence): Record<string, unknown> {
  if (schedule === '') return { rotation_period: periodSeconds };
  return {
    rotation_schedule: schedule,
    ...(windowSeconds === 0 ? {} : { rotation_window: windowSeconds }),
  };
}

async function read(
  { fields }: Request<{ readonly name: string }>,
  store: Transaction,
): Promise<Reply> {
  const role = await findStaticRole(store, fields.name);
  if (role === undefined) throw notFound();
  return {
    data: {
      ...shownCredential(role.credential),
      db_name: role.connection,
      last_vault_rotation: formatTime(role.rotatedMs),
      ...shownRecurrence(role.recurrence),
      rotation_statements: role.statements,
      username: role.username,
      ...(role.failures === 0
        ? {}
        : { rotation_failures: role.failures, rotation_last_error: role.lastError }),
    },
  };
}

async function readCreds(
  { fields, nowMs }: Request<{ readonly name: string }>,
  store: Transaction,
): Promise<Reply> {
  const role = await staticRoleOf(store, fields.name, 'unknown role');
  assertAllowed(await connectionOf(store, role.connection), fields.name);
  return {
    data: {
      last_vault_rotation: formatTime(role.rotatedMs),
      ...role.current?.shown,
      ...shownRecurrence(role.recurrence),
      ttl: Math.max(0, Math.round((role.dueMs - nowMs) / 1000)),
      username: role.username,
    },
  };
}

export function staticRolePaths(ports: DatabasePorts): readonly Path[] {
  return [
    listPath('static-roles', STATIC_ROLES, 'the static roles'),
    definePath({
      pattern: 'static-roles/{name}',
      fields: FIELDS,
      exists: async ({ fields }, store) => (await findStaticRole(store, fields.name)) !== undefined,
      help: {
        synopsis: 'Takes charge of an account, and lets go of it.',
        description:
          'Its credential is changed at once, and from then on by the period or schedule. Deleting the role leaves the account as it is.',
      },
      operations: {
        create: {
          summary: 'Take charge of an account',
          outsideEffects: true,
          handler: (request, store) => write(ports, request, store),
        },
        update: {
          summary: 'Change a static role',
          outsideEffects: true,
          handler: (request, store) => write(ports, request, store),
        },
        read: { summary: 'Read a static role', handler: read },
        delete: {
          summary: 'Let go of an account',
          handler: ({ fields }, store) => {
            store.delete(STATIC_ROLES + fields.name);
            return undefined;
          },
        },
      },
    }),
    definePath({
      pattern: 'static-creds/{name}',
      fields: { name: ROLE_NAME },
      help: { synopsis: 'Reads the present credential of a static role.' },
      operations: { read: { summary: 'Read a credential', handler: readCreds } },
    }),
    definePath({
      pattern: 'rotate-role/{name}',
      fields: { name: ROLE_NAME },
      help: { synopsis: 'Changes the credential of a static role now.' },
      operations: {
        update: {
          summary: 'Rotate a static role',
          outsideEffects: true,
          handler: async (request, store) => {
            const { name } = request.fields;
            const role = await staticRoleOf(store, name, 'no static role found for role name');
            await rotateNow(ports, request, store, role);
            return undefined;
          },
        },
      },
    }),
  ];
}
