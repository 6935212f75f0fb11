/** secrets and auth: list, enable, disable, tune, move. The two differ in paths and words only. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../client/json.ts';
import type { Secret } from '../../../client/secret.ts';
import {
  attempt,
  CommandFailure,
  EXIT_OK,
  EXIT_SERVER,
  type Command,
  type Invocation,
} from '../../command.ts';
import { cleanPath, withTrailingSlash } from '../../paths.ts';
import { formatTable } from '../../render/columns.ts';
import { printDocument, say } from '../../render/output.ts';
import { longDuration, plainText, sortedKeys } from '../../render/values.ts';
import { mountDocument } from './mount-document.ts';

interface MountKind {
  /** `sys/mounts` or `sys/auth`. */
  readonly folder: string;
  /** In front of a path to tune or move. */
  readonly prefix: string;
  /** "secrets engine", "auth method". */
  readonly noun: string;
  readonly plural: string;
  readonly enabled: (type: string) => string;
  readonly enableFailure: (type: string) => string;
  /** Titles and cells that only one of the two lists shows. */
  readonly simpleExtra: readonly (readonly [string, string])[];
  readonly detailedExtra: readonly [string, string];
}

const SECRETS: MountKind = {
  folder: 'sys/mounts',
  prefix: '',
  noun: 'secrets engine',
  plural: 'secrets engines',
  enabled: (type) => `the ${type} secrets engine`,
  enableFailure: () => 'Error enabling',
  simpleExtra: [],
  detailedExtra: ['Force No Cache', 'force_no_cache'],
};

const AUTH: MountKind = {
  folder: 'sys/auth',
  prefix: 'auth/',
  noun: 'auth method',
  plural: 'enabled authentications',
  enabled: (type) => `${type} auth method`,
  enableFailure: (type) => `Error enabling ${type} auth`,
  simpleExtra: [['Version', 'plugin_version']],
  detailedExtra: ['Token Type', 'token_type'],
};

function commandsOf(
  kind: MountKind,
): Readonly<Record<'list' | 'enable' | 'disable' | 'tune' | 'move', Command>> {
  return {
    list: (invocation) => list(kind, invocation),
    enable: (invocation) => enable(kind, invocation),
    disable: (invocation) => disable(kind, invocation),
    tune: (invocation) => tune(kind, invocation),
    move: (invocation) => move(kind, invocation),
  };
}

export const secretsCommands: ReturnType<typeof commandsOf> = commandsOf(SECRETS);
export const authCommands: ReturnType<typeof commandsOf> = commandsOf(AUTH);

async function list(kind: MountKind, invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt(`Error listing ${kind.plural}`, client.get(kind.folder));
  const mounts = secret?.data ?? {};
  const paths = sortedKeys(mounts);
  if (invocation.format !== 'table') {
    const document: JsonObject = {};
    for (const path of paths) document[path] = mountDocument(mounts[path]);
    return printDocument(invocation, document);
  }
  const detailed = invocation.flags.boolean('detailed');
  const rows = paths.map((path) => {
    const mount = mounts[path];
    if (!isJsonObject(mount)) return [path];
    return [path, ...(detailed ? detailedCells(kind, mount) : simpleCells(kind, mount))];
  });
  say(invocation, formatTable(detailed ? detailedTitles(kind) : simpleTitles(kind), rows));
  return EXIT_OK;
}

function simpleTitles(kind: MountKind): string[] {
  return ['Path', 'Type', 'Accessor', 'Description', ...kind.simpleExtra.map(([title]) => title)];
}

function simpleCells(kind: MountKind, mount: JsonObject): string[] {
  const keys = ['type', 'accessor', 'description', ...kind.simpleExtra.map(([, key]) => key)];
  return keys.map((key) => cell(mount[key]));
}

const DETAILED_TAIL = [
  ['Options', 'options'],
  ['Description', 'description'],
  ['UUID', 'uuid'],
  ['Version', 'plugin_version'],
  ['Running Version', 'running_plugin_version'],
  ['Running SHA256', 'running_sha256'],
  ['Deprecation Status', 'deprecation_status'],
] as const;

function detailedTitles(kind: MountKind): string[] {
  return [
    'Path',
    'Plugin',
    'Accessor',
    'Default TTL',
    'Max TTL',
    kind.detailedExtra[0],
    'Replication',
    'Seal Wrap',
    'External Entropy Access',
    ...DETAILED_TAIL.map(([title]) => title),
  ];
}

function detailedCells(kind: MountKind, mount: JsonObject): string[] {
  const config = isJsonObject(mount['config']) ? mount['config'] : {};
  const type = plainText(mount['type'] ?? '');
  return [
    type,
    cell(mount['accessor']),
    lifetime(type, config['default_lease_ttl']),
    lifetime(type, config['max_lease_ttl']),
    cell(config[kind.detailedExtra[1]]),
    mount['local'] === true ? 'local' : 'replicated',
    String(mount['seal_wrap'] === true),
    String(mount['external_entropy_access'] === true),
    ...DETAILED_TAIL.map(([, key]) =>
      key === 'options' ? plainText(mount[key] ?? {}) : cell(mount[key]),
    ),
  ];
}

function lifetime(type: string, seconds: JsonValue | undefined): string {
  if (type === 'system' || type === 'cubbyhole') return '';
  return seconds === undefined || seconds === 0 ? 'system' : plainText(seconds);
}

function cell(value: JsonValue | undefined): string {
  return value === undefined || value === null ? '' : plainText(value);
}

async function enable(kind: MountKind, invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const named = (invocation.args[0] ?? '').trim();
  const type = named === 'plugin' ? flags.text('plugin-name') : named;
  const path = withTrailingSlash(flags.text('path') || type);
  const config: JsonObject = {
    default_lease_ttl: longDuration(flags.durationMs('default-lease-ttl')),
    max_lease_ttl: longDuration(flags.durationMs('max-lease-ttl')),
    ...givenSettings(invocation),
  };
  delete config['description'];
  if (flags.declares('force-no-cache')) config['force_no_cache'] = flags.boolean('force-no-cache');
  const body: JsonObject = {
    type,
    description: flags.text('description'),
    config,
    local: flags.boolean('local'),
    seal_wrap: flags.boolean('seal-wrap'),
    external_entropy_access: flags.boolean('external-entropy-access'),
    options: options(invocation),
  };
  const client = await invocation.session.client();
  await attempt(kind.enableFailure(type), client.post(`${kind.folder}/${cleanPath(path)}`, body));
  const version = flags.text('plugin-version');
  const thing = kind.enabled(type) + (version === '' ? '' : ` version ${version}`);
  say(invocation, `Success! Enabled ${thing} at: ${path}`);
  return EXIT_OK;
}

async function disable(kind: MountKind, invocation: Invocation): Promise<number> {
  const path = withTrailingSlash(cleanPath(invocation.args[0] ?? ''));
  const client = await invocation.session.client();
  const call = client.delete(`${kind.folder}/${cleanPath(path)}`);
  await attempt(`Error disabling ${kind.noun} at ${path}`, call);
  say(invocation, `Success! Disabled the ${kind.noun} (if it existed) at: ${path}`);
  return EXIT_OK;
}

async function tune(kind: MountKind, invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const path = withTrailingSlash(cleanPath(invocation.args[0] ?? ''));
  const body: JsonObject = {
    options: options(invocation),
    default_lease_ttl: tunedDuration(flags.durationMs('default-lease-ttl')),
    max_lease_ttl: tunedDuration(flags.durationMs('max-lease-ttl')),
    ...givenSettings(invocation),
    ...lockoutSettings(invocation),
  };
  const client = await invocation.session.client();
  const call = client.post(`sys/mounts/${kind.prefix}${path}tune`, body);
  await attempt(`Error tuning ${kind.noun} ${path}`, call);
  say(invocation, `Success! Tuned the ${kind.noun} at: ${path}`);
  return EXIT_OK;
}

/** An empty text leaves the setting as it is; "system" goes back to that of the server. */
function tunedDuration(milliseconds: number): string {
  if (milliseconds === 0) return '';
  return milliseconds < 0 ? 'system' : longDuration(milliseconds);
}

/** Settings sent only when their flag is given, since an empty one would be written too. */
const SETTINGS = [
  'allowed-managed-keys',
  'allowed-response-headers',
  'audit-non-hmac-request-keys',
  'audit-non-hmac-response-keys',
  'description',
  'listing-visibility',
  'passthrough-request-headers',
  'plugin-version',
  'token-type',
];
const TEXT_SETTINGS = new Set([
  'description',
  'listing-visibility',
  'plugin-version',
  'token-type',
]);

function givenSettings(invocation: Invocation): JsonObject {
  const { flags } = invocation;
  const settings: JsonObject = {};
  for (const name of SETTINGS) {
    if (!flags.declares(name) || !flags.isSet(name)) continue;
    settings[name.replaceAll('-', '_')] = TEXT_SETTINGS.has(name)
      ? flags.text(name)
      : flags.list(name);
  }
  return settings;
}

function lockoutSettings(invocation: Invocation): JsonObject {
  const { flags } = invocation;
  if (!flags.declares('user-lockout-threshold')) return {};
  const lockout: JsonObject = {};
  if (flags.isSet('user-lockout-threshold')) {
    lockout['lockout_threshold'] = String(flags.integer('user-lockout-threshold', 0));
  }
  for (const [flag, key] of [
    ['user-lockout-duration', 'lockout_duration'],
    ['user-lockout-counter-reset-duration', 'lockout_counter_reset_duration'],
  ] as const) {
    if (flags.isSet(flag)) lockout[key] = tunedDuration(flags.durationMs(flag));
  }
  if (flags.isSet('user-lockout-disable')) {
    lockout['lockout_disable'] = flags.boolean('user-lockout-disable');
  }
  return Object.keys(lockout).length === 0 ? {} : { user_lockout_config: lockout };
}

function options(invocation: Invocation): JsonObject | null {
  const { flags } = invocation;
  const given = flags.map('options');
  const version = flags.integer('version', 0);
  if (version > 0) given.set('version', String(version));
  return given.size === 0 ? null : Object.fromEntries(given);
}

const MOVE_POLL_MS = 1_000;

async function move(kind: MountKind, invocation: Invocation): Promise<number> {
  const from = withTrailingSlash(invocation.args[0] ?? '');
  const to = withTrailingSlash(invocation.args[1] ?? '');
  const what = `${kind.noun} ${from} to ${to}`;
  const client = await invocation.session.client();
  const started = await attempt(`Error moving ${what}`, client.post('sys/remount', { from, to }));
  const id = plainText(started?.data?.['migration_id'] ?? '');
  say(invocation, `Started moving ${what}, with migration ID ${id}`);
  for (;;) {
    const status = await attempt(
      `Error checking migration status of ${what}`,
      client.get(`sys/remount/status/${id}`),
    );
    const state = migrationStatus(status);
    if (state === 'success') {
      say(invocation, `Success! Finished moving ${what}, with migration ID ${id}`);
      return EXIT_OK;
    }
    if (state === 'failure') {
      throw new CommandFailure(
        EXIT_SERVER,
        `Failure! Error encountered moving ${what}, with migration ID ${id}`,
      );
    }
    await sleep(MOVE_POLL_MS);
  }
}

function migrationStatus(secret: Secret | undefined): string {
  const info = secret?.data?.['migration_info'];
  return isJsonObject(info) ? plainText(info['status'] ?? '') : '';
}
