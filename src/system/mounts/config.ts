/** The settings of a mount as callers send them, checked. */
import { parseSeconds } from '../../base/duration.ts';
import { isJsonObject } from '../../base/json.ts';
import type { JsonValue } from '../../base/json.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { LeaseBounds } from '../../core/mounts/mount-table.ts';
import type { MountConfig, MountTable } from '../../core/mounts/mount-entry.ts';

const TOKEN_TYPES = ['default-service', 'default-batch', 'service', 'batch'];
const VISIBILITIES = ['', 'unauth', 'hidden'];
/** Most names in one of the header or key lists. */
const LIST_MAX = 256;

type Writable = { -readonly [K in keyof MountConfig]: MountConfig[K] };
type Input = Readonly<Record<string, JsonValue | undefined>>;

/** A TTL of a mount: seconds, or 0 for the system's. */
function ttl(value: JsonValue, which: 'default' | 'max'): number {
  if (value === 'system' || value === '') return 0;
  const seconds = parseSeconds(value);
  if (seconds === undefined)
    throw invalidRequest(`unable to parse ${which} TTL: not a valid duration`);
  if (seconds < 0) throw invalidRequest('given default lease TTL greater than given max lease TTL');
  return seconds;
}

function list(value: JsonValue, name: string): string[] {
  const items = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [];
  const texts = items
    .map((item) => (typeof item === 'string' ? item : JSON.stringify(item)).trim())
    .filter((item) => item !== '');
  if (texts.length > LIST_MAX) throw invalidRequest(`${name} is too long`);
  return texts;
}

function tokenType(value: JsonValue, table: MountTable): string {
  if (table !== 'auth') throw invalidRequest("'token_type' can only be modified on auth mounts");
  if (value === '') return 'default-service';
  if (typeof value !== 'string' || !TOKEN_TYPES.includes(value))
    throw invalidRequest("invalid value for 'token_type'");
  return value;
}

function visibility(value: JsonValue): string {
  if (typeof value !== 'string' || !VISIBILITIES.includes(value))
    throw invalidRequest('invalid listing_visibility');
  return value;
}

function bool(value: JsonValue, name: string): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 1 || value === '1') return true;
  if (value === 'false' || value === 0 || value === '0' || value === '') return false;
  throw invalidRequest(`${name} is not a boolean`);
}

function lockoutDuration(value: JsonValue | undefined, fallback: number, name: string): number {
  if (value === undefined) return fallback;
  const seconds = parseSeconds(value);
  if (seconds === undefined || seconds < 0) throw invalidRequest(`unable to parse user ${name}`);
  return seconds;
}

function lockout(
  value: JsonValue,
  before: MountConfig['user_lockout_config'],
): NonNullable<MountConfig['user_lockout_config']> {
  if (!isJsonObject(value)) throw invalidRequest('user_lockout_config is not an object');
  const input: Input = value;
  const threshold = input['lockout_threshold'];
  const count = threshold === undefined ? (before?.user_lockout_threshold ?? 5) : Number(threshold);
  if (!Number.isSafeInteger(count) || count < 0)
    throw invalidRequest('unable to parse user lockout threshold');
  const disable = input['lockout_disable'];
  return {
    user_lockout_threshold: count,
    user_lockout_duration: lockoutDuration(
      input['lockout_duration'],
      before?.user_lockout_duration ?? 900,
      'lockout duration',
    ),
    user_lockout_counter_reset_duration: lockoutDuration(
      input['lockout_counter_reset_duration'],
      before?.user_lockout_counter_reset_duration ?? 900,
      'lockout counter reset duration',
    ),
    user_lockout_disable:
      disable === undefined
        ? (before?.user_lockout_disable ?? false)
        : bool(disable, 'lockout_disable'),
  };
}

/** Applies what was sent to what is there. @throws {RequestError} invalid_request */
export function mergeConfig(before: MountConfig, input: Input, table: MountTable): MountConfig {
  const config: Writable = { ...before };
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === null) continue;
    switch (name) {
      case 'default_lease_ttl':
        config.default_lease_ttl = ttl(value, 'default');
        break;
      case 'max_lease_ttl':
        config.max_lease_ttl = ttl(value, 'max');
        break;
      case 'force_no_cache':
        config.force_no_cache = bool(value, name);
        break;
      case 'audit_non_hmac_request_keys':
      case 'audit_non_hmac_response_keys':
      case 'passthrough_request_headers':
      case 'allowed_response_headers':
      case 'allowed_managed_keys':
        config[name] = list(value, name);
        break;
      case 'listing_visibility':
        config.listing_visibility = visibility(value);
        break;
      case 'token_type':
        config.token_type = tokenType(value, table);
        break;
      case 'user_lockout_config':
        if (table !== 'auth')
          throw invalidRequest('user_lockout_config can only be set on auth mounts');
        config.user_lockout_config = lockout(value, before.user_lockout_config);
        break;
      default:
    }
  }
  return config;
}

/** At mount time: the default must fit under the maximum. */
export function checkNewBounds(config: MountConfig, system: LeaseBounds): void {
  const max = config.max_lease_ttl === 0 ? system.maxSeconds : config.max_lease_ttl;
  if (config.default_lease_ttl > max) {
    throw invalidRequest('given default lease TTL greater than given max lease TTL');
  }
}

/** At tune time, said in the words of the mount's bounds. */
export function checkTunedBounds(config: MountConfig, system: LeaseBounds): void {
  const max = config.max_lease_ttl === 0 ? system.maxSeconds : config.max_lease_ttl;
  if (config.default_lease_ttl > max) {
    throw invalidRequest(
      `backend max lease TTL of ${max} would be less than backend default lease TTL of ${config.default_lease_ttl}`,
    );
  }
}

export const EMPTY_CONFIG: MountConfig = {
  default_lease_ttl: 0,
  max_lease_ttl: 0,
  force_no_cache: false,
};
