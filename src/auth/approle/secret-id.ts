/**
 * Secret ids: stored under a keyed hash, below the uid of their role, so that no other role's paths can reach them
 * (CVE-2023-24999), and judged by their time and uses whenever they are used, not when something tidies up
 * (CVE-2026-115362).
 */
import { ZERO_TIME, formatTime } from '../../base/time-format.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { namesBelow } from '../../model/listing/list-names.ts';
import type { ListRequest } from '../../model/listing/list-names.ts';
import type { Hash, Role } from './role.ts';

export interface SecretId {
  readonly accessor: string;
  /** Uses left; 0 = without limit. */
  readonly numUses: number;
  /** As asked for; 0 = for ever. */
  readonly ttlSeconds: number;
  readonly createdMs: number;
  /** 0 = never. */
  readonly expiresMs: number;
  readonly updatedMs: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cidrs: readonly string[];
  readonly tokenCidrs: readonly string[];
}

const SECRETS = 'secret/';
const ACCESSORS = 'accessor/';
/** Roles that are deleted while secret ids of theirs are left. */
const GONE = 'gone/';
/** Where the next tidying goes on. */
const CURSOR = 'tidy-cursor';
/** Longest secret id that an operator may choose. */
export const SECRET_ID_LENGTH_MAX = 4096;
/** Secret ids that the deletion of a role takes along at once; what is more goes when tidying. */
const DROPPED_AT_ONCE = 1000;
/** Secret ids that one tidying looks at. */
const TIDIED_AT_ONCE = 1000;

type RoleUid = Pick<Stored<Role>, 'uid'>;

/** The hash under which a secret id of a role lies. */
export function secretHash(hash: Hash, role: RoleUid, secretId: string): string {
  return hash(`approle secret id ${role.uid} ${secretId}`);
}

function secretKey(role: RoleUid, hashed: string): string {
  return `${SECRETS}${role.uid}/${hashed}`;
}

function accessorKey(role: RoleUid, accessor: string): string {
  return `${ACCESSORS}${role.uid}/${accessor}`;
}

export async function secretIdOf(
  store: Reader,
  role: RoleUid,
  hashed: string,
): Promise<Stored<SecretId> | undefined> {
  return await store.getRecord<SecretId>(secretKey(role, hashed));
}

/** The hash of the secret id behind an accessor, undefined when the role has none such. */
export async function hashOfAccessor(
  store: Reader,
  role: RoleUid,
  accessor: string,
): Promise<string | undefined> {
  if (accessor === '' || accessor.length > SECRET_ID_LENGTH_MAX / 4 || !/^[\w-]+$/.test(accessor))
    return undefined;
  return await store.getRecord<string>(accessorKey(role, accessor));
}

export function putSecretId(
  store: Transaction,
  role: RoleUid,
  hashed: string,
  secret: SecretId,
): void {
  store.putJson(secretKey(role, hashed), secret);
  store.putJson(accessorKey(role, secret.accessor), hashed);
}

export function dropSecretId(
  store: Transaction,
  role: RoleUid,
  hashed: string,
  accessor: string,
): void {
  store.delete(secretKey(role, hashed));
  store.delete(accessorKey(role, accessor));
}

/** Takes one use of a secret id, in the same commit as the token. */
export function useSecretId(
  store: Transaction,
  role: RoleUid,
  hashed: string,
  secret: Stored<SecretId>,
  nowMs: number,
): void {
  if (secret.numUses === 0) return;
  if (secret.numUses === 1) dropSecretId(store, role, hashed, secret.accessor);
  else {
    const used: SecretId = { ...secret, numUses: secret.numUses - 1, updatedMs: nowMs };
    store.putJson(secretKey(role, hashed), used);
  }
}

export function isExpired(secret: Pick<SecretId, 'expiresMs'>, nowMs: number): boolean {
  return secret.expiresMs !== 0 && nowMs >= secret.expiresMs;
}

/** Accessors of a role's secret ids. */
export async function accessorsOf(
  store: Reader,
  role: RoleUid,
  request: ListRequest = {},
): Promise<string[]> {
  return await namesBelow(store, `${ACCESSORS}${role.uid}/`, request);
}

/** Removes the secret ids of a role that goes. */
export async function dropSecretIds(store: Transaction, role: RoleUid): Promise<void> {
  const accessors = await accessorsOf(store, role, { limit: DROPPED_AT_ONCE + 1 });
  for (const accessor of accessors.slice(0, DROPPED_AT_ONCE)) {
    const hashed = await store.getRecord<string>(accessorKey(role, accessor));
    if (hashed !== undefined) dropSecretId(store, role, hashed, accessor);
  }
  if (accessors.length > DROPPED_AT_ONCE) store.putJson(GONE + role.uid, true);
}

interface Cursor {
  readonly uid: string;
  readonly accessor: string;
}

/** Removes expired secret ids and those of deleted roles, some at a time; the next call goes on where this one stopped. */
export async function tidySecretIds(store: Transaction, nowMs: number): Promise<void> {
  const cursor = await store.getJson<Cursor>(CURSOR);
  let left = TIDIED_AT_ONCE;
  const folders = await store.list(ACCESSORS);
  const start = cursor === undefined ? 0 : folders.findIndex((name) => name >= `${cursor.uid}/`);
  for (const folder of start < 0 ? [] : folders.slice(start)) {
    const uid = folder.slice(0, -1);
    const gone = (await store.getRecord<boolean>(GONE + uid)) === true;
    const after = cursor?.uid === uid ? cursor.accessor : '';
    const accessors = await accessorsOf(store, { uid }, { after, limit: left });
    for (const accessor of accessors) {
      const hashed = await store.getRecord<string>(accessorKey({ uid }, accessor));
      if (hashed === undefined) continue;
      const secret = await secretIdOf(store, { uid }, hashed);
      if (gone || secret === undefined || isExpired(secret, nowMs))
        dropSecretId(store, { uid }, hashed, accessor);
    }
    left -= accessors.length;
    const last = accessors.at(-1);
    if (left <= 0 && last !== undefined) {
      store.putJson(CURSOR, { uid, accessor: last } satisfies Cursor);
      return;
    }
    if (gone) store.delete(GONE + uid);
  }
  if (cursor !== undefined) store.delete(CURSOR);
}

export function shownSecretId(secret: Stored<SecretId>): Record<string, unknown> {
  return {
    cidr_list: secret.cidrs,
    creation_time: formatTime(secret.createdMs),
    expiration_time: secret.expiresMs === 0 ? ZERO_TIME : formatTime(secret.expiresMs),
    last_updated_time: formatTime(secret.updatedMs),
    metadata: secret.metadata,
    secret_id_accessor: secret.accessor,
    secret_id_num_uses: secret.numUses,
    secret_id_ttl: secret.ttlSeconds,
    token_bound_cidrs: secret.tokenCidrs,
  };
}
