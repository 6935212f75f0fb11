/** `config`: the directory whose accounts are managed, and the account that manages them. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { formatTime } from '../../base/time-format.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Values } from '../../model/field.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { TLS_VERSION_NAMES, isTlsVersion } from '../../ldap/connection.ts';
import type { LdapSettings, TlsVersion } from '../../ldap/connection.ts';

export const SCHEMAS = ['openldap', 'racf', 'ad'] as const;
export type Schema = (typeof SCHEMAS)[number];
/** Attribute that names users, by schema. */
const USER_ATTRIBUTES: Readonly<Record<Schema, string>> = {
  openldap: 'cn',
  racf: 'racfid',
  ad: 'userPrincipalName',
};

export interface LdapConfig {
  readonly url: string;
  readonly userdn: string;
  readonly userattr: string;
  readonly upndomain: string;
  readonly binddn: string;
  readonly bindpass: string;
  readonly starttls: boolean;
  readonly insecureTls: boolean;
  readonly certificate: string;
  readonly clientTlsCert: string;
  readonly clientTlsKey: string;
  readonly tlsMinVersion: string;
  readonly tlsMaxVersion: string;
  readonly requestTimeoutSeconds: number;
  readonly connectionTimeoutSeconds: number;
  readonly schema: Schema;
  readonly passwordPolicy: string;
  readonly skipStaticRoleImportRotation: boolean;
  /** 0 = not rotated here yet. */
  readonly bindRotatedMs: number;
}

const KEY = 'config';
const TEXT_LENGTH_MAX = 64 * 1024;
const SECONDS_MAX = 3600;

const FRESH: LdapConfig = {
  url: 'ldap://127.0.0.1',
  userdn: '',
  userattr: '',
  upndomain: '',
  binddn: '',
  bindpass: '',
  starttls: false,
  insecureTls: false,
  certificate: '',
  clientTlsCert: '',
  clientTlsKey: '',
  tlsMinVersion: 'tls12',
  tlsMaxVersion: 'tls12',
  requestTimeoutSeconds: 90,
  connectionTimeoutSeconds: 30,
  schema: 'openldap',
  passwordPolicy: '',
  skipStaticRoleImportRotation: false,
  bindRotatedMs: 0,
};

const FIELDS = {
  url: { kind: 'string', description: 'Directories, ldap:// or ldaps://; tried in order.' },
  userdn: { kind: 'string', description: 'Below which users are.' },
  userattr: { kind: 'string', description: 'Attribute that names users.' },
  upndomain: { kind: 'string', description: 'The managing account binds as name@domain.' },
  binddn: { kind: 'string', description: 'The account that manages the others.' },
  bindpass: { kind: 'string', description: 'Its password.', sensitive: true },
  starttls: { kind: 'bool', description: 'Plain connections go on with TLS.' },
  insecure_tls: { kind: 'bool', description: 'The certificate of the directory is not checked.' },
  certificate: { kind: 'string', description: 'Certificates (PEM) that alone are trusted.' },
  client_tls_cert: { kind: 'string', description: 'Certificate shown to the directory.' },
  client_tls_key: { kind: 'string', description: 'Its key.', sensitive: true },
  tls_min_version: { kind: 'string', description: 'Oldest TLS: tls10, tls11, tls12 or tls13.' },
  tls_max_version: { kind: 'string', description: 'Newest TLS: tls10, tls11, tls12 or tls13.' },
  request_timeout: { kind: 'duration_seconds', description: 'Longest wait for an answer.' },
  connection_timeout: { kind: 'duration_seconds', description: 'Longest wait for a connection.' },
  schema: { kind: 'string', description: 'How passwords are kept: openldap, ad or racf.' },
  password_policy: { kind: 'string', description: 'Policy that passwords are made by.' },
  skip_static_role_import_rotation: {
    kind: 'bool',
    description: 'A new static role does not change the password of its account at once.',
  },
} as const;

/** Not through the cache of decoded records: it holds a password. */
export async function findConfig(store: Reader): Promise<LdapConfig | undefined> {
  return await store.getJson<LdapConfig>(KEY);
}

/** @throws {RequestError} */
export async function configOf(store: Reader): Promise<LdapConfig> {
  const config = await findConfig(store);
  if (config === undefined) throw invalidRequest('missing LDAP configuration');
  return config;
}

export function putConfig(store: Transaction, config: LdapConfig): void {
  store.putJson(KEY, config);
}

export function connectionSettings(config: LdapConfig): LdapSettings {
  return {
    url: config.url,
    startTls: config.starttls,
    insecureTls: config.insecureTls,
    caPem: config.certificate,
    clientCertificatePem: config.clientTlsCert,
    clientKeyPem: config.clientTlsKey,
    tlsMinVersion: config.tlsMinVersion as TlsVersion,
    tlsMaxVersion: config.tlsMaxVersion as TlsVersion,
    connectTimeoutMs: config.connectionTimeoutSeconds * 1000,
    requestTimeoutMs: config.requestTimeoutSeconds * 1000,
  };
}

export function userAttribute(config: LdapConfig): string {
  return config.userattr === '' ? USER_ATTRIBUTES[config.schema] : config.userattr;
}

function merged(before: LdapConfig | undefined, fields: Values<typeof FIELDS>): LdapConfig {
  const base = before ?? FRESH;
  const schema = fields.schema ?? base.schema;
  if (!SCHEMAS.includes(schema as Schema)) {
    throw invalidRequest(
      `the configured schema is not valid. Supported schemas: ${SCHEMAS.join(', ')}`,
    );
  }
  return {
    url: fields.url?.toLowerCase() ?? base.url,
    userdn: fields.userdn ?? base.userdn,
    userattr: fields.userattr?.toLowerCase() ?? base.userattr,
    upndomain: fields.upndomain ?? base.upndomain,
    binddn: fields.binddn ?? base.binddn,
    bindpass: fields.bindpass ?? base.bindpass,
    starttls: fields.starttls ?? base.starttls,
    insecureTls: fields.insecure_tls ?? base.insecureTls,
    certificate: fields.certificate ?? base.certificate,
    clientTlsCert: fields.client_tls_cert ?? base.clientTlsCert,
    clientTlsKey: fields.client_tls_key ?? base.clientTlsKey,
    tlsMinVersion: fields.tls_min_version ?? base.tlsMinVersion,
    tlsMaxVersion: fields.tls_max_version ?? base.tlsMaxVersion,
    requestTimeoutSeconds: fields.request_timeout ?? base.requestTimeoutSeconds,
    connectionTimeoutSeconds: fields.connection_timeout ?? base.connectionTimeoutSeconds,
    schema: schema as Schema,
    passwordPolicy: fields.password_policy ?? base.passwordPolicy,
    skipStaticRoleImportRotation:
      fields.skip_static_role_import_rotation ?? base.skipStaticRoleImportRotation,
    bindRotatedMs: fields.bindpass === undefined ? base.bindRotatedMs : 0,
  };
}

function check(config: LdapConfig): void {
  const texts = Object.values(config).filter((value) => typeof value === 'string');
  if (texts.some((value) => value.length > TEXT_LENGTH_MAX)) {
    throw invalidRequest('a setting is too long');
  }
  const good = config.url.split(',').every((url) => {
    const protocol = URL.parse(url.trim())?.protocol;
    return protocol === 'ldap:' || protocol === 'ldaps:';
  });
  if (!good) throw invalidRequest("a 'url' must begin with ldap:// or ldaps://");
  const bindsAlone = config.binddn !== '' && config.bindpass !== '';
  if (!bindsAlone && config.upndomain === '' && config.userdn === '')
    throw invalidRequest('cannot derive UserBindDN');
  if (!/^[\w.;-]*$/.test(config.userattr)) throw invalidRequest("invalid 'userattr'");
  for (const seconds of [config.requestTimeoutSeconds, config.connectionTimeoutSeconds]) {
    if (seconds < 1 || seconds > SECONDS_MAX) throw invalidRequest('a timeout is out of range');
  }
  const { tlsMinVersion: oldest, tlsMaxVersion: newest } = config;
  if (!isTlsVersion(oldest)) throw invalidRequest("invalid 'tls_min_version'");
  if (!isTlsVersion(newest)) throw invalidRequest("invalid 'tls_max_version'");
  if (TLS_VERSION_NAMES.indexOf(newest) < TLS_VERSION_NAMES.indexOf(oldest)) {
    throw invalidRequest("'tls_max_version' must be greater than or equal to 'tls_min_version'");
  }
  checkKeys(config);
}

/** @throws when it is none */
function assertCertificate(pem: string): X509Certificate {
  return new X509Certificate(pem);
}

function checkKeys({ certificate, clientTlsCert: cert, clientTlsKey: key }: LdapConfig): void {
  if ((cert === '') !== (key === '')) {
    throw invalidRequest('both client_tls_cert and client_tls_key must be set');
  }
  try {
    if (cert !== '') createSecureContext({ cert, key });
  } catch {
    throw invalidRequest('failed to parse client X509 key pair');
  }
  try {
    if (certificate !== '') assertCertificate(certificate);
  } catch {
    throw invalidRequest('failed to parse server tls cert');
  }
}

export function configPath(): Path {
  return definePath({
    pattern: 'config',
    fields: FIELDS,
    help: { synopsis: 'Says which directory is managed, and by which account.' },
    exists: async (_request, store) => (await store.get(KEY)) !== undefined,
    operations: {
      read: {
        summary: 'Read the settings',
        handler: async (_request, store) => {
          const config = await findConfig(store);
          return config === undefined ? undefined : { data: shown(config) };
        },
      },
      update: {
        summary: 'Write the settings',
        handler: async ({ fields }, store) => {
          const config = merged(await findConfig(store), fields);
          check(config);
          putConfig(store, config);
          return undefined;
        },
      },
      delete: {
        summary: 'Forget the settings',
        handler: (_request, store) => {
          store.delete(KEY);
          return undefined;
        },
      },
    },
  });
}

/** What may be shown, named one by one: no password, no key. */
function shown(config: LdapConfig): Readonly<Record<string, unknown>> {
  return {
    url: config.url,
    userdn: config.userdn,
    userattr: userAttribute(config),
    upndomain: config.upndomain,
    binddn: config.binddn,
    starttls: config.starttls,
    insecure_tls: config.insecureTls,
    certificate: config.certificate,
    tls_min_version: config.tlsMinVersion,
    tls_max_version: config.tlsMaxVersion,
    request_timeout: config.requestTimeoutSeconds,
    connection_timeout: config.connectionTimeoutSeconds,
    schema: config.schema,
    skip_static_role_import_rotation: config.skipStaticRoleImportRotation,
    ...(config.passwordPolicy === '' ? {} : { password_policy: config.passwordPolicy }),
    ...(config.bindRotatedMs === 0
      ? {}
      : { last_bind_password_rotation: formatTime(config.bindRotatedMs) }),
  };
}
