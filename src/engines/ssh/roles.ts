/** Roles: what certificates may say, or for whom and where one-time passwords are made. */
import { parseDecimalInteger } from '../../base/duration.ts';
import { isRawNumber } from '../../base/json.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { canonicalCidr } from '../../base/cidr.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Reader, Stored } from '../../model/transaction.ts';
import type { RoleFields } from './role-fields.ts';

export const ROLES = 'role/';
const DEFAULT_PORT = 22;
const PORT_MAX = 65_535;
/** Key types that a role may bound, and sizes of each. */
const KEY_TYPES_MAX = 32;
/** Longest text of a role. */
const TEXT_LENGTH_MAX = 32 * 1024;

export interface OneTimeRole {
  readonly keyType: 'otp';
  readonly defaultUser: string;
  readonly cidrList: string;
  readonly excludeCidrList: string;
  readonly port: number;
  readonly allowedUsers: string;
}

export interface CaRole {
  readonly keyType: 'ca';
  readonly allowedUsers: string;
  readonly allowedUsersTemplate: boolean;
  readonly allowedDomains: string;
  readonly allowedDomainsTemplate: boolean;
  readonly defaultUser: string;
  readonly defaultUserTemplate: boolean;
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly allowedCriticalOptions: string;
  readonly allowedExtensions: string;
  readonly allowUserCertificates: boolean;
  readonly allowHostCertificates: boolean;
  readonly allowBareDomains: boolean;
  readonly allowSubdomains: boolean;
  readonly allowUserKeyIds: boolean;
  readonly allowEmptyPrincipals: boolean;
  readonly keyIdFormat: string;
  readonly defaultCriticalOptions: Readonly<Record<string, string>>;
  readonly defaultExtensions: Readonly<Record<string, string>>;
  readonly defaultExtensionsTemplate: boolean;
  readonly allowedUserKeyLengths: Readonly<Record<string, readonly number[]>>;
  readonly algorithmSigner: string;
  readonly notBeforeSeconds: number;
  readonly issuerRef: string;
}

export type SshRole = OneTimeRole | CaRole;

/** What the segment of a role's path may hold: accounts in mail form are usual. */
const ROLE_NAME = /^\w(?:[\w.@-]*\w)?$/;

/** @throws {RequestError} not_found when no role can have this name */
export function checkRoleName(name: string): string {
  if (!ROLE_NAME.test(name)) throw notFound('unsupported path');
  return name;
}

export async function roleNamed(store: Reader, name: string): Promise<Stored<SshRole> | undefined> {
  return await store.getRecord<SshRole>(ROLES + checkRoleName(name));
}

/** @throws {RequestError} invalid_request */
export function roleOf(fields: RoleFields): SshRole {
  for (const value of Object.values(fields)) {
    if (typeof value === 'string' && value.length > TEXT_LENGTH_MAX) {
      throw invalidRequest('a text of the role is too long');
    }
  }
  checkCidrs(fields.cidr_list, 'cidr_list');
  checkCidrs(fields.exclude_cidr_list, 'exclude_cidr_list entry');
  const keyType = fields.key_type.toLowerCase();
  switch (keyType) {
    case '':
      throw invalidRequest('missing key type');
    case 'otp':
      return oneTimeRole(fields);
    case 'ca':
      return caRole(fields);
    case 'dynamic':
      throw invalidRequest('dynamic key type roles are no longer supported');
    default:
      throw invalidRequest('invalid key type');
  }
}

function checkCidrs(list: string, what: string): void {
  if (list === '') return;
  const good = list
    .split(',')
    .every((cidr) => cidr.includes('/') && canonicalCidr(cidr) !== undefined);
  if (!good) throw invalidRequest(`failed to validate ${what}`);
}

function oneTimeRole(fields: RoleFields): OneTimeRole {
  if (fields.default_user === '') throw invalidRequest('missing default user');
  if (fields.port < 0 || fields.port > PORT_MAX) throw invalidRequest('port is out of range');
  return {
    keyType: 'otp',
    defaultUser: fields.default_user,
    cidrList: fields.cidr_list,
    excludeCidrList: fields.exclude_cidr_list,
    port: fields.port === 0 ? DEFAULT_PORT : fields.port,
    allowedUsers: fields.allowed_users,
  };
}

const SIGNERS: readonly string[] = ['ssh-rsa', 'rsa-sha2-256', 'rsa-sha2-512', 'default'];

function caRole(fields: RoleFields): CaRole {
  const algorithmSigner = fields.algorithm_signer === '' ? 'default' : fields.algorithm_signer;
  if (!SIGNERS.includes(algorithmSigner)) throw invalidRequest('unknown algorithm signer');
  if (!fields.allow_user_certificates && !fields.allow_host_certificates) {
    throw invalidRequest(
      "Either 'allow_user_certificates' or 'allow_host_certificates' must be set to 'true'",
    );
  }
  const allowedUserKeyLengths = keyLengths(fields.allowed_user_key_lengths);
  const { ttl, max_ttl: maxTtl } = fields;
  if (ttl !== 0 && maxTtl !== 0 && ttl > maxTtl) {
    throw invalidRequest('"ttl" value must be less than "max_ttl" when both are specified');
  }
  return {
    keyType: 'ca',
    allowedUsers: fields.allowed_users,
    allowedUsersTemplate: fields.allowed_users_template,
    allowedDomains: fields.allowed_domains,
    allowedDomainsTemplate: fields.allowed_domains_template,
    defaultUser: fields.default_user,
    defaultUserTemplate: fields.default_user_template,
    ttlSeconds: ttl,
    maxTtlSeconds: maxTtl,
    allowedCriticalOptions: fields.allowed_critical_options,
    allowedExtensions: fields.allowed_extensions,
    allowUserCertificates: fields.allow_user_certificates,
    allowHostCertificates: fields.allow_host_certificates,
    allowBareDomains: fields.allow_bare_domains,
    allowSubdomains: fields.allow_subdomains,
    allowUserKeyIds: fields.allow_user_key_ids,
    allowEmptyPrincipals: fields.allow_empty_principals,
    keyIdFormat: fields.key_id_format,
    defaultCriticalOptions: Object.fromEntries(textsOf(fields.default_critical_options)),
    defaultExtensions: Object.fromEntries(textsOf(fields.default_extensions)),
    defaultExtensionsTemplate: fields.default_extensions_template,
    allowedUserKeyLengths,
    algorithmSigner,
    notBeforeSeconds: fields.not_before_duration,
    issuerRef: fields.issuer_ref === '' ? 'default' : fields.issuer_ref,
  };
}

/** Options and extensions: names with texts. Numbers and truth values count as their text. */
export function textsOf(values: Readonly<JsonObject>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(values).map(([name, value]) => {
      const text = scalarText(value);
      if (text === undefined) {
        throw invalidRequest('options and extensions have texts as their values');
      }
      return [name, text] as const;
    }),
  );
}

/** Undefined for lists and objects. */
function scalarText(value: JsonValue): string | undefined {
  if (value === null) return '';
  if (isRawNumber(value)) return value.rawJSON;
  return typeof value === 'object' ? undefined : String(value);
}

function keyLengths(values: Readonly<JsonObject>): CaRole['allowedUserKeyLengths'] {
  const entries = Object.entries(values);
  if (entries.length > KEY_TYPES_MAX) throw invalidRequest('too many allowed_user_key_lengths');
  return Object.fromEntries(entries.map(([type, value]) => [type, wholeNumbers(value)]));
}

/** One number, several, or their texts. */
function wholeNumbers(value: JsonValue): number[] {
  const list = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? value.split(',')
      : [value];
  return list.slice(0, KEY_TYPES_MAX).map((item) => {
    const number = parseDecimalInteger(scalarText(item)?.trim() ?? '');
    if (number === undefined) {
      throw invalidRequest('error processing allowed_user_key_lengths: no whole number');
    }
    return number;
  });
}

/** A role as reads show it. */
export function shownRole(role: Stored<SshRole>): Readonly<Record<string, unknown>> {
  if (role.keyType === 'otp') {
    return {
      default_user: role.defaultUser,
      cidr_list: role.cidrList,
      exclude_cidr_list: role.excludeCidrList,
      key_type: role.keyType,
      port: role.port,
      allowed_users: role.allowedUsers,
    };
  }
  return {
    allowed_users: role.allowedUsers,
    allowed_users_template: role.allowedUsersTemplate,
    allowed_domains: role.allowedDomains,
    allowed_domains_template: role.allowedDomainsTemplate,
    default_user: role.defaultUser,
    default_user_template: role.defaultUserTemplate,
    ttl: role.ttlSeconds,
    max_ttl: role.maxTtlSeconds,
    allowed_critical_options: role.allowedCriticalOptions,
    allowed_extensions: role.allowedExtensions,
    allow_user_certificates: role.allowUserCertificates,
    allow_host_certificates: role.allowHostCertificates,
    allow_bare_domains: role.allowBareDomains,
    allow_subdomains: role.allowSubdomains,
    allow_user_key_ids: role.allowUserKeyIds,
    allow_empty_principals: role.allowEmptyPrincipals,
    key_id_format: role.keyIdFormat,
    key_type: role.keyType,
    default_critical_options: role.defaultCriticalOptions,
    default_extensions: role.defaultExtensions,
    default_extensions_template: role.defaultExtensionsTemplate,
    allowed_user_key_lengths: role.allowedUserKeyLengths,
    algorithm_signer: role.algorithmSigner,
    not_before_duration: role.notBeforeSeconds,
    issuer_ref: role.issuerRef,
  };
}
