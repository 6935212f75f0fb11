/** A connection to a directory: the first server of a list that answers, with TLS as configured; never again in the clear. */
import { connect as netConnect } from 'node:net';
import type { Socket } from 'node:net';
import type { ConnectionOptions, SecureVersion } from 'node:tls';

export interface LdapSettings {
  /** Of one server or several, separated by commas; tried in order. */
  readonly url: string;
  readonly startTls: boolean;
  readonly insecureTls: boolean;
  /** PEM; '' = the system's authorities, no client certificate. */
  readonly caPem: string;
  readonly clientCertificatePem: string;
  readonly clientKeyPem: string;
  readonly tlsMinVersion: TlsVersion;
  readonly tlsMaxVersion: TlsVersion;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export type TlsVersion = 'tls10' | 'tls11' | 'tls12' | 'tls13';

const TLS_VERSIONS: Readonly<Record<TlsVersion, SecureVersion>> = {
  tls10: 'TLSv1',
  tls11: 'TLSv1.1',
  tls12: 'TLSv1.2',
  tls13: 'TLSv1.3',
};
export const TLS_VERSION_NAMES: readonly TlsVersion[] = ['tls10', 'tls11', 'tls12', 'tls13'];

export function isTlsVersion(text: string): text is TlsVersion {
  return TLS_VERSION_NAMES.includes(text as TlsVersion);
}

/** The directory did not do what it was asked; the message is for the log. */
export class LdapError extends Error {
  override readonly name = 'LdapError';
  /** It was reached, and says that these credentials are wrong. */
  readonly wrongCredentials: boolean;
  /** What it answered (RFC 4511 §4.1.9); undefined when it did not answer. */
  readonly resultCode: number | undefined;

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly wrongCredentials?: boolean;
      readonly resultCode?: number | undefined;
    } = {},
  ) {
    super(message, options);
    this.wrongCredentials = options.wrongCredentials ?? false;
    this.resultCode = options.resultCode;
  }
}

export interface LdapSearch {
  readonly base: string;
  readonly filter: string;
  /** One object, or everything below; the latter without it. */
  readonly scope?: 'base' | 'sub';
  readonly attributes: readonly string[];
  /** Of these, values that are bytes. */
  readonly binary?: readonly string[];
  readonly derefAliases?: 'never' | 'find' | 'search' | 'always';
  /** Most entries that the server is asked for; 0 = all that it gives. */
  readonly sizeLimit?: number;
  /** Entries in one page (RFC 2696); 0 = no pages. */
  readonly pageSize?: number;
}

export interface LdapEntry {
  readonly dn: string;
  /** Values by attribute, in lower case. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly bytes: ReadonlyMap<string, readonly Buffer[]>;
}

export interface LdapConnection {
  /** @throws {LdapError} */
  bind(dn: string, password: string): Promise<void>;
  search(search: LdapSearch): Promise<readonly LdapEntry[]>;
  /** Of the object that the connection is bound as. @throws {LdapError} */
  changePassword(dn: string, before: string, password: string): Promise<void>;
  /** @throws {LdapError} */
  apply(change: LdapChange): Promise<void>;
  close(): Promise<void>;
}

export interface LdapAttribute {
  readonly type: string;
  readonly values: readonly (string | Buffer)[];
}

export type LdapChange =
  | { readonly kind: 'add'; readonly dn: string; readonly attributes: readonly LdapAttribute[] }
  | { readonly kind: 'delete'; readonly dn: string }
  | {
      readonly kind: 'modify';
      readonly dn: string;
      readonly changes: readonly (LdapAttribute & {
        readonly operation: 'add' | 'delete' | 'replace';
      })[];
    };

type Library = typeof import('ldapts');
type LibraryClient = InstanceType<Library['Client']>;

/** The password modify operation (RFC 3062). */
const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1';
/** Most entries of one search that are looked at. */
const ENTRIES_MAX = 10_000;
/** Names in `controls` and results that mean wrong credentials: no such object counts, since some servers say so. */
const CREDENTIAL_ERRORS = new Set([
  'InvalidCredentialsError',
  'NoSuchObjectError',
  'InvalidDNSyntaxError',
  'InappropriateAuthError',
]);

function asLdapError(error: unknown, doing: string): LdapError {
  const name = error instanceof Error ? error.constructor.name : '';
  const text = error instanceof Error ? error.message : 'failed';
  return new LdapError(`${doing}: ${text}`, {
    cause: error,
    wrongCredentials: CREDENTIAL_ERRORS.has(name),
    resultCode:
      error instanceof Error && 'code' in error && typeof error.code === 'number'
        ? error.code
        : undefined,
  });
}

function tlsOptions(settings: LdapSettings, host: string): ConnectionOptions {
  return {
    host,
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    minVersion: TLS_VERSIONS[settings.tlsMinVersion],
    maxVersion: TLS_VERSIONS[settings.tlsMaxVersion],
    rejectUnauthorized: !settings.insecureTls,
    ...(settings.caPem === '' ? {} : { ca: settings.caPem }),
    ...(settings.clientKeyPem === ''
      ? {}
      : { cert: settings.clientCertificatePem, key: settings.clientKeyPem }),
  };
}

/** The library connects anew when a connection was lost: unbound, and in the clear after STARTTLS. It may not. */
function onlyOnce(): typeof netConnect {
  let used = false;
  return ((...args: Parameters<typeof netConnect>): Socket => {
    if (used) throw new LdapError('the connection was lost');
    used = true;
    return netConnect(...args);
  }) as typeof netConnect;
}

async function opened(
  library: Library,
  url: string,
  settings: LdapSettings,
): Promise<LibraryClient> {
  const target = URL.parse(url.trim());
  if (target === null || (target.protocol !== 'ldap:' && target.protocol !== 'ldaps:'))
    throw new LdapError('a URL of a directory begins with ldap:// or ldaps://');
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const tls = tlsOptions(settings, host);
  const client = new library.Client({
    url: `${target.protocol}//${target.host}`,
    timeout: settings.requestTimeoutMs,
    connectTimeout: settings.connectTimeoutMs,
    strictDN: false,
    ...(target.protocol === 'ldaps:' ? { tlsOptions: tls } : { createConnection: onlyOnce() }),
  });
  try {
    if (settings.startTls && target.protocol === 'ldap:') await client.startTLS(tls);
    return client;
  } catch (error) {
    await client.unbind().catch(() => {});
    throw error;
  }
}

/** @throws {LdapError} when no server of the list answers */
export async function connectLdap(settings: LdapSettings): Promise<LdapConnection> {
  const library = await import('ldapts');
  let fault = new LdapError('no URL of a directory');
  for (const url of settings.url.split(',')) {
    try {
      const client = await opened(library, url, settings);
      // Plain connections are made by the first operation; whether a server answers is to be known now.
      if (!client.isConnected) await reach(client);
      return connectionOf(client, library);
    } catch (error) {
      fault = error instanceof LdapError ? error : asLdapError(error, 'connecting');
    }
  }
  throw fault;
}

/** A search of the root object (RFC 4512 §5.1), which anybody may read; a refusal is an answer too. */
async function reach(client: LibraryClient): Promise<void> {
  try {
    await client.search('', { scope: 'base', filter: '(objectClass=*)', attributes: ['1.1'] });
  } catch (error) {
    if (client.isConnected) return;
    await client.unbind().catch(() => {});
    throw error;
  }
}

function connectionOf(client: LibraryClient, library: Library): LdapConnection {
  return {
    async bind(dn, password) {
      try {
        await client.bind(dn, password);
      } catch (error) {
        throw asLdapError(error, 'binding');
      }
    },
    async search(search) {
      try {
        const { searchEntries } = await client.search(search.base, {
          scope: search.scope ?? 'sub',
          filter: search.filter,
          attributes: [...search.attributes],
          explicitBufferAttributes: [...(search.binary ?? [])],
          derefAliases: search.derefAliases ?? 'never',
          sizeLimit: search.sizeLimit ?? 0,
          ...((search.pageSize ?? 0) > 0 ? { paged: { pageSize: search.pageSize ?? 0 } } : {}),
        });
        return searchEntries.slice(0, ENTRIES_MAX).map(entryOf);
      } catch (error) {
        throw asLdapError(error, 'searching');
      }
    },
    async changePassword(dn, before, password) {
      try {
        await client.exop(PASSWORD_MODIFY, passwordModify(dn, before, password));
      } catch (error) {
        if (!(error instanceof library.ProtocolError))
          throw asLdapError(error, 'changing a password');
        await replacePassword(client, library, dn, password);
      }
    },
    async apply(change) {
      try {
        await applied(client, library, change);
      } catch (error) {
        throw asLdapError(error, 'changing an entry');
      }
    },
    close: async () => await client.unbind().catch(() => {}),
  };
}

async function applied(client: LibraryClient, library: Library, change: LdapChange): Promise<void> {
  const attribute = ({ type, values }: LdapAttribute): InstanceType<Library['Attribute']> =>
    new library.Attribute({
      type,
      values: values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value)),
    });
  if (change.kind === 'delete') await client.del(change.dn);
  else if (change.kind === 'add') await client.add(change.dn, change.attributes.map(attribute));
  else {
    const changes = change.changes.map(
      (each) => new library.Change({ operation: each.operation, modification: attribute(each) }),
    );
    await client.modify(change.dn, changes);
  }
}

/** Directories without the operation (Active Directory among them) take a change of the attribute. */
async function replacePassword(
  client: LibraryClient,
  library: Library,
  dn: string,
  password: string,
): Promise<void> {
  const change = (type: string, value: Buffer): InstanceType<Library['Change']> =>
    new library.Change({
      operation: 'replace',
      modification: new library.Attribute({ type, values: [value] }),
    });
  try {
    await client.modify(dn, change('unicodePwd', Buffer.from(`"${password}"`, 'utf16le')));
  } catch {
    try {
      await client.modify(dn, change('userPassword', Buffer.from(password)));
    } catch (error) {
      throw asLdapError(error, 'changing a password');
    }
  }
}

/** PasswdModifyRequestValue (RFC 3062 §2): three optional texts with context tags. */
function passwordModify(dn: string, before: string, password: string): Buffer {
  const parts = [dn, before, password].map((text, tag) => tagged(0x80 + tag, Buffer.from(text)));
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  const length =
    content.length < 0x80
      ? [content.length]
      : [0x82, Math.floor(content.length / 256), content.length % 256];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

type LibraryEntry = Awaited<ReturnType<LibraryClient['search']>>['searchEntries'][number];

function entryOf({ dn, ...attributes }: LibraryEntry): LdapEntry {
  const values = new Map<string, readonly string[]>();
  const bytes = new Map<string, readonly Buffer[]>();
  for (const [name, value] of Object.entries(attributes)) {
    const list: readonly (string | Buffer)[] = Array.isArray(value) ? value : [value];
    const key = name.toLowerCase();
    values.set(
      key,
      list.filter((each) => typeof each === 'string'),
    );
    bytes.set(
      key,
      list.filter((each) => typeof each !== 'string'),
    );
  }
  return { dn, values, bytes };
}
