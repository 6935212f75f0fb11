/** JWT and OIDC: workloads with a token that an issuer has signed for them, and people whom an OpenID provider knows. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import type { FetchJson } from '../fetch-json.ts';
import { checkAddress, renewalOf } from '../token-fields.ts';
import { browserPaths } from './browser-paths.ts';
import { ClaimError, checkParties, checkTimes, leewaysOf } from '../claims.ts';
import { celLoginPath, renewCel } from './cel/login.ts';
import { celRolePaths } from './cel/role.ts';
import { configOf, configPath } from './config.ts';
import { withGroups } from './group-sources.ts';
import { KeySets } from '../key-sets.ts';
import { grantFor, personOf } from './person.ts';
import { jwtRoles } from './role.ts';
import { signedClaims } from './signed-claims.ts';
import type { Reply } from '../../model/reply.ts';

export interface JwtPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly fetch: FetchJson;
}

interface LoginFields {
  readonly role: string;
  readonly jwt: string;
}

/** Tokens that were copied out of a file or a page come with line breaks. */
function withoutSpace(jwt: string): string {
  return jwt.replaceAll(/\s+/g, '');
}

/** What the caller hears, whatever is wrong with the token; the log has the reason. */
function refused(detail: string): RequestError {
  return invalidRequest('error validating token', { detail });
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  ports: { readonly keySets: KeySets; readonly fetch: FetchJson },
): Promise<Reply> {
  const config = await configOf(store);
  if (config === undefined) throw invalidRequest('could not load configuration');
  const roleName = request.fields.role === '' ? config.default_role : request.fields.role;
  if (roleName === '') throw invalidRequest('missing role');
  const role = await jwtRoles.find(store, roleName.toLowerCase());
  if (role === undefined) throw invalidRequest('the role could not be found');
  if (role.role_type !== 'jwt') throw invalidRequest('role with oidc role_type is not allowed');
  if (request.fields.jwt === '') throw invalidRequest('missing token');
  checkAddress(role.settings, request.connection);
  try {
    const { claims } = await signedClaims(withoutSpace(request.fields.jwt), config, ports.keySets);
    checkTimes(claims, leewaysOf(role), request.nowMs);
    checkParties(claims, {
      issuer: config.bound_issuer,
      subject: role.bound_subject,
      audiences: role.bound_audiences ?? [],
    });
    const all = await withGroups(claims, config.provider_config, {
      groupsClaim: role.groups_claim,
      accessToken: '',
      fetch: ports.fetch,
      options: {},
    });
    return { auth: grantFor(personOf(all, role), role, roleName, request.connection) };
  } catch (error) {
    if (error instanceof ClaimError) throw refused(error.message);
    throw error;
  }
}

async function renewAuth(
  renewal: AuthRenewal,
  store: Reader,
): Promise<ReturnType<typeof renewalOf>> {
  if (renewal.internal['role_type'] === 'cel') return await renewCel(renewal, store);
  const name = renewal.internal['role'];
  const role = typeof name === 'string' ? await jwtRoles.find(store, name) : undefined;
  if (role === undefined) throw invalidRequest('failed to renew entry: the role no longer exists');
  return renewalOf(role.settings);
}

export function jwtBackend(ports: JwtPorts): Backend {
  const keySets = new KeySets(ports.clock, ports.fetch);
  return {
    type: 'jwt',
    kind: 'auth',
    summary: 'Workloads with a signed token, and people whom an OpenID provider knows.',
    paths: [
      configPath(keySets),
      ...jwtRoles.paths,
      definePath({
        pattern: 'login',
        fields: {
          role: { kind: 'string', description: 'Role to log in to.', default: '' },
          jwt: { kind: 'string', description: 'The signed token.', default: '' },
        },
        help: { synopsis: 'Logs in with a signed token.' },
        unauthenticated: true,
        login: true,
        operations: {
          update: {
            summary: 'Log in',
            handler: (request, store) => login(request, store, { ...ports, keySets }),
          },
        },
      }),
      ...celRolePaths,
      celLoginPath(keySets),
      ...browserPaths({ ...ports, keySets }),
    ],
    renewAuth,
  };
}
