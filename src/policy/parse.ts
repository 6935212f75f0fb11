/** Parses an ACL policy, HCL or JSON: `path "…" { capabilities = […] … }`. */
import { HclError, parseHcl } from '../base/hcl/parse.ts';
import type { HclLimits, HclNode, ObjectNode, Position } from '../base/hcl/parse.ts';
import {
  asBoolean,
  asInteger,
  asObject,
  asString,
  asStringList,
  blocksNamed,
  toPlain,
  unknownKeys,
  valuesNamed,
} from '../base/hcl/read.ts';
import type { Block } from '../base/hcl/read.ts';
import { parseTime } from '../base/time-format.ts';
import { CAPABILITY_BITS, DENY, LEGACY_POLICIES, LIST } from './capability.ts';
import { readControlGroups, readSeconds } from './control-group.ts';
import { compileKeysFilter } from './keys-filter.ts';
import { addParameter } from './parameters.ts';
import { compilePattern } from './pattern.ts';
import { PolicyError } from './policy.ts';
import type {
  ParameterRules,
  ParameterValue,
  PathRule,
  Policy,
  RulePermissions,
} from './policy.ts';
import { parseTemplate } from './template.ts';

/** A policy of half a megabyte has thousands of rules; more is a mistake. */
export const POLICY_LIMITS: HclLimits = { bytesMax: 512 * 1024, depthMax: 16, nodesMax: 100_000 };

const POLICY_KEYS: ReadonlySet<string> = new Set(['name', 'path']);
const PATH_KEYS: ReadonlySet<string> = new Set([
  'adds',
  'comment',
  'policy',
  'capabilities',
  'allowed_parameters',
  'denied_parameters',
  'required_parameters',
  'min_wrapping_ttl',
  'max_wrapping_ttl',
  'mfa_methods',
  'pagination_limit',
  'expiration',
  'list_scan_response_keys_filter_path',
  'control_group',
]);

export const DENY_ONLY: RulePermissions = {
  capabilities: DENY,
  minWrappingTtlSeconds: 0,
  maxWrappingTtlSeconds: 0,
  allowedParameters: undefined,
  deniedParameters: undefined,
  requiredParameters: [],
  mfaMethods: [],
  controlGroups: [],
  paginationLimit: 0,
  responseKeysFilterPath: '',
};

/**
 * Parses the text of a policy. `name` is the name that it is stored under: a `name` in the text counts only without it.
 * @throws {PolicyError} with the place of what is wrong
 */
export function parsePolicy(text: string, name?: string): Policy {
  try {
    const { body } = parseHcl(text, POLICY_LIMITS);
    assertKeys(body, POLICY_KEYS, '');
    const written = valuesNamed(body, 'name').map((node) => asString(node, 'name'));
    const rules = blocksNamed(body, 'path', 1).map(parseRule);
    return {
      name: name ?? written.at(-1) ?? '',
      isRoot: false,
      rules,
      templated: rules.some((rule) => rule.template !== undefined),
    };
  } catch (error) {
    if (error instanceof HclError) throw new PolicyError(error.message, error.position);
    throw error;
  }
}

/** @throws {PolicyError} naming every unknown key */
function assertKeys(body: ObjectNode, allowed: ReadonlySet<string>, prefix: string): void {
  const unknown = unknownKeys(body, allowed);
  const [first] = unknown;
  if (first === undefined) return;
  const lines = unknown.map(
    (key) => `\t* ${prefix}invalid key ${JSON.stringify(key.name)} on line ${key.position.line}\n`,
  );
  const count = lines.length === 1 ? '1 error' : `${lines.length} errors`;
  throw new PolicyError(`${count} occurred:\n${lines.join('')}\n`, first.position);
}

function parseRule(block: Block): PathRule {
  const label = block.labels[0] ?? '';
  const where = `path ${JSON.stringify(label)}: `;
  const fail = (message: string): never => {
    throw new PolicyError(where + message, block.position);
  };
  assertKeys(block.body, PATH_KEYS, where);
  try {
    const path = label.startsWith('/') ? label.slice(1) : label;
    if (path.includes('+*')) fail("invalid use of wildcards ('+*' is forbidden)");
    const expiresAtMs = last(block.body, 'expiration', readTime);
    const comment = last(block.body, 'comment', (node) =>
      node.kind === 'string' ? node.value : '',
    );
    const adds = last(block.body, 'adds', asBoolean) ?? false;
    if (adds && compilePattern(path).kind !== 'exact') fail('adds needs a path without wildcards');
    return {
      path,
      adds,
      template: templateOf(path, fail),
      permissions: parsePermissions(block.body, fail),
      comment: comment ?? '',
      expiresAtMs,
      line: block.position.line,
    };
  } catch (error) {
    if (error instanceof HclError) throw new PolicyError(where + error.message, error.position);
    throw error;
  }
}

type Fail = (message: string) => never;

function templateOf(path: string, fail: Fail): PathRule['template'] {
  try {
    return parseTemplate(path);
  } catch (error) {
    if (error instanceof SyntaxError) return fail(`invalid template: ${error.message}`);
    throw error;
  }
}

/** What the last of the values under `name` reads as. */
function last<T>(
  body: ObjectNode,
  name: string,
  read: (node: HclNode, what: string) => T,
): T | undefined {
  return valuesNamed(body, name)
    .map((node) => read(node, name))
    .at(-1);
}

/** All strings of the lists under `name`. */
function strings(body: ObjectNode, name: string): readonly string[] {
  return valuesNamed(body, name).flatMap((node) => asStringList(node, name));
}

function parsePermissions(body: ObjectNode, fail: Fail): RulePermissions {
  const capabilities = parseCapabilities(body, fail);
  if ((capabilities & DENY) !== 0) return DENY_ONLY;
  const minWrappingTtlSeconds = last(body, 'min_wrapping_ttl', readSeconds) ?? 0;
  const maxWrappingTtlSeconds = last(body, 'max_wrapping_ttl', readSeconds) ?? 0;
  if (
    minWrappingTtlSeconds !== 0 &&
    maxWrappingTtlSeconds !== 0 &&
    maxWrappingTtlSeconds < minWrappingTtlSeconds
  ) {
    fail('max_wrapping_ttl cannot be less than min_wrapping_ttl');
  }
  const responseKeysFilterPath = last(body, 'list_scan_response_keys_filter_path', asString) ?? '';
  if (responseKeysFilterPath !== '') {
    if ((capabilities & LIST) === 0) {
      fail('list_scan_response_keys_filter_path needs the list capability');
    }
    assertKeysFilter(responseKeysFilterPath, fail);
  }
  return {
    capabilities,
    minWrappingTtlSeconds: Math.max(minWrappingTtlSeconds, 0),
    maxWrappingTtlSeconds: Math.max(maxWrappingTtlSeconds, 0),
    allowedParameters: readParameters(body, 'allowed_parameters'),
    deniedParameters: readParameters(body, 'denied_parameters'),
    requiredParameters: strings(body, 'required_parameters').map((name) => name.toLowerCase()),
    mfaMethods: strings(body, 'mfa_methods'),
    controlGroups: readControlGroups(body),
    paginationLimit: Math.max(last(body, 'pagination_limit', asInteger) ?? 0, 0),
    responseKeysFilterPath,
  };
}

function parseCapabilities(body: ObjectNode, fail: Fail): number {
  let bits = 0;
  const legacy = last(body, 'policy', asString) ?? '';
  if (legacy !== '') {
    bits |= LEGACY_POLICIES.get(legacy) ?? fail(`invalid policy ${JSON.stringify(legacy)}`);
  }
  for (const name of strings(body, 'capabilities')) {
    bits |= CAPABILITY_BITS.get(name) ?? fail(`invalid capability ${JSON.stringify(name)}`);
  }
  return (bits & DENY) === 0 ? bits : DENY;
}

function assertKeysFilter(template: string, fail: Fail): void {
  try {
    compileKeysFilter(template);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    fail(`list_scan_response_keys_filter_path: ${error.message}`);
  }
}

/** An instant: RFC 3339, or seconds since the epoch; none for empty text. @throws {HclError} */
function readTime(node: HclNode, what: string): number | undefined {
  const text = asString(node, what);
  if (text === '') return undefined;
  const ms = /^\d{1,12}$/.test(text) ? Number(text) * 1000 : parseTime(text);
  if (ms === undefined) throw new HclError(`${what}: invalid expiration time`, node.position);
  return ms;
}

/** @throws {HclError} */
function readParameters(body: ObjectNode, name: string): ParameterRules | undefined {
  const rules = new Map<string, readonly ParameterValue[]>();
  for (const node of valuesNamed(body, name)) {
    for (const item of asObject(node, name).items) {
      const key = item.keys[0].name.toLowerCase();
      if (item.keys.length > 1) throw labelled(name, item.keys[1]?.position ?? node.position);
      addParameter(rules, key, parameterValues(item.value, `${name}.${key}`));
    }
  }
  return rules.size === 0 ? undefined : rules;
}

function labelled(name: string, position: Position): HclError {
  return new HclError(`${name}: a parameter takes no label`, position);
}

function parameterValues(node: HclNode, what: string): readonly ParameterValue[] {
  if (node.kind === 'object') return [toPlain(node)];
  if (node.kind !== 'list') throw new HclError(`${what}: expected a list`, node.position);
  return node.elements.map(({ value }) => toPlain(value));
}
