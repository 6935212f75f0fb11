/**
 * `sys/config/ui/headers`: headers that a console's pages would be served with. They are kept for tools that set them, and not sent:
 * nobody shall loosen what our pages say to browsers. All replies get the listener's `custom_response_headers`.
 */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';

interface UiHeaderRecord {
  readonly name: string;
  readonly values: readonly string[];
}

const PREFIX = 'core/config/ui-header/';
const HEADERS_MAX = 100;
const VALUES_MAX = 100;
const VALUE_LENGTH_MAX = 4096;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,256}$/;
/** Anything else could end the header (RFC 9110 §5.5). */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** `x-custom` is the same header as `X-Custom`, which is how it is shown. */
function canonicalName(name: string): string {
  return name
    .toLowerCase()
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('-');
}

async function write(header: string, values: readonly string[], unit: Unit): Promise<void> {
  if (header === '' || values.length === 0) {
    throw invalidRequest('header and values must be specified');
  }
  if (header.toLowerCase().startsWith('x-vault-'))
    throw invalidRequest('X-Vault headers cannot be set');
  if (!HEADER_NAME.test(header)) throw invalidRequest('header is no header name');
  const good = values.every(
    (value) => value.length <= VALUE_LENGTH_MAX && HEADER_VALUE.test(value),
  );
  if (!good || values.length > VALUES_MAX)
    throw invalidRequest('values cannot be sent in a header');
  const view = unit.view('root', PREFIX);
  const name = canonicalName(header);
  if ((await view.list('')).length >= HEADERS_MAX && (await view.get(name)) === undefined) {
    throw invalidRequest('too many headers');
  }
  view.putJson(name, { name, values } satisfies UiHeaderRecord);
}

export function uiHeaderPaths(): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'config/ui/headers/',
      fields: {},
      sudo: 'folder',
      rootNamespaceOnly: true,
      help: { synopsis: 'Lists the headers of the console.' },
      operations: {
        list: {
          summary: 'List the headers',
          handler: async (_request, unit) => ({
            data: { keys: [...(await unit.view('root', PREFIX).list(''))] },
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'config/ui/headers/{header}',
      fields: {
        header: { kind: 'string', description: 'Name of the header.' },
        values: { kind: 'string_list', default: [], description: 'Values of the header.' },
        multivalue: {
          kind: 'bool',
          query: true,
          default: false,
          description: 'Returns all values instead of the first.',
        },
      },
      sudo: true,
      rootNamespaceOnly: true,
      help: {
        synopsis: 'A header for the pages of a console.',
        description:
          'It is kept and shown, and sent with nothing: the pages have headers of their own. Further ones come from custom_response_headers of a listener.',
      },
      operations: {
        read: {
          summary: 'Read a header',
          handler: async ({ fields: { header = '', multivalue } }, unit) => {
            const view = unit.view('root', PREFIX);
            const record = await view.getRecord<UiHeaderRecord>(canonicalName(header));
            if (record === undefined) return undefined;
            return { data: multivalue ? { values: record.values } : { value: record.values[0] } };
          },
        },
        update: {
          summary: 'Set a header',
          handler: async ({ fields: { header = '', values } }, unit) => {
            await write(header, values, unit);
            // 200 with an envelope, where other writes say nothing.
            return { data: null };
          },
        },
        delete: {
          summary: 'Remove a header',
          handler: ({ fields: { header = '' } }, unit) => {
            unit.view('root', PREFIX).delete(canonicalName(header));
            return undefined;
          },
        },
      },
    }),
  ];
}
