/** `role`: how accounts that live as long as their leases are made and removed, as templates of LDIF. */
import { decodeBase64Text } from '../../base/base64-text.ts';
import { TemplateError } from '../../base/template/template.ts';
import type { TemplateData } from '../../base/template/template.ts';
import { LdifError, parseLdif } from '../../ldap/ldif.ts';
import type { LdapChange } from '../../ldap/connection.ts';
import type { Path } from '../../model/backend.ts';
import { entryPaths } from '../../model/listing/entry-paths.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { NameContext } from '../../model/name-template.ts';
import type { Values } from '../../model/field.ts';
import type { Reader } from '../../model/transaction.ts';

const ROLES = 'role/';
const LDIF_LENGTH_MAX = 8192;

export interface DynamicRole {
  readonly creationLdif: string;
  readonly deletionLdif: string;
  readonly rollbackLdif: string;
  readonly usernameTemplate: string;
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
}

export const LDIF_FIELDS: readonly string[] = [
  'Username',
  'Password',
  'DisplayName',
  'RoleName',
  'IssueTime',
  'IssueTimeSeconds',
  'ExpirationTime',
  'ExpirationTimeSeconds',
];
export const USERNAME_FIELDS: readonly string[] = ['DisplayName', 'RoleName'];
export const DEFAULT_USERNAME_TEMPLATE =
  'v_{{.DisplayName}}_{{.RoleName}}_{{random 10}}_{{unix_time}}';

export const DYNAMIC_ROLE_NAME = {
  kind: 'lower_string',
  description: 'Name of the role.',
  default: '',
} as const;

const FIELDS = {
  name: DYNAMIC_ROLE_NAME,
  creation_ldif: { kind: 'string', description: 'Makes an account; LDIF with templates.' },
  deletion_ldif: { kind: 'string', description: 'Removes it again.' },
  rollback_ldif: { kind: 'string', description: 'Cleans up after a creation that failed.' },
  username_template: { kind: 'string', description: 'Form of the names of accounts.' },
  default_ttl: { kind: 'duration_seconds', description: 'How long an account lives.' },
  max_ttl: { kind: 'duration_seconds', description: 'How long it may live with renewals.' },
} as const;

export async function findDynamicRole(
  store: Reader,
  name: string,
): Promise<DynamicRole | undefined> {
  return await store.getRecord<DynamicRole>(ROLES + name);
}

/** The changes of a template, filled in. @throws {RequestError} invalid_request */
export function filledLdif(
  template: string,
  data: TemplateData,
  context: NameContext,
): readonly LdapChange[] {
  try {
    return parseLdif(compileNameTemplate(template, LDIF_FIELDS).name(data, context));
  } catch (error) {
    if (error instanceof TemplateError || error instanceof LdifError) {
      throw invalidRequest(error.message);
    }
    throw error;
  }
}

const TRIAL: NameContext = { random: { bytes: (length) => Buffer.alloc(length) }, nowMs: 0 };
const TRIAL_DATA: TemplateData = Object.fromEntries(LDIF_FIELDS.map((name) => [name, 'test']));

function checkLdif(name: string, template: string): void {
  if (template.length > LDIF_LENGTH_MAX) throw invalidRequest(`${name} is too long`);
  let changes: readonly LdapChange[];
  try {
    changes = parseLdif(compileNameTemplate(template, LDIF_FIELDS).name(TRIAL_DATA, TRIAL));
  } catch (error) {
    if (!(error instanceof TemplateError || error instanceof LdifError)) throw error;
    throw invalidRequest(`invalid ${name}: ${error.message}`);
  }
  if (changes.length === 0) {
    throw invalidRequest(`invalid ${name}: must specify at least one LDIF entry`);
  }
}

function plain(text: string | undefined): string | undefined {
  return text === undefined ? undefined : (decodeBase64Text(text) ?? text);
}

function roleOf(before: DynamicRole | undefined, fields: Values<typeof FIELDS>): DynamicRole {
  const role: DynamicRole = {
    creationLdif: plain(fields.creation_ldif) ?? before?.creationLdif ?? '',
    deletionLdif: plain(fields.deletion_ldif) ?? before?.deletionLdif ?? '',
    rollbackLdif: plain(fields.rollback_ldif) ?? before?.rollbackLdif ?? '',
    usernameTemplate: fields.username_template ?? before?.usernameTemplate ?? '',
    defaultTtlSeconds: fields.default_ttl ?? before?.defaultTtlSeconds ?? 0,
    maxTtlSeconds: fields.max_ttl ?? before?.maxTtlSeconds ?? 0,
  };
  if (role.creationLdif === '') throw invalidRequest('missing creation_ldif');
  if (role.deletionLdif === '') throw invalidRequest('missing deletion_ldif');
  checkLdif('creation_ldif', role.creationLdif);
  checkLdif('deletion_ldif', role.deletionLdif);
  if (role.rollbackLdif !== '') checkLdif('rollback_ldif', role.rollbackLdif);
  if (role.usernameTemplate !== '') {
    try {
      compileNameTemplate(role.usernameTemplate, USERNAME_FIELDS);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw invalidRequest(`username_template: ${error.message}`);
    }
  }
  return role;
}

export function dynamicRolePaths(): readonly Path[] {
  return entryPaths({
    folder: 'role',
    parameter: 'name',
    prefix: ROLES,
    one: 'dynamic role',
    many: 'dynamic roles',
    fields: FIELDS,
    description: 'It says how accounts that live as long as their leases are made and removed.',
    tellsCreate: false,
    read: async (store, name) => {
      const role = await findDynamicRole(store, name);
      if (role === undefined) return undefined;
      return {
        creation_ldif: role.creationLdif,
        deletion_ldif: role.deletionLdif,
        rollback_ldif: role.rollbackLdif,
        username_template: role.usernameTemplate,
        default_ttl: role.defaultTtlSeconds,
        max_ttl: role.maxTtlSeconds,
      };
    },
    write: async ({ fields }, store) => {
      const before = await findDynamicRole(store, fields.name);
      store.putJson(ROLES + fields.name, roleOf(before, fields));
      return undefined;
    },
  });
}
