/**
 * The Common Expression Language as roles use it: named expressions, and one that says who a token is for. Loaded when the first
 * such role is written or used. Regular expressions are RE2’s, which take linear time.
 */
import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { CelEnv, CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { createFileRegistry, create, toJson } from '@bufbuild/protobuf';
import type { FileRegistry } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorSetSchema,
  file_google_protobuf_timestamp,
  timestampFromMs,
} from '@bufbuild/protobuf/wkt';
import { isJsonObject, isRawNumber } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { EXTENSIONS } from './extensions.ts';

export interface CelProgram {
  readonly variables: readonly { readonly name: string; readonly expression: string }[];
  readonly expression: string;
}

/** What a program sees beside its own variables. */
export interface CelInputs {
  readonly claims: JsonObject;
  readonly nowMs: number;
  readonly operation: string;
}

export type CelOutcome =
  | { readonly kind: 'auth'; readonly auth: JsonObject }
  | { readonly kind: 'refused'; readonly reason: string };

/** A program that cannot be read; the message is for the one who wrote it. */
export class CelFault extends Error {
  override readonly name = 'CelFault';
}

export type Judge = (inputs: CelInputs) => CelOutcome;

const REASON_LENGTH_MAX = 256;

interface FieldSpec {
  readonly name: string;
  readonly type: Type;
  readonly repeated?: true;
  readonly of?: string;
}

function message(name: string, fields: readonly FieldSpec[]): object {
  return {
    name,
    field: fields.map(({ name: field, type, repeated, of }, index) => ({
      name: field,
      jsonName: field,
      number: index + 1,
      type,
      label: repeated === true ? Label.REPEATED : Label.OPTIONAL,
      ...(of !== undefined && { typeName: of }),
    })),
  };
}

const TEXT = { type: Type.STRING } as const;
const TEXTS = { type: Type.STRING, repeated: true } as const;
const NUMBER = { type: Type.INT64 } as const;
const FLAG = { type: Type.BOOL } as const;

/** A map is a repeated message of pairs (Protocol Buffers, "Maps"). */
function pairs(name: string): object {
  return {
    ...message(name, [
      { name: 'key', ...TEXT },
      { name: 'value', ...TEXT },
    ]),
    options: { mapEntry: true },
  };
}

/** The messages that a program may make, as the reference names them: what a login is to become. */
const REGISTRY: FileRegistry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      file_google_protobuf_timestamp.proto,
      {
        name: 'logical.proto',
        package: 'logical',
        syntax: 'proto3',
        messageType: [
          {
            ...message('Alias', [
              { name: 'name', ...TEXT },
              {
                name: 'metadata',
                type: Type.MESSAGE,
                repeated: true,
                of: '.logical.Alias.MetadataEntry',
              },
            ]),
            nestedType: [pairs('MetadataEntry')],
          },
        ],
      },
      {
        name: 'pb.proto',
        package: 'pb',
        syntax: 'proto3',
        dependency: ['logical.proto', 'google/protobuf/timestamp.proto'],
        messageType: [
          message('LeaseOptions', [
            { name: 'TTL', ...NUMBER },
            { name: 'MaxTTL', ...NUMBER },
            { name: 'renewable', ...FLAG },
            { name: 'increment', ...NUMBER },
            { name: 'issue_time', type: Type.MESSAGE, of: '.google.protobuf.Timestamp' },
          ]),
          {
            ...message('Auth', [
              { name: 'lease_options', type: Type.MESSAGE, of: '.pb.LeaseOptions' },
              { name: 'display_name', ...TEXT },
              { name: 'policies', ...TEXTS },
              {
                name: 'metadata',
                type: Type.MESSAGE,
                repeated: true,
                of: '.pb.Auth.MetadataEntry',
              },
              { name: 'period', ...NUMBER },
              { name: 'num_uses', ...NUMBER },
              { name: 'alias', type: Type.MESSAGE, of: '.logical.Alias' },
              { name: 'group_aliases', type: Type.MESSAGE, repeated: true, of: '.logical.Alias' },
              { name: 'bound_cidrs', ...TEXTS },
              { name: 'explicit_max_ttl', ...NUMBER },
              { name: 'token_type', type: Type.UINT32 },
              { name: 'no_default_policy', ...FLAG },
            ]),
            nestedType: [pairs('MetadataEntry')],
          },
        ],
      },
    ],
  }),
);
const ENVIRONMENT: CelEnv = celEnv({
  registry: REGISTRY,
  funcs: [...strings, ...EXTENSIONS],
});

/** Numbers of JSON are doubles there. */
function inputOf(value: JsonValue): CelInput {
  if (isRawNumber(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) return value.map(inputOf);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inputOf(each)]));
}

type Planned = (bindings: Record<string, CelInput>) => unknown;

function planned(expression: string, what: string): Planned {
  try {
    return plan(ENVIRONMENT, parse(expression)) as Planned;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n', 1)[0] : '';
    throw new CelFault(`${what} is no CEL expression: ${why ?? ''}`);
  }
}

/** Beginnings of failures that name parts of the program; any other may hold what the token says. */
const TELLING: readonly RegExp[] = [
  /^found no matching overload for '[^']*' applied to '[^']*'/,
  /^unresolved attribute/,
  /^unbound function: \w+/,
  /^Unknown field \w+ for [\w.]+/,
];

function failed(error: unknown): CelOutcome {
  const text = error instanceof Error ? error.message : '';
  const [told] = TELLING.map((each) => each.exec(text)?.[0]).filter((each) => each !== undefined);
  return { kind: 'refused', reason: `the program failed${told === undefined ? '' : `: ${told}`}` };
}

function outcomeOf(result: unknown): CelOutcome {
  if (isCelError(result)) return failed(result);
  if (result === false) return { kind: 'refused', reason: 'the program says false' };
  if (typeof result === 'string')
    return { kind: 'refused', reason: `the program says: ${result.slice(0, REASON_LENGTH_MAX)}` };
  if (!isReflectMessage(result) || result.desc.typeName !== 'pb.Auth')
    return { kind: 'refused', reason: 'the program says neither false, nor a text, nor a pb.Auth' };
  const auth = toJson(result.desc, result.message, { registry: REGISTRY });
  return { kind: 'auth', auth: auth as JsonObject };
}

/** A program, ready to judge tokens. @throws {CelFault} */
export function compiled(program: CelProgram): Judge {
  const variables = program.variables.map(({ name, expression }) => ({
    name,
    run: planned(expression, `the variable ${name}`),
  }));
  const run = planned(program.expression, 'the program');
  return ({ claims, nowMs, operation }) => {
    const bindings: Record<string, CelInput> = {
      claims: inputOf(claims),
      now: timestampFromMs(nowMs),
      operation,
    };
    try {
      for (const variable of variables) {
        const value = variable.run(bindings);
        if (isCelError(value)) return outcomeOf(value);
        bindings[variable.name] = value as CelInput;
      }
      return outcomeOf(run(bindings));
    } catch (error) {
      return failed(error);
    }
  };
}
