/** For whom a certificate counts: names that the role allows, each judged as it will stand in the certificate. */
import { invalidRequest } from '../../model/errors.ts';
import type { CaRole } from './roles.ts';
import type { CertificateKind } from '../../crypto/ssh/certificate.ts';
import { hasTemplate } from './templates.ts';
import type { SshPorts } from './ports.ts';
import type { Principal } from '../../model/principal.ts';

/** Names of one certificate. */
const PRINCIPALS_MAX = 256;
/** Longest name. */
const PRINCIPAL_LENGTH_MAX = 1024;

type PrincipalRole = Pick<
  CaRole,
  | 'allowedUsers'
  | 'allowedUsersTemplate'
  | 'allowedDomains'
  | 'allowedDomainsTemplate'
  | 'allowBareDomains'
  | 'allowSubdomains'
  | 'allowEmptyPrincipals'
  | 'defaultUser'
  | 'defaultUserTemplate'
>;

export interface PrincipalWish {
  readonly kind: CertificateKind;
  /** Separated by commas; undefined = not said. */
  readonly asked: string | undefined;
  readonly role: PrincipalRole;
  readonly principal: Principal | undefined;
  readonly fillTemplate: SshPorts['fillTemplate'];
}

/** Sorted, without repetitions. @throws {RequestError} invalid_request */
export async function principalsFor(wish: PrincipalWish): Promise<readonly string[]> {
  const { kind, role, asked } = wish;
  const users = kind === 'user';
  const allowedText = users ? role.allowedUsers : role.allowedDomains;
  const templated = users ? role.allowedUsersTemplate : role.allowedDomainsTemplate;
  const wanted = asked === undefined ? await defaults(wish) : listOf(asked);
  const anyone = allowedText === '*';
  if (wanted.length === 0) {
    if (role.allowEmptyPrincipals || anyone) return [];
    throw invalidRequest(
      'refusing to issue unsafe, globally-valid certificate with no principals specified; set valid_principals or default_user',
    );
  }
  if (wanted.length > PRINCIPALS_MAX) throw invalidRequest('too many valid_principals');
  if (wanted.some((name) => name.length > PRINCIPAL_LENGTH_MAX)) {
    throw invalidRequest('one of valid_principals is too long');
  }
  const allowed = templated ? await filled(wish, allowedText) : listOf(allowedText);
  if (allowed.length === 0 && !anyone) {
    throw invalidRequest('role is not configured to allow any principals');
  }
  for (const name of wanted) {
    if (anyone || (users ? allowed.includes(name) : isHostAllowed(role, allowed, name))) continue;
    throw invalidRequest(`${name} is not a valid value for valid_principals`);
  }
  return wanted;
}

function isHostAllowed(role: PrincipalRole, allowed: readonly string[], name: string): boolean {
  return allowed.some(
    (domain) =>
      (role.allowBareDomains && domain === name) ||
      (role.allowSubdomains && name.endsWith(`.${domain}`)),
  );
}

/** Hosts have no default. */
async function defaults(wish: PrincipalWish): Promise<string[]> {
  const { kind, role } = wish;
  if (kind === 'host') return [];
  if (!role.defaultUserTemplate) return listOf(role.defaultUser);
  const names = listOf(role.defaultUser);
  const usable = await filled(wish, role.defaultUser);
  if (usable.length < names.length) {
    throw invalidRequest('the template of the default user could not be rendered');
  }
  return usable;
}

/**
 * The names of a list whose templates are filled in, one by one: a value is one name, whatever it holds. A name whose value is
 * missing, or would be several names or a wildcard, is left out (GHSA-59w7-v8rr-pr4p).
 */
async function filled({ fillTemplate, principal }: PrincipalWish, list: string): Promise<string[]> {
  const names: string[] = [];
  for (const item of listOf(list)) {
    if (!hasTemplate(item)) {
      names.push(item);
      continue;
    }
    if (principal === undefined || principal.entityId === '') continue;
    const name = await fillTemplate(item, principal);
    if (name !== undefined && !/[,*\s]/.test(name)) names.push(name);
  }
  return sorted(names);
}

function listOf(text: string): string[] {
  return sorted(text.split(',').map((name) => name.trim()));
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => name !== '').sort();
}
