/**
 * Typed parameters of a path. A declaration is data; the same field drives parsing, help, OpenAPI, CLI completion and docs.
 * Coercion is as lenient as Vault's (a number may come as a string, a list as comma-separated text), since its clients rely on it.
 */
import type { JsonObject, JsonValue } from '../base/json.ts';

export type FieldKind =
  | 'string'
  | 'lower_string'
  | 'bool'
  | 'int'
  | 'float'
  | 'duration_seconds'
  | 'signed_duration_seconds'
  | 'map'
  | 'string_map'
  | 'list'
  | 'string_list'
  | 'comma_string_list'
  | 'comma_int_list'
  | 'time'
  | 'any';

/** What a handler sees for each kind. */
export interface FieldTypes {
  string: string;
  lower_string: string;
  bool: boolean;
  int: number;
  float: number;
  duration_seconds: number;
  signed_duration_seconds: number;
  map: JsonObject;
  string_map: Readonly<Record<string, string>>;
  list: readonly JsonValue[];
  string_list: readonly string[];
  comma_string_list: readonly string[];
  comma_int_list: readonly number[];
  /** Milliseconds since the epoch. */
  time: number;
  any: JsonValue;
}

export interface Field<K extends FieldKind = FieldKind> {
  readonly kind: K;
  readonly description: string;
  /** Stands in when the caller sent nothing; only for `fields`, not for {@link Request.data}. */
  readonly default?: FieldTypes[K];
  readonly required?: boolean;
  /** Comes from the query even on a write. */
  readonly query?: boolean;
  readonly deprecated?: boolean;
  /** Never shown in help examples, OpenAPI defaults or forms. */
  readonly sensitive?: boolean;
  readonly allowedValues?: readonly FieldTypes[K][];
}

export type FieldSet = Readonly<Record<string, Field>>;

/** The values that a handler gets: with a default always there, else possibly undefined. */
export type Values<F extends FieldSet> = {
  readonly [N in keyof F]: F[N] extends { readonly default: unknown }
    ? FieldTypes[F[N]['kind']]
    : FieldTypes[F[N]['kind']] | undefined;
};
