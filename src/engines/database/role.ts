/** `roles`: how accounts are made, for how long, and how they are removed. */
import type { Path } from '../../model/backend.ts';
import { entryPaths } from '../../model/listing/entry-paths.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { credentialKindOf, credentialRule } from './credentials.ts';
import { ROLE_NAME } from './ports.ts';
import { STATIC_ROLES } from './static/record.ts';
import type { CredentialRule } from './credential.ts';

export const ROLES: string = 'role/';

export interface RoleRecord {
  readonly connection: string;
  readonly credential: CredentialRule;
  readonly creation: readonly string[];
  readonly revocation: readonly string[];
  readonly rollback: readonly string[];
  readonly renewal: readonly string[];
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
}

/** The configuration of a credential may hold a private key. */
export async function findRole(store: Reader, name: string): Promise<RoleRecord | undefined> {
  return await store.getJson<RoleRecord>(ROLES + name);
}

const ROLE_FIELDS = {
  name: ROLE_NAME,
  db_name: { kind: 'string', description: 'Connection that the accounts are made with.' },
  credential_type: {
    kind: 'string',
    description: 'What accounts open with: password, rsa_private_key or client_certificate.',
  },
  credential_config: {
    kind: 'string_map',
    description:
      'Of passwords `password_policy`; of keys `key_bits`, `format`; of certificates `common_name_template`, `ca_cert`, `ca_private_key`, `key_type`, `key_bits`, `signature_bits`.',
    sensitive: true,
  },
  default_ttl: { kind: 'duration_seconds', description: 'How long an account lives at first.' },
  max_ttl: { kind: 'duration_seconds', description: 'How long it may live by renewals.' },
  creation_statements: { kind: 'string_list', description: 'Statements that make an account.' },
  revocation_statements: { kind: 'string_list', description: 'Statements that remove it.' },
  renew_statements: { kind: 'string_list', description: 'Statements that let it live longer.' },
  rollback_statements: {
    kind: 'string_list',
    description: 'Statements that clean up after a creation that failed halfway.',
  },
} as const;

interface RoleFields {
  readonly name: string;
  readonly db_name: string | undefined;
  readonly credential_type: string | undefined;
  readonly credential_config: Readonly<Record<string, string>> | undefined;
  readonly default_ttl: number | undefined;
  readonly max_ttl: number | undefined;
  readonly creation_statements: readonly string[] | undefined;
  readonly revocation_statements: readonly string[] | undefined;
  readonly renew_statements: readonly string[] | undefined;
  readonly rollback_statements: readonly string[] | undefined;
}

async function write({ fields }: Request<RoleFields>, store: Transaction): Promise<undefined> {
  if ((await store.get(STATIC_ROLES + fields.name)) !== undefined) {
    throw invalidRequest('Role and Static Role names must be unique');
  }
  const before = await findRole(store, fields.name);
  const connection = fields.db_name ?? before?.connection ?? '';
  if (connection === '') throw invalidRequest('database name is required');
  const record: RoleRecord = {
    connection,
    credential: ruleOf(fields, before?.credential),
    creation: fields.creation_statements ?? before?.creation ?? [],
    // One that is empty would stand for "do nothing", where the usual statements are meant.
    revocation: (fields.revocation_statements ?? before?.revocation ?? []).filter(Boolean),
    rollback: fields.rollback_statements ?? before?.rollback ?? [],
    renewal: fields.renew_statements ?? before?.renewal ?? [],
    defaultTtlSeconds: fields.default_ttl ?? before?.defaultTtlSeconds ?? 0,
    maxTtlSeconds: fields.max_ttl ?? before?.maxTtlSeconds ?? 0,
  };
  store.putJson(ROLES + fields.name, record);
}

/** What is sent, over what was there; another type starts from its own defaults. */
export function ruleOf(
  fields: Pick<RoleFields, 'credential_type' | 'credential_config'>,
  before: CredentialRule | undefined,
): CredentialRule {
  const kind = credentialKindOf(fields.credential_type ?? before?.kind ?? 'password');
  if (fields.credential_config !== undefined) return credentialRule(kind, fields.credential_config);
  return before?.kind === kind ? before : credentialRule(kind, {});
}

/** Left out where there is nothing to configure. The key of an authority is written and never shown. */
export function shownCredential({ kind, config }: CredentialRule): Record<string, unknown> {
  const { ca_private_key: _secret, ...open } = config;
  return {
    credential_type: kind,
    ...(Object.keys(open).length === 0 ? {} : { credential_config: open }),
  };
}

async function read(
  store: Reader,
  name: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const role = await findRole(store, name);
  if (role === undefined) return undefined;
  return {
    creation_statements: role.creation,
    ...shownCredential(role.credential),
    db_name: role.connection,
    default_ttl: role.defaultTtlSeconds,
    max_ttl: role.maxTtlSeconds,
    renew_statements: role.renewal,
    revocation_statements: role.revocation,
    rollback_statements: role.rollback,
  };
}

export function rolePaths(): readonly Path[] {
  return entryPaths({
    folder: 'roles',
    parameter: 'name',
    prefix: ROLES,
    one: 'role',
    many: 'roles',
    fields: ROLE_FIELDS,
    description:
      'Statements may contain {{name}}, {{password}} and {{expiration}}. Accounts that were made with a role are removed as it said even when it is gone.',
    tellsCreate: true,
    read,
    write,
  });
}
