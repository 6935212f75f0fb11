/** The stored records that an attacker finds, and a store that can be copied and altered while no server runs on it. */
import type { Program } from '../../rig/vault-server.ts';

export interface Row {
  readonly key: string;
  readonly revision: number;
  readonly value: Uint8Array;
}

/** One store with what belongs to its server. */
export interface Copy {
  /** Its seal key, root token and audit log. */
  readonly folder: string;
  readonly program: Program;
  rows(): Promise<readonly Row[]>;
  /** Puts `rows` in the place of all records. */
  replace(rows: readonly Row[]): Promise<void>;
  remove(): Promise<void>;
}

export interface Stores {
  /** An empty one. */
  empty(): Promise<Copy>;
  /** No server may run on `original`. */
  copyOf(original: Copy, name: string): Promise<Copy>;
  close(): Promise<void>;
}
