/** What is stored of a mount, and how it is shown. */
import type { Stored } from '../../model/transaction.ts';

export type MountTable = 'secret' | 'auth';

export interface MountConfig {
  /** Seconds; 0 = the system's. */
  readonly default_lease_ttl: number;
  readonly max_lease_ttl: number;
  readonly force_no_cache: boolean;
  readonly audit_non_hmac_request_keys?: readonly string[];
  readonly audit_non_hmac_response_keys?: readonly string[];
  readonly listing_visibility?: string;
  readonly passthrough_request_headers?: readonly string[];
  readonly allowed_response_headers?: readonly string[];
  readonly allowed_managed_keys?: readonly string[];
  readonly token_type?: string;
  readonly user_lockout_config?: {
    readonly user_lockout_threshold: number;
    readonly user_lockout_duration: number;
    readonly user_lockout_counter_reset_duration: number;
    readonly user_lockout_disable: boolean;
  };
}

export interface MountEntry {
  readonly uuid: string;
  readonly table: MountTable;
  readonly namespaceId: string;
  /** Within its namespace, as routed: `secret/`, `auth/token/`. */
  readonly path: string;
  readonly type: string;
  readonly accessor: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>> | null;
  readonly config: MountConfig;
  readonly local: boolean;
  readonly sealWrap: boolean;
  readonly externalEntropyAccess: boolean;
  readonly pluginVersion: string;
  /** Being unmounted: its routes answer no more. */
  readonly tainted: boolean;
  /** Path with its namespace that is kept free while the mount moves there. */
  readonly movingTo?: string;
  /** Made with the namespace; cannot be moved or removed. */
  readonly builtin: boolean;
}

/** Where a mount's own data lies, within its namespace. */
export function dataPrefix(entry: Pick<Stored<MountEntry>, 'uuid'>): string {
  return `mount/${entry.uuid}/`;
}

const SHOWN_IF_SET = [
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'listing_visibility',
  'passthrough_request_headers',
  'allowed_response_headers',
  'allowed_managed_keys',
  'token_type',
  'user_lockout_config',
] as const;

/** The mount's settings as listings show them: the optional ones only when they are set. */
export function shownConfig(config: Stored<MountConfig>): Record<string, unknown> {
  const shown: Record<string, unknown> = {
    default_lease_ttl: config.default_lease_ttl,
    force_no_cache: config.force_no_cache,
    max_lease_ttl: config.max_lease_ttl,
  };
  for (const name of SHOWN_IF_SET) {
    const value = config[name];
    if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0))
      continue;
    shown[name] = value;
  }
  return shown;
}

/** The mount object of `sys/mounts` and `sys/auth`. */
export function shownMount(entry: Stored<MountEntry>, version: string): Record<string, unknown> {
  return {
    accessor: entry.accessor,
    config: shownConfig(entry.config),
    ...(entry.builtin ? {} : { deprecation_status: 'supported' }),
    description: entry.description,
    external_entropy_access: entry.externalEntropyAccess,
    local: entry.local,
    options: entry.options,
    plugin_version: entry.pluginVersion,
    running_plugin_version: version,
    running_sha256: '',
    seal_wrap: entry.sealWrap,
    type: entry.type,
    uuid: entry.uuid,
  };
}
