/**
 * `sys/raw`: stored records by their keys, decrypted; for repairs, and only where the configuration allows it. A key is
 * `core/…`, `sys/…` or `mount/UUID/…` of the root namespace, or the same below `namespaces/ID/`.
 */
import { decodeBase64 } from '../../base/base64.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import { LIST_FIELDS, listNames } from '../../model/listing/list-names.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import { compress, compressionNamed, compressionOf, decompress } from './compression.ts';
import type { Compression } from './compression.ts';
import type { Reply } from '../../model/reply.ts';

export interface RawPorts {
  /** Ids of the namespaces that are there, the root namespace not among them. */
  readonly namespaceIds: (unit: Unit) => Promise<readonly string[]>;
  /** Called in the unit that changes what the server itself keeps of a namespace: nothing cached of it holds any more. */
  readonly changed: (unit: Unit, namespaceId: string) => void;
}

const NAMESPACES = 'namespaces/';
const ROOT = 'root';
/** Whoever changed these would end the cluster's identity, and with it every record. */
const PROTECTED: readonly string[] = ['core/cluster/'];
/** What engines keep; everything else is the server's own and may be cached. */
const MOUNTS = 'mount/';

interface Place {
  readonly namespaceId: string;
  readonly key: string;
}

const fields = {
  path: { kind: 'string', default: '', description: 'Key of the record.' },
  value: { kind: 'string', default: '', sensitive: true, description: 'What to store.' },
  compressed: {
    kind: 'bool',
    default: true,
    query: true,
    description: 'For reading: shows a compressed value unfolded.',
  },
  encoding: {
    kind: 'string',
    default: '',
    query: true,
    description: 'Empty for text, `base64` for bytes.',
  },
  compression_type: {
    kind: 'string',
    description: 'For writing: `gzip`, or empty for none. An existing record keeps what it has.',
  },
  ...LIST_FIELDS,
} as const;

export function rawPaths(ports: RawPorts): Path<Unit>[] {
  async function at(unit: Unit, path: string, verb: string): Promise<[Transaction, Place]> {
    const place = placeOf(path);
    if (PROTECTED.some((prefix) => place.key.startsWith(prefix))) {
      throw invalidRequest(`cannot ${verb} a protected record`);
    }
    if (
      place.namespaceId !== ROOT &&
      !(await ports.namespaceIds(unit)).includes(place.namespaceId)
    ) {
      throw notFound();
    }
    return [unit.view(place.namespaceId, ''), place];
  }

  function told(unit: Unit, { namespaceId, key }: Place): void {
    if (!key.startsWith(MOUNTS)) ports.changed(unit, namespaceId);
  }

  return [
    defineSystemPath({
      pattern: 'raw[/{path...}]',
      fields,
      sudo: true,
      rootNamespaceOnly: true,
      help: {
        synopsis: 'Reads, writes, deletes and lists stored records.',
        description:
          'What is written here is not checked by anything: a wrong record can make a mount, a namespace or the whole server unusable. Take a backup before.',
      },
      exists: async ({ fields: { path } }, unit) => {
        const place = placeOf(path);
        if (place.namespaceId !== ROOT) {
          const ids = await ports.namespaceIds(unit);
          if (!ids.includes(place.namespaceId)) return false;
        }
        return (await unit.view(place.namespaceId, '').get(place.key)) !== undefined;
      },
      operations: {
        read: {
          summary: 'Read the record with this key',
          handler: async ({ fields: { path, compressed, encoding } }, unit) => {
            const form = encodingNamed(encoding);
            const [view, { key }] = await at(unit, path, 'read');
            const stored = await view.get(key);
            if (stored === undefined) return undefined;
            const value = compressed ? decompress(stored) : stored;
            return { data: { value: value.toString(form) } };
          },
        },
        create: {
          summary: 'Create a record with this key',
          handler: async (request, unit) => {
            const { path, value, encoding, compression_type = '' } = request.fields;
            const bytes = bytesOf(value, encoding);
            const [view, place] = await at(unit, path, 'write');
            assertWritable(place);
            view.put(place.key, compress(bytes, compressionNamed(compression_type)));
            told(unit, place);
            return undefined;
          },
        },
        update: {
          summary: 'Change the record with this key',
          handler: async (request, unit) => {
            const { path, value, encoding, compression_type } = request.fields;
            const bytes = bytesOf(value, encoding);
            const [view, place] = await at(unit, path, 'write');
            const stored = await view.get(place.key);
            const before: Compression = stored === undefined ? '' : compressionOf(stored);
            const wanted = compressionNamed(compression_type ?? before);
            if (wanted !== '' && wanted !== before) {
              throw invalidRequest(
                'the entry uses a different compression scheme then compression_type',
              );
            }
            view.put(place.key, compress(bytes, wanted));
            told(unit, place);
            return undefined;
          },
        },
        delete: {
          summary: 'Delete the record with this key',
          handler: async ({ fields: { path } }, unit) => {
            const [view, place] = await at(unit, path, 'delete');
            assertWritable(place);
            view.delete(place.key);
            told(unit, place);
            return undefined;
          },
        },
        list: {
          summary: 'List the keys below a prefix',
          handler: async ({ fields: { path, after, limit } }, unit) => {
            const prefix = path === '' || path.endsWith('/') ? path : `${path}/`;
            if (prefix === NAMESPACES) return await listNamespaces(unit, ports);
            const [view, { key }] = await at(unit, prefix, 'list');
            return await listNames(view, key, { after, limit });
          },
        },
      },
    }),
  ];
}

async function listNamespaces(unit: Unit, ports: RawPorts): Promise<Reply> {
  const keys = (await ports.namespaceIds(unit)).map((id) => `${id}/`).sort();
  if (keys.length === 0) throw notFound();
  return { data: { keys } };
}

function placeOf(path: string): Place {
  if (!path.startsWith(NAMESPACES)) return { namespaceId: ROOT, key: path };
  const end = path.indexOf('/', NAMESPACES.length);
  if (end < 0) return { namespaceId: path.slice(NAMESPACES.length), key: '' };
  return { namespaceId: path.slice(NAMESPACES.length, end), key: path.slice(end + 1) };
}

function assertWritable({ key }: Place): void {
  if (key === '' || key.endsWith('/')) throw invalidRequest('the path names no record');
}

function encodingNamed(encoding: string): 'utf8' | 'base64' {
  if (encoding !== '' && encoding !== 'base64') throw invalidRequest('invalid encoding');
  return encoding === '' ? 'utf8' : encoding;
}

function bytesOf(value: string, encoding: string): Buffer {
  if (encodingNamed(encoding) === 'utf8') return Buffer.from(value);
  const bytes = decodeBase64(value);
  if (bytes === undefined) throw invalidRequest('value is not base64');
  return bytes;
}
