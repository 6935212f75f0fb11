/** The settings of a mount as callers send them, checked. */
import { toCommaStringList } from '../../base/coerce.ts';
import { parseSeconds } from '../../base/duration.ts';
import { isJsonObject, isRawNumber } from '../../base/json.ts';
import type { JsonValue } from '../../base/json.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { LeaseBounds } from '../../core/mounts/mount-table.ts';
import type { MountConfig, MountTable } from '../../core/mounts/mount-entry.ts';

const TOKEN_TYPES = ['default-service', 'default-batch', 'service', 'batch'];
const VISIBILITIES = ['', 'unauth', 'hidden'];
/** Most names in one of the header or key lists. */
const LIST_MAX = 256;

type Writable = { -readonly [K in keyof MountConfig]: MountConfig[K] };
type Input = Readonly<Record<string, JsonValue | undefined>>;

function unreadable(): RequestError {
  return invalidRequest('unable to convert given mount config information');
}

/** Text, or a number as it was written. @throws {RequestError} */
export function text(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (isRawNumber(value)) return value.rawJSON;
  throw unreadable();
}

/** A TTL of a mount: seconds, or 0 for the system's. */
function ttl(value: JsonValue, which: 'default' | 'max'): number {
  const given = text(value);
  if (given === 'system' || given === '') return 0;
  const seconds = parseSeconds(given);
  if (seconds === undefined)
    throw invalidRequest(`unable to parse ${which} TTL: not a valid duration`);
  if (seconds < 0) throw invalidRequest('given default lease TTL greater than given max lease TTL');
  return seconds;
}

function list(value: JsonValue, name: string): string[] {
  const items = typeof value === 'string' ? toCommaStringList(value) : value;
  if (!Array.isArray(items)) throw unreadable();
  const texts = items.map((item: JsonValue) => text(item));
  if (texts.length > LIST_MAX) throw invalidRequest(`${name} is too long`);
  return texts;
}

function tokenType(value: JsonValue): string {
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

function lockoutDuration(value: JsonValue | undefined, fallback: number, name: string): number {
  if (value === undefined || value === '') return fallback;
  const seconds = value === 'system' ? 0 : parseSeconds(value);
  if (seconds === undefined || seconds < 0) throw invalidRequest(`unable to parse user ${name}`);
  return seconds;
}

function lockout(
  value: JsonValue,
  before: MountConfig['user_lockout_config'],
): NonNullable<MountConfig['user_lockout_config']> {
  if (!isJsonObject(value)) throw unreadable();
  const input: Input = value;
  const threshold = input['lockout_threshold'];
  const count =
    threshold === undefined || threshold === ''
      ? (before?.user_lockout_threshold ?? 0)
      : Number(text(threshold ?? ''));
  if (!Number.isSafeInteger(count) || count < 0)
    throw invalidRequest('unable to parse user lockout threshold');
  const disable = input['lockout_disable'] ?? undefined;
  if (disable !== undefined && typeof disable !== 'boolean') throw unreadable();
  return {
    user_lockout_threshold: count,
    user_lockout_duration: lockoutDuration(
      input['lockout_duration'],
      before?.user_lockout_duration ?? 0,
      'lockout duration',
    ),
    user_lockout_counter_reset_duration: lockoutDuration(
      input['lockout_counter_reset_duration'],
      before?.user_lockout_counter_reset_duration ?? 0,
      'lockout counter reset duration',
    ),
    user_lockout_disable: disable === undefined ? (before?.user_lockout_disable ?? false) : disable,
  };
}

const NEW_LOCKOUT_NUMBERS = ['lockout_threshold', 'lockout_duration', 'lockout_counter_reset'];

/**
 * As a mount is made, this setting has another form and no effect, in the reference: it is set by tuning.
 * @throws {RequestError} invalid_request
 */
export function checkNewLockout(value: JsonValue | undefined): void {
  if (value === undefined || value === null) return;
  if (!isJsonObject(value)) throw unreadable();
  for (const name of NEW_LOCKOUT_NUMBERS) {
    const given = value[name] ?? 0;
    if (typeof given !== 'number' && !isRawNumber(given)) throw unreadable();
  }
  if (typeof (value['disable_lockout'] ?? false) !== 'boolean') throw unreadable();
}

/** Methods whose users can be locked out, and so have settings for it. */
const LOCKING_TYPES = new Set(['userpass', 'approle', 'ldap']);

interface MountKind {
  readonly table: MountTable;
  readonly type: string;
}

/** Applies what was sent to what is there. @throws {RequestError} invalid_request */
export function mergeConfig(
  before: MountConfig,
  input: Input,
  { table, type }: MountKind,
): MountConfig {
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
        if (typeof value !== 'boolean') throw unreadable();
        // The reference keeps it for secrets engines only.
        config.force_no_cache = value && table === 'secret';
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
        if (table === 'auth') config.token_type = tokenType(value);
        break;
      case 'user_lockout_config':
        if (isJsonObject(value) && Object.keys(value).length === 0) break;
        if (!LOCKING_TYPES.has(type))
          throw invalidRequest(
            `tuning of user lockout configuration for auth type "${type}" not allowed`,
          );
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

/** At tune time a default beyond the system's maximum may stand: what is issued is bounded anyway. */
export function checkTunedBounds({
  default_lease_ttl: least,
  max_lease_ttl: max,
}: MountConfig): void {
  if (max !== 0 && least > max) {
    throw invalidRequest(
      `backend max lease TTL of ${max} would be less than backend default lease TTL of ${least}`,
    );
  }
}

/**
 * Engines are built in and have one version: asking for another by number is refused.
 * @throws {RequestError} invalid_request
 */
export function checkPluginVersion(wanted: string, own: string, type: string): void {
  const plain = wanted.replace(/^v/, '');
  if (!/^\d+(\.\d+){0,2}([-+][\w.+-]*)?$/.test(plain))
    throw invalidRequest(`version "${wanted}" is not a valid semantic version`);
  if (plain.replace(/\+.*$/, '') !== own)
    throw invalidRequest(`cannot select non-builtin version of plugin ${type}`);
}

export const EMPTY_CONFIG: MountConfig = {
  default_lease_ttl: 0,
  max_lease_ttl: 0,
  force_no_cache: false,
};
