/** A login with a role id and a secret id. Whatever is wrong, the caller hears the same. */
import { cidrInside, cidrsContain } from '../../base/cidr.ts';
import type { AuthRenewal } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { grantOf, renewalOf } from '../token-fields.ts';
import { roleOf, roleOfId } from './role.ts';
import type { Hash, Role } from './role.ts';
import {
  SECRET_ID_LENGTH_MAX,
  isExpired,
  secretHash,
  secretIdOf,
  useSecretId,
} from './secret-id.ts';
import type { SecretId } from './secret-id.ts';
import type { Reply } from '../../model/reply.ts';

export interface LoginFields {
  readonly role_id?: string | undefined;
  readonly secret_id?: string | undefined;
}

const REFUSAL = 'invalid role or secret ID';

function refused(detail: string): RequestError {
  return invalidRequest(REFUSAL, { detail });
}

export function missingRoleId(): RequestError {
  return invalidRequest('missing role_id', { vaultStatus: 500 });
}

export async function login(
  request: Request<LoginFields>,
  store: Transaction,
  hash: Hash,
): Promise<Reply> {
  const roleId = (request.fields.role_id ?? '').trim();
  if (roleId === '') throw missingRoleId();
  const role = await roleOfId(store, hash, roleId);
  const secretId = (request.fields.secret_id ?? '').trim();
  if (role === undefined)
    throw invalidRequest(REFUSAL, { detail: 'no such role', invalidCredentials: true });
  const address = request.connection.remoteAddress;
  const secret = role.bindSecretId
    ? await presented(request, store, hash, role, secretId)
    : undefined;
  const cidrs = role.secretIdBoundCidrs ?? [];
  if (cidrs.length > 0 && !cidrsContain(cidrs, address))
    throw refused('the address is not one that the role is bound to');
  const metadata = { ...secret?.metadata, role_name: role.name };
  const grant = grantOf(role.settings, request.connection);
  const tokenCidrs = secret?.tokenCidrs ?? [];
  return {
    auth: {
      ...grant,
      ...(tokenCidrs.length > 0 ? { boundCidrs: tokenCidrs } : {}),
      displayName: '',
      metadata,
      alias: { name: role.roleId, metadata },
      internal: { role_name: role.name },
    },
  };
}

/** The secret id that was sent, with one use taken. @throws {RequestError} */
async function presented(
  request: Request<LoginFields>,
  store: Transaction,
  hash: Hash,
  role: Stored<Role>,
  secretId: string,
): Promise<Stored<SecretId>> {
  if (secretId === '') throw invalidRequest('missing secret_id');
  const hashed = secretHash(hash, role, secretId.slice(0, SECRET_ID_LENGTH_MAX + 1));
  const secret = await secretIdOf(store, role, hashed);
  if (secret === undefined || isExpired(secret, request.nowMs)) {
    throw invalidRequest(REFUSAL, {
      detail: secret === undefined ? 'no such secret id' : 'the secret id has expired',
      invalidCredentials: true,
    });
  }
  const bound = role.secretIdBoundCidrs ?? [];
  if (bound.length > 0 && secret.cidrs.some((cidr) => !cidrInside(cidr, bound)))
    throw refused('the secret id is bound to addresses outside those of the role');
  if (secret.cidrs.length > 0 && !cidrsContain(secret.cidrs, request.connection.remoteAddress))
    throw refused('the address is not one that the secret id is bound to');
  useSecretId(store, role, hashed, secret, request.nowMs);
  return secret;
}

export async function renewAuth(
  renewal: AuthRenewal,
  store: Reader,
): Promise<ReturnType<typeof renewalOf>> {
  const name = renewal.internal['role_name'];
  const role = typeof name === 'string' ? await roleOf(store, name) : undefined;
  if (role === undefined) throw invalidRequest('failed to renew entry: the role no longer exists');
  return renewalOf(role.settings);
}
