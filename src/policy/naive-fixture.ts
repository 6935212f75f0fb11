/**
 * A second implementation of the decision that knows no tables: it goes through every rule for every request. Written for the
 * eye, not for speed; only tests use it.
 */
import type { IdentityView } from './template.ts';

export interface NaiveRule {
  readonly path: string;
  readonly capabilities: readonly string[];
}

export interface NaivePolicy {
  readonly namespacePath: string;
  readonly rules: readonly NaiveRule[];
}

function isWildcard(path: string): boolean {
  return path === '+' || path.startsWith('+/') || path.includes('/+');
}

function isExact(path: string): boolean {
  return !isWildcard(path) && !path.endsWith('*');
}

function matches(rule: string, path: string): boolean {
  if (isExact(rule)) return rule === path;
  const open = rule.endsWith('*');
  const text = open ? rule.slice(0, -1) : rule;
  if (!isWildcard(rule)) return path.startsWith(text);
  const wanted = text.split('/');
  const given = path.split('/');
  if (open ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => {
    if (segment === '+') return true;
    const mayContinue = open && index === wanted.length - 1;
    return mayContinue ? given[index]?.startsWith(segment) === true : given[index] === segment;
  });
}

/** Ranks as one comparable list: greater is better. */
function rank(rule: string): readonly (number | string)[] {
  const open = rule.endsWith('*');
  const text = open ? rule.slice(0, -1) : rule;
  const first = isWildcard(rule) ? text.indexOf('+') : text.length;
  const pluses = isWildcard(rule) ? text.split('/').filter((part) => part === '+').length : 0;
  return [first, open ? 0 : 1, -pluses, text.length, text];
}

function outranks(a: string, b: string): boolean {
  const left = rank(a);
  const right = rank(b);
  const index = left.findIndex((value, at) => value !== right[at]);
  return index >= 0 && (left[index] ?? 0) > (right[index] ?? 0);
}

function best(paths: readonly string[]): string | undefined {
  return paths.reduce<string | undefined>(
    (found, path) => (found === undefined || outranks(path, found) ? path : found),
    undefined,
  );
}

/** The rule that counts, and whether it allows. */
export function naive(
  policies: readonly NaivePolicy[],
  operation: string,
  path: string,
): { readonly allowed: boolean; readonly rule: string | undefined } {
  const all = policies.flatMap((policy) =>
    policy.rules.map((rule) => ({ ...rule, path: policy.namespacePath + rule.path })),
  );
  const paths = [...new Set(all.map((rule) => rule.path))];
  const capabilities = (rule: string): readonly string[] =>
    all.filter((one) => one.path === rule).flatMap((one) => one.capabilities);
  const loose = paths.filter((rule) => !isExact(rule));
  const listing = operation === 'list' || operation === 'scan';
  const bare = path.endsWith('/') ? path.slice(0, -1) : path;
  const ofPath = best(loose.filter((rule) => matches(rule, path)));
  const ofBare = listing ? best(loose.filter((rule) => matches(rule, bare))) : undefined;
  let rule = ofPath ?? ofBare;
  if (ofPath !== undefined && ofBare !== undefined && outranks(ofBare, ofPath)) {
    if (capabilities(ofBare).includes('deny')) rule = ofBare;
  }
  const exact = (wanted: string): string | undefined =>
    paths.find((one) => isExact(one) && one === wanted);
  rule = exact(path) ?? (listing ? exact(bare) : undefined) ?? rule;
  if (rule === undefined) return { allowed: false, rule };
  const granted = capabilities(rule);
  return { allowed: granted.includes(operation) && !granted.includes('deny'), rule };
}

/** What a template directive stands for; undefined when the rule is to be dropped. */
function naiveValue(
  directive: string,
  { entity, groups }: IdentityView,
  namespaceId: string,
): string | undefined {
  const value = (): string | undefined => {
    const group = groups.find((each) => each.name === 'g' && each.namespaceId === namespaceId);
    switch (directive) {
      case 'identity.entity.id':
        return entity?.id;
      case 'identity.entity.name':
        return entity?.name;
      case 'identity.entity.metadata.team':
        return entity?.metadata['team'];
      case 'identity.entity.aliases.acc.name':
        return entity?.aliases.get('acc')?.name;
      case 'identity.groups.names.g.id':
        return group?.id;
      default:
        return undefined;
    }
  };
  const text = value();
  return text === undefined || text === '' || /[*+/]/.test(text) ? undefined : text;
}

/** The rules with their templates filled in for somebody; those that cannot be filled are dropped. */
export function filledIn(
  policy: NaivePolicy & { readonly namespaceId: string },
  identity: IdentityView,
): NaivePolicy {
  const rules = policy.rules.flatMap((rule) => {
    let dropped = false;
    const path = rule.path.replaceAll(/\{\{([^}]*)\}\}/g, (_all, directive: string) => {
      const value = naiveValue(directive.trim(), identity, policy.namespaceId);
      if (value === undefined) dropped = true;
      return value ?? '';
    });
    return dropped ? [] : [{ ...rule, path: path.startsWith('/') ? path.slice(1) : path }];
  });
  return { namespacePath: policy.namespacePath, rules };
}
