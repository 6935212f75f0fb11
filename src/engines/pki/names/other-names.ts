/** Alternative names of further kinds: `<object identifier>;UTF8:<value>`. */
import { globMatches } from '../../../base/glob.ts';
import { isOid } from '../../../crypto/der-values.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Role } from '../roles/role.ts';

export interface OtherName {
  readonly oid: string;
  readonly value: string;
}

/** @param context begins the error. @throws {RequestError} */
export function parseOtherNames(texts: readonly string[], context: string): OtherName[] {
  return texts.map((text) => {
    const fail = (problem: string): Error =>
      invalidRequest(`${context}: ${problem} in an other SAN`);
    const semicolon = text.indexOf(';');
    if (semicolon < 0) throw fail('expected a semicolon');
    const typed = text.slice(semicolon + 1);
    const colon = typed.indexOf(':');
    if (colon < 0) throw fail('expected a colon');
    if (!['utf8', 'utf-8'].includes(typed.slice(0, colon).toLowerCase())) {
      throw fail('only utf8 other SANs are supported; found non-supported type');
    }
    return { oid: text.slice(0, semicolon), value: typed.slice(colon + 1) };
  });
}

/** Whether a role takes any other name of the right form. */
export function allowsAnyOther(role: Pick<Role, 'allowed_other_sans'>): boolean {
  return role.allowed_other_sans.length === 1 && role.allowed_other_sans[0] === '*';
}

/** @throws {RequestError} */
export function assertOtherNames(names: readonly OtherName[], role: Role): void {
  for (const { oid } of names) {
    if (!isOid(oid)) throw invalidRequest('could not parse requested other SAN: bad OID');
  }
  if (allowsAnyOther(role)) return;
  const allowed = parseOtherNames(role.allowed_other_sans, "error parsing role's allowed SANs");
  for (const { oid, value } of names) {
    const globs = allowed.filter((each) => each.oid === oid);
    if (globs.length === 0) throw invalidRequest(`other SAN OID ${oid} not allowed by this role`);
    if (!globs.some((each) => globMatches(each.value, value))) {
      throw invalidRequest(`other SAN ${value} not allowed for OID ${oid} by this role`);
    }
  }
}
