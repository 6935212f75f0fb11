/** Audit devices as they are declared, stored and shown. */
import { invalidRequest } from '../model/errors.ts';
import type { AuditDeviceType } from './device.ts';

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
