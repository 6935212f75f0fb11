/** Roles in CEL: a program in place of bound claims and settings says who a token is for, and what the login becomes. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { FieldSet } from '../../../model/field.ts';
import { entryPaths } from '../../../model/listing/entry-paths.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../../model/transaction.ts';
import { ENTRIES_MAX } from '../../roles.ts';
import type { CelProgram, Judge } from './engine.ts';
import type { Reply } from '../../../model/reply.ts';

const ROLES = 'cel/role/';
const EXPRESSION_LENGTH_MAX = 8192;
const VARIABLES_MAX = 64;
const MESSAGE_LENGTH_MAX = 1024;
const VARIABLE_NAME = /^[A-Za-z_]\w{0,63}$/;
/** Names that the program has from elsewhere. */
const GIVEN: readonly string[] = ['claims', 'now', 'operation'];
const LEEWAY_SECONDS = 150;
const CLOCK_SKEW_SECONDS = 60;

export interface CelRole {
  readonly cel_program: CelProgram;
  readonly message: string;
  readonly expiration_leeway: number;
  readonly not_before_leeway: number;
  readonly clock_skew_leeway: number;
  readonly bound_audiences: readonly string[];
}

const FIELDS = {
  name: { kind: 'lower_string', description: 'Name of the role.' },
  cel_program: {
    kind: 'map',
    description:
      'The program: an expression, and variables (a list of name and expression) that it may use.',
  },
  message: { kind: 'string', description: 'Kept for tools that set it; callers hear what all do.' },
  expiration_leeway: {
    kind: 'signed_duration_seconds',
    description: 'Time that a token which names no end counts; 150 seconds unless said, -1 = none.',
  },
  not_before_leeway: {
    kind: 'signed_duration_seconds',
    description: 'Time before its end that a token counts which names no start.',
  },
  clock_skew_leeway: {
    kind: 'signed_duration_seconds',
    description: 'Time that clocks may differ; 60 seconds unless said, -1 = none.',
  },
  bound_audiences: { kind: 'comma_string_list', description: 'Audiences, of which one must fit.' },
} as const satisfies FieldSet;

const judges = new WeakMap<object, Judge>();

/** The role's program, read once for each stored revision. */
export async function judgeOf(role: Stored<CelRole>): Promise<Judge> {
  const known = judges.get(role);
  if (known !== undefined) return known;
  const { compiled } = await import('./engine.ts');
  const judge = compiled(role.cel_program);
  judges.set(role, judge);
  return judge;
}

export async function celRole(store: Reader, name: string): Promise<Stored<CelRole> | undefined> {
  return await store.getRecord<CelRole>(ROLES + name);
}

function expressionOf(value: JsonValue | undefined, what: string): string {
  if (typeof value !== 'string' || value.trim() === '')
    throw invalidRequest(`${what} cannot be empty`);
  if (value.length > EXPRESSION_LENGTH_MAX) throw invalidRequest(`${what} is too long`);
  return value;
}

/** @throws {RequestError} */
async function programOf(sent: JsonObject): Promise<CelProgram> {
  const { compiled, CelFault } = await import('./engine.ts');
  const listed = sent['variables'] ?? [];
  if (!Array.isArray(listed) || listed.length > VARIABLES_MAX)
    throw invalidRequest(`cel_program.variables must be a list of at most ${VARIABLES_MAX}`);
  const variables = listed.map((each) => {
    const fields = isJsonObject(each) ? each : {};
    const name = fields['name'];
    if (typeof name !== 'string' || !VARIABLE_NAME.test(name) || GIVEN.includes(name))
      throw invalidRequest('a variable of cel_program has no good name');
    return { name, expression: expressionOf(fields['expression'], `the variable ${name}`) };
  });
  const expression = expressionOf(sent['expression'], 'cel_program.expression');
  const program: CelProgram = { variables, expression };
  try {
    compiled(program);
  } catch (error) {
    if (error instanceof CelFault) throw invalidRequest(error.message);
    throw error;
  }
  return program;
}

function shown(name: string, role: Stored<CelRole>): Readonly<Record<string, unknown>> {
  const { variables, expression } = role.cel_program;
  const program = variables.length === 0 ? { expression } : { variables, expression };
  return { ...role, cel_program: program, name };
}

async function write(
  request: Request<{
    readonly name?: string | undefined;
    readonly cel_program?: JsonObject | undefined;
    readonly message?: string | undefined;
    readonly expiration_leeway?: number | undefined;
    readonly not_before_leeway?: number | undefined;
    readonly clock_skew_leeway?: number | undefined;
    readonly bound_audiences?: readonly string[] | undefined;
  }>,
  store: Transaction,
): Promise<Reply> {
  const { name = '', cel_program: sent, ...given } = request.fields;
  const known = await celRole(store, name);
  // A patch changes what it names; any other write begins anew, as in the reference.
  const before = request.operation === 'patch' ? known : undefined;
  if (request.operation === 'patch' && before === undefined)
    throw invalidRequest('Unable to fetch cel role entry to patch');
  if (sent === undefined && before === undefined)
    throw invalidRequest("missing required field 'cel_program'");
  const program = sent === undefined ? before?.cel_program : await programOf(sent);
  const role: CelRole = {
    cel_program: program ?? { variables: [], expression: '' },
    message: given.message ?? before?.message ?? '',
    expiration_leeway: given.expiration_leeway ?? before?.expiration_leeway ?? LEEWAY_SECONDS,
    not_before_leeway: given.not_before_leeway ?? before?.not_before_leeway ?? LEEWAY_SECONDS,
    clock_skew_leeway: given.clock_skew_leeway ?? before?.clock_skew_leeway ?? CLOCK_SKEW_SECONDS,
    bound_audiences: given.bound_audiences ?? before?.bound_audiences ?? [],
  };
  if (role.bound_audiences.length > ENTRIES_MAX)
    throw invalidRequest(`at most ${ENTRIES_MAX} audiences are allowed`);
  if (role.message.length > MESSAGE_LENGTH_MAX) throw invalidRequest('the message is too long');
  store.putJson(ROLES + name, role);
  return { data: shown(name, role) };
}

export const celRolePaths: readonly Path[] = entryPaths({
  folder: 'cel/role',
  parameter: 'name',
  prefix: ROLES,
  one: 'role in CEL',
  many: 'roles in CEL',
  fields: FIELDS,
  tellsCreate: false,
  patches: true,
  read: async (store, name) => {
    const role = await celRole(store, name);
    return role === undefined ? undefined : shown(name, role);
  },
  write,
});
