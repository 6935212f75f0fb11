/**
 * The members that an operation takes, as data: checked before anything is done, and typed for the operation. Members that are
 * not declared are passed over, as AWS does.
 */
import { isJsonObject } from '../../../base/json.ts';
import { AwsError, validation } from '../errors.ts';

export type Shape =
  | {
      readonly kind: 'string';
      readonly min?: number;
      readonly max: number;
      readonly values?: readonly string[];
    }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  /** Bytes, in base64. */
  | { readonly kind: 'blob'; readonly min?: number; readonly max: number }
  | {
      readonly kind: 'strings';
      readonly min?: number;
      readonly max: number;
      readonly length: number;
    }
  | { readonly kind: 'structures'; readonly max: number; readonly members: Members }
  | { readonly kind: 'structure'; readonly members: Members }
  | { readonly kind: 'texts'; readonly max: number };

export type Member = Shape & { readonly required?: true };
export interface Members {
  readonly [name: string]: Member;
}

type Value<S> = S extends { readonly kind: 'string' }
  ? string
  : S extends { readonly kind: 'integer' }
    ? number
    : S extends { readonly kind: 'boolean' }
      ? boolean
      : S extends { readonly kind: 'blob' }
        ? Buffer
        : S extends { readonly kind: 'strings' }
          ? readonly string[]
          : S extends { readonly kind: 'texts' }
            ? Readonly<Record<string, string>>
            : S extends { readonly kind: 'structures'; readonly members: infer M extends Members }
              ? readonly Input<M>[]
              : S extends { readonly kind: 'structure'; readonly members: infer M extends Members }
                ? Input<M>
                : never;

/** What an operation sees: required members are there, the others may be. */
export type Input<M extends Members> = {
  readonly [K in keyof M]: M[K] extends { readonly required: true }
    ? Value<M[K]>
    : Value<M[K]> | undefined;
};

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** @throws {AwsError} SerializationException for a wrong type, ValidationException for a wrong value */
export function checkInput<M extends Members>(sent: unknown, members: M): Input<M> {
  return structure(sent, members, '') as Input<M>;
}

function structure(sent: unknown, members: Members, path: string): Record<string, unknown> {
  if (!isJsonObject(sent)) throw wrongType(path === '' ? 'the request' : path, 'a structure');
  const checked = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(members)) {
    const value: unknown = Object.hasOwn(sent, name) ? sent[name] : undefined;
    const at = `${path}${camel(name)}`;
    if (value !== undefined && value !== null) checked[name] = check(value, member, at);
    else if (member.required === true) throw failed(at, 'Member must not be null');
  }
  return checked;
}

function check(value: unknown, shape: Shape, at: string): unknown {
  switch (shape.kind) {
    case 'string':
      return text(value, shape, at);
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value))
        throw wrongType(at, 'a number');
      if (value < shape.min)
        throw failed(at, `Member must have value greater than or equal to ${shape.min}`);
      if (value > shape.max)
        throw failed(at, `Member must have value less than or equal to ${shape.max}`);
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(at, 'true or false');
      return value;
    case 'blob':
      return bytes(value, shape, at);
    case 'strings':
      return list(value, shape, at).map((each) =>
        text(each, { kind: 'string', max: shape.length }, `${at}.member`),
      );
    case 'structures':
      return list(value, shape, at).map((each, index) =>
        structure(each, shape.members, `${at}.${index + 1}.member.`),
      );
    case 'structure':
      return structure(value, shape.members, `${at}.`);
    default:
      return texts(value, shape.max, at);
  }
}

function text(value: unknown, shape: Extract<Shape, { kind: 'string' }>, at: string): string {
  if (typeof value !== 'string') throw wrongType(at, 'a string');
  assertLength(value.length, shape, at);
  if (shape.values !== undefined && !shape.values.includes(value)) {
    throw failed(at, `Member must satisfy enum value set: [${shape.values.join(', ')}]`);
  }
  return value;
}

function bytes(value: unknown, shape: Extract<Shape, { kind: 'blob' }>, at: string): Buffer {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !BASE64.test(value)) {
    throw wrongType(at, 'a blob in base64');
  }
  const decoded = Buffer.from(value, 'base64');
  assertLength(decoded.length, shape, at);
  return decoded;
}

function list(
  value: unknown,
  shape: { readonly min?: number; readonly max: number },
  at: string,
): unknown[] {
  if (!Array.isArray(value)) throw wrongType(at, 'a list');
  assertLength(value.length, shape, at);
  return value;
}

function texts(value: unknown, max: number, at: string): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) throw wrongType(at, 'a map');
  const entries = Object.entries(value);
  assertLength(entries.length, { max }, at);
  const checked = Object.create(null) as Record<string, string>;
  for (const [name, each] of entries) {
    if (typeof each !== 'string') throw wrongType(at, 'a map of strings');
    checked[name] = each;
  }
  return checked;
}

function assertLength(
  length: number,
  shape: { readonly min?: number; readonly max: number },
  at: string,
): void {
  const { min = 0, max } = shape;
  if (length < min) throw failed(at, `Member must have length greater than or equal to ${min}`);
  if (length > max) throw failed(at, `Member must have length less than or equal to ${max}`);
}

/** Values are never repeated: one may be a secret. */
function failed(at: string, constraint: string): AwsError {
  return validation(
    `1 validation error detected: Value at '${at}' failed to satisfy constraint: ${constraint}`,
  );
}

function wrongType(at: string, wanted: string): AwsError {
  return new AwsError('SerializationException', `${at} must be ${wanted}`);
}

function camel(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
