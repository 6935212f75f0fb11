/** `config`: which directory answers for people, how they are found in it, and what their tokens are like. */
import { createPublicKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Random } from '../../base/random.ts';
import { isFilterTemplate } from '../../ldap/filter-template.ts';
import { TLS_VERSION_NAMES, isTlsVersion } from '../../ldap/connection.ts';
import type { LdapSettings, TlsVersion } from '../../ldap/connection.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { FieldSet } from '../../model/field.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';
import {
  FRESH_TOKEN_SETTINGS,
  TOKEN_FIELDS,
  mergeTokenSettings,
  shownTokenSettings,
} from '../token-fields.ts';
import type { TokenSettings } from '../token-fields.ts';
import { derivedPassword } from './root-password.ts';
import type { Rotation } from './root-password.ts';
import type { Reply } from '../../model/reply.ts';

interface LdapFields {
  readonly url: string;
  readonly userdn: string;
  readonly userattr: string;
  readonly userfilter: string;
  readonly groupdn: string;
  readonly groupattr: string;
  readonly groupfilter: string;
  readonly upndomain: string;
  readonly binddn: string;
  readonly discoverdn: boolean;
  readonly deny_null_bind: boolean;
  readonly anonymous_group_search: boolean;
  readonly username_as_alias: boolean;
  readonly case_sensitive_names: boolean;
  readonly use_token_groups: boolean;
  readonly use_pre111_group_cn_behavior: boolean;
  readonly starttls: boolean;
  readonly insecure_tls: boolean;
  readonly certificate: string;
  readonly client_tls_cert: string;
  readonly client_tls_key: string;
  readonly tls_min_version: TlsVersion;
  readonly tls_max_version: TlsVersion;
  /** Seconds. */
  readonly request_timeout: number;
  readonly connection_timeout: number;
  readonly dereference_aliases: 'never' | 'finding' | 'searching' | 'always';
  readonly max_page_size: number;
}

export interface LdapConfig extends LdapFields {
  readonly bindpass: string;
  readonly rotation: Rotation;
  readonly settings: TokenSettings;
}

const KEY = 'config';
const USER_FILTER = '({{.UserAttr}}={{.Username}})';
const GROUP_FILTER = '(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))';
export const USER_FILTER_FIELDS: readonly string[] = ['UserAttr', 'Username'];
export const GROUP_FILTER_FIELDS: readonly string[] = ['UserDN', 'Username'];
const DEREFERENCES: readonly string[] = ['never', 'finding', 'searching', 'always'];
const TEXT_LENGTH_MAX = 64 * 1024;

const FRESH: LdapFields = {
  url: 'ldap://127.0.0.1',
  userdn: '',
  userattr: 'cn',
  userfilter: USER_FILTER,
  groupdn: '',
  groupattr: 'cn',
  groupfilter: GROUP_FILTER,
  upndomain: '',
  binddn: '',
  discoverdn: false,
  deny_null_bind: true,
  anonymous_group_search: false,
  username_as_alias: false,
  case_sensitive_names: false,
  use_token_groups: false,
  use_pre111_group_cn_behavior: false,
  starttls: false,
  insecure_tls: false,
  certificate: '',
  client_tls_cert: '',
  client_tls_key: '',
  tls_min_version: 'tls12',
  tls_max_version: 'tls12',
  request_timeout: 90,
  connection_timeout: 30,
  dereference_aliases: 'never',
  max_page_size: 0,
};

const FIELDS = {
  url: { kind: 'string', description: 'Directories, ldap:// or ldaps://; tried in order.' },
  userdn: { kind: 'string', description: 'Below which users are.' },
  userattr: { kind: 'string', description: 'Attribute that has the name of a user.' },
  userfilter: { kind: 'string', description: 'Filter that finds a user, with {{.Username}}.' },
  groupdn: { kind: 'string', description: 'Below which groups are.' },
  groupattr: { kind: 'string', description: 'Attribute that has the name of a group.' },
  groupfilter: {
    kind: 'string',
    description: 'Filter that finds the groups of a user, with {{.UserDN}} and {{.Username}}.',
  },
  upndomain: { kind: 'string', description: 'Users log in as name@domain.' },
  binddn: { kind: 'string', description: 'Account with which the directory is searched.' },
  bindpass: { kind: 'string', description: 'Password of that account.', sensitive: true },
  discoverdn: { kind: 'bool', description: 'Users are searched for without an account.' },
  deny_null_bind: {
    kind: 'bool',
    description: 'Kept for compatibility: an empty password is never accepted.',
  },
  anonymous_group_search: { kind: 'bool', description: 'Groups are searched without an account.' },
  username_as_alias: { kind: 'bool', description: 'The alias is the name as it was logged in by.' },
  case_sensitive_names: { kind: 'bool', description: 'Names that differ in case differ.' },
  use_token_groups: {
    kind: 'bool',
    description: 'Groups are those of tokenGroups, nested ones too (Active Directory).',
  },
  use_pre111_group_cn_behavior: {
    kind: 'bool',
    description: 'A group is called by its CN only when that is written in upper case.',
  },
  starttls: { kind: 'bool', description: 'Plain connections go on with TLS.' },
  insecure_tls: { kind: 'bool', description: 'The certificate of the directory is not checked.' },
  certificate: {
    kind: 'string',
    description: 'Certificates (PEM) that alone are trusted for the directory.',
  },
  client_tls_cert: { kind: 'string', description: 'Certificate shown to the directory.' },
  client_tls_key: { kind: 'string', description: 'Its key.', sensitive: true },
  tls_min_version: { kind: 'string', description: 'Oldest TLS: tls10, tls11, tls12 or tls13.' },
  tls_max_version: { kind: 'string', description: 'Newest TLS: tls10, tls11, tls12 or tls13.' },
  request_timeout: { kind: 'duration_seconds', description: 'Longest wait for an answer.' },
  connection_timeout: {
    kind: 'duration_seconds',
    description: 'Longest wait for a connection before the next URL is tried.',
  },
  dereference_aliases: {
    kind: 'string',
    description: 'When aliases are followed: never, finding, searching or always.',
  },
  max_page_size: {
    kind: 'int',
    description: 'Entries in one page of a search; 0 or less = no pages.',
  },
  ...TOKEN_FIELDS,
} as const satisfies FieldSet;

/** Not through the cache of decoded records: it holds a password. Everything has a default. */
export async function configOf(store: Reader): Promise<LdapConfig> {
  const stored = await store.getJson<LdapConfig>(KEY);
  const unset = { bindpass: '', rotation: { key: '', count: 0 }, settings: FRESH_TOKEN_SETTINGS };
  return { ...FRESH, ...unset, ...stored };
}

export function putConfig(store: Transaction, config: LdapConfig): void {
  store.putJson(KEY, config);
}

export function connectionSettings(config: LdapConfig): LdapSettings {
  return {
    url: config.url,
    startTls: config.starttls,
    insecureTls: config.insecure_tls,
    caPem: config.certificate,
    clientCertificatePem: config.client_tls_cert,
    clientKeyPem: config.client_tls_key,
    tlsMinVersion: config.tls_min_version,
    tlsMaxVersion: config.tls_max_version,
    connectTimeoutMs: config.connection_timeout * 1000,
    requestTimeoutMs: config.request_timeout * 1000,
  };
}

/** Passwords that the account may have: the one that is known, and the one after it when a change was cut off. */
export function bindPasswords(config: LdapConfig): readonly string[] {
  const { bindpass, rotation } = config;
  if (bindpass === '') return [];
  if (rotation.key === '') return [bindpass];
  return [bindpass, derivedPassword(rotation.key, rotation.count + 1)];
}

function isCertificate(pem: string): boolean {
  try {
    return pem.includes('CERTIFICATE') && createPublicKey(pem).type === 'public';
  } catch {
    return false;
  }
}

function checkTls(config: LdapConfig): void {
  for (const name of ['tls_min_version', 'tls_max_version'] as const)
    if (!isTlsVersion(config[name])) throw invalidRequest(`invalid '${name}'`);
  const order = (version: TlsVersion): number => TLS_VERSION_NAMES.indexOf(version);
  if (order(config.tls_max_version) < order(config.tls_min_version)) {
    throw invalidRequest("'tls_max_version' must be greater than or equal to 'tls_min_version'");
  }
  if (config.certificate !== '' && !isCertificate(config.certificate))
    throw invalidRequest('failed to parse server tls cert');
  const { client_tls_cert: cert, client_tls_key: key } = config;
  if ((cert === '') !== (key === ''))
    throw invalidRequest('both client_tls_cert and client_tls_key must be set');
  try {
    if (cert !== '') createSecureContext({ cert, key });
  } catch {
    throw invalidRequest('failed to parse client X509 key pair');
  }
}

function check(config: LdapConfig): void {
  const texts = Object.values(config).filter((value) => typeof value === 'string');
  if (texts.some((value) => value.length > TEXT_LENGTH_MAX))
    throw invalidRequest('a setting is too long');
  if (config.url === '') throw invalidRequest('at least one url must be provided');
  for (const url of config.url.split(',')) {
    const protocol = URL.parse(url.trim())?.protocol;
    if (protocol !== 'ldap:' && protocol !== 'ldaps:')
      throw invalidRequest("a 'url' must begin with ldap:// or ldaps://");
  }
  if (!isFilterTemplate(config.userfilter, USER_FILTER_FIELDS))
    throw invalidRequest('invalid userfilter');
  if (!isFilterTemplate(config.groupfilter, GROUP_FILTER_FIELDS))
    throw invalidRequest('invalid groupfilter');
  if (!/^[\w.;-]*$/.test(config.userattr)) throw invalidRequest("invalid 'userattr'");
  if (!DEREFERENCES.includes(config.dereference_aliases))
    throw invalidRequest("invalid 'dereference_aliases'");
  checkTls(config);
}

function filterWarnings({ userfilter, userattr }: LdapConfig): readonly string[] {
  const considers =
    userfilter === '' || userfilter.includes('{{.UserAttr}}') || userfilter.includes(userattr);
  return considers
    ? []
    : [
        'userfilter configured does not consider userattr and may result in colliding entity aliases on logins',
      ];
}

export function configPath(random: Random): Path {
  async function write(request: Request, store: Transaction): Promise<Reply | undefined> {
    const before = await configOf(store);
    const sent = request.fields;
    const merged: Record<string, unknown> = { ...before };
    for (const name of Object.keys(FRESH)) {
      const value = sent[name];
      if (value === undefined) continue;
      const folds = typeof value === 'string' && (name === 'url' || name === 'userattr');
      merged[name] = folds ? value.toLowerCase() : value;
    }
    const bindpass = sent['bindpass'] as string | undefined;
    const config = {
      ...merged,
      ...(bindpass === undefined
        ? {}
        : { bindpass, rotation: { key: random.bytes(32).toString('base64url'), count: 0 } }),
      settings: mergeTokenSettings(before.settings, sent),
    } as LdapConfig;
    check(config);
    putConfig(store, config);
    const warnings = filterWarnings(config);
    return warnings.length === 0 ? undefined : { warnings };
  }

  return settingsPath<FieldSet>({
    pattern: 'config',
    fields: FIELDS,
    synopsis: 'Says which directory people are in, and how they are found there.',
    async read(store) {
      const {
        bindpass: _password,
        rotation: _rotation,
        settings,
        ...config
      } = await configOf(store);
      const { client_tls_cert: _certificate, client_tls_key: _key, ...shown } = config;
      return { ...shown, ...shownTokenSettings(settings) };
    },
    write,
  });
}
