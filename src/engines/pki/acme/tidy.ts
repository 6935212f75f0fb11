/** Takes away orders whose certificates are long over, and accounts that nobody uses. */
import { listTree } from '../../../model/listing/list-tree.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { readJwk } from './jwk.ts';
import {
  accountKey,
  ACCOUNTS,
  authorizationsOf,
  certificateKey,
  EABS,
  findAccount,
  findOrder,
  ordersOf,
  putAccount,
  thumbprintKey,
} from './records.ts';
import type { AccountRecord, EabRecord, OrderRecord } from './records.ts';
import type { TidyCounts, TidyRun } from '../upkeep/tidy-record.ts';

export interface AcmePage {
  readonly counts: Partial<TidyCounts>;
  readonly after: string;
  readonly looked: number;
  readonly isLast: boolean;
}

/** Accounts of the next page, and after the last of them the keys for external accounts. */
export async function tidyAcmePage(
  store: Transaction,
  run: TidyRun,
  limit: number,
  nowMs: number,
): Promise<AcmePage> {
  const counts = {
    acmeAccounts: 0,
    acmeAccountsDeleted: 0,
    acmeAccountsRevoked: 0,
    acmeOrdersDeleted: 0,
  };
  const ids = await store.list(ACCOUNTS, { after: run.after, limit });
  const bufferMs = run.config.acme_account_safety_buffer * 1000;
  for (const id of ids) {
    counts.acmeAccounts++;
    const account = await findAccount(store, id);
    if (account === undefined) continue;
    const { deleted, lastUseMs, left } = await tidyOrders(store, account, run, nowMs);
    counts.acmeOrdersDeleted += deleted;
    if (left > 0 || nowMs <= Math.max(account.createdMs, lastUseMs) + bufferMs) continue;
    if (account.status === 'valid') {
      putAccount(store, { ...account, status: 'revoked', endedMs: nowMs });
      counts.acmeAccountsRevoked++;
    } else if (nowMs > (account.endedMs ?? 0) + bufferMs) {
      store.delete(accountKey(id));
      const key = readJwk(account.jwk);
      if (key !== undefined) store.delete(thumbprintKey(key.thumbprint));
      counts.acmeAccountsDeleted++;
    }
  }
  const isLast = ids.length < limit;
  if (isLast) await tidyEabs(store, bufferMs, nowMs);
  return { counts, after: ids.at(-1) ?? '', looked: ids.length, isLast };
}

async function tidyOrders(
  store: Transaction,
  account: AccountRecord,
  { config }: TidyRun,
  nowMs: number,
): Promise<{ readonly deleted: number; readonly lastUseMs: number; readonly left: number }> {
  let deleted = 0;
  let lastUseMs = 0;
  let left = 0;
  for (const id of await listTree(store, ordersOf(account.id))) {
    const name = id.slice(ordersOf(account.id).length);
    const order = await findOrder(store, account.id, name);
    if (order === undefined) continue;
    lastUseMs = Math.max(lastUseMs, order.certificateEndMs ?? order.expiresMs);
    const endMs =
      order.certificateEndMs === undefined
        ? order.expiresMs
        : order.certificateEndMs + config.safety_buffer * 1000;
    if (nowMs <= endMs) {
      left++;
      continue;
    }
    deleteOrder(store, order);
    deleted++;
  }
  return { deleted, lastUseMs, left };
}

function deleteOrder(store: Transaction, order: OrderRecord): void {
  for (const id of order.authorizations) store.delete(authorizationsOf(order.accountId) + id);
  if (order.serial !== undefined) store.delete(certificateKey(order.serial));
  store.delete(ordersOf(order.accountId) + order.id);
}

async function tidyEabs(store: Transaction, bufferMs: number, nowMs: number): Promise<void> {
  for (const name of await store.list(EABS)) {
    const eab = await store.getJson<EabRecord>(EABS + name);
    if (eab !== undefined && nowMs > eab.createdMs + bufferMs) store.delete(EABS + name);
  }
}
