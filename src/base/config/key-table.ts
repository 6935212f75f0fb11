/** The form of the configuration tables: one row per key, from which decoding, the typed result and the documentation follow. */

/** What each type of key becomes. */
export interface KeyTypes {
  text: string;
  boolean: boolean;
  integer: number;
  /** Go duration (`1h30m`), days (`30d`) or a number of seconds; held in whole seconds. */
  duration: number;
  /** A list, or comma-separated text. */
  list: readonly string[];
  /** A file mode in octal: `"0600"`. */
  mode: number;
  /** Key material: raw bytes from a file, or hex or base64 text. */
  key: Buffer;
  /** Free-form names and texts, without a prototype. */
  texts: Readonly<Record<string, string>>;
  /** Status (`"200"`, `"4xx"`, `"default"`) → header → values. */
  headers: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
}

export type KeyType = keyof KeyTypes;

export interface Key<T extends KeyType = KeyType> {
  /** The property of the decoded block; durations end in `Seconds`, sizes in `Bytes`. */
  readonly as: string;
  readonly type: T;
  readonly description: string;
  /** Stands in when the key is absent. Without it and without `required` the property is undefined. */
  readonly default?: KeyTypes[T];
  readonly required?: true;
  readonly allowed?: readonly string[];
  /** Smallest number, or smallest duration in seconds. */
  readonly min?: number;
  /** The environment variables `STRONGROOM_…`, `BAO_…` and `VAULT_…` with this ending override the file. */
  readonly environment?: string;
  /** A key inside a block of this name (`telemetry { … }` inside a listener). */
  readonly inside?: string;
}

/** A key of Vault or OpenBao that this server reads past. */
export interface IgnoredKey {
  /** Why it needs no attention; completes "… is ignored: ". */
  readonly ignored: string;
}

/** A key of Vault or OpenBao that must not be read past, since its author relies on it. */
export interface RefusedKey {
  /** What to do; completes "… is not supported: ". */
  readonly refused: string;
}

export type KeyTable = Readonly<Record<string, Key | IgnoredKey | RefusedKey>>;

/** The decoded form of a block: every used key under its property name. */
export type Decoded<T extends KeyTable> = {
  readonly [
    K in keyof T as T[K] extends { readonly as: infer P extends string } ? P : never
  ]: T[K] extends { readonly type: infer Y extends KeyType }
    ? T[K] extends { readonly default: unknown } | { readonly required: true }
      ? KeyTypes[Y]
      : KeyTypes[Y] | undefined
    : never;
};

export function isUsed(row: Key | IgnoredKey | RefusedKey): row is Key {
  return 'as' in row;
}
