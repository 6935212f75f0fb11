/** `config`, `reset`: connections to databases. */
import type { JsonObject } from '../../base/json.ts';
import { TemplateError } from '../../base/template/template.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import { listPath } from '../../model/listing/list-path.ts';
import { compileNameTemplate } from '../../model/name-template.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import {
  NoAddressError,
  SECRET_SETTINGS,
  SettingsError,
  TargetError,
} from '../../targets/database.ts';
import type { DatabaseMember } from '../../targets/database.ts';
import { holdsPassword, withoutPassword } from '../../targets/settings.ts';
import {
  CONNECTIONS,
  connectionOf,
  databaseOf,
  findConnection,
  memberOf,
  putConnection,
} from './connection.ts';
import type { ConnectionRecord } from './connection.ts';
import { NAME, telling } from './ports.ts';
import type { DatabasePorts } from './ports.ts';
import { USERNAME_FIELDS } from './usernames.ts';
import type { Reply } from '../../model/reply.ts';

const PREFIX = 'error creating database object: ';
/** Settings of the engine; whatever else is sent belongs to the database. */
const OWN_FIELDS = new Set([
  'name',
  'plugin_name',
  'plugin_version',
  'allowed_roles',
  'verify_connection',
  'root_rotation_statements',
  'password_policy',
]);

const CONFIG_FIELDS = {
  name: NAME,
  plugin_name: {
    kind: 'string',
    description: 'Kind of database: "postgresql-database-plugin", "mysql-database-plugin", …',
  },
  plugin_version: { kind: 'string', description: 'Ignored but for its form: all are built in.' },
  verify_connection: {
    kind: 'bool',
    description: 'Connect before the settings are stored, and refuse them when that fails.',
    default: true,
  },
  allowed_roles: {
    kind: 'comma_string_list',
    description: 'Roles that may use the connection; "*" for all. Without it none.',
  },
  root_rotation_statements: {
    kind: 'string_list',
    description: 'Statements that change the password of the account of the connection itself.',
  },
  password_policy: {
    kind: 'string',
    description: 'Policy by which passwords are made, unless a role names another one.',
  },
  connection_url: {
    kind: 'string',
    description: 'Where the database is, with {{username}} and {{password}} in their places.',
  },
  username: { kind: 'string', description: 'Account that manages the others.' },
  password: { kind: 'string', description: 'Its password.', sensitive: true },
  username_template: { kind: 'string', description: 'Names of new accounts, as a template.' },
  max_open_connections: { kind: 'int', description: 'Connections at once; four by default.' },
  tls_ca: { kind: 'string', description: 'Certificate authority of the database, in PEM.' },
} as const;

interface ConfigFields {
  readonly name: string;
  readonly plugin_name: string | undefined;
  readonly plugin_version: string | undefined;
  readonly verify_connection: boolean;
  readonly allowed_roles: readonly string[] | undefined;
  readonly root_rotation_statements: readonly string[] | undefined;
  readonly password_policy: string | undefined;
}

export function configPaths(ports: DatabasePorts): readonly Path[] {
  async function write(
    { fields, data }: Request<ConfigFields>,
    store: Transaction,
  ): Promise<Reply | undefined> {
    const before = await findConnection(store, fields.name);
    const pluginName = fields.plugin_name ?? before?.pluginName ?? '';
    if (pluginName === '') throw invalidRequest('empty plugin name');
    const version = fields.plugin_version ?? '';
    if (!/^(?:v?\d+(?:\.\d+){0,2}(?:[-+][\w.+-]*)?)?$/.test(version)) {
      throw invalidRequest('plugin_version is not a valid semantic version');
    }
    const member = memberOf(ports, pluginName);
    const details = { ...before?.details, ...foreign(data) };
    checkTemplate(details);
    const record: Omit<ConnectionRecord, 'id'> = {
      pluginName,
      details,
      allowedRoles: fields.allowed_roles ?? before?.allowedRoles ?? [],
      rootRotationStatements:
        fields.root_rotation_statements ?? before?.rootRotationStatements ?? [],
      passwordPolicy: fields.password_policy ?? before?.passwordPolicy ?? '',
    };
    await tryOut(ports, member, details, fields.verify_connection);
    putConnection(ports, store, fields.name, record);
    ports.open.close(fields.name);
    if (!holdsPassword(details)) return undefined;
    return {
      warnings: [
        'connection_url contains a password: write {{username}} and {{password}} in its place, so that it can be rotated and is not shown',
      ],
    };
  }

  async function read(
    { fields }: Request<{ readonly name: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const record = await findConnection(store, fields.name);
    if (record === undefined) throw notFound();
    return {
      data: {
        allowed_roles: record.allowedRoles,
        connection_details: shown(record.details),
        password_policy: record.passwordPolicy,
        plugin_name: record.pluginName,
        plugin_version: '',
        root_credentials_rotate_statements: record.rootRotationStatements,
      },
    };
  }

  async function remove(
    { fields }: Request<{ readonly name: string }>,
    store: Transaction,
  ): Promise<undefined> {
    store.delete(CONNECTIONS + fields.name);
    ports.open.close(fields.name);
  }

  async function reset(
    { fields }: Request<{ readonly name: string }>,
    store: Transaction,
  ): Promise<undefined> {
    const record = await connectionOf(store, fields.name);
    ports.open.close(fields.name);
    await telling(
      () => databaseOf(ports, fields.name, record).verify(),
      'error verifying connection: ',
    );
  }

  return [
    listPath('config', CONNECTIONS, 'the connections'),
    definePath({
      pattern: 'config/{name}',
      fields: CONFIG_FIELDS,
      arbitraryData: true,
      exists: async ({ fields }, store) => (await findConnection(store, fields.name)) !== undefined,
      help: {
        synopsis: 'Configures, reads and deletes a connection to a database.',
        description:
          'Further settings depend on the kind of database. Passwords and private keys are never shown again.',
      },
      operations: {
        create: { summary: 'Configure a connection', handler: write, outsideEffects: true },
        update: { summary: 'Change a connection', handler: write, outsideEffects: true },
        read: { summary: 'Read a connection without its secrets', handler: read },
        delete: { summary: 'Delete a connection', handler: remove },
      },
    }),
    definePath({
      pattern: 'reset/{name}',
      fields: { name: NAME },
      help: { synopsis: 'Closes a connection and opens it anew.' },
      operations: {
        update: { summary: 'Reset a connection', handler: reset, outsideEffects: true },
      },
    }),
  ];
}

/** That settings do not work is the caller's mistake, here and only here. */
async function tryOut(
  { random }: DatabasePorts,
  member: DatabaseMember,
  details: JsonObject,
  verifies: boolean,
): Promise<void> {
  try {
    const database = member.open(details, random);
    try {
      if (verifies) await database.verify();
    } finally {
      database.close().catch(() => {});
    }
  } catch (error) {
    if (error instanceof NoAddressError && !verifies) return;
    if (error instanceof SettingsError) throw invalidRequest(PREFIX + error.message);
    if (!(error instanceof TargetError)) throw error;
    throw invalidRequest(`${PREFIX}error verifying connection: ${error.message}`);
  }
}

function foreign(data: Readonly<JsonObject>): JsonObject {
  return Object.fromEntries(Object.entries(data).filter(([name]) => !OWN_FIELDS.has(name)));
}

function checkTemplate(details: JsonObject): void {
  const template = details['username_template'];
  if (typeof template !== 'string' || template === '') return;
  try {
    compileNameTemplate(template, USERNAME_FIELDS);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalidRequest(`${PREFIX}unable to initialize username template: ${error.message}`);
  }
}

function shown(details: JsonObject): JsonObject {
  const rest = Object.entries(details).filter(([name]) => !SECRET_SETTINGS.includes(name));
  return withoutPassword(Object.fromEntries(rest));
}
