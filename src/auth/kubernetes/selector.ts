/** Label selectors of namespaces (`LabelSelector` of the Kubernetes API), as JSON or YAML. */
import { invalidRequest } from '../../model/errors.ts';

interface Expression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

export interface Selector {
  readonly labels: Readonly<Record<string, string>>;
  readonly expressions: readonly Expression[];
}

const TEXT_LENGTH_MAX = 16 * 1024;
const TERMS_MAX = 64;
const OPERATORS: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

function fault(): Error {
  return invalidRequest('invalid "bound_service_account_namespace_selector" configured');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expressionOf(value: unknown): Expression {
  if (!isRecord(value)) throw fault();
  const { key, operator, values = [] } = value;
  const list = Array.isArray(values) ? values : [undefined];
  if (
    typeof key !== 'string' ||
    typeof operator !== 'string' ||
    !OPERATORS.includes(operator) ||
    list.some((each) => typeof each !== 'string') ||
    list.length > TERMS_MAX
  )
    throw fault();
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues !== list.length > 0) throw fault();
  return { key, operator: operator as Expression['operator'], values: list as string[] };
}

/** @throws {RequestError} when the text is no selector, or one that selects everything */
export async function readSelector(text: string): Promise<Selector> {
  if (text.length > TEXT_LENGTH_MAX) throw fault();
  const { parse } = await import('yaml');
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0, uniqueKeys: true });
  } catch {
    throw fault();
  }
  if (!isRecord(document)) throw fault();
  const { matchLabels: labels = {}, matchExpressions: expressions = [], ...rest } = document;
  if (!isRecord(labels) || !Array.isArray(expressions) || Object.keys(rest).length > 0)
    throw fault();
  const count = Object.keys(labels).length + expressions.length;
  if (count === 0 || count > TERMS_MAX) throw fault();
  if (Object.values(labels).some((each) => typeof each !== 'string')) throw fault();
  return {
    labels: labels as Readonly<Record<string, string>>,
    expressions: expressions.map(expressionOf),
  };
}

export function selects(selector: Selector, labels: ReadonlyMap<string, string>): boolean {
  const holds = ({ key, operator, values }: Expression): boolean => {
    const value = labels.get(key);
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const isIn = value !== undefined && values.includes(value);
    return operator === 'In' ? isIn : !isIn;
  };
  return (
    Object.entries(selector.labels).every(([key, value]) => labels.get(key) === value) &&
    selector.expressions.every(holds)
  );
}
