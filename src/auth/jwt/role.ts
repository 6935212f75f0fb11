/** Roles: what a token must claim to log in, and what the login gets. */
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import { checkPeriod, longLifeWarnings } from '../token-bounds.ts';
import { checkPolicyTemplates } from './policy-templates.ts';
import { ENTRIES_MAX, boundSizes, defineRoles } from '../roles.ts';
import type { Role, Roles } from '../roles.ts';
import { OLD_ROLE_NAMES } from '../token-fields.ts';

/** The fields of a role that are not about its tokens. */
interface JwtRoleFields {
  readonly role_type: 'jwt' | 'oidc';
  readonly user_claim: string;
  readonly user_claim_json_pointer: boolean;
  readonly bound_audiences: readonly string[] | null;
  readonly bound_subject: string;
  readonly bound_claims: JsonObject | null;
  readonly bound_claims_type: 'string' | 'glob';
  readonly claim_mappings: Readonly<Record<string, string>> | null;
  readonly groups_claim: string;
  readonly clock_skew_leeway: number;
  readonly expiration_leeway: number;
  readonly not_before_leeway: number;
  readonly max_age: number;
  readonly allowed_redirect_uris: readonly string[] | null;
  readonly oidc_scopes: readonly string[] | null;
  readonly callback_mode: 'client' | 'direct' | 'device';
  readonly oauth2_metadata: readonly string[] | null;
  readonly oidc_disable_confirmation: boolean;
  readonly token_policies_template_claims: boolean;
  readonly verbose_oidc_logging: boolean;
  /** Seconds between two polls of a login that comes back by itself; 0 = what the provider says. */
  readonly poll_interval: number;
}

export type JwtRole = Role<JwtRoleFields>;

const FRESH: JwtRoleFields = {
  role_type: 'oidc',
  user_claim: '',
  user_claim_json_pointer: false,
  bound_audiences: null,
  bound_subject: '',
  bound_claims: null,
  bound_claims_type: 'string',
  claim_mappings: null,
  groups_claim: '',
  clock_skew_leeway: 0,
  expiration_leeway: 0,
  not_before_leeway: 0,
  max_age: 0,
  allowed_redirect_uris: null,
  oidc_scopes: null,
  callback_mode: 'client',
  oauth2_metadata: null,
  oidc_disable_confirmation: false,
  token_policies_template_claims: false,
  verbose_oidc_logging: false,
  poll_interval: 0,
};

const FIELDS = {
  role_type: {
    kind: 'string',
    description: 'Kind of the role: jwt, or oidc for logins by browser.',
  },
  user_claim: { kind: 'string', description: 'Claim that says who it is.' },
  user_claim_json_pointer: { kind: 'bool', description: 'Whether user_claim is a JSON pointer.' },
  bound_audiences: {
    kind: 'comma_string_list',
    description: 'Audiences, one of which must match.',
  },
  bound_subject: { kind: 'string', description: 'Subject that must match.' },
  bound_claims: { kind: 'map', description: 'Claims and the values that they must have.' },
  bound_claims_type: {
    kind: 'string',
    description: 'How values of bound_claims are compared: string or glob.',
  },
  claim_mappings: { kind: 'string_map', description: 'Claims that become metadata.' },
  groups_claim: { kind: 'string', description: 'Claim that names the groups.' },
  clock_skew_leeway: {
    kind: 'signed_duration_seconds',
    description: 'How far clocks may differ; negative = not at all.',
  },
  expiration_leeway: {
    kind: 'signed_duration_seconds',
    description: 'Life of a token that names no end; negative = none.',
  },
  not_before_leeway: {
    kind: 'signed_duration_seconds',
    description: 'Time before the end from which a token counts that names no start.',
  },
  max_age: { kind: 'duration_seconds', description: 'Longest time since the user authenticated.' },
  allowed_redirect_uris: {
    kind: 'comma_string_list',
    description: 'Where browser logins may come back to.',
  },
  oidc_scopes: { kind: 'comma_string_list', description: 'Scopes asked for in browser logins.' },
  callback_mode: {
    kind: 'string',
    description:
      'How browser logins come back: client (to the command line), direct (to this server) or device.',
  },
  oauth2_metadata: { kind: 'comma_string_list', description: 'Tokens to keep as metadata.' },
  oidc_disable_confirmation: { kind: 'bool', description: 'No page between browser and login.' },
  token_policies_template_claims: {
    kind: 'bool',
    description: 'Policies are templates that claims fill in: team-{{.team}}.',
  },
  verbose_oidc_logging: {
    kind: 'bool',
    description: 'Kept for compatibility: tokens are never written to the log.',
  },
  poll_interval: {
    kind: 'int',
    description: 'Seconds between polls in the modes direct and device; 0 = as the provider says.',
  },
} as const;

function checkBoundClaims(role: JwtRole): void {
  if (role.bound_claims_type !== 'string' && role.bound_claims_type !== 'glob')
    throw invalidRequest("invalid 'bound_claims_type'");
  for (const [claim, wanted] of Object.entries(role.bound_claims ?? {})) {
    const values: readonly JsonValue[] = Array.isArray(wanted) ? wanted : [wanted];
    if (values.length > ENTRIES_MAX) throw invalidRequest('bound_claims has too many values');
    for (const value of values) {
      if (value === null || Array.isArray(value) || isJsonObject(value))
        throw invalidRequest(`bound claim "${claim}" is not a text, number or truth value`);
      if (role.bound_claims_type === 'glob' && typeof value !== 'string')
        throw invalidRequest('claim is not a string');
    }
  }
}

/** Names of metadata that a login sets itself. */
const RESERVED_METADATA: readonly string[] = ['role'];
const CALLBACK_MODES: readonly string[] = ['client', 'direct', 'device'];
const OAUTH2_METADATA: readonly string[] = ['id_token', 'refresh_token', 'access_token'];

function checkMappings(role: JwtRole): void {
  const keys = Object.values(role.claim_mappings ?? {});
  if (keys.some((key) => RESERVED_METADATA.includes(key)))
    throw invalidRequest('a metadata key is reserved and may not be a mapping destination');
  if (new Set(keys).size !== keys.length)
    throw invalidRequest('multiple keys are mapped to one metadata key');
  if ((role.oauth2_metadata ?? []).some((each) => !OAUTH2_METADATA.includes(each)))
    throw invalidRequest('Unrecognized oauth2 metadata name');
}

/** What is taken back with `null` is none, and shown as that; an empty map is another thing. */
function taken<T>(request: Request, name: string, value: T): T | null {
  return request.data[name] === null ? null : value;
}

/** A role that anybody's token would satisfy is refused. @throws {RequestError} */
function check(given: JwtRole, request: Request): JwtRole {
  const role: JwtRole = {
    ...given,
    bound_claims: taken(request, 'bound_claims', given.bound_claims),
    claim_mappings: taken(request, 'claim_mappings', given.claim_mappings),
  };
  if (role.role_type !== 'jwt' && role.role_type !== 'oidc')
    throw invalidRequest("invalid 'role_type'");
  checkPeriod(role.settings, request);
  if (role.user_claim === '') throw invalidRequest('a user claim must be defined on the role');
  checkBoundClaims(role);
  checkMappings(role);
  if (!CALLBACK_MODES.includes(role.callback_mode)) throw invalidRequest("invalid 'callback_mode'");
  if (role.token_policies_template_claims) checkPolicyTemplates(role.settings.token_policies);
  boundSizes([
    role.claim_mappings,
    role.bound_audiences,
    role.bound_claims,
    role.allowed_redirect_uris,
    role.oidc_scopes,
  ]);
  const bound =
    (role.bound_audiences ?? []).length > 0 ||
    role.bound_subject !== '' ||
    Object.keys(role.bound_claims ?? {}).length > 0 ||
    role.settings.token_bound_cidrs.length > 0;
  if (role.role_type === 'jwt' && !bound) {
    throw invalidRequest('must have at least one bound constraint when creating/updating a role');
  }
  if (role.role_type === 'oidc' && (role.allowed_redirect_uris ?? []).length === 0) {
    throw invalidRequest(
      "'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.",
    );
  }
  return role;
}

export const jwtRoles: Roles<JwtRoleFields> = defineRoles<JwtRoleFields>({
  folder: 'role',
  prefix: 'role/',
  one: 'role',
  many: 'roles',
  fields: FIELDS,
  fresh: FRESH,
  oldNames: OLD_ROLE_NAMES,
  forgotten: ['role_type', 'bound_claims_type', 'callback_mode', 'oidc_disable_confirmation'],
  check,
  warnings: (role, request) => [
    ...longLifeWarnings(role.settings, request),
    ...(role.verbose_oidc_logging
      ? ['verbose_oidc_logging is kept for compatibility: tokens are never written to the log.']
      : []),
  ],
  shown({ settings: _settings, poll_interval: interval, ...role }) {
    return interval > 0 ? { ...role, poll_interval: interval } : role;
  },
});
