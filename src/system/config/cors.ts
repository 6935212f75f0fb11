/** `sys/config/cors`: which web pages may call the API from a browser. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';

export interface CorsRecord {
  readonly enabled: boolean;
  /** Exact origins, or only `*`. */
  readonly allowedOrigins: readonly string[];
  /** Beyond {@link STANDARD_HEADERS}. */
  readonly allowedHeaders: readonly string[];
}

/** What the API itself reads; always allowed. */
export const STANDARD_HEADERS: readonly string[] = [
  'Content-Type',
  'X-Requested-With',
  'X-Vault-AWS-IAM-Server-ID',
  'X-Vault-MFA',
  'X-Vault-No-Request-Forwarding',
  'X-Vault-Wrap-Format',
  'X-Vault-Wrap-TTL',
  'X-Vault-Policy-Override',
  'Authorization',
  'X-Vault-Token',
];

/** The epoch scope that a change advances. */
export const CORS_SCOPE = 'cors';
const PREFIX = 'core/config/';
const KEY = 'cors';
const ORIGINS_MAX = 100;
const HEADERS_MAX = 100;
/** A token of RFC 9110 §5.6.2. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,256}$/;
const DISABLED: CorsRecord = { enabled: false, allowedOrigins: [], allowedHeaders: [] };

/** The settings, with every header that a page may send. */
export async function corsRecord(unit: Unit): Promise<CorsRecord> {
  const record = await unit.view('root', PREFIX).getRecord<CorsRecord>(KEY);
  if (record === undefined) return DISABLED;
  return { ...record, allowedHeaders: [...STANDARD_HEADERS, ...record.allowedHeaders] };
}

interface CorsFields {
  readonly enable: boolean;
  readonly allowed_origins: readonly string[];
  readonly allowed_headers: readonly string[];
}

function write(fields: CorsFields, unit: Unit): void {
  const origins = fields.allowed_origins.filter((origin) => origin !== '');
  if (origins.length === 0) {
    throw invalidRequest('at least one origin or the wildcard must be provided');
  }
  if (origins.includes('*') && origins.length > 1) {
    throw invalidRequest("to allow all origins the '*' must be the only value for allowed_origins");
  }
  const standard = new Set(STANDARD_HEADERS.map((name) => name.toLowerCase()));
  const headers = fields.allowed_headers.filter(
    (name) => name !== '' && !standard.has(name.toLowerCase()),
  );
  if (origins.length > ORIGINS_MAX) throw invalidRequest('too many allowed_origins');
  if (headers.length > HEADERS_MAX) throw invalidRequest('too many allowed_headers');
  if (!headers.every((name) => HEADER_NAME.test(name))) {
    throw invalidRequest('allowed_headers holds what is no header name');
  }
  const record: CorsRecord = {
    enabled: fields.enable,
    allowedOrigins: origins,
    allowedHeaders: headers,
  };
  unit.view('root', PREFIX).putJson(KEY, record);
}

export function corsPaths(ports: { readonly changed: (unit: Unit) => void }): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'config/cors',
      fields: {
        enable: { kind: 'bool', default: true, description: 'Answers requests of other origins.' },
        allowed_origins: {
          kind: 'comma_string_list',
          default: [],
          description: 'Origins that may call, such as `https://vault.example`; `*` for all.',
        },
        allowed_headers: {
          kind: 'comma_string_list',
          default: [],
          description: 'Headers that pages may send beside those of the API.',
        },
      },
      sudo: true,
      rootNamespaceOnly: true,
      help: { synopsis: 'Cross-origin requests of browsers.' },
      operations: {
        read: {
          summary: 'Read the settings',
          handler: async (_request, unit) => {
            const { enabled, allowedOrigins, allowedHeaders } = await corsRecord(unit);
            const data = enabled
              ? { enabled, allowed_origins: allowedOrigins, allowed_headers: allowedHeaders }
              : { enabled };
            return { data, injectTopLevel: true };
          },
        },
        update: {
          summary: 'Replace the settings',
          handler: ({ fields }, unit) => {
            write(fields, unit);
            ports.changed(unit);
            return undefined;
          },
        },
        delete: {
          summary: 'Answer no other origin',
          handler: (_request, unit) => {
            unit.view('root', PREFIX).delete(KEY);
            ports.changed(unit);
            return undefined;
          },
        },
      },
    }),
  ];
}
