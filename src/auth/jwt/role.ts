/** Roles: what a token must claim to log in, and what the login gets. */
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { LIST_FIELDS, listNames } from '../list-names.ts';
import {
  FRESH_TOKEN_SETTINGS,
  TOKEN_FIELDS,
  mergeTokenSettings,
  oldFields,
  shownTokenSettings,
} from '../token-fields.ts';
import type { TokenSettings } from '../token-fields.ts';

export interface JwtRole {
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
  readonly callback_mode: string;
  readonly oauth2_metadata: readonly string[] | null;
  readonly oidc_disable_confirmation: boolean;
  readonly token_policies_template_claims: boolean;
  readonly verbose_oidc_logging: boolean;
  readonly settings: TokenSettings;
}

const ROLES = 'role/';
const OLD_NAMES = {
  policies: 'token_policies',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  period: 'token_period',
  num_uses: 'token_num_uses',
  bound_cidrs: 'token_bound_cidrs',
} as const;
/** Most entries in one list or map of a role. */
const ENTRIES_MAX = 256;

const FRESH: JwtRole = {
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
  settings: FRESH_TOKEN_SETTINGS,
};

const name = { kind: 'lower_string', description: 'Name of the role.' } as const;

const fields = {
  name,
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
  callback_mode: { kind: 'string', description: 'How browser logins come back.' },
  oauth2_metadata: { kind: 'comma_string_list', description: 'Tokens to keep as metadata.' },
  oidc_disable_confirmation: { kind: 'bool', description: 'No page between browser and login.' },
  token_policies_template_claims: {
    kind: 'bool',
    description: 'Kept for compatibility: policies are not filled from claims.',
  },
  verbose_oidc_logging: {
    kind: 'bool',
    description: 'Kept for compatibility: tokens are never written to the log.',
  },
  ...TOKEN_FIELDS,
  ...oldFields(OLD_NAMES),
} as const;

type Wish = { readonly name?: string | undefined } & {
  readonly [K in keyof Omit<JwtRole, 'settings' | 'role_type' | 'bound_claims_type'>]?:
    | JwtRole[K]
    | undefined;
} & { readonly role_type?: string | undefined; readonly bound_claims_type?: string | undefined };

export async function roleOf(store: Reader, role: string): Promise<Stored<JwtRole> | undefined> {
  return await store.getRecord<JwtRole>(ROLES + role);
}

/** What was sent replaces what is there. */
function merge(before: Stored<JwtRole>, wish: Wish): JwtRole {
  const merged: Record<string, unknown> = { ...before };
  for (const key of Object.keys(FRESH)) {
    const value = (wish as Record<string, unknown>)[key];
    if (key !== 'settings' && value !== undefined) merged[key] = value;
  }
  merged['settings'] = mergeTokenSettings(before.settings, wish, OLD_NAMES);
  return merged as unknown as JwtRole;
}

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

/** A role that anybody's token would satisfy is refused. @throws {RequestError} */
function check(role: JwtRole): void {
  if (role.role_type !== 'jwt' && role.role_type !== 'oidc')
    throw invalidRequest("invalid 'role_type'");
  if (role.user_claim === '') throw invalidRequest('a user claim must be defined on the role');
  checkBoundClaims(role);
  const keys = Object.values(role.claim_mappings ?? {});
  if (new Set(keys).size !== keys.length)
    throw invalidRequest('multiple keys are mapped to one metadata key');
  const sizes = [
    keys,
    role.bound_audiences ?? [],
    Object.keys(role.bound_claims ?? {}),
    role.allowed_redirect_uris ?? [],
  ];
  if (sizes.some((list) => list.length > ENTRIES_MAX))
    throw invalidRequest(`at most ${ENTRIES_MAX} entries are allowed in a list`);
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
}

async function write(request: Request<Wish>, store: Transaction): Promise<undefined> {
  const key = request.fields.name ?? '';
  const role = merge((await roleOf(store, key)) ?? FRESH, request.fields);
  check(role);
  store.putJson(ROLES + key, role);
}

export function rolePaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'role',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the roles.' },
      operations: {
        list: {
          summary: 'List roles',
          handler: (request, store) => listNames(store, ROLES, request.fields),
        },
      },
    }),
    definePath({
      pattern: 'role/{name}',
      fields,
      help: { synopsis: 'Creates, reads, changes and deletes a role.' },
      exists: async (request, store) =>
        (await roleOf(store, request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a role',
          handler: async (request, store) => {
            const role = await roleOf(store, request.fields.name ?? '');
            if (role === undefined) throw notFound();
            const { settings, ...rest } = role;
            return { data: { ...rest, ...shownTokenSettings(settings, OLD_NAMES) } };
          },
        },
        create: { summary: 'Create a role', handler: write },
        update: { summary: 'Change a role', handler: write },
        delete: {
          summary: 'Delete a role',
          handler: (request, store) => {
            store.delete(ROLES + (request.fields.name ?? ''));
            return undefined;
          },
        },
      },
    }),
  ];
}
