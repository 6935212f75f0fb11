/** Whether a role allows the names that a certificate would carry. Every name is judged, wherever it came from. */
import { globMatches } from '../../../base/glob.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { PkiPorts } from '../ports.ts';
import { isHostName, isWildcardLabel, toAscii } from './host-names.ts';
import type { Role } from '../roles/role.ts';
import type { Principal } from '../../../model/principal.ts';

/** A role with the templates in its lists filled in for one caller. */
export interface AllowedNames {
  readonly role: Role;
  readonly domains: readonly string[];
  readonly uris: readonly string[];
}

function isTemplate(text: string): boolean {
  return text.includes('{{');
}

function stars(text: string): number {
  return text.split('*').length;
}

async function filled(
  ports: Pick<PkiPorts, 'fillTemplate'>,
  texts: readonly string[],
  principal: Principal | undefined,
): Promise<string[]> {
  const result: string[] = [];
  for (const text of texts) {
    if (!isTemplate(text)) {
      result.push(text);
      continue;
    }
    // A value that is missing, or would widen the role (`*`), allows nothing (GHSA-59w7-v8rr-pr4p).
    if (principal === undefined || principal.entityId === '') continue;
    const value = await ports.fillTemplate(text, principal);
    if (value === undefined || value.includes(',') || stars(value) > stars(text)) continue;
    result.push(value);
  }
  return result;
}

export async function allowedNames(
  ports: Pick<PkiPorts, 'fillTemplate'>,
  role: Role,
  principal: Principal | undefined,
): Promise<AllowedNames> {
  return {
    role,
    domains: role.allowed_domains_template
      ? await filled(ports, role.allowed_domains, principal)
      : role.allowed_domains,
    uris: role.allowed_uri_sans_template
      ? await filled(ports, role.allowed_uri_sans, principal)
      : role.allowed_uri_sans,
  };
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

interface Reduced {
  /** The host name without the part before `@` and without a wildcard label. */
  readonly host: string;
  readonly isEmail: boolean;
  readonly wildcard: string | undefined;
}

/** Undefined for a name that no role allows. */
function reduce(name: string): Reduced | undefined {
  const parts = name.split('@');
  if (parts.length > 2) return undefined;
  const isEmail = parts.length === 2;
  const host = parts.at(-1) ?? '';
  if (!host.includes('*')) return { host, isEmail, wildcard: undefined };
  if (isEmail || host.indexOf('*') !== host.lastIndexOf('*')) return undefined;
  const dot = host.indexOf('.');
  const label = dot < 0 ? host : host.slice(0, dot);
  const rest = dot < 0 ? '' : host.slice(dot + 1);
  return rest.includes('*') ? undefined : { host: rest, isEmail, wildcard: label };
}

function isLocal({ host, wildcard }: Reduced, role: Role): boolean {
  return ['localhost', 'localdomain'].some(
    (local) =>
      host === local ||
      (role.allow_subdomains &&
        (host.endsWith(`.${local}`) || (wildcard !== undefined && host === local))),
  );
}

function isInDomain(name: string, reduced: Reduced, domain: string, role: Role): boolean {
  const { host, isEmail, wildcard } = reduced;
  if (role.allow_bare_domains) {
    if (sameText(name, domain) || (isEmail && sameText(host, domain))) return true;
  }
  if (role.allow_subdomains) {
    if (host.endsWith(`.${domain}`)) return true;
    if (wildcard !== undefined && sameText(host, domain)) return true;
  }
  return role.allow_glob_domains && domain.includes('*') && globMatches(domain, name);
}

function isAllowed(name: string, allowed: AllowedNames): boolean {
  const { role, domains } = allowed;
  const reduced = reduce(name);
  if (reduced === undefined) return false;
  const { host, wildcard } = reduced;
  if (wildcard !== undefined && !role.allow_wildcard_certificates) return false;
  if (role.enforce_hostnames) {
    const ascii = host === '' ? '' : toAscii(host);
    if (ascii === undefined || (ascii !== '' && !isHostName(ascii))) return false;
    if (wildcard !== undefined && !isWildcardLabel(wildcard)) return false;
  }
  if (role.allow_any_name) return true;
  if (role.allow_localhost && isLocal(reduced, role)) return true;
  return domains.some((domain) => domain !== '' && isInDomain(name, reduced, domain, role));
}

/** @throws {RequestError} naming the first that is not allowed */
export function assertNames(what: string, names: readonly string[], allowed: AllowedNames): void {
  const bad = names.find((name) => !isAllowed(name, allowed));
  if (bad !== undefined) throw invalidRequest(`${what} ${bad} not allowed by this role`);
}

/** @throws {RequestError} */
export function assertCommonName(name: string, allowed: AllowedNames): void {
  const { cn_validations: validations } = allowed.role;
  if (validations.length === 1 && validations[0] === 'disabled') return;
  const kind = name.includes('@') ? 'email' : 'hostname';
  const isOfKind = validations.length === 0 || validations.includes(kind);
  if (isOfKind && isAllowed(name, allowed)) return;
  throw invalidRequest(`common name ${name} not allowed by this role`);
}

/** @throws {RequestError} */
export function assertSubjectSerial(serial: string, { role }: AllowedNames): void {
  const isFine = role.allowed_serial_numbers.some((each) =>
    each.includes('*') ? globMatches(each, serial) : each !== '' && each === serial,
  );
  if (!isFine) throw invalidRequest(`serial_number ${serial} not allowed by this role`);
}

/** @throws {RequestError} */
export function assertUserId(userId: string, { role }: AllowedNames): void {
  const isFine = role.allowed_user_ids.some(
    (each) => sameText(each, userId) || (each.includes('*') && globMatches(each, userId)),
  );
  if (!isFine) throw invalidRequest(`user_id ${userId} is not allowed by this role`);
}

export function isAllowedUri(uri: string, { uris }: AllowedNames): boolean {
  return uris.some((each) => globMatches(each, uri));
}
