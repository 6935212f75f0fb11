/** Google Cloud: service accounts that sign a token for us, and machines with a token that says which they are. */
import type { Clock } from '../../base/clock.ts';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend } from '../../model/backend.ts';
import { invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { ClaimError, numberOf } from '../claims.ts';
import type { FetchJson } from '../fetch-json.ts';
import { judgedToken, openToken, textOf } from '../issuer-token.ts';
import { KeySets } from '../key-sets.ts';
import { listPath } from '../../model/listing/list-path.ts';
import { checkAddress, grantOf, renewalOf } from '../token-fields.ts';
import { apiOf, configOf, configPath } from './config.ts';
import type { GcpConfig } from './config.ts';
import { gcpRoles } from './role.ts';
import type { GcpRole } from './role.ts';
import type { Reply } from '../../model/reply.ts';

export interface GcpPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: FetchJson;
}

interface LoginFields {
  readonly role: string;
  readonly jwt: string;
}

/** Issuers of tokens that Google itself signs for machines. */
const GOOGLE_ISSUERS: readonly string[] = ['https://accounts.google.com', 'accounts.google.com'];
const EMAIL = /^[a-z0-9.-]{1,128}@([a-z0-9.-]{1,128})$/;
const PROJECT_DOMAIN = /^([a-z0-9-]{1,64})\.iam\.gserviceaccount\.com$/;

interface Someone {
  readonly email: string;
  /** '' when the token does not tell. */
  readonly id: string;
  readonly project: string;
  /** What a machine says of itself; undefined for a service account. */
  readonly machine: JsonObject | undefined;
}

/** Projects are in the addresses of the service accounts that were made in them. */
function projectOf(email: string): string {
  const domain = EMAIL.exec(email)?.[1] ?? '';
  return PROJECT_DOMAIN.exec(domain)?.[1] ?? '';
}

/** Both forms of the audience that clients write. */
function audiencesOf(role: string): readonly string[] {
  return [`vault/${role}`, `http://vault/${role}`, `https://vault/${role}`];
}

/** A token that a service account has signed for itself, with a key that Google publishes as its own. @throws {ClaimError} */
async function serviceAccount(
  token: string,
  role: Stored<GcpRole>,
  at: {
    readonly config: GcpConfig;
    readonly keySets: KeySets;
    readonly roleName: string;
    readonly nowMs: number;
  },
): Promise<Someone> {
  const subject = textOf(openToken(token).claims, 'sub');
  if (!EMAIL.test(subject)) throw new ClaimError('the subject is no service account');
  const source = {
    kind: 'jwks',
    url: `${apiOf(at.config)}/service_accounts/v1/jwk/${encodeURIComponent(subject)}`,
    caPem: '',
  } as const;
  // A subject that the role does not name costs no request to Google.
  const someone = { email: subject, id: '', project: projectOf(subject), machine: undefined };
  checkBound(role, someone);
  const issuer = textOf(openToken(token).claims, 'iss');
  const claims = await judgedToken(token, source, at.keySets, {
    ...(issuer === '' ? {} : { issuers: [subject] }),
    audiences: audiencesOf(at.roleName),
    nowMs: at.nowMs,
  });
  const expires = numberOf(claims['exp'], 'exp') ?? 0;
  if (expires > at.nowMs / 1000 + role.max_jwt_exp)
    throw new ClaimError('the token lives longer than the role allows');
  return someone;
}

/** A token that Google gave to a machine. @throws {ClaimError} */
async function machine(
  token: string,
  at: {
    readonly config: GcpConfig;
    readonly keySets: KeySets;
    readonly roleName: string;
    readonly nowMs: number;
  },
): Promise<Someone> {
  const source = { kind: 'jwks', url: `${apiOf(at.config)}/oauth2/v3/certs`, caPem: '' } as const;
  const claims = await judgedToken(token, source, at.keySets, {
    issuers: GOOGLE_ISSUERS,
    audiences: audiencesOf(at.roleName),
    nowMs: at.nowMs,
  });
  const google = claims['google'];
  const engine =
    google !== undefined && isJsonObject(google) ? google['compute_engine'] : undefined;
  if (engine === undefined || !isJsonObject(engine))
    throw new ClaimError('the token is not a machine’s');
  const email = claims['email_verified'] === true ? textOf(claims, 'email') : '';
  return {
    email,
    id: textOf(claims, 'sub'),
    project: textOf(engine, 'project_id'),
    machine: engine,
  };
}

function checkBound(role: Stored<GcpRole>, someone: Someone): void {
  const accounts = role.bound_service_accounts;
  const names = [someone.email, someone.id].filter((name) => name !== '');
  if (
    accounts.length > 0 &&
    !accounts.includes('*') &&
    !names.some((name) => accounts.includes(name))
  )
    throw new ClaimError('the role does not name the service account');
  if (role.bound_projects.length > 0 && !role.bound_projects.includes(someone.project))
    throw new ClaimError('the role does not name the project');
  if (role.type !== 'gce') return;
  const zone = textOf(someone.machine ?? {}, 'zone');
  const region = zone.replace(/-[a-z]$/, '');
  if (role.bound_zones.length > 0 && !role.bound_zones.includes(zone))
    throw new ClaimError('the role does not name the zone');
  // Zones are more precise: with them, regions do not count.
  const byRegion = role.bound_zones.length === 0 && role.bound_regions.length > 0;
  if (byRegion && !role.bound_regions.includes(region))
    throw new ClaimError('the role does not name the region');
}

function metadataOf(someone: Someone, roleName: string): Readonly<Record<string, string>> {
  const engine = someone.machine ?? {};
  const created = numberOf(engine['instance_creation_timestamp'], 'instance_creation_timestamp');
  const number = numberOf(engine['project_number'], 'project_number');
  return {
    role: roleName,
    project_id: someone.project,
    service_account_id: someone.id,
    service_account_email: someone.email,
    instance_id: textOf(engine, 'instance_id'),
    instance_name: textOf(engine, 'instance_name'),
    zone: textOf(engine, 'zone'),
    instance_creation_timestamp: created === undefined ? '' : String(created),
    project_number: number === undefined ? '' : String(number),
  };
}

function aliasOf(role: Stored<GcpRole>, someone: Someone, config: GcpConfig): string {
  const gce = role.type === 'gce';
  if ((gce ? config.gce_alias : config.iam_alias) === 'role_id') return role.role_id;
  const name = gce ? textOf(someone.machine ?? {}, 'instance_id') : someone.id;
  if (name === '') throw new ClaimError('the token does not tell the id that is to be the alias');
  return gce ? `gce-${name}` : name;
}

export function gcpBackend(ports: GcpPorts): Backend {
  const keySets = new KeySets(ports.clock, ports.fetch);
  const roles = gcpRoles(ports.random);

  async function login(request: Request<LoginFields>, store: Transaction): Promise<Reply> {
    const { fields, connection, nowMs } = request;
    if (fields.role === '') throw invalidRequest('role is required');
    if (fields.jwt === '') throw invalidRequest('jwt is required');
    const roleName = fields.role.toLowerCase();
    const role = await roles.find(store, roleName);
    try {
      if (role === undefined) throw new ClaimError('there is no such role');
      checkAddress(role.settings, connection);
      const config = await configOf(store);
      const at = { config, keySets, roleName, nowMs };
      const byGoogle = GOOGLE_ISSUERS.includes(textOf(openToken(fields.jwt).claims, 'iss'));
      if (role.type === 'iam' && byGoogle && !role.allow_gce_inference)
        throw new ClaimError('the role is not for machines');
      const someone =
        role.type === 'gce' || byGoogle
          ? await machine(fields.jwt, at)
          : await serviceAccount(fields.jwt, role, at);
      checkBound(role, someone);
      const known = metadataOf(someone, roleName);
      const wanted = role.type === 'gce' ? config.gce_metadata : config.iam_metadata;
      const metadata = Object.fromEntries(wanted.map((name) => [name, known[name] ?? '']));
      return {
        auth: {
          ...grantOf(role.settings, connection),
          displayName: someone.email || textOf(someone.machine ?? {}, 'instance_name'),
          metadata,
          alias: { name: aliasOf(role, someone, config), metadata },
          groupAliases:
            role.add_group_aliases && someone.project !== '' ? [`project-${someone.project}`] : [],
          internal: { role: roleName, role_id: role.role_id },
        },
      };
    } catch (error) {
      if (error instanceof ClaimError) throw permissionDenied(error.message);
      throw error;
    }
  }

  async function renewAuth(
    renewal: AuthRenewal,
    store: Reader,
  ): Promise<ReturnType<typeof renewalOf>> {
    const { role: name, role_id: roleId } = renewal.internal;
    const role = typeof name === 'string' ? await roles.find(store, name) : undefined;
    if (role === undefined || role.role_id !== roleId)
      throw invalidRequest('failed to renew entry: the role no longer exists');
    return renewalOf(role.settings);
  }

  return {
    type: 'gcp',
    kind: 'auth',
    summary: 'Service accounts and machines of Google Cloud.',
    paths: [
      configPath,
      listPath('roles', 'role/', 'the roles'),
      ...roles.paths,
      definePath({
        pattern: 'login',
        fields: {
          role: { kind: 'string', description: 'Role to log in to.', default: '' },
          jwt: { kind: 'string', description: 'The signed token.', default: '' },
        },
        help: { synopsis: 'Logs in with a token of a service account or machine.' },
        unauthenticated: true,
        login: true,
        operations: { update: { summary: 'Log in', handler: login } },
      }),
    ],
    renewAuth,
  };
}
