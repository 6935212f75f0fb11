/** Keys that bind accounts of ACME to who holds them (RFC 8555 §7.3.4): made, listed, deleted. */
import { uuid } from '../../../base/random.ts';
import { formatTimeSeconds } from '../../../base/time-format.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import { LIST_FIELDS, namesBelow } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { directoryPath } from './context.ts';
import { EABS, isId } from './records.ts';
import type { EabRecord } from './records.ts';
import type { Reply } from '../../../model/reply.ts';

const EAB_KEY_BYTES = 32;
/** Keys begin with this, so that none begins with a hyphen. */
const EAB_PREFIX = Buffer.from('vault-eab-0-', 'base64url');

export function newEab(ports: PkiPorts) {
  return ({ path, nowMs }: Request<object>, store: Transaction): Reply => {
    const key = Buffer.concat([EAB_PREFIX, ports.random.bytes(EAB_KEY_BYTES)]);
    const eab: EabRecord = {
      id: uuid(ports.random),
      key: key.toString('base64'),
      directory: directoryPath(path),
      createdMs: nowMs,
    };
    store.putJsonNew(EABS + eab.id, eab);
    return {
      data: { id: eab.id, key: key.toString('base64url'), ...shownEab(eab) },
    };
  };
}

function shownEab({ directory, createdMs }: EabRecord): Readonly<Record<string, unknown>> {
  return {
    key_type: 'hs',
    acme_directory: `${directory}directory`,
    created_on: formatTimeSeconds(createdMs),
  };
}

export function eabPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'eab',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the keys that no account is bound to yet.' },
      operations: {
        list: {
          summary: 'List unused keys',
          async handler({ fields }, store) {
            const ids = await namesBelow(store, EABS, fields);
            if (ids.length === 0) throw notFound();
            const info: Record<string, unknown> = {};
            for (const id of ids) {
              const eab = await store.getJson<EabRecord>(EABS + id);
              if (eab !== undefined) info[id] = shownEab(eab);
            }
            return { data: { keys: Object.keys(info), key_info: info } };
          },
        },
      },
    }),
    definePath({
      pattern: 'eab/{key_id:uuid}',
      fields: { key_id: { kind: 'string', description: 'Id of the key.', default: '' } },
      help: { synopsis: 'Deletes a key that no account is bound to yet.' },
      operations: {
        delete: {
          summary: 'Delete an unused key',
          async handler({ fields }, store) {
            const { key_id: id } = fields;
            if (!isId(id)) throw invalidRequest('badly formatted key_id field');
            if ((await store.getJson<EabRecord>(EABS + id)) === undefined) {
              return { data: null, warnings: [`No key id found with id: ${id}`] };
            }
            store.delete(EABS + id);
            return { data: null };
          },
        },
      },
    }),
  ];
}
