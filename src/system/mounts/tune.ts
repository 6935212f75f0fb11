/** `sys/mounts/:path/tune` and `sys/auth/:path/tune`: the settings of a mount in service. */
import type { JsonObject } from '../../base/json.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reply, Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { shownConfig } from '../../core/mounts/mount-entry.ts';
import type { MountEntry } from '../../core/mounts/mount-entry.ts';
import { mountPath } from '../../core/mounts/mount-names.ts';
import { checkTunedBounds, mergeConfig } from './config.ts';
import { coreUnit, mountAt } from './ports.ts';
import type { MountPorts } from './ports.ts';

const fields = {
  path: { kind: 'string', description: 'The mount.' },
  default_lease_ttl: {
    kind: 'any',
    description: 'Default TTL of its leases; 0 or "system" for the system\'s.',
  },
  max_lease_ttl: {
    kind: 'any',
    description: 'Maximum TTL of its leases; 0 or "system" for the system\'s.',
  },
  description: { kind: 'string', description: 'For people.' },
  force_no_cache: { kind: 'any', description: 'Kept for compatibility: secrets are never cached.' },
  audit_non_hmac_request_keys: {
    kind: 'any',
    description: 'Request keys that audit records show in clear.',
  },
  audit_non_hmac_response_keys: {
    kind: 'any',
    description: 'Response keys that audit records show in clear.',
  },
  options: {
    kind: 'string_map',
    description: 'Options of the engine; version 2 turns a version 1 kv mount into version 2.',
  },
  listing_visibility: {
    kind: 'any',
    description: '"unauth" to show it on the login page, "hidden" not to.',
  },
  passthrough_request_headers: {
    kind: 'any',
    description: 'Request headers that the engine may see.',
  },
  allowed_response_headers: {
    kind: 'any',
    description: 'Response headers that the engine may set.',
  },
  allowed_managed_keys: { kind: 'any', description: 'Kept for compatibility.' },
  token_type: { kind: 'any', description: 'Type of the tokens of an auth method.' },
  plugin_version: { kind: 'string', description: 'Kept for compatibility.' },
  user_lockout_config: { kind: 'map', description: 'When logins of one user are locked.' },
} as const;

const CONFIG_NAMES = [
  'default_lease_ttl',
  'max_lease_ttl',
  'force_no_cache',
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'listing_visibility',
  'passthrough_request_headers',
  'allowed_response_headers',
  'allowed_managed_keys',
  'token_type',
  'user_lockout_config',
] as const;

function shown(ports: MountPorts, entry: MountEntry): Record<string, unknown> {
  const bounds = ports.table.bounds(entry);
  const { user_lockout_config: lockout, ...config } = shownConfig(entry.config);
  return {
    ...config,
    ...(lockout as Record<string, unknown> | undefined),
    default_lease_ttl: bounds.defaultSeconds,
    max_lease_ttl: bounds.maxSeconds,
    description: entry.description,
    ...(entry.options === null || Object.keys(entry.options).length === 0
      ? {}
      : { options: entry.options }),
  };
}

async function tune(
  ports: MountPorts,
  unit: Unit,
  request: Request<{
    readonly path?: string | undefined;
    readonly description?: string | undefined;
    readonly options?: Readonly<Record<string, string>> | undefined;
  }>,
  prefix: string,
): Promise<Reply | undefined> {
  const path = prefix + mountPath(request.fields.path ?? '');
  const mount = await mountAt(ports, unit, request, path);
  if (mount === undefined)
    throw invalidRequest(`tune of path "${path}" failed: no mount entry found`);
  const sent: JsonObject = {};
  for (const name of CONFIG_NAMES) {
    const value = request.data[name];
    if (value !== undefined) sent[name] = value;
  }
  const { entry } = mount;
  if (entry.builtin && entry.path !== 'auth/token/') {
    const first =
      Object.keys(sent)[0] ??
      (request.fields.description === undefined ? undefined : 'description');
    if (first !== undefined)
      throw invalidRequest(`cannot tune parameter ${first} of ${entry.path}`);
  }
  const config = mergeConfig(entry.config, sent, entry.table);
  checkTunedBounds(config, ports.system);
  const options = tunedOptions(entry, request.fields.options);
  ports.table.put(coreUnit(unit), {
    ...entry,
    config,
    options,
    description: request.fields.description ?? entry.description,
  });
  return upgradeNotice(entry, options);
}

function tunedOptions(
  entry: MountEntry,
  given: Readonly<Record<string, string>> | undefined,
): MountEntry['options'] {
  if (given === undefined) return entry.options;
  const version = given['version'];
  if (entry.type === 'kv' && version !== undefined) {
    if (version !== '1' && version !== '2') {
      throw invalidRequest('the version of a kv mount must be 1 or 2');
    }
    if (version === '1' && isVersioned(entry.options)) {
      throw invalidRequest('cannot downgrade mount from version 2');
    }
  }
  return { ...entry.options, ...given };
}

function isVersioned(options: MountEntry['options']): boolean {
  return options?.['version'] === '2';
}

/** A mount that starts to keep versions is ready at once, but its clients have to use other paths: said in the answer. */
function upgradeNotice(entry: MountEntry, options: MountEntry['options']): Reply | undefined {
  if (entry.type !== 'kv' || isVersioned(entry.options) || !isVersioned(options)) return undefined;
  const warning = `Upgrading mount from version 1 to version 2: its secrets are now below ${entry.path}data/, as version 1 of themselves.`;
  return { warnings: [warning] };
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
