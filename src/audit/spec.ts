/** Audit devices as they are declared, stored and shown. */
import { invalidRequest } from '../model/errors.ts';
import type { ChainPosition } from './chain.ts';
import type { StoredCheckpoint } from './checkpoint.ts';
import type { AuditDeviceType } from './device.ts';
import type { LogState } from './log.ts';

const PATH_LENGTH_MAX = 256;
const PATH = /^\w[\w.-]*(?:\/\w[\w.-]*)*\/$/;
const MASKED = '<masked>';

/** A device as it is declared or stored. */
export interface AuditDeviceSpec {
  /** With a trailing slash: `file/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
  /** Random text that the device's hashing key is derived with: a new one means new hashes. */
  readonly salt: string;
  /** From the configuration file; not to be changed through the API. */
  readonly declared: boolean;
}

/** The salt is nobody's business. */
export type ShownDeviceSpec = Omit<AuditDeviceSpec, 'salt'>;

/** For listings: options that may hold credentials are masked. */
export function shownSpec(
  spec: AuditDeviceSpec,
  type: AuditDeviceType | undefined,
): ShownDeviceSpec {
  const { path, description, local, declared } = spec;
  const secret = type?.secretOptions ?? [];
  const options = Object.entries(spec.options).map(([name, value]) => [
    name,
    secret.includes(name) ? MASKED : value,
  ]);
  return {
    path,
    type: spec.type,
    description,
    local,
    declared,
    options: Object.fromEntries(options) as Record<string, string>,
  };
}

/** @throws {RequestError} unless the path is letters, digits and the like, and ends in a slash. */
export function assertDevicePath(path: string): void {
  if (path.length > PATH_LENGTH_MAX || !PATH.test(path)) {
    throw invalidRequest('the path of an audit device is made of letters, digits and ".-_/"');
  }
}

/** Two specs with the same identity are the same device with the same settings. */
export function identityOf(spec: AuditDeviceSpec): string {
  const options = Object.keys(spec.options)
    .sort()
    .map((name) => [name, spec.options[name]]);
  return JSON.stringify([spec.path, spec.type, spec.salt, options]);
}

/** One path is the other's, or leads to it. */
export function overlap(
  one: Pick<AuditDeviceSpec, 'path'>,
  other: Pick<AuditDeviceSpec, 'path'>,
): boolean {
  return one.path.startsWith(other.path) || other.path.startsWith(one.path);
}

export interface DeviceHealth {
  readonly path: string;
  readonly state: LogState;
  readonly required: boolean;
  readonly waitingRecords: number;
  readonly droppedRecords: number;
}

export interface AuditAnchor {
  readonly path: string;
  /** Base64 of the Ed25519 key that signs now. */
  readonly publicKey: string;
  /** Where the log ended when it was opened; undefined for devices that cannot be read back. */
  readonly startedAt: ChainPosition | undefined;
  /** The last one in the log when it was opened that tells how far the store had come. Its signature is not checked. */
  readonly foundCheckpoint: StoredCheckpoint | undefined;
  /** The newest checkpoint that the device has taken. */
  readonly checkpoint: ChainPosition | undefined;
}

export interface AuditHealth {
  /** Requests are refused, or would be, because records cannot be taken. */
  readonly degraded: boolean;
  readonly devices: readonly DeviceHealth[];
}
