/** Leases of tokens: an entry below the path that made the token, by which it can be listed and revoked with what is below that path. */
import type { ListPage, Transaction } from '../model/transaction.ts';
import { ROOT_NAMESPACE_ID } from '../model/principal.ts';

const PREFIX = 'lease/';

/** What the ids of tokens, accessors and leases of a namespace end in. */
export function suffixOf(namespaceId: string): string {
  return namespaceId === ROOT_NAMESPACE_ID ? '' : `.${namespaceId}`;
}

/** Entries are stored without the suffix. Undefined for the lease of another namespace. */
export function leaseKey(namespaceId: string, leaseId: string): string | undefined {
  const suffix = suffixOf(namespaceId);
  if (!leaseId.endsWith(suffix)) return undefined;
  return PREFIX + leaseId.slice(0, leaseId.length - suffix.length);
}

/** Id of the token behind a lease, dead or alive. */
export async function tokenOfLease(
  view: Pick<Transaction, 'getRecord'>,
  namespaceId: string,
  leaseId: string,
): Promise<string | undefined> {
  const key = leaseKey(namespaceId, leaseId);
  return key === undefined ? undefined : (await view.getRecord<{ id: string }>(key))?.id;
}

/** Removes the entry of a token that is gone. */
export function forgetTokenLease(
  view: Pick<Transaction, 'delete'>,
  namespaceId: string,
  leaseId: string,
): void {
  const key = leaseKey(namespaceId, leaseId);
  if (key !== undefined) view.delete(key);
}

/** Names of leases and folders below a prefix, as {@link Transaction.list}. */
export async function listTokenLeases(
  view: Pick<Transaction, 'list'>,
  namespaceId: string,
  prefix: string,
  page?: ListPage,
): Promise<readonly string[]> {
  const suffix = suffixOf(namespaceId);
  const last = page?.after;
  if (suffix === '') return await view.list(PREFIX + prefix, page);
  const from = last?.endsWith(suffix) === true ? last.slice(0, -suffix.length) : last;
  const names = await view.list(
    PREFIX + prefix,
    page === undefined || from === undefined ? page : { ...page, after: from },
  );
  return names.map((name) => (name.endsWith('/') ? name : name + suffix));
}
