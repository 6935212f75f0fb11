/** `config`: the account that makes credentials of others, and where Google’s APIs are. */
import { createPrivateKey } from 'node:crypto';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { member } from '../../model/outgoing.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';

const KEY = 'config';
const CREDENTIALS_LENGTH_MAX = 64 * 1024;

/** APIs that may be elsewhere, and where they are. */
export const ENDPOINTS = {
  iam: 'https://iam.googleapis.com',
  iamcredentials: 'https://iamcredentials.googleapis.com',
  oauth2: 'https://oauth2.googleapis.com/token',
} as const;
export type Api = keyof typeof ENDPOINTS;

/** A service account’s key file. */
export interface KeyFile {
  readonly email: string;
  readonly project: string;
  readonly privateKeyId: string;
  readonly privateKeyPem: string;
}

export interface GcpConfig {
  readonly credentials: KeyFile;
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly endpoints: Readonly<Partial<Record<Api, string>>>;
  /** The next key, that Google may not know everywhere yet. */
  readonly next?: KeyFile | undefined;
  /** The key that was in use before, until it is removed. */
  readonly last?: { readonly email: string; readonly privateKeyId: string } | undefined;
}

const FIELDS = {
  credentials: {
    kind: 'string',
    sensitive: true,
    description: 'Key file of the account that makes credentials of others, as JSON.',
  },
  ttl: { kind: 'duration_seconds', description: 'How long keys live.' },
  max_ttl: { kind: 'duration_seconds', description: 'How long they may live.' },
  custom_endpoint: {
    kind: 'string_map',
    description: 'URLs in the place of Google’s: `iam`, `iamcredentials`, `oauth2`.',
  },
} as const;

/** Not through the cache of decoded records: it holds a key. */
export async function findConfig(store: Reader): Promise<GcpConfig | undefined> {
  return await store.getJson<GcpConfig>(KEY);
}

export function putConfig(store: Transaction, config: GcpConfig): void {
  store.putJson(KEY, config);
}

/** @throws {RequestError} */
export async function configOf(store: Reader): Promise<GcpConfig> {
  const config = await findConfig(store);
  if (config === undefined) throw invalidRequest('no credentials are configured: write config');
  return config;
}

function keyFileOf(text: string): KeyFile {
  if (text.length > CREDENTIALS_LENGTH_MAX) throw invalidRequest('credentials are too long');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalidRequest('credentials are no JSON');
  }
  const part = (name: string): string => {
    const value = member(document, name);
    if (typeof value !== 'string' || value === '') {
      throw invalidRequest(`credentials have no ${name}`);
    }
    return value;
  };
  const privateKeyPem = part('private_key');
  try {
    createPrivateKey(privateKeyPem);
  } catch {
    throw invalidRequest('private_key of the credentials is no key');
  }
  return {
    email: part('client_email'),
    project: part('project_id'),
    privateKeyId: part('private_key_id'),
    privateKeyPem,
  };
}

function endpointsOf(given: Readonly<Record<string, string>>): GcpConfig['endpoints'] {
  for (const [name, url] of Object.entries(given)) {
    if (!Object.hasOwn(ENDPOINTS, name)) {
      throw invalidRequest(`custom_endpoint may name ${Object.keys(ENDPOINTS).join(', ')}`);
    }
    const protocol = URL.parse(url)?.protocol;
    if (protocol !== 'https:' && protocol !== 'http:') {
      throw invalidRequest('a custom_endpoint must begin with https:// or http://');
    }
  }
  return given;
}

export function configPath(): Path {
  return definePath({
    pattern: 'config',
    fields: FIELDS,
    help: { synopsis: 'The account that makes credentials of others.' },
    operations: {
      read: {
        summary: 'Read the settings',
        handler: async (_request, store) => {
          const config = await findConfig(store);
          if (config === undefined) return undefined;
          return {
            data: {
              ttl: config.ttlSeconds,
              max_ttl: config.maxTtlSeconds,
              service_account_email: config.credentials.email,
              custom_endpoint: config.endpoints,
            },
          };
        },
      },
      update: {
        summary: 'Write the settings',
        handler: async ({ fields }, store) => {
          const before = await findConfig(store);
          const credentials =
            fields.credentials === undefined ? before?.credentials : keyFileOf(fields.credentials);
          if (credentials === undefined) throw invalidRequest('credentials are required');
          const config: GcpConfig = {
            credentials,
            ttlSeconds: fields.ttl ?? before?.ttlSeconds ?? 0,
            maxTtlSeconds: fields.max_ttl ?? before?.maxTtlSeconds ?? 0,
            endpoints:
              fields.custom_endpoint === undefined
                ? (before?.endpoints ?? {})
                : endpointsOf(fields.custom_endpoint),
            // Credentials that are set by hand end what was made here before.
            ...(fields.credentials === undefined ? { next: before?.next, last: before?.last } : {}),
          };
          putConfig(store, config);
          return undefined;
        },
      },
    },
  });
}
