/**
 * The rotation of a static role. The next credential is stored before the database gets it and used again until it is known to
 * be set, so a crash or a failure at any point leaves at most that one in question, and both are known.
 */
import type { JsonObject } from '../../../base/json.ts';
import { putOffMs } from '../../../calendar/calendar.ts';
import { RequestError, invalidRequest } from '../../../model/errors.ts';
import type { IntentType, TaskType } from '../../../model/outside.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { TargetError } from '../../../targets/database.ts';
import type { Database } from '../../../targets/database.ts';
import {
  assertAllowed,
  assertCredentialKind,
  connectionOf,
  databaseOf,
  memberOf,
} from '../connection.ts';
import { makeCredential } from '../credentials.ts';
import { telling, upstream } from '../ports.ts';
import type { DatabasePorts } from '../ports.ts';
import { SETTLED_MS } from '../rotate-root.ts';
import { STATIC_ROLES, findStaticRole, passwordOf, rotated } from './record.ts';
import type { StaticRole } from './record.ts';
import type { MadeCredential } from '../credential.ts';

/** The task and the kind of intent. */
export const ROTATE: string = 'rotate-role';

const RETRY_MS = 10_000;
const RETRY_MS_MAX = 600_000;

interface Ready {
  readonly database: Database;
  readonly made: MadeCredential;
}

/** The database, and the credential to set: the one that was begun with, or a new one. @throws {RequestError} */
async function prepare(
  ports: DatabasePorts,
  store: Reader,
  namespaceId: string,
  name: string,
  role: StaticRole,
): Promise<Ready> {
  const connection = await connectionOf(store, role.connection);
  assertAllowed(connection, name);
  assertCredentialKind(memberOf(ports, connection.pluginName), role.credential.kind);
  const made =
    role.pending ??
    (await makeCredential(ports, role.credential, namespaceId, connection.passwordPolicy));
  return { database: databaseOf(ports, role.connection, connection), made };
}

interface Begun extends JsonObject {
  readonly name: string;
  readonly roleId: string;
  /** The role is made by it. */
  readonly creates: boolean;
  /** When its credential was last changed before, by whichever clock: no other time is compared with it, only itself. */
  readonly beforeMs: number;
  /** The role as it is to be stored, as JSON. */
  readonly role: string;
}

/** Rotates within a request: `role` is stored with its new credential, and its next rotation is scheduled. */
export async function rotateNow(
  ports: DatabasePorts,
  request: Request<{ readonly name: string }>,
  store: Transaction,
  role: StaticRole,
): Promise<void> {
  const { name } = request.fields;
  const { database, made } = await telling(() =>
    prepare(ports, store, request.namespace.id, name, role),
  );
  const after = rotated(role, made, request.nowMs);
  const begun: Begun = {
    name,
    roleId: role.id,
    creates: role.current === undefined,
    beforeMs: role.rotatedMs,
    role: JSON.stringify(after),
  };
  const intent = await request.outside.intend(ROTATE, begun);
  try {
    await database.change(role.username, made.credential, role.statements);
  } catch (error) {
    if (error instanceof TargetError && !error.mayHaveChanged) intent.withdraw();
    throw upstream(error, 'error setting credentials: ');
  }
  store.putJson(STATIC_ROLES + name, after);
  request.schedule(ROTATE, name, after.dueMs);
}

/** A request that rotated and did not come to its end: whichever credential the database takes is the one that is kept. */
export function rotateRoleIntent(ports: DatabasePorts): IntentType {
  return {
    async settle({ data, openedMs, nowMs, schedule }, store) {
      const { name, roleId, creates, beforeMs, role: text } = data as Begun;
      const after = JSON.parse(text) as StaticRole;
      const role = await findStaticRole(store, name);
      // Another role of this name, made since, has its own credential.
      if (role === undefined ? !creates : role.id !== roleId) return;
      const { database, made } = await prepare(ports, store, '', name, {
        ...after,
        pending: after.current === undefined ? undefined : { ...after.current, sinceMs: openedMs },
      });
      const since = role !== undefined && role.rotatedMs !== beforeMs ? role : undefined;
      if (since !== undefined && (await isKept(database, since)))
        return assertOver(openedMs, nowMs);
      const next = passwordOf(made.credential);
      if (next === undefined) {
        // Keys cannot be tried: set once more, it is certain what is set.
        await database.change(after.username, made.credential, after.statements);
      } else if (!(await database.accepts(after.username, next))) {
        return assertOver(openedMs, nowMs);
      }
      const kept = since === undefined ? after : rotated(since, made, nowMs);
      store.putJson(STATIC_ROLES + name, kept);
      schedule(ROTATE, name, kept.dueMs);
    },
  };
}

/** @throws {RequestError} what the database takes now may yet be overtaken by the change that was intended */
function assertOver(openedMs: number, nowMs: number): void {
  if (nowMs - openedMs >= SETTLED_MS) return;
  throw new RequestError('upstream_failed', 'the change may still come about');
}

/**
 * Whether the database takes what is stored of a role that was changed since, by a request that may have run beside the one that was cut
 * off: which of the two came last only the database knows. Keys cannot be tried: what is stored is set once more.
 */
async function isKept(database: Database, role: StaticRole): Promise<boolean> {
  const { current, username, statements } = role;
  if (current === undefined) return false;
  const password = passwordOf(current.credential);
  if (password !== undefined) return await database.accepts(username, password);
  await database.change(username, current.credential, statements);
  return true;
}

export function rotateRoleTask(ports: DatabasePorts): TaskType {
  return {
    async run({ name, namespaceId, nowMs, record }, store) {
      const role = await findStaticRole(store, name);
      if (role === undefined) return 'done';
      if (role.dueMs > nowMs) return role.dueMs;
      if (role.pending === undefined) {
        const later = putOffMs(role.recurrence, role.dueMs, nowMs);
        if (later !== undefined) {
          store.putJson(STATIC_ROLES + name, { ...role, dueMs: later });
          return later;
        }
        const { made } = await prepare(ports, store, namespaceId, name, role);
        store.putJson(STATIC_ROLES + name, { ...role, pending: { ...made, sinceMs: nowMs } });
        return 'again';
      }
      const { database, made } = await prepare(ports, store, namespaceId, name, role);
      await record(`${ROTATE}/${name}`);
      await database.change(role.username, made.credential, role.statements);
      const after = rotated(role, made, nowMs);
      store.putJson(STATIC_ROLES + name, after);
      return after.dueMs;
    },
    async failed({ name, nowMs }, store, reason) {
      const role = await findStaticRole(store, name);
      if (role === undefined) return 'done';
      const failures = role.failures + 1;
      store.putJson(STATIC_ROLES + name, { ...role, failures, lastError: reason });
      return nowMs + Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MS_MAX);
    },
  };
}

export async function staticRoleOf(store: Reader, name: string, text: string): Promise<StaticRole> {
  const role = await findStaticRole(store, name);
  if (role === undefined) throw invalidRequest(text);
  return role;
}
