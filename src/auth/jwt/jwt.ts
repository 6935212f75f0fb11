/** JWT: workloads that log in with a token that an issuer they already have has signed for them. */
import type { Clock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { JWS_ALGORITHMS, claimsOf, parseJws, verifyWithAny } from '../../crypto/jws.ts';
import type { Jws } from '../../crypto/jws.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend, Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Reply, Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { FetchError } from '../fetch-json.ts';
import type { FetchJson } from '../fetch-json.ts';
import { checkAddress, grantOf, renewalOf } from '../token-fields.ts';
import {
  ClaimError,
  checkBoundClaims,
  checkParties,
  checkTimes,
  groupsOf,
  mappedClaims,
  userOf,
} from './claims.ts';
import { configOf, configPath, publicKey, sourceOf } from './config.ts';
import type { JwtConfig } from './config.ts';
import { KeySets } from './key-sets.ts';
import { jwtRoles } from './role.ts';
import type { JwtRole } from './role.ts';

export interface JwtPorts {
  readonly clock: Clock;
  readonly fetch: FetchJson;
}

interface LoginFields {
  readonly role: string;
  readonly jwt: string;
}

/** What the caller hears, whatever is wrong with the token; the log has the reason. */
function refused(detail: string): RequestError {
  return invalidRequest('error validating token', { detail });
}

async function signatureIsGood(jws: Jws, config: JwtConfig, keySets: KeySets): Promise<boolean> {
  const allowed =
    config.jwt_supported_algs.length === 0 ? JWS_ALGORITHMS : config.jwt_supported_algs;
  if (!allowed.includes(jws.algorithm)) return false;
  const source = sourceOf(config);
  if (source !== undefined) return await keySets.verify(jws, source);
  const keys = config.jwt_validation_pubkeys.flatMap((pem) => {
    const key = publicKey(pem);
    return key === undefined ? [] : [{ keyId: undefined, key }];
  });
  return verifyWithAny(jws, keys);
}

/** The claims of a token that one of the issuer's keys has signed. @throws {RequestError} */
async function signedClaims(
  token: string,
  config: JwtConfig,
  keySets: KeySets,
): Promise<JsonObject> {
  const jws = parseJws(token);
  if (jws === undefined) throw refused('not a signed token');
  try {
    if (!(await signatureIsGood(jws, config, keySets)))
      throw refused('no known key made the signature');
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    throw refused(`the keys of the issuer cannot be fetched: ${error.message}`);
  }
  const claims = claimsOf(jws);
  if (claims === undefined) throw refused('the payload is no object');
  return claims;
}

interface Person {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
}

/** Who the claims say it is, if they are what the role demands. @throws {ClaimError} */
function personOf(
  claims: JsonObject,
  role: Stored<JwtRole>,
  config: JwtConfig,
  nowMs: number,
): Person {
  checkTimes(
    claims,
    {
      expirationLeeway: role.expiration_leeway,
      notBeforeLeeway: role.not_before_leeway,
      clockSkewLeeway: role.clock_skew_leeway,
    },
    nowMs,
  );
  checkParties(claims, {
    issuer: config.bound_issuer,
    subject: role.bound_subject,
    audiences: role.bound_audiences ?? [],
  });
  checkBoundClaims(claims, (role.bound_claims ?? {}) as JsonObject, role.bound_claims_type);
  return {
    name: userOf(claims, role.user_claim, role.user_claim_json_pointer),
    metadata: mappedClaims(claims, role.claim_mappings ?? {}),
    groups: role.groups_claim === '' ? [] : groupsOf(claims, role.groups_claim),
  };
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  keySets: KeySets,
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
  const claims = await signedClaims(request.fields.jwt, config, keySets);
  try {
    const { name, metadata, groups } = personOf(claims, role, config, request.nowMs);
    const shown = { ...metadata, role: roleName };
    return {
      auth: {
        ...grantOf(role.settings, request.connection),
        displayName: name,
        metadata: shown,
        alias: { name, metadata: shown },
        groupAliases: groups,
        internal: { role: roleName.toLowerCase() },
      },
    };
  } catch (error) {
    if (error instanceof ClaimError) throw refused(error.message);
    throw error;
  }
}

async function renewAuth(
  renewal: AuthRenewal,
  store: Reader,
): Promise<ReturnType<typeof renewalOf>> {
  const name = renewal.internal['role'];
  const role = typeof name === 'string' ? await jwtRoles.find(store, name) : undefined;
  if (role === undefined) throw invalidRequest('failed to renew entry: the role no longer exists');
  return renewalOf(role.settings);
}

/** Logins by browser are not served; their paths say so in the words that clients know. */
function browserPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'oidc/auth_url',
      fields: {
        role: { kind: 'string', description: 'Role to log in to.' },
        redirect_uri: { kind: 'string', description: 'Where to come back to.' },
        client_nonce: { kind: 'string', description: 'Binds the login to its client.' },
      },
      help: { synopsis: 'Starts a login by browser.' },
      unauthenticated: true,
      operations: {
        update: {
          summary: 'Start a browser login',
          handler: () => {
            throw invalidRequest('OIDC login is not configured for this mount');
          },
        },
      },
    }),
    definePath({
      pattern: 'oidc/callback',
      fields: {
        state: { kind: 'string', description: 'State of the login.', sensitive: true },
        code: { kind: 'string', description: 'Code of the provider.', sensitive: true },
        id_token: { kind: 'string', description: 'Token of the provider.', sensitive: true },
        client_nonce: { kind: 'string', description: 'Binds the login to its client.' },
      },
      help: { synopsis: 'Ends a login by browser.' },
      unauthenticated: true,
      operations: {
        read: {
          summary: 'End a browser login',
          handler: () => {
            throw invalidRequest('Vault login failed. Expired or missing OAuth state.');
          },
        },
      },
    }),
  ];
}

export function jwtBackend(ports: JwtPorts): Backend {
  const keySets = new KeySets(ports.clock, ports.fetch);
  return {
    type: 'jwt',
    kind: 'auth',
    summary: 'Workloads that log in with a token signed by an issuer of theirs.',
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
            handler: (request, store) => login(request, store, keySets),
          },
        },
      }),
      ...browserPaths(),
    ],
    renewAuth,
  };
}
