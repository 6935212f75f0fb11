/**
 * Turns what a caller sent into the typed values that a path declares. As lenient as Vault, whose clients rely on it: a
 * number may come as text, a list as comma-separated text, a map as a list of `k=v`. An error names the field and what was
 * expected, and never repeats the value: it may be a secret.
 */
import {
  MismatchError,
  toBool,
  toCommaIntList,
  toCommaStringList,
  toFloat,
  toInt,
  toList,
  toMap,
  toSeconds,
  toSignedSeconds,
  toStringList,
  toStringMap,
  toText,
  toTimeMs,
} from '../../base/coerce.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Field, FieldKind, FieldSet, FieldTypes } from '../../model/field.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { PathParams } from './paths.ts';

/** How each kind is read. Undefined means: as if nothing was sent. */
const COERCIONS: { readonly [K in FieldKind]: (value: JsonValue) => FieldTypes[K] | undefined } = {
  string: toText,
  lower_string: (value) => toText(value).toLowerCase(),
  bool: toBool,
  int: toInt,
  float: toFloat,
  duration_seconds: toSeconds,
  signed_duration_seconds: toSignedSeconds,
  map: toMap,
  string_map: toStringMap,
  list: toList,
  string_list: toStringList,
  comma_string_list: toCommaStringList,
  comma_int_list: toCommaIntList,
  time: toTimeMs,
  any: (value) => value,
};

export interface ParsedFields {
  /** By declared name; a field that was not sent and has no default is absent. Null prototype. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys of the body or query that the path does not declare. */
  readonly ignored: readonly string[];
  /** Declared names that came both in the path and in the body; the path won. */
  readonly replaced: readonly string[];
}

export interface ParseOptions {
  /** The request creates or updates: fields marked `required` must be there. */
  readonly write?: boolean;
  /** Query of a request that has a body: only fields marked `query` are taken from it. */
  readonly query?: Readonly<JsonObject>;
  /** Names of optional segments that the path left out: a body does not stand in for them. */
  readonly absent?: readonly string[];
}

type PlannedField = readonly [name: string, field: Field];
const plans = new WeakMap<FieldSet, readonly PlannedField[]>();

function planOf(fields: FieldSet): readonly PlannedField[] {
  let plan = plans.get(fields);
  if (plan === undefined) {
    plan = Object.entries(fields);
    plans.set(fields, plan);
  }
  return plan;
}

const NOTHING: readonly string[] = [];

/**
 * Checks `params` (from the path) and `data` (body, or query of a request without one) against `fields`.
 * @throws {RequestError} `invalid_request`, naming the first field that does not fit
 */
export function parseFields(
  fields: FieldSet,
  params: PathParams,
  data: Readonly<JsonObject>,
  options: ParseOptions = {},
): ParsedFields {
  const values = Object.create(null) as Record<string, unknown>;
  let replaced: string[] | undefined;
  for (const [name, field] of planOf(fields)) {
    const param = params[name];
    let raw: JsonValue | undefined;
    if (param !== undefined) {
      raw = param;
      if (Object.hasOwn(data, name)) (replaced ??= []).push(name);
    } else if (options.absent?.includes(name) === true) {
      if (Object.hasOwn(data, name)) (replaced ??= []).push(name);
    } else if (Object.hasOwn(data, name)) {
      raw = data[name];
    } else if (field.query === true && options.query && Object.hasOwn(options.query, name)) {
      raw = options.query[name];
    }
    const value = raw === undefined ? undefined : coerce(name, field, raw);
    if (value !== undefined) values[name] = value;
    else if (field.default !== undefined) values[name] = field.default;
    else if (field.required === true && options.write === true) {
      throw invalidRequest(`missing required field ${JSON.stringify(name)}`);
    }
  }
  return { values, ignored: undeclared(fields, data), replaced: replaced ?? NOTHING };
}

function undeclared(fields: FieldSet, data: Readonly<JsonObject>): readonly string[] {
  let ignored: string[] | undefined;
  for (const key of Object.keys(data)) {
    if (!Object.hasOwn(fields, key)) (ignored ??= []).push(key);
  }
  return ignored?.sort() ?? NOTHING;
}

function coerce(name: string, field: Field, raw: JsonValue): unknown {
  let value: unknown;
  try {
    value = COERCIONS[field.kind](raw);
  } catch (error) {
    if (!(error instanceof MismatchError)) throw error;
    throw invalidRequest(
      `Field validation failed: error converting input for field ${JSON.stringify(name)}: ${error.message}`,
    );
  }
  if (value !== undefined && field.allowedValues !== undefined && isScalar(value)) {
    const allowed: readonly unknown[] = field.allowedValues;
    if (!allowed.includes(value)) {
      throw invalidRequest(
        `Field validation failed: field ${JSON.stringify(name)} must be one of ${allowed.join(', ')}`,
      );
    }
  }
  return value;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Most keys that the warning about ignored parameters names; a body may have many thousands. */
const IGNORED_NAMES_MAX = 100;

/** The warnings that Vault's clients know for keys without effect. Only a reply that has a body carries them. */
export function fieldWarnings(parsed: Pick<ParsedFields, 'ignored' | 'replaced'>): string[] {
  const warnings: string[] = [];
  if (parsed.ignored.length > 0) {
    const names = parsed.ignored.slice(0, IGNORED_NAMES_MAX).join(' ');
    warnings.push(`Endpoint ignored these unrecognized parameters: [${names}]`);
  }
  if (parsed.replaced.length > 0) {
    warnings.push(
      `Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [${parsed.replaced.join(' ')}]`,
    );
  }
  return warnings;
}
