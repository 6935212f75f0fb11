/** Moves a mount to another path or namespace, step by step; every step is a transaction, and a crash resumes it. */
import type { CoreUnit } from '../epoch-cache.ts';
import { dataPrefix } from './mount-entry.ts';
import type { MountEntry } from './mount-entry.ts';
import type { MountTable } from './mount-table.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

export interface Migration {
  readonly source_mount: string;
  readonly target_mount: string;
  readonly status: 'in-progress' | 'success' | 'failure';
  readonly entry: MountEntry;
  readonly targetNamespaceId: string;
}

const PREFIX = 'core/migration/';
/** Records copied in one transaction. */
const COPY_RECORDS = 500;
/** Bytes after which a transaction takes no further record; one record may be 4 MiB. */
const COPY_BYTES = 8 * 1024 * 1024;

export function putMigration(unit: CoreUnit, id: string, migration: Migration): void {
  unit.view(ROOT_NAMESPACE_ID, PREFIX).putJson(id, migration);
}

export async function getMigration(unit: CoreUnit, id: string): Promise<Migration | undefined> {
  return await unit.view(ROOT_NAMESPACE_ID, PREFIX).getJson<Migration>(id);
}

/** One step; true when the move is over. The mount's leases and tokens have ended by now. */
export async function moveStep(
  unit: CoreUnit,
  table: MountTable,
  id: string,
  migration: Migration,
): Promise<boolean> {
  const { entry, targetNamespaceId, target_mount } = migration;
  if (targetNamespaceId !== entry.namespaceId) {
    const copied = await copyData(unit, entry, targetNamespaceId);
    if (!copied) return false;
    table.delete(unit, entry);
  }
  table.put(unit, { ...entry, namespaceId: targetNamespaceId, path: target_mount, tainted: false });
  putMigration(unit, id, { ...migration, status: 'success' });
  return true;
}

/** Moves up to {@link COPY_RECORDS} records into the other namespace, under its key; true when none is left. */
async function copyData(unit: CoreUnit, entry: MountEntry, namespaceId: string): Promise<boolean> {
  const from = unit.view(entry.namespaceId, dataPrefix(entry));
  const to = unit.view(namespaceId, dataPrefix(entry));
  let left = COPY_RECORDS;
  let bytes = 0;
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let after: string | undefined;
    for (;;) {
      const names = await from.list(
        folder,
        after === undefined ? { limit: COPY_RECORDS } : { after, limit: COPY_RECORDS },
      );
      for (const name of names) {
        if (name.endsWith('/')) {
          folders.push(folder + name);
          continue;
        }
        if (left-- === 0 || bytes > COPY_BYTES) return false;
        const value = await from.get(folder + name);
        if (value === undefined) continue;
        bytes += value.length;
        to.put(folder + name, value);
        from.delete(folder + name);
      }
      if (names.length < COPY_RECORDS) break;
      after = names.at(-1);
    }
  }
  return true;
}
