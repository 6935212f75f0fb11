/**
 * What an audit device is: a place that takes whole lines. The log above it (log.ts) chains, groups and signs; the broker
 * hashes. A device only writes, and says honestly when it has.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { invalidRequest } from '../model/errors.ts';
import type { ChainPosition } from './chain.ts';
import type { StoredCheckpoint, TornBytes } from './checkpoint.ts';
import type { RecordOptions } from './record.ts';

/** How long a required device may take for a record before the request is refused. */
export const AUDIT_DEADLINE_MS = 2000;
/** The longest deadline that can be configured. */
export const AUDIT_DEADLINE_MS_MAX = 60_000;

export interface AuditDevice {
  /**
   * Takes one or more whole lines, each with its newline. Resolves when they have happened: on stable storage where the
   * device has one, else handed to the other side. Never called again before it has settled; until then the bytes stay as they
   * are.
   */
  append(lines: Buffer): Promise<void>;
  /** Lets go of what was open and opens anew (log rotation, SIGHUP). */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/** Where a log that can be read back ends. */
export interface LogTail {
  /** Nothing is in the file yet. */
  readonly empty: boolean;
  /** The last good line, of the file before this one when this one is empty; undefined when there is none. */
  readonly position?: ChainPosition | undefined;
  /** The last checkpoint at that end which tells how far the store had come. Its signature is not checked. */
  readonly checkpoint?: StoredCheckpoint | undefined;
  /** What follows the last good line; the device has closed it with a newline. */
  readonly torn?: TornBytes | undefined;
}

/** A device whose log can be read back, so that the chain goes on after a restart, a crash or a failed write. */
export interface ResumableDevice extends AuditDevice {
  /** Opens anew and finds the end of the log. Called before the first append and after each failed one. */
  resume(): Promise<LogTail>;
  /** False when the log is no longer where it should be (moved, deleted, truncated) and has to be resumed. */
  inPlace(): Promise<boolean>;
}

export function isResumable(device: AuditDevice): device is ResumableDevice {
  return 'resume' in device;
}

export type DeviceOptions = Readonly<Record<string, string>>;

/** What a device may use of the world. */
export interface DeviceContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Absolute directories in which no log may be created: data, configuration, plugins (SEC-71). */
  readonly forbiddenDirectories: readonly string[];
  /** Directories below forbidden ones that are for logs. */
  readonly allowedDirectories: readonly string[];
  /** Writes to standard output; resolves when the text was taken. */
  readonly stdout: (text: Buffer) => Promise<void>;
}

/** One kind of device, as `type` names it. */
export interface AuditDeviceType {
  readonly type: string;
  readonly summary: string;
  /** Options beside {@link COMMON_OPTIONS}, with a sentence each. Any other is refused. */
  readonly options: Readonly<Record<string, string>>;
  /** Options that may hold credentials: masked wherever devices are shown. */
  readonly secretOptions?: readonly string[] | undefined;
  /** @throws {RequestError} invalid_request, when the options or the place are not acceptable. */
  open(options: DeviceOptions, context: DeviceContext): Promise<AuditDevice>;
}

/** Options that every device takes. */
export const COMMON_OPTIONS: Readonly<Record<string, string>> = {
  format:
    '"json" (default); for devices that are no files also "ocsf", "ecs", "cef", "cloudtrail", "otlp" or "rfc5424".',
  log_raw: 'Record values in clear instead of hashed.',
  hmac_accessor: 'Hash accessors too (default true).',
  elide_list_responses: 'Record the number of keys of list replies instead of the keys.',
  required: 'Without this device no request is served (default true).',
  deadline: 'How long a record may take, e.g. "2s" (default 2s, at most 60s).',
  skip_test: 'Do not write a test record when the device is enabled.',
};

export interface CommonOptions extends RecordOptions {
  /** `json` or a name of `formats.ts`; not checked yet. */
  readonly format: string;
  readonly required: boolean;
  readonly deadlineMs: number;
  readonly skipTest: boolean;
}

/** Checks that every option is known to the device type, and reads those that all devices share. */
export function parseCommonOptions(type: AuditDeviceType, options: DeviceOptions): CommonOptions {
  if (Object.hasOwn(options, 'prefix')) {
    // A prefix of the caller's choice makes a log file into any other kind of file (SEC-71).
    throw invalidRequest('audit log prefixing is not allowed');
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(COMMON_OPTIONS, name) && !Object.hasOwn(type.options, name)) {
      throw invalidRequest(`audit devices of type "${type.type}" have no such option`, {
        detail: `option ${JSON.stringify(name.slice(0, 64))}`,
      });
    }
  }
  return {
    format: optionOf(options, 'format') ?? 'json',
    logRaw: parseBoolean(options, 'log_raw', false),
    hmacAccessor: parseBoolean(options, 'hmac_accessor', true),
    elideListResponses: parseBoolean(options, 'elide_list_responses', false),
    required: parseBoolean(options, 'required', true),
    deadlineMs: parseDurationMs(options, 'deadline', AUDIT_DEADLINE_MS),
    skipTest: parseBoolean(options, 'skip_test', false),
  };
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** Go's `strconv.ParseBool`, which the options of Vault's devices go through. */
export function parseBoolean(options: DeviceOptions, name: string, absent: boolean): boolean {
  const text = optionOf(options, name);
  if (text === undefined) return absent;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw invalidRequest(`option "${name}" must be true or false`);
}

/** `500ms`, `2s`, `1m` or a number of seconds; within 1 ms and {@link AUDIT_DEADLINE_MS_MAX}. */
export function parseDurationMs(options: DeviceOptions, name: string, absentMs: number): number {
  const text = optionOf(options, name);
  if (text === undefined) return absentMs;
  const match = /^(\d{1,9})(ms|s|m)?$/.exec(text);
  const factor = { ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? 's'] ?? 1000;
  const ms = match === null ? Number.NaN : Number(match[1]) * factor;
  if (!(ms >= 1 && ms <= AUDIT_DEADLINE_MS_MAX)) {
    throw invalidRequest(`option "${name}" must be a duration between 1ms and 60s`);
  }
  return ms;
}

/** The option's text, only when it was really given. */
export function optionOf(options: DeviceOptions, name: string): string | undefined {
  return Object.hasOwn(options, name) ? options[name] : undefined;
}
