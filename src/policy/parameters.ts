/** The checks of `required_parameters`, `denied_parameters` and `allowed_parameters` on a request's top-level parameters. */
import { isRawNumber } from '../base/json.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { ParameterRules, ParameterValue } from './policy.ts';

const ANY = '*';

export type ParameterProblem = 'required_parameter' | 'denied_parameter' | 'allowed_parameter';

export interface ParameterChecks {
  readonly allowedParameters: ParameterRules | undefined;
  readonly deniedParameters: ParameterRules | undefined;
  readonly requiredParameters: readonly string[];
}

/** The first check that `data` fails, undefined when it passes all. */
export function parameterProblem(
  checks: ParameterChecks,
  data: Readonly<JsonObject>,
): ParameterProblem | undefined {
  for (const name of checks.requiredParameters) {
    // As the reference: the name must be there in lower case.
    if (!Object.hasOwn(data, name)) return 'required_parameter';
  }
  const { allowedParameters, deniedParameters } = checks;
  if (allowedParameters === undefined && deniedParameters === undefined) return undefined;
  const names = Object.keys(data);
  if (names.length === 0) return undefined;
  if (deniedParameters !== undefined && isDenied(deniedParameters, names, data)) {
    return 'denied_parameter';
  }
  if (allowedParameters !== undefined && !isAllowed(allowedParameters, names, data)) {
    return 'allowed_parameter';
  }
  return undefined;
}

function isDenied(
  denied: ParameterRules,
  names: readonly string[],
  data: Readonly<JsonObject>,
): boolean {
  if (denied.has(ANY)) return true;
  return names.some((name) => {
    const values = denied.get(name.toLowerCase());
    return values !== undefined && holds(values, data[name] ?? null, true);
  });
}

function isAllowed(
  allowed: ParameterRules,
  names: readonly string[],
  data: Readonly<JsonObject>,
): boolean {
  const anyName = allowed.has(ANY);
  if (anyName && allowed.size === 1) return true;
  return names.every((name) => {
    const values = allowed.get(name.toLowerCase());
    return values === undefined ? anyName : holds(values, data[name] ?? null, false);
  });
}

/** Whether one of `values` stands for `value`; an empty list stands for every value. */
function holds(values: readonly ParameterValue[], value: JsonValue, denying: boolean): boolean {
  return values.length === 0 || values.some((rule) => sameValue(rule, value, denying));
}

/**
 * Typed comparison. Strings match with a leading or trailing `*`. The reference compares a number of the policy with the
 * number of the request as different types, so that they never match; policies rely on it to refuse in allowed lists. In
 * denied lists that would let the denied value through, so there numbers and objects compare by value.
 */
function sameValue(rule: ParameterValue, value: JsonValue, denying: boolean): boolean {
  if (typeof rule === 'string') return typeof value === 'string' && matchesGlob(rule, value);
  if (typeof rule === 'boolean' || rule === null) return rule === value;
  if (typeof rule === 'number') return denying && numberOf(value) === rule;
  if (Array.isArray(rule)) {
    return (
      Array.isArray(value) &&
      value.length === rule.length &&
      rule.every((item: ParameterValue, index) => sameItem(item, value[index] ?? null, denying))
    );
  }
  return denying && sameObject(rule as Readonly<Record<string, ParameterValue>>, value);
}

/** Inside a list nothing is a glob. */
function sameItem(rule: ParameterValue, value: JsonValue, denying: boolean): boolean {
  return typeof rule === 'string' ? rule === value : sameValue(rule, value, denying);
}

function sameObject(rule: Readonly<Record<string, ParameterValue>>, value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isRawNumber(value)) {
    return false;
  }
  const names = Object.keys(rule);
  return (
    Object.keys(value).length === names.length &&
    names.every((name) => {
      const member = Object.hasOwn(value, name) ? value[name] : undefined;
      return member !== undefined && sameItem(rule[name] ?? null, member, true);
    })
  );
}

function numberOf(value: JsonValue): number | undefined {
  if (typeof value === 'number') return value;
  return isRawNumber(value) ? Number(value.rawJSON) : undefined;
}

/** `*` at the start, at the end or both; a lone `*` is an ordinary character. */
function matchesGlob(glob: string, value: string): boolean {
  if (glob.length < 2) return glob === value;
  const head = glob.startsWith('*');
  const tail = glob.endsWith('*');
  if (head && tail) return value.includes(glob.slice(1, -1));
  if (head) return value.endsWith(glob.slice(1));
  return tail ? value.startsWith(glob.slice(0, -1)) : value === glob;
}

/** Adds values to a parameter; an empty list, which stands for any value, swallows the others. */
export function addParameter(
  rules: Map<string, readonly ParameterValue[]>,
  name: string,
  values: readonly ParameterValue[],
): void {
  const existing = rules.get(name);
  if (existing === undefined) rules.set(name, values);
  else
    rules.set(name, values.length === 0 || existing.length === 0 ? [] : [...values, ...existing]);
}
