/** Taking a kept certificate out of use for a while, and bringing it back. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { notFound } from '../../../model/errors.ts';
import type { PkiPorts } from '../ports.ts';
import { findStored, STORED, STORED_NAME } from './record.ts';
import type { StoredRecord } from './record.ts';
import { putStored } from './renewal.ts';

export function deletionPaths(ports: PkiPorts): readonly Path[] {
  return [
    definePath({
      pattern: 'stored/{name}/soft-delete',
      fields: { name: STORED_NAME },
      help: { synopsis: 'Takes a kept certificate out of use, so that it can be brought back.' },
      operations: {
        delete: {
          summary: 'Take a kept certificate out of use',
          async handler({ fields, nowMs, schedule }, store) {
            const record = await findStored(store, fields.name);
            if (record === undefined) throw notFound();
            putStored(ports, store, schedule, fields.name, { ...record, deletedMs: nowMs });
            return undefined;
          },
        },
      },
    }),
    definePath({
      pattern: 'stored/{name}/soft-delete-restore',
      fields: { name: STORED_NAME },
      help: { synopsis: 'Brings a certificate back that was taken out of use.' },
      operations: {
        update: {
          summary: 'Bring a kept certificate back',
          async handler({ fields, schedule }, store) {
            const record = await store.getJson<StoredRecord>(STORED + fields.name);
            if (record?.deletedMs === undefined) throw notFound();
            const { deletedMs: _deleted, purgeMs: _purge, ...kept } = record;
            putStored(ports, store, schedule, fields.name, kept);
            return undefined;
          },
        },
      },
    }),
  ];
}
