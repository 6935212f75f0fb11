/** What checks of a PKI mount work with, and what they find. */
import type { JsonObject } from '../../../client/json.ts';

export const STATUSES = {
  not_applicable: 0,
  ok: 1,
  informational: 2,
  warning: 3,
  critical: 4,
  invalid_version: 5,
  insufficient_permissions: 6,
} as const;

export interface Finding {
  readonly status: keyof typeof STATUSES;
  /** With `{{mount}}` in the place of the mount. */
  readonly endpoint: string;
  readonly message: string;
}

/** The token may not read what a check needs. */
export class Denied extends Error {
  override readonly name = 'Denied';
  readonly path: string;

  constructor(path: string) {
    super('permission denied');
    this.path = path;
  }
}

export interface Mount {
  readonly path: string;
  readonly nowMs: number;
  /** Undefined when there is nothing. @throws {Denied} */
  readonly read: (path: string) => Promise<JsonObject | undefined>;
  /** @throws {Denied} */
  readonly list: (path: string) => Promise<readonly string[]>;
}

export interface Check {
  readonly name: string;
  readonly defaults: JsonObject;
  readonly run: (mount: Mount, config: JsonObject) => Promise<readonly Finding[]>;
}
