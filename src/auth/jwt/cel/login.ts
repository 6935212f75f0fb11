/** `cel/login`: a signed token, judged by the program of a role. */
import { definePath } from '../../../model/backend.ts';
import type { AuthRenewal, Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { ClaimError, checkParties, checkTimes, leewaysOf } from '../../claims.ts';
import type { KeySets } from '../../key-sets.ts';
import type { renewalOf } from '../../token-fields.ts';
import { configOf } from '../config.ts';
import { signedClaims } from '../signed-claims.ts';
import { grantFrom } from './grant.ts';
import { celRole, judgeOf } from './role.ts';
import type { Reply } from '../../../model/reply.ts';

interface LoginFields {
  readonly role: string;
  readonly jwt: string;
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  keySets: KeySets,
): Promise<Reply> {
  const config = await configOf(store);
  if (config === undefined) throw invalidRequest('could not load configuration');
  const roleName = (request.fields.role || config.default_role).toLowerCase();
  if (roleName === '') throw invalidRequest('missing role');
  const role = await celRole(store, roleName);
  if (role === undefined) throw invalidRequest('the role could not be found');
  if (request.fields.jwt === '') throw invalidRequest('missing token');
  const { nowMs, operation, connection } = request;
  try {
    const { claims } = await signedClaims(request.fields.jwt, config, keySets);
    checkTimes(claims, leewaysOf(role), nowMs);
    const audiences = role.bound_audiences;
    checkParties(claims, { issuer: config.bound_issuer, subject: '', audiences });
    const judge = await judgeOf(role);
    const outcome = judge({ claims, nowMs, operation });
    if (outcome.kind === 'refused') throw new ClaimError(outcome.reason);
    return { auth: grantFrom(outcome.auth, roleName, connection) };
  } catch (error) {
    if (!(error instanceof ClaimError)) throw error;
    throw invalidRequest('error validating token', { detail: error.message });
  }
}

/** The token is not there to be judged again: the times of the login go on while the role is there. */
export async function renewCel(
  renewal: AuthRenewal,
  store: Reader,
): Promise<ReturnType<typeof renewalOf>> {
  const { role, ttlSeconds, maxTtlSeconds, periodSeconds } = renewal.internal;
  if (typeof role !== 'string' || (await celRole(store, role)) === undefined)
    throw invalidRequest('failed to renew entry: the role no longer exists');
  return {
    ttlSeconds: Number(ttlSeconds ?? 0),
    maxTtlSeconds: Number(maxTtlSeconds ?? 0),
    periodSeconds: Number(periodSeconds ?? 0),
  };
}

export function celLoginPath(keySets: KeySets): Path {
  return definePath({
    pattern: 'cel/login',
    fields: {
      role: { kind: 'string', description: 'Role in CEL to log in to.', default: '' },
      jwt: { kind: 'string', description: 'The signed token.', default: '' },
    },
    help: { synopsis: 'Logs in with a signed token, by a role in CEL.' },
    unauthenticated: true,
    login: true,
    operations: {
      update: { summary: 'Log in', handler: (request, store) => login(request, store, keySets) },
    },
  });
}
