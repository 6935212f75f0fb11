/** `sys/mounts/:path/tune` and `sys/auth/:path/tune`: the settings of a mount in service. */
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Values } from '../../model/field.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { shownConfig } from '../../core/mounts/mount-entry.ts';
import type { MountEntry } from '../../core/mounts/mount-entry.ts';
import { mountPath } from '../../core/mounts/mount-names.ts';
import { checkPluginVersion, checkTunedBounds, mergeConfig } from './config.ts';
import { coreUnit, mountAt } from './ports.ts';
import type { MountPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

const fields = {
  path: { kind: 'string', description: 'The mount.' },
  default_lease_ttl: {
    kind: 'string',
    description: 'Default TTL of its leases; 0 or "system" for the system\'s.',
  },
  max_lease_ttl: {
    kind: 'string',
    description: 'Maximum TTL of its leases; 0 or "system" for the system\'s.',
  },
  description: { kind: 'string', description: 'For people.' },
  audit_non_hmac_request_keys: {
    kind: 'comma_string_list',
    description: 'Request keys that audit records show in clear.',
  },
  audit_non_hmac_response_keys: {
    kind: 'comma_string_list',
    description: 'Response keys that audit records show in clear.',
  },
  options: {
    kind: 'string_map',
    description: 'Options of the engine; version 2 turns a version 1 kv mount into version 2.',
  },
  listing_visibility: {
    kind: 'string',
    description: '"unauth" to show it on the login page, "hidden" not to.',
  },
  passthrough_request_headers: {
    kind: 'comma_string_list',
    description: 'Request headers that the engine may see.',
  },
  allowed_response_headers: {
    kind: 'comma_string_list',
    description: 'Response headers that the engine may set.',
  },
  allowed_managed_keys: { kind: 'comma_string_list', description: 'Kept for compatibility.' },
  token_type: { kind: 'string', description: 'Type of the tokens of an auth method.' },
  plugin_version: {
    kind: 'string',
    description: 'Only the version of the server: engines are built in.',
  },
  user_lockout_config: { kind: 'map', description: 'When logins of one user are locked.' },
} as const;

const CONFIG_NAMES = [
  'default_lease_ttl',
  'max_lease_ttl',
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'listing_visibility',
  'passthrough_request_headers',
  'allowed_response_headers',
  'allowed_managed_keys',
  'token_type',
  'user_lockout_config',
] as const;

type TuneFields = Values<typeof fields>;

/** What may be changed of a mount that every namespace has. */
const ALWAYS_TUNABLE = new Set([
  'path',
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
]);

function shown(ports: MountPorts, entry: MountEntry): Record<string, unknown> {
  const bounds = ports.table.bounds(entry);
  const { user_lockout_config: lockout, ...config } = shownConfig(entry.config);
  return {
    ...config,
    ...(lockout as Record<string, unknown> | undefined),
    // As it was set: what is issued is bounded by the maximum as well.
    default_lease_ttl: entry.config.default_lease_ttl || ports.system.defaultSeconds,
    max_lease_ttl: bounds.maxSeconds,
    description: entry.description,
    ...(entry.externalEntropyAccess ? { external_entropy_access: true } : {}),
    ...(entry.options === null || Object.keys(entry.options).length === 0
      ? {}
      : { options: entry.options }),
  };
}

async function tune(
  ports: MountPorts,
  unit: Unit,
  request: Request<TuneFields>,
  prefix: string,
): Promise<Reply | undefined> {
  const { fields: given, data } = request;
  const path = prefix + mountPath(given.path ?? '');
  const mount = await mountAt(ports, unit, request, path);
  if (mount === undefined)
    throw invalidRequest(`tune of path "${path}" failed: no mount entry found`);
  const { entry } = mount;
  checkTunable(entry, data);
  const sent: JsonObject = {};
  for (const name of CONFIG_NAMES) {
    const value = given[name];
    // Empty text is no wish for another TTL; "system" is.
    const isLeft = value === '' && name.endsWith('_ttl');
    if (value !== undefined && !isLeft && !hasNoUse(entry, name)) sent[name] = value as JsonValue;
  }
  if (data['plugin_version'] !== undefined)
    checkPluginVersion(given.plugin_version ?? '', ports.version, entry.type);
  const config = mergeConfig(entry.config, sent, entry);
  checkTunedBounds(config);
  const options = tunedOptions(entry, given.options);
  ports.table.put(coreUnit(unit), {
    ...entry,
    config,
    options,
    description: given.description ?? entry.description,
  });
  return upgradeNotice(entry, options);
}

function hasNoUse(entry: MountEntry, name: string): boolean {
  return entry.table === 'auth' && name === 'allowed_managed_keys';
}

/** @throws {RequestError} invalid_request: this setting of this mount stands. */
function checkTunable(entry: MountEntry, data: JsonObject): void {
  const sent = Object.keys(data).filter((name) => Object.hasOwn(fields, name));
  if (entry.builtin && entry.path !== 'auth/token/') {
    const first = sent.find((name) => !ALWAYS_TUNABLE.has(name));
    if (first !== undefined)
      throw invalidRequest(`cannot tune parameter ${first} of ${entry.path}`);
  }
  if (sent.includes('token_type')) {
    if (entry.table !== 'auth')
      throw invalidRequest("'token_type' can only be modified on auth mounts");
    if (entry.path === 'auth/token/')
      throw invalidRequest("'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
  }
}

/** 0 when there is none. */
function versionOf(options: MountEntry['options']): number {
  return Number(options?.['version'] ?? 0);
}

function tunedOptions(
  entry: MountEntry,
  given: Readonly<Record<string, string>> | undefined,
): MountEntry['options'] {
  if (given === undefined || Object.keys(given).length === 0) return entry.options;
  const before = versionOf(entry.options);
  if (given['version'] !== undefined) {
    const version = Number(given['version']);
    if (version !== 1 && version !== 2) throw invalidRequest('invalid version provided');
    if (version < before) throw invalidRequest(`cannot downgrade mount from version ${before}`);
  }
  const options: Record<string, string> = { ...entry.options };
  for (const [name, value] of Object.entries(given)) {
    if (value === '' && name !== 'version') delete options[name];
    else options[name] = value;
  }
  return options;
}

/** A mount that starts to keep versions is ready at once, but its clients have to use other paths: said in the answer. */
function upgradeNotice(entry: MountEntry, options: MountEntry['options']): Reply | undefined {
  const [before, after] = [versionOf(entry.options), versionOf(options)];
  if (after <= before) return undefined;
  const moved =
    entry.type === 'kv' && after === 2
      ? `: its secrets are now below ${entry.path}data/, as version 1 of themselves`
      : '';
  return { warnings: [`Upgrading mount from version ${before} to version ${after}${moved}.`] };
}

export function tunePaths(ports: MountPorts): Path<Unit>[] {
  const path = (pattern: string, prefix: string, sudo: boolean): Path<Unit> =>
    defineSystemPath({
      pattern,
      fields,
      sudo,
      help: { synopsis: 'Shows and changes the settings of a mount.' },
      operations: {
        read: {
          summary: 'Show the settings',
          handler: async (request, unit) => {
            const routed = prefix + mountPath(request.fields.path ?? '');
            const mount = await mountAt(ports, unit, request, routed);
            if (mount === undefined)
              throw invalidRequest(`cannot fetch sysview for path "${routed}"`);
            return { data: shown(ports, mount.entry), injectTopLevel: true };
          },
        },
        update: {
          summary: 'Change the settings',
          handler: (request, unit) => tune(ports, unit, request, prefix),
        },
      },
    });
  return [path('mounts/{path...}/tune', '', false), path('auth/{path...}/tune', 'auth/', true)];
}
