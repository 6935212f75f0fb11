/** Roles that name an authority which is renamed or removed: their owners should know. */
import type { Reader } from '../../model/transaction.ts';
import { namesBelow } from '../../model/listing/list-names.ts';
import { ROLES, roleNamed } from './roles.ts';

/** Roles looked at for one warning. */
const ROLES_MAX = 1000;

/** A sentence for each reference that roles use. */
export async function rolesReferring(store: Reader, refs: readonly string[]): Promise<string[]> {
  const counts = new Map<string, number>();
  for (const name of await namesBelow(store, ROLES, { limit: ROLES_MAX })) {
    const role = await roleNamed(store, name);
    if (role?.keyType !== 'ca' || role.issuerRef === '' || !refs.includes(role.issuerRef)) continue;
    counts.set(role.issuerRef, (counts.get(role.issuerRef) ?? 0) + 1);
  }
  return [...counts].map(([ref, count]) => `${count} roles reference '${ref}'`);
}
