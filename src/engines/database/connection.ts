/** What is stored of a connection, and how the rest of the engine gets at its database. */
import type { JsonObject } from '../../base/json.ts';
import { uuid } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import { matchesGlob } from '../../model/name-template.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import type { CredentialKind, Database, DatabaseMember } from '../../targets/database.ts';
import type { DatabasePorts } from './ports.ts';
import { unsupported } from './credential.ts';

export const CONNECTIONS: string = 'config/';

export interface ConnectionRecord {
  /** Another one with each change: see open-databases.ts. */
  readonly id: string;
  readonly pluginName: string;
  /** As sent, secrets included. */
  readonly details: JsonObject;
  readonly allowedRoles: readonly string[];
  readonly rootRotationStatements: readonly string[];
  readonly passwordPolicy: string;
}

/** Never through the cache of decoded records: it holds a password. */
export async function findConnection(
  store: Reader,
  name: string,
): Promise<ConnectionRecord | undefined> {
  return await store.getJson<ConnectionRecord>(CONNECTIONS + name);
}

/** @throws {RequestError} */
export async function connectionOf(store: Reader, name: string): Promise<ConnectionRecord> {
  const found = await findConnection(store, name);
  if (found === undefined) throw invalidRequest('failed to find entry for connection');
  return found;
}

export function putConnection(
  { random }: DatabasePorts,
  store: Transaction,
  name: string,
  record: Omit<ConnectionRecord, 'id'>,
): ConnectionRecord {
  const stored = { ...record, id: uuid(random) };
  store.putJson(CONNECTIONS + name, stored);
  return stored;
}

/** @throws {RequestError} */
export function memberOf({ members }: DatabasePorts, pluginName: string): DatabaseMember {
  const member = members.get(pluginName);
  if (member === undefined) {
    throw invalidRequest(
      'error creating database object: invalid database version: plugin not found in the catalog',
    );
  }
  return member;
}

/** @throws {SettingsError} */
export function databaseOf(
  ports: DatabasePorts,
  name: string,
  { id, pluginName, details }: ConnectionRecord,
): Database {
  return ports.open.get(name, id, memberOf(ports, pluginName), details);
}

/** @throws {RequestError} the connection is not for this role */
export function assertAllowed({ allowedRoles }: ConnectionRecord, role: string): void {
  if (allowedRoles.some((glob) => matchesGlob(glob, role))) return;
  throw invalidRequest('this is not an allowed role of its connection');
}

/** @throws {RequestError} */
export function assertCredentialKind(member: DatabaseMember, kind: CredentialKind): void {
  if (!member.credentials.includes(kind)) throw unsupported(kind);
}
