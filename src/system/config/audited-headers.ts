/** `sys/config/auditing/request-headers`: request headers that audit records show, in clear or hashed. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';

interface AuditedHeader {
  readonly hmac: boolean;
}

type AuditedHeaders = Readonly<Record<string, AuditedHeader>>;

/** The epoch scope that a change advances. */
export const AUDITED_HEADERS_SCOPE = 'audited-headers';
const PREFIX = 'core/config/';
const KEY = 'audited-headers';
/** Where, in the root namespace, they lie. */
export const AUDITED_HEADERS_KEY: { readonly prefix: string; readonly key: string } = {
  prefix: PREFIX,
  key: KEY,
};
const HEADERS_MAX = 200;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,256}$/;

/** Lower-cased names, each with whether its value is hashed. */
export async function auditedHeaders(unit: Unit): Promise<ReadonlyMap<string, AuditedHeader>> {
  const record = await unit.view('root', PREFIX).getRecord<AuditedHeaders>(KEY);
  return new Map(Object.entries(record ?? {}));
}

function put(unit: Unit, headers: ReadonlyMap<string, AuditedHeader>): void {
  unit.view('root', PREFIX).putJson(KEY, Object.fromEntries(headers));
}

const header = { kind: 'string', description: 'Name of the header.' } as const;
const hmac = {
  kind: 'bool',
  default: false,
  description: 'Records the value hashed instead of in clear.',
} as const;

export function auditedHeaderPaths(ports: {
  readonly changed: (unit: Unit) => void;
}): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'config/auditing/request-headers',
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      help: { synopsis: 'All request headers that audit records show.' },
      operations: {
        read: {
          summary: 'Read the headers',
          handler: async (_request, unit) => ({
            data: { headers: Object.fromEntries(await auditedHeaders(unit)) },
            injectTopLevel: true,
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'config/auditing/request-headers/{header..+}',
      fields: { header, hmac },
      sudo: true,
      rootNamespaceOnly: true,
      help: { synopsis: 'A request header that audit records show.' },
      operations: {
        read: {
          summary: 'Read a header',
          handler: async ({ fields }, unit) => {
            const name = fields.header ?? '';
            const found = (await auditedHeaders(unit)).get(name.toLowerCase());
            if (found === undefined) throw invalidRequest('Could not find header in config');
            return { data: { [name]: found }, injectTopLevel: true };
          },
        },
        update: {
          summary: 'Show a header',
          handler: async ({ fields }, unit) => {
            const name = (fields.header ?? '').toLowerCase();
            if (!HEADER_NAME.test(name)) throw invalidRequest('not a header name');
            const headers = new Map(await auditedHeaders(unit));
            if (!headers.has(name) && headers.size >= HEADERS_MAX) {
              throw invalidRequest('too many headers');
            }
            headers.set(name, { hmac: fields.hmac });
            put(unit, headers);
            ports.changed(unit);
            return undefined;
          },
        },
        delete: {
          summary: 'Show a header no more',
          handler: async ({ fields }, unit) => {
            const headers = new Map(await auditedHeaders(unit));
            if (!headers.delete((fields.header ?? '').toLowerCase())) return undefined;
            put(unit, headers);
            ports.changed(unit);
            return undefined;
          },
        },
      },
    }),
  ];
}
