/** `config/connection`: the broker, and the account that makes others; `config/lease`: how long those live. */
import { X509Certificate } from 'node:crypto';
import { TemplateError } from '../../base/template/template.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { settingsPath } from '../../model/listing/entry-paths.ts';
import { invalidRequest } from '../../model/errors.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { Reader } from '../../model/transaction.ts';
import { Management, ManagementError } from './management.ts';
import type { Connection } from './management.ts';
import type { RabbitmqPorts } from './ports.ts';

const CONNECTION = 'config/connection';
const LEASE = 'config/lease';
const TEXT_LENGTH_MAX = 4096;
const CA_LENGTH_MAX = 65_536;

export interface ConnectionRecord extends Connection {
  readonly passwordPolicy: string;
  readonly usernameTemplate: string;
}

export interface LeaseRecord {
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
}

export const USERNAME_FIELDS: readonly string[] = ['DisplayName', 'RoleName'];
export const DEFAULT_USERNAME_TEMPLATE = '{{ printf "%s-%s" (.DisplayName) (uuid) }}';

const FIELDS = {
  connection_uri: {
    kind: 'string',
    description: 'Address of the management API: http://… or https://….',
    default: '',
  },
  username: { kind: 'string', description: 'Account that may manage users.', default: '' },
  password: { kind: 'string', sensitive: true, description: 'Its password.' },
  verify_connection: {
    kind: 'bool',
    description: 'Whether the account is tried before it is kept.',
    default: true,
  },
  password_policy: {
    kind: 'string',
    description: 'Policy by which passwords are made.',
    default: '',
  },
  username_template: {
    kind: 'string',
    description: 'Form of the names of users, in Go’s template language.',
    default: '',
  },
  tls_ca: {
    kind: 'string',
    description: 'Certificates in PEM that alone are trusted; the system’s without it.',
    default: '',
  },
} as const;

/** Not through the cache of decoded records: it holds a password. @throws {RequestError} */
export async function connectionOf(store: Reader): Promise<ConnectionRecord> {
  const record = await store.getJson<ConnectionRecord>(CONNECTION);
  if (record === undefined)
    throw invalidRequest('no broker is configured: write config/connection');
  return record;
}

export async function leaseOf(store: Reader): Promise<LeaseRecord> {
  return (await store.getRecord<LeaseRecord>(LEASE)) ?? { ttlSeconds: 0, maxTtlSeconds: 0 };
}

/** @throws {RequestError} */
function check(record: ConnectionRecord): void {
  const { uri, username, password, caPem, usernameTemplate, passwordPolicy } = record;
  for (const [name, value] of Object.entries({ connection_uri: uri, username, password })) {
    if (value === '') throw invalidRequest(`missing ${name}`);
  }
  const texts = [uri, username, password, usernameTemplate, passwordPolicy];
  if (texts.some((text) => text.length > TEXT_LENGTH_MAX) || caPem.length > CA_LENGTH_MAX) {
    throw invalidRequest('a setting is too long');
  }
  const url = URL.parse(uri);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw invalidRequest('connection_uri must begin with https:// or http://');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidRequest('connection_uri must hold no account: give username and password');
  }
  checkCa(caPem);
  if (usernameTemplate === '') return;
  try {
    compileNameTemplate(usernameTemplate, USERNAME_FIELDS);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`unable to initialize username template: ${error.message}`);
  }
}

function checkCa(pem: string): void {
  if (pem === '') return;
  try {
    void new X509Certificate(pem);
  } catch {
    throw invalidRequest('tls_ca is no certificate in PEM');
  }
}

export function connectionPath(ports: RabbitmqPorts): Path {
  return definePath({
    pattern: 'config/connection',
    fields: FIELDS,
    help: {
      synopsis: 'The broker, and the account that makes others.',
      description: 'It is written and never shown.',
    },
    operations: {
      update: {
        summary: 'Write the connection',
        outsideEffects: true,
        handler: async ({ fields }, store) => {
          const record: ConnectionRecord = {
            uri: fields.connection_uri,
            username: fields.username,
            password: fields.password ?? '',
            caPem: fields.tls_ca,
            passwordPolicy: fields.password_policy,
            usernameTemplate: fields.username_template,
          };
          check(record);
          if (fields.verify_connection) await verify(record, ports);
          store.putJson(CONNECTION, record);
          return undefined;
        },
      },
    },
  });
}

async function verify(record: ConnectionRecord, { send }: RabbitmqPorts): Promise<void> {
  try {
    await new Management(record, send).check();
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    throw invalidRequest(`failed to validate the connection: ${error.message}`, { cause: error });
  }
}

export function leasePath(): Path {
  return settingsPath({
    pattern: LEASE,
    fields: {
      ttl: { kind: 'duration_seconds', description: 'How long users live.', default: 0 },
      max_ttl: { kind: 'duration_seconds', description: 'How long with renewals.', default: 0 },
    },
    synopsis: 'How long users live.',
    read: async (store) => {
      const record = await store.getRecord<LeaseRecord>(LEASE);
      if (record === undefined) return undefined;
      return { ttl: record.ttlSeconds, max_ttl: record.maxTtlSeconds };
    },
    write: ({ fields }, store) => {
      const record: LeaseRecord = { ttlSeconds: fields.ttl, maxTtlSeconds: fields.max_ttl };
      if (record.maxTtlSeconds > 0 && record.ttlSeconds > record.maxTtlSeconds) {
        throw invalidRequest('ttl cannot be greater than max_ttl');
      }
      store.putJson(LEASE, record);
      return undefined;
    },
  });
}
