/** What a login asks a directory: who the user is, whether the password is theirs, and which groups they are in. */
import { connectLdap } from '../../ldap/connection.ts';
import { LdapError } from '../../ldap/connection.ts';
import type { LdapConnection, LdapEntry, LdapSearch } from '../../ldap/connection.ts';
import { filledFilter } from '../../ldap/filter-template.ts';
import {
  commonNameOf,
  escapeDnValue,
  escapeFilterValue,
  partsOf,
  sidText,
} from '../../ldap/names.ts';
import { bindPasswords, connectionSettings } from './config.ts';
import type { LdapConfig } from './config.ts';

export interface Found {
  /** Of the alias. */
  readonly name: string;
  readonly groups: readonly string[];
}

/** Most groups that one user has. */
const GROUPS_MAX = 2000;
const DEREFERENCES = {
  never: 'never',
  finding: 'find',
  searching: 'search',
  always: 'always',
} as const;

function searchOf(config: LdapConfig, search: Omit<LdapSearch, 'derefAliases'>): LdapSearch {
  return { ...search, derefAliases: DEREFERENCES[config.dereference_aliases] };
}

/** Whether users are searched for, rather than named by rule. */
function searches(config: LdapConfig): boolean {
  return config.discoverdn || (config.binddn !== '' && config.bindpass !== '');
}

/** Binds as the account of the configuration, if there is one; a search without is anonymous. @throws {LdapError} */
export async function bindAccount(connection: LdapConnection, config: LdapConfig): Promise<string> {
  let fault: unknown;
  for (const password of bindPasswords(config)) {
    try {
      await connection.bind(config.binddn, password);
      return password;
    } catch (error) {
      fault ??= error;
      if (!(error instanceof LdapError) || !error.wrongCredentials) break;
    }
  }
  if (fault !== undefined) {
    const text = fault instanceof Error ? fault.message : '';
    throw new LdapError(`the account of the configuration cannot bind: ${text}`, { cause: fault });
  }
  return '';
}

interface Named {
  /** To bind as. */
  readonly dn: string;
  readonly alias: string;
}

function principalName(config: LdapConfig, username: string): string {
  return `${username}@${config.upndomain}`;
}

/** The one user of that name. @throws {LdapError} when there is none, or more than one */
async function searched(
  connection: LdapConnection,
  config: LdapConfig,
  username: string,
): Promise<Named | undefined> {
  const byPrincipal = config.upndomain !== '';
  const template = config.userfilter === '' ? '({{.UserAttr}}={{.Username}})' : config.userfilter;
  const filter = filledFilter(template, {
    UserAttr: byPrincipal ? 'userPrincipalName' : config.userattr,
    Username: byPrincipal ? principalName(config, username) : username,
  });
  const search = {
    base: config.userdn,
    filter: filter ?? '',
    attributes: [config.userattr],
    sizeLimit: 2,
  };
  const entries = await connection.search(searchOf(config, search));
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) return undefined;
  if (config.username_as_alias) return { dn: entry.dn, alias: username };
  const values = entry.values.get(config.userattr) ?? [];
  if (values.length !== 1 || values[0] === undefined || values[0] === '')
    throw new LdapError(`the attribute ${config.userattr} of the user is missing or not unique`);
  return { dn: entry.dn, alias: values[0] };
}

function named(config: LdapConfig, username: string): Named {
  const dn =
    config.upndomain === ''
      ? `${config.userattr}=${escapeDnValue(username)},${config.userdn}`
      : principalName(config, escapeDnValue(username));
  return { dn, alias: config.username_as_alias ? username : dn };
}

/**
 * Who logs in with this name and password. Somebody who does not exist costs a bind as well, so that the time does not tell
 * (CVE-2020-35177). @throws {LdapError}
 */
export async function identified(
  config: LdapConfig,
  username: string,
  password: string,
): Promise<Found> {
  const connection = await connectLdap(connectionSettings(config));
  try {
    if (searches(config)) await bindAccount(connection, config);
    const user = searches(config)
      ? await searched(connection, config, username)
      : named(config, username);
    await connection.bind(user?.dn ?? `cn=nobody,${config.userdn}`, password);
    if (user === undefined)
      throw new LdapError('no user, or more than one, has that name', { wrongCredentials: true });
    await bindAccount(connection, config);
    const dn = await fullName(connection, config, username, user.dn);
    const groups = await groupsOf(connection, config, { dn, username });
    return { name: user.alias, groups };
  } finally {
    await connection.close();
  }
}

/** The distinguished name of somebody who was bound by a principal name. */
async function fullName(
  connection: LdapConnection,
  config: LdapConfig,
  username: string,
  bound: string,
): Promise<string> {
  if (config.upndomain === '' || partsOf(bound) !== undefined) return bound;
  const filter = `(userPrincipalName=${escapeFilterValue(principalName(config, username))})`;
  const search = { base: config.userdn, filter, attributes: ['1.1'], sizeLimit: 2 };
  const entries = await connection.search(searchOf(config, search));
  return entries.length === 1 ? (entries[0]?.dn ?? '') : '';
}

interface Member {
  readonly dn: string;
  readonly username: string;
}

async function groupsOf(
  connection: LdapConnection,
  config: LdapConfig,
  member: Member,
): Promise<readonly string[]> {
  if (!config.anonymous_group_search) return await groupNames(connection, config, member);
  const anonymous = await connectLdap(connectionSettings(config));
  try {
    return await groupNames(anonymous, config, member);
  } finally {
    await anonymous.close();
  }
}

async function groupNames(
  connection: LdapConnection,
  config: LdapConfig,
  member: Member,
): Promise<readonly string[]> {
  const entries = config.use_token_groups
    ? await tokenGroups(connection, config, member.dn)
    : await filteredGroups(connection, config, member);
  const rule = { upperCaseOnly: config.use_pre111_group_cn_behavior };
  const attribute = config.groupattr.toLowerCase();
  const names = new Set<string>();
  for (const { dn, values } of entries) {
    const found = values.get(attribute) ?? [];
    for (const value of found.length > 0 ? found : [dn]) names.add(commonNameOf(value, rule));
  }
  if (names.size > GROUPS_MAX) throw new LdapError(`more than ${GROUPS_MAX} groups`);
  return [...names].filter((name) => name !== '');
}

async function filteredGroups(
  connection: LdapConnection,
  config: LdapConfig,
  { dn, username }: Member,
): Promise<readonly LdapEntry[]> {
  if (config.groupfilter === '' || config.groupdn === '') return [];
  const filter = filledFilter(config.groupfilter, { UserDN: dn, Username: username }) ?? '';
  return await connection.search(
    searchOf(config, {
      base: config.groupdn,
      filter,
      attributes: [config.groupattr],
      pageSize: config.max_page_size,
    }),
  );
}

/** Groups by their security identifiers, nested ones included ([MS-ADTS] §3.1.1.4.5.19). */
async function tokenGroups(
  connection: LdapConnection,
  config: LdapConfig,
  dn: string,
): Promise<readonly LdapEntry[]> {
  const one = { scope: 'base', filter: '(objectClass=*)', sizeLimit: 1 } as const;
  const attributes = ['tokenGroups'];
  const [user] = await connection.search(
    searchOf(config, { ...one, base: dn, attributes, binary: attributes }),
  );
  const identifiers = user?.bytes.get('tokengroups') ?? [];
  if (identifiers.length > GROUPS_MAX) throw new LdapError(`more than ${GROUPS_MAX} groups`);
  const groups: LdapEntry[] = [];
  for (const sid of identifiers) {
    const text = sidText(sid);
    if (text === undefined) continue;
    const base = `<SID=${text}>`;
    groups.push(
      ...(await connection.search(searchOf(config, { ...one, base, attributes: ['1.1'] }))),
    );
  }
  return groups;
}
