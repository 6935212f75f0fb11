/** `roles`: tags of users, and what they may do in which virtual host. */
import type { Path } from '../../model/backend.ts';
import { findRole, rolePathsOf } from '../../model/listing/role-paths.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Values } from '../../model/field.ts';
import { member } from '../../model/outgoing.ts';
import type { Reader } from '../../model/transaction.ts';
import type { Permission, TopicPermission } from './management.ts';

const TEXT_LENGTH_MAX = 1024;
/** Most virtual hosts of a role, and most topic exchanges of one. */
const ENTRIES_MAX = 100;

export interface Role {
  /** Separated by commas, as RabbitMQ takes them. */
  readonly tags: string;
  readonly vhosts: Readonly<Record<string, Permission>>;
  /** By virtual host, then by exchange. */
  readonly vhostTopics: Readonly<Record<string, Readonly<Record<string, TopicPermission>>>>;
}

export const NAME = { kind: 'string', description: 'Name of the role.', default: '' } as const;

const FIELDS = {
  name: NAME,
  tags: { kind: 'string', description: 'Tags of the users, separated by commas.', default: '' },
  vhosts: {
    kind: 'string',
    description: 'Virtual hosts as JSON: {"/": {"configure": ".*", "write": ".*", "read": ".*"}}.',
    default: '',
  },
  vhost_topics: {
    kind: 'string',
    description: 'Topic exchanges as JSON: {"/": {"amq.topic": {"write": ".*", "read": ".*"}}}.',
    default: '',
  },
} as const;

/** @throws {RequestError} */
export async function roleOf(store: Reader, name: string): Promise<Role> {
  const role = await findRole<Role>(store, name);
  if (role === undefined) throw invalidRequest('unknown role');
  return role;
}

type Entries = readonly (readonly [string, unknown])[];

/** @throws {RequestError} naming the field and nothing of its value */
function entriesOf(value: unknown, field: string): Entries {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidRequest(`failed to unmarshal ${field}: it must be a JSON object`);
  }
  const entries = Object.entries(value);
  if (entries.length > ENTRIES_MAX || entries.some(([name]) => name.length > TEXT_LENGTH_MAX)) {
    throw invalidRequest(`${field} has too many entries, or too long names`);
  }
  return entries;
}

function parsed(text: string, field: string): Entries {
  if (text === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidRequest(`failed to unmarshal ${field}: it is no JSON`);
  }
  return entriesOf(value, field);
}

function pattern(value: unknown, name: string, field: string): string {
  const text = member(value, name) ?? '';
  if (typeof text === 'string' && text.length <= TEXT_LENGTH_MAX) return text;
  throw invalidRequest(`failed to unmarshal ${field}: ${name} must be a short text`);
}

function vhostsOf(text: string): Role['vhosts'] {
  return Object.fromEntries(
    parsed(text, 'vhosts').map(([vhost, value]) => [
      vhost,
      {
        configure: pattern(value, 'configure', 'vhosts'),
        write: pattern(value, 'write', 'vhosts'),
        read: pattern(value, 'read', 'vhosts'),
      },
    ]),
  );
}

function topicsOf(text: string): Role['vhostTopics'] {
  const field = 'vhost_topics';
  return Object.fromEntries(
    parsed(text, field).map(([vhost, exchanges]) => [
      vhost,
      Object.fromEntries(
        entriesOf(exchanges, field).map(([exchange, value]) => [
          exchange,
          { write: pattern(value, 'write', field), read: pattern(value, 'read', field) },
        ]),
      ),
    ]),
  );
}

/** A write says all of a role. */
function madeOf(_before: Role | undefined, fields: Values<typeof FIELDS>): Role {
  const { tags, vhosts, vhost_topics: topics } = fields;
  if (tags === '' && vhosts === '' && topics === '') {
    throw invalidRequest('both tags and vhosts not specified');
  }
  if (tags.length > TEXT_LENGTH_MAX) throw invalidRequest('tags are too long');
  return { tags, vhosts: vhostsOf(vhosts), vhostTopics: topicsOf(topics) };
}

export function rolePaths(): readonly Path[] {
  return rolePathsOf({
    fields: FIELDS,
    description:
      'A role says what users that are made by it may do; changing it changes later ones.',
    make: madeOf,
    shown: (role) => ({ tags: role.tags, vhosts: role.vhosts, vhost_topics: role.vhostTopics }),
  });
}
