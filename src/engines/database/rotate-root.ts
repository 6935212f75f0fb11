/** `rotate-root`: a new password for the account of the connection itself, which from then on nobody but the server knows. */
import type { JsonObject } from '../../base/json.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { IntentType } from '../../model/outside.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { STATEMENT_MS_MAX, TargetError } from '../../targets/database.ts';
import { connectionOf, databaseOf, findConnection, putConnection } from './connection.ts';
import type { ConnectionRecord } from './connection.ts';
import { NAME, telling, upstream } from './ports.ts';
import type { DatabasePorts } from './ports.ts';

export const ROTATE_ROOT: string = 'rotate-root';

/** A change that the database was slow to answer may still come about: until then the old password proves nothing. */
export const SETTLED_MS: number = 2 * STATEMENT_MS_MAX;

interface Rotation extends JsonObject {
  readonly connection: string;
  readonly username: string;
  readonly password: string;
}

function credentialsOf({
  details,
}: ConnectionRecord): readonly [username: string, password: string] {
  const { username, password } = details;
  return [
    typeof username === 'string' ? username : '',
    typeof password === 'string' ? password : '',
  ];
}

function withPassword(record: ConnectionRecord, password: string): Omit<ConnectionRecord, 'id'> {
  const { id: _changes, ...rest } = record;
  return { ...rest, details: { ...record.details, password } };
}

async function rotate(
  ports: DatabasePorts,
  request: Request<{ readonly name: string }>,
  store: Transaction,
): Promise<undefined> {
  const { name } = request.fields;
  const record = await connectionOf(store, name);
  const [username, before] = credentialsOf(record);
  if (username === '') {
    throw invalidRequest('unable to rotate root credentials: no username in configuration');
  }
  if (before === '') {
    throw invalidRequest('unable to rotate root credentials: no password in configuration');
  }
  const password = await ports.password(request.namespace.id, record.passwordPolicy);
  const database = await telling(async () => databaseOf(ports, name, record));
  const rotation: Rotation = { connection: name, username, password };
  const intent = await request.outside.intend(ROTATE_ROOT, rotation, name);
  try {
    await database.change(username, { kind: 'password', password }, record.rootRotationStatements);
  } catch (error) {
    if (error instanceof TargetError && !error.mayHaveChanged) intent.withdraw();
    throw upstream(error, 'failed to update user: ');
  }
  putConnection(ports, store, name, withPassword(record, password));
  ports.open.close(name);
}

/** Looks which of the two passwords the database takes, and keeps that one. */
export function rotateRootIntent(ports: DatabasePorts): IntentType {
  return {
    async settle({ data, openedMs, nowMs }, store) {
      const { connection: name, username, password } = data as Rotation;
      const record = await findConnection(store, name);
      if (record === undefined) return;
      const [current, before] = credentialsOf(record);
      if (current !== username || before === password) return;
      const database = databaseOf(ports, name, record);
      if (await database.accepts(username, password)) {
        putConnection(ports, store, name, withPassword(record, password));
        ports.open.close(name);
        return;
      }
      if (!(await database.accepts(username, before))) {
        throw new RequestError(
          'upstream_failed',
          'the database takes neither the old nor the new password',
        );
      }
      if (nowMs - openedMs < SETTLED_MS) {
        throw new RequestError('upstream_failed', 'the change may still come about');
      }
    },
  };
}

export function rotateRootPath(ports: DatabasePorts): Path {
  return definePath({
    pattern: 'rotate-root/{name}',
    fields: { name: NAME },
    help: {
      synopsis: 'Gives the account of a connection a new password.',
      description: 'It is not shown: use an account that nobody but this server needs.',
    },
    operations: {
      update: {
        summary: 'Rotate the password of a connection',
        outsideEffects: true,
        handler: (request, store) => rotate(ports, request, store),
      },
    },
  });
}
