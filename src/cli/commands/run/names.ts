/** Which environment variable a field of a secret becomes. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../client/json.ts';
import { plainText } from '../../render/values.ts';

export interface NameOptions {
  readonly prefix: string;
  readonly upperCase: boolean;
}

/**
 * Variables that decide which code a program loads. Whoever may write a secret could run code through them on every machine that
 * runs something with it, so a secret never sets them.
 */
const LOADER_VARIABLES: readonly RegExp[] = [
  /^(?:LD|DYLD)_/i,
  /^(?:PATH|IFS|ENV|BASH_ENV|SHELLOPTS|PS4|PROMPT_COMMAND)$/i,
  /^(?:NODE_OPTIONS|NODE_PATH|PYTHONPATH|PYTHONSTARTUP|PYTHONHOME|PERL5LIB|PERL5OPT|RUBYOPT|RUBYLIB)$/i,
  /^(?:JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|GIT_SSH|GIT_SSH_COMMAND|GIT_EXEC_PATH)$/i,
];

/**
 * Variables of the fields, in their order. Null fields are left out; lists and objects become JSON.
 * @throws {Error} for a name or value that no environment can hold, and for one of the loader's variables.
 */
export function toVariables(fields: JsonObject, options: NameOptions): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [field, value] of Object.entries(fields)) {
    if (value === null) continue;
    const name = variableName(field, options);
    if (LOADER_VARIABLES.some((pattern) => pattern.test(name))) {
      throw new Error(
        `the field ${JSON.stringify(field)} would become ${name}, which decides what code programs load; use -prefix`,
      );
    }
    const text = variableText(value);
    if (text.includes('\0')) {
      throw new Error(
        `the field ${JSON.stringify(field)} holds a zero byte, which no variable can`,
      );
    }
    variables.set(name, text);
  }
  return variables;
}

function variableName(field: string, options: NameOptions): string {
  const plain = (options.prefix + field).replace(/[^A-Za-z0-9_]/g, '_');
  const cased = options.upperCase ? plain.toUpperCase() : plain;
  return /^\d/.test(cased) || cased === '' ? `_${cased}` : cased;
}

function variableText(value: JsonValue): string {
  return Array.isArray(value) || isJsonObject(value) ? JSON.stringify(value) : plainText(value);
}
