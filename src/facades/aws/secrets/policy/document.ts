/** Resource policies: reading one, and refusing what could not be evaluated. What is not understood is never let through. */
import { isJsonObject } from '../../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../../base/json.ts';
import { AwsError } from '../../errors.ts';
import { CONDITION_KEYS, OPERATORS } from './conditions.ts';

export interface Condition {
  readonly operator: string;
  /** Lower case. */
  readonly key: string;
  readonly values: readonly string[];
}

export interface Statement {
  readonly allow: boolean;
  /** Patterns of principals; with `not`, whom the statement leaves out. */
  readonly principals: { readonly not: boolean; readonly patterns: readonly string[] };
  readonly actions: { readonly not: boolean; readonly patterns: readonly string[] };
  readonly resources: { readonly not: boolean; readonly patterns: readonly string[] };
  readonly conditions: readonly Condition[];
}

const DEPTH_MAX = 8;
const STATEMENTS_MAX = 100;
const MEMBERS = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);
const ACTION = /^(?:\*|secretsmanager:[A-Za-z*?]{1,64})$/;

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocumentException', message);
}

function depthOf(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map((each) => depthOf(each as JsonValue)));
}

/** @throws {AwsError} MalformedPolicyDocumentException */
export function parsePolicy(text: string): readonly Statement[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed('This resource policy contains invalid JSON.');
  }
  if (!isJsonObject(document) || depthOf(document) > DEPTH_MAX)
    throw malformed('The policy must be a JSON object.');
  for (const name of Object.keys(document)) {
    if (!['Version', 'Id', 'Statement'].includes(name))
      throw malformed(`Unknown element ${JSON.stringify(name)}.`);
  }
  const { Version: version, Statement: statement } = document;
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17') {
    throw malformed('The policy must have Version 2012-10-17.');
  }
  const statements = Array.isArray(statement) ? statement : [statement];
  if (statements.length === 0 || statements.length > STATEMENTS_MAX)
    throw malformed('The policy has no statement, or too many.');
  return statements.map((each) => parseStatement(each as JsonValue));
}

function parseStatement(value: JsonValue | undefined): Statement {
  if (!isJsonObject(value)) throw malformed('A statement must be an object.');
  for (const name of Object.keys(value)) {
    if (!MEMBERS.has(name))
      throw malformed(`Unknown element ${JSON.stringify(name)} in a statement.`);
  }
  const effect = value['Effect'];
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed('Effect must be Allow or Deny.');
  const actions = either(value, 'Action', (each) => texts(each, 'Action'));
  if (!actions.patterns.every((pattern) => ACTION.test(pattern))) {
    throw malformed('This resource policy contains an invalid Action.');
  }
  return {
    allow: effect === 'Allow',
    principals: either(value, 'Principal', principals),
    actions,
    resources: either(value, 'Resource', (each) => texts(each, 'Resource')),
    conditions: conditionsOf(value['Condition']),
  };
}

function either(
  statement: JsonObject,
  name: string,
  read: (value: JsonValue) => readonly string[],
): { readonly not: boolean; readonly patterns: readonly string[] } {
  const plain = statement[name];
  const negated = statement[`Not${name}`];
  const value = plain ?? negated;
  if (value === undefined || (plain !== undefined && negated !== undefined)) {
    throw malformed(`A statement needs either ${name} or Not${name}.`);
  }
  return { not: plain === undefined, patterns: read(value) };
}

function texts(value: JsonValue, what: string): readonly string[] {
  const all = Array.isArray(value) ? value : [value];
  if (all.length === 0 || !all.every((each) => typeof each === 'string')) {
    throw malformed(`${what} must be a string or a list of strings.`);
  }
  return all;
}

function principals(value: JsonValue): readonly string[] {
  if (value === '*') return ['*'];
  if (!isJsonObject(value)) throw malformed('This resource policy contains an invalid Principal.');
  return Object.entries(value).flatMap(([kind, named]) => {
    if (kind !== 'AWS')
      throw malformed(`Principals of the kind ${JSON.stringify(kind)} are not known here.`);
    return texts(named, 'Principal');
  });
}

function conditionsOf(value: JsonValue | undefined): readonly Condition[] {
  if (value === undefined) return [];
  if (!isJsonObject(value)) throw malformed('Condition must be an object.');
  return Object.entries(value).flatMap(([operator, tests]) => {
    if (!OPERATORS.has(operator))
      throw malformed(`The condition operator ${JSON.stringify(operator)} is not supported.`);
    if (!isJsonObject(tests)) throw malformed('A condition must be an object.');
    return Object.entries(tests).map(([name, wanted]): Condition => {
      const key = name.toLowerCase();
      if (
        !CONDITION_KEYS.some(
          (known) => key === known || (known.endsWith('/') && key.startsWith(known)),
        )
      ) {
        throw malformed(`The condition key ${JSON.stringify(name)} is not supported.`);
      }
      const list = Array.isArray(wanted) ? wanted : [wanted];
      return { operator, key, values: list.map(String) };
    });
  });
}

/** Anybody at all may: allowed to every principal, without a condition that could narrow it. */
export function isPublic(statements: readonly Statement[]): boolean {
  return statements.some(
    ({ allow, principals: who, conditions }) =>
      allow &&
      conditions.length === 0 &&
      (who.not || who.patterns.some((pattern) => pattern === '*')),
  );
}
