/** Label selectors (matchLabels, matchExpressions) and role rules, as JSON or YAML, and whether labels match. */
import { parse } from 'yaml';
import { member } from '../../model/outgoing.ts';

/** Longest text; longer ones have no place in a role. */
export const DOCUMENT_LENGTH_MAX: number = 64 * 1024;
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

interface Requirement {
  readonly key: string;
  readonly operator: (typeof OPERATORS)[number];
  readonly values: readonly string[];
}

export type Selector = readonly Requirement[];

function documentOf(text: string): unknown {
  if (text.length > DOCUMENT_LENGTH_MAX) return undefined;
  try {
    return parse(text, { maxAliasCount: 0 }) as unknown;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Undefined when the text is no selector. An empty one matches everything. */
export function parseSelector(text: string): Selector | undefined {
  const document = documentOf(text);
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    return undefined;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(member(document, 'matchLabels') ?? {})) {
    if (typeof value !== 'string') return undefined;
    requirements.push({ key, operator: 'In', values: [value] });
  }
  const expressions = member(document, 'matchExpressions') ?? [];
  if (!Array.isArray(expressions)) return undefined;
  for (const expression of expressions as readonly unknown[]) {
    const key = member(expression, 'key');
    const operator = OPERATORS.find((each) => each === member(expression, 'operator'));
    const values = member(expression, 'values') ?? [];
    if (typeof key !== 'string' || operator === undefined || !isTexts(values)) return undefined;
    const needsValues = operator === 'In' || operator === 'NotIn';
    if (needsValues !== values.length > 0) return undefined;
    requirements.push({ key, operator, values });
  }
  return requirements;
}

export function matches(selector: Selector, labels: ReadonlyMap<string, string>): boolean {
  return selector.every(({ key, operator, values }) => {
    const value = labels.get(key);
    const listed = value !== undefined && values.includes(value);
    if (operator === 'In') return listed;
    if (operator === 'NotIn') return !listed;
    return (operator === 'Exists') === (value !== undefined);
  });
}

/** The rules of a role, `{"rules": [{"apiGroups": […], …}]}`; undefined when the text has none of that shape. */
export function parseRules(text: string): readonly unknown[] | undefined {
  const rules = member(documentOf(text), 'rules');
  if (!Array.isArray(rules)) return undefined;
  const lists = ['apiGroups', 'resources', 'verbs', 'resourceNames', 'nonResourceURLs'];
  const good = (rules as readonly unknown[]).every(
    (rule) =>
      typeof rule === 'object' &&
      rule !== null &&
      Object.entries(rule).every(([name, value]) => lists.includes(name) && isTexts(value)),
  );
  return good ? rules : undefined;
}
