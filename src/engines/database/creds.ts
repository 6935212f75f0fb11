/** `creds`: an account that lives as long as its lease. */
import type { JsonObject } from '../../base/json.ts';
import { definePath } from '../../model/backend.ts';
import type { LeaseContext, Path, SecretType } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { TargetError } from '../../targets/database.ts';
import {
  assertAllowed,
  assertCredentialKind,
  connectionOf,
  databaseOf,
  memberOf,
} from './connection.ts';
import type { ConnectionRecord } from './connection.ts';
import { makeCredential } from './credentials.ts';
import { ROLE_NAME, telling, upstream } from './ports.ts';
import type { DatabasePorts } from './ports.ts';
import { findRole } from './role.ts';
import type { RoleRecord } from './role.ts';
import { newUsername } from './usernames.ts';
import type { Reply } from '../../model/reply.ts';

export const CREDS: string = 'creds';

/** The account's own end, where the database keeps one, comes this much after the lease's: the lease is what counts. */
const GRACE_MS = 5_000;

/** What renewal and revocation know of an account, stored with its lease. */
interface Lent extends JsonObject {
  readonly username: string;
  readonly role: string;
  readonly db_name: string;
  readonly revocation_statements: string[];
}

function longestSeconds(role: RoleRecord, mount: Request['mount']): number {
  return Math.min(role.maxTtlSeconds || mount.maxLeaseTtlSeconds, mount.maxLeaseTtlSeconds);
}

function lifetimeSeconds(role: RoleRecord, mount: Request['mount']): number {
  const wanted = role.defaultTtlSeconds || mount.defaultLeaseTtlSeconds;
  return Math.min(wanted, longestSeconds(role, mount));
}

async function lend(
  ports: DatabasePorts,
  request: Request<{ readonly name: string }>,
  store: Transaction,
): Promise<Reply> {
  const { name } = request.fields;
  const role = await findRole(store, name);
  if (role === undefined) throw invalidRequest('unknown role');
  const connection = await connectionOf(store, role.connection);
  assertAllowed(connection, name);
  const member = memberOf(ports, connection.pluginName);
  assertCredentialKind(member, role.credential.kind);
  if (member.needsCreationStatements && role.creation.every((text) => text.trim() === '')) {
    throw invalidRequest('empty creation statements');
  }
  const { mount, nowMs } = request;
  const asker = { displayName: request.principal?.displayName ?? '', role: name, nowMs };
  const username = newUsername(ports, member, connection, asker);
  const { credential, shown } = await makeCredential(
    ports,
    role.credential,
    request.namespace.id,
    connection.passwordPolicy,
    // A certificate cannot be renewed: it lasts as long as the lease may.
    { ...asker, username, expiresMs: nowMs + longestSeconds(role, mount) * 1000 + GRACE_MS },
  );
  const database = await telling(async () => databaseOf(ports, role.connection, connection));
  const internal: Lent = {
    username,
    role: name,
    db_name: role.connection,
    revocation_statements: [...role.revocation],
  };
  const intent = await request.outside.lend(CREDS, internal);
  try {
    await database.create({
      username,
      credential,
      expiresMs: request.nowMs + lifetimeSeconds(role, request.mount) * 1000 + GRACE_MS,
      statements: role.creation,
      rollbackStatements: role.rollback,
    });
  } catch (error) {
    if (error instanceof TargetError && !error.mayHaveChanged) intent.withdraw();
    throw upstream(error);
  }
  return {
    data: { ...shown, username },
    lease: {
      ttlSeconds: role.defaultTtlSeconds,
      maxTtlSeconds: role.maxTtlSeconds,
      renewable: true,
      secretType: CREDS,
      internal,
    },
  };
}

export function credsPath(ports: DatabasePorts): Path {
  return definePath({
    pattern: 'creds/{name}',
    fields: { name: ROLE_NAME },
    help: {
      synopsis: 'Makes an account and lends it.',
      description: 'It is removed when its lease ends, and its password is shown this once.',
    },
    operations: {
      read: {
        summary: 'Make an account',
        outsideEffects: true,
        handler: (request, store) => lend(ports, request, store),
      },
    },
  });
}

interface Held {
  readonly name: string;
  readonly lent: Lent;
  /** Undefined when the role is gone. */
  readonly role: RoleRecord | undefined;
  readonly connection: ConnectionRecord;
}

async function held({ internal }: LeaseContext, store: Reader): Promise<Held> {
  const lent = internal as Lent;
  const role = await findRole(store, lent.role);
  const name = role?.connection ?? lent.db_name;
  return { name, lent, role, connection: await connectionOf(store, name) };
}

export function credsSecret(ports: DatabasePorts): SecretType {
  return {
    async renew(lease, store) {
      const { name, lent, role, connection } = await held(lease, store);
      if (role === undefined) throw invalidRequest('error during renew: the role is gone');
      const wantedSeconds =
        lease.incrementSeconds || role.defaultTtlSeconds || lease.defaultTtlSeconds;
      const expiresMs = Math.min(lease.nowMs + wantedSeconds * 1000, lease.maxExpiresMs) + GRACE_MS;
      await telling(() =>
        databaseOf(ports, name, connection).extend(lent.username, expiresMs, role.renewal),
      );
      return { ttlSeconds: role.defaultTtlSeconds, maxTtlSeconds: role.maxTtlSeconds };
    },
    async revoke(lease, store) {
      const { name, lent, role, connection } = await held(lease, store);
      const statements = role?.revocation ?? lent.revocation_statements;
      await telling(() => databaseOf(ports, name, connection).drop(lent.username, statements));
    },
  };
}
