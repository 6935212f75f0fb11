/** Gives a request the data of its mount as a loaded snapshot has them: to read from, and to recover from as a new write. */
import { RequestError, invalidRequest, notFound } from '../model/errors.ts';
import type { Recall, Request } from '../model/request.ts';
import type { Transaction, Unit } from '../model/transaction.ts';
import type { Call } from './call.ts';
import type { Exchange } from './exchange.ts';
import { fullPath, listedError } from './exchange.ts';
import { dataPrefix } from './mounts/mount-entry.ts';
import type { MountEntry } from './mounts/mount-entry.ts';
import { loadMount, loadMounts } from './mounts/mount-table.ts';
import type { Routing } from './mounts/mount-table.ts';
import { loadNamespaces } from './mounts/namespaces.ts';

/** Parameters of the query that make a request one about the past. They never come in a body. */
const PARAMETERS = [
  'read_snapshot_id',
  'read_as_of',
  'recover_snapshot_id',
  'recover_as_of',
] as const;

export interface SnapshotPort {
  /** A unit over a loaded snapshot, and when that was made. @throws {RequestError} not_found */
  snapshot(live: Unit, id: string): Promise<{ readonly unit: Unit; readonly atMs: number }>;
}

/** @throws {RequestError} a change other than a write names the past: it must not be made to the present by mistake. */
export function asksForThePast({ operation, query }: Pick<Call, 'operation' | 'query'>): boolean {
  if (!PARAMETERS.some((name) => Object.hasOwn(query, name))) return false;
  if (operation === 'delete' || operation === 'patch') {
    throw invalidRequest('the past cannot be changed');
  }
  return true;
}

/** @param live the view that the handler gets */
export function recallOf(
  port: SnapshotPort,
  exchange: Exchange,
  live: Transaction,
): Pick<Request, 'recall'> {
  const recall: Recall = async (snapshotId) => {
    assertMayRead(exchange);
    if (snapshotId === '') return { store: live, atMs: exchange.nowMs };
    const { unit, atMs } = await port.snapshot(exchange.unit, snapshotId);
    return { store: await mountThen(exchange, unit), atMs };
  };
  return { recall };
}

/** A write may bring back what its caller could not read: it needs both. */
function assertMayRead(exchange: Exchange): void {
  const { acl, nowMs, operation } = exchange;
  if (operation === 'read' || operation === 'list' || operation === 'scan') return;
  const decision = acl?.decide({
    operation: 'read',
    path: fullPath(exchange),
    data: {},
    wrapTtlSeconds: exchange.call.wrapTtlSeconds,
    nowMs,
  });
  if (decision?.allowed === true) return;
  throw new RequestError('permission_denied', listedError('permission denied'), {
    detail: 'recovering needs read as well',
  });
}

/**
 * The same mount, wherever it was then; else the one that was at its place and is gone: a mount that was removed and made again
 * finds what it had.
 */
async function mountThen({ mount, routing }: Exchange, then: Unit): Promise<Transaction> {
  if (mount === undefined || routing === undefined) throw notFound();
  const { entry, namespace } = mount;
  const same = await loadMount(then, namespace.id, entry.uuid);
  if (same !== undefined) return then.view(namespace.id, dataPrefix(same));
  const namespaceId = await namespaceThen(then, namespace, routing);
  const entries = namespaceId === undefined ? [] : await loadMounts(then, namespaceId);
  const before = entries.find((one) => one.path === entry.path && one.table === entry.table);
  if (namespaceId === undefined || before === undefined || !replaces(routing, entry, before)) {
    throw notFound('the snapshot has nothing of this mount');
  }
  return then.view(namespaceId, dataPrefix(before));
}

async function namespaceThen(
  then: Unit,
  { id, path }: { readonly id: string; readonly path: string },
  routing: Routing,
): Promise<string | undefined> {
  if (path === '') return id;
  const all = await loadNamespaces(then);
  if (all.some((one) => one.id === id)) return id;
  const before = all.find((one) => one.path === path);
  return before === undefined || routing.namespacesById.has(before.id) ? undefined : before.id;
}

/** Whether `before` is gone and `now` is of its kind. A mount that was moved and lives on elsewhere is read from there. */
function replaces(routing: Routing, now: MountEntry, before: MountEntry): boolean {
  return (
    !routing.mountsByAccessor.has(before.accessor) &&
    before.type === now.type &&
    (before.options?.['version'] ?? '1') === (now.options?.['version'] ?? '1')
  );
}
