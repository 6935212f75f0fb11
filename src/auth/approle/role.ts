/** What is stored of a role, how a write changes it, and how it is read back. */
import { canonicalCidr } from '../../base/cidr.ts';
import { formatGoDuration } from '../../base/duration.ts';
import type { Random } from '../../base/random.ts';
import { uuid } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { FRESH_TOKEN_SETTINGS, mergeTokenSettings, shownTokenSettings } from '../token-fields.ts';
import type { TokenSettings } from '../token-fields.ts';

export interface Role {
  readonly name: string;
  /** Names the role's secret ids in the store: another role of the same name has another. */
  readonly uid: string;
  readonly roleId: string;
  readonly bindSecretId: boolean;
  /** As sent; null = never set. */
  readonly secretIdBoundCidrs: readonly string[] | null;
  readonly secretIdNumUses: number;
  readonly secretIdTtlSeconds: number;
  readonly localSecretIds: boolean;
  readonly settings: TokenSettings;
}

/** Keyed hash, hex. */
export type Hash = (text: string) => string;

export const ROLES = 'role/';
const ROLE_IDS = 'role-id/';
/** Longest role id that an operator may choose. */
const ROLE_ID_LENGTH_MAX = 4096;
/** Most address ranges of one role or secret id. */
export const CIDRS_MAX = 256;

export const OLD_NAMES = { policies: 'token_policies', period: 'token_period' } as const;

export const roleName: { readonly kind: 'lower_string'; readonly description: string } = {
  kind: 'lower_string',
  description: 'Name of the role.',
};

export interface RoleWish {
  readonly bind_secret_id?: boolean | undefined;
  readonly bound_cidr_list?: readonly string[] | undefined;
  readonly secret_id_bound_cidrs?: readonly string[] | null | undefined;
  readonly secret_id_num_uses?: number | undefined;
  readonly secret_id_ttl?: number | undefined;
  readonly role_id?: string | undefined;
  readonly local_secret_ids?: boolean | undefined;
}

export async function roleOf(store: Reader, name: string): Promise<Stored<Role> | undefined> {
  return await store.getRecord<Role>(ROLES + name);
}

export async function roleOfId(
  store: Reader,
  hash: Hash,
  roleId: string,
): Promise<Stored<Role> | undefined> {
  if (roleId.length > ROLE_ID_LENGTH_MAX) return undefined;
  const name = await store.getRecord<string>(indexKey(hash, roleId));
  const role = name === undefined ? undefined : await roleOf(store, name);
  return role?.roleId === roleId ? role : undefined;
}

function indexKey(hash: Hash, roleId: string): string {
  return ROLE_IDS + hash(`approle role id ${roleId}`);
}

export function freshRole(name: string, random: Random): Role {
  return {
    name,
    uid: uuid(random),
    roleId: uuid(random),
    bindSecretId: true,
    secretIdBoundCidrs: null,
    secretIdNumUses: 0,
    secretIdTtlSeconds: 0,
    localSecretIds: false,
    settings: FRESH_TOKEN_SETTINGS,
  };
}

/** @throws {RequestError} invalid_request when one of them is no address range */
export function checkedCidrs(cidrs: readonly string[], vaultStatus?: number): readonly string[] {
  const options = vaultStatus === undefined ? {} : { vaultStatus };
  if (cidrs.length > CIDRS_MAX) throw invalidRequest(`at most ${CIDRS_MAX} address ranges`);
  for (const cidr of cidrs) {
    if (!cidr.includes('/') || canonicalCidr(cidr) === undefined)
      throw invalidRequest('failed to validate CIDR blocks: invalid CIDR address', options);
  }
  return cidrs;
}

/** The role after a write. @throws {RequestError} */
export function mergeRole(
  before: Stored<Role>,
  wish: RoleWish,
  options: { readonly isNew: boolean; readonly cidrFaultStatus?: number },
): Role {
  const settings = mergeTokenSettings(before.settings, wish, OLD_NAMES);
  if (wish.local_secret_ids !== undefined && !options.isNew)
    throw invalidRequest('local_secret_ids can only be modified during role creation');
  const cidrs =
    wish.secret_id_bound_cidrs === undefined ? wish.bound_cidr_list : wish.secret_id_bound_cidrs;
  const roleId = wish.role_id ?? before.roleId;
  if (roleId === '' || roleId.length > ROLE_ID_LENGTH_MAX)
    throw invalidRequest('invalid role_id supplied, or failed to generate a role_id');
  const role: Role = {
    ...before,
    settings,
    roleId,
    bindSecretId: wish.bind_secret_id ?? before.bindSecretId,
    secretIdBoundCidrs:
      cidrs === undefined
        ? before.secretIdBoundCidrs
        : cidrs === null
          ? null
          : checkedCidrs(cidrs, options.cidrFaultStatus),
    secretIdNumUses: wish.secret_id_num_uses ?? before.secretIdNumUses,
    secretIdTtlSeconds: wish.secret_id_ttl ?? before.secretIdTtlSeconds,
    localSecretIds: wish.local_secret_ids ?? before.localSecretIds,
  };
  if (role.secretIdNumUses < 0) throw invalidRequest('secret_id_num_uses cannot be negative');
  const unbound =
    !role.bindSecretId &&
    (role.secretIdBoundCidrs ?? []).length === 0 &&
    settings.token_bound_cidrs.length === 0;
  if (unbound) throw fault('at least one constraint should be enabled on the role');
  return role;
}

/** A refusal that the reference answers with status 500. */
export function fault(text: string): Error {
  return invalidRequest(`1 error occurred:\n\t* ${text}\n\n`, { vaultStatus: 500 });
}

/** Stores a role and the way from its id to it. @throws {RequestError} when the id is another role's */
export async function putRole(
  store: Transaction,
  hash: Hash,
  role: Role,
  before: Stored<Role> | undefined,
): Promise<void> {
  const key = indexKey(hash, role.roleId);
  const owner = await store.getRecord<string>(key);
  if (owner !== undefined && owner !== role.name) throw fault('role_id already in use');
  if (before !== undefined && before.roleId !== role.roleId)
    store.delete(indexKey(hash, before.roleId));
  store.putJson(ROLES + role.name, role);
  if (owner === undefined) store.putJson(key, role.name);
}

export function dropRole(store: Transaction, hash: Hash, role: Stored<Role>): void {
  store.delete(ROLES + role.name);
  store.delete(indexKey(hash, role.roleId));
}

export function shownRole(role: Stored<Role>): Record<string, unknown> {
  return {
    ...shownTokenSettings(role.settings, OLD_NAMES),
    bind_secret_id: role.bindSecretId,
    local_secret_ids: role.localSecretIds,
    secret_id_bound_cidrs: role.secretIdBoundCidrs,
    secret_id_num_uses: role.secretIdNumUses,
    secret_id_ttl: role.secretIdTtlSeconds,
  };
}

/** What an operator should know of a role as it now is. @throws {RequestError} when its period is too long */
export function roleWarnings(role: Stored<Role>, mountMaxSeconds: number): string[] {
  const { token_period: period, token_max_ttl: max, old_names: oldNames } = role.settings;
  if (oldNames.includes('period') && period > mountMaxSeconds) {
    throw invalidRequest(
      `period of "${formatGoDuration(period * 1000)}" is greater than the backend's maximum lease TTL of "${formatGoDuration(mountMaxSeconds * 1000)}"`,
    );
  }
  return max > mountMaxSeconds
    ? [
        "token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value will be truncated",
      ]
    : [];
}
