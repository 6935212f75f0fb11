/** The decision against a second implementation that knows no tables: it goes through every rule for every request. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { buildAcl } from './acl.ts';
import { explain } from './explain.ts';
import { parsePolicy } from './parse.ts';

interface NaiveRule {
  readonly path: string;
  readonly capabilities: readonly string[];
}

interface NaivePolicy {
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

function naive(
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

const CAPABILITIES = ['read', 'list', 'scan', 'update', 'delete', 'deny'] as const;
const rulePath = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'ab', '+', '+', 'a+', ''), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '*', '/*', '/'),
  )
  .map(([segments, end]) => segments.join('/') + end)
  .filter((path) => !path.includes('+*') && !path.startsWith('/'));
const rule: fc.Arbitrary<NaiveRule> = fc.record({
  path: rulePath,
  capabilities: fc.subarray([...CAPABILITIES], { minLength: 0, maxLength: 3 }),
});
const policy: fc.Arbitrary<NaivePolicy> = fc.record({
  namespacePath: fc.constantFrom('', '', 'a/', 'ns/'),
  rules: fc.array(rule, { maxLength: 8 }),
});
const requestPath = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'ab', 'abc', 'ns', 'c'), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '/'),
  )
  .map(([segments, end]) => segments.join('/') + end);

function textOf(rules: readonly NaiveRule[]): string {
  return rules
    .map(
      ({ path, capabilities }) =>
        `path ${JSON.stringify(path)} { capabilities = ${JSON.stringify(capabilities)} }`,
    )
    .join('\n');
}

suite('an ACL and going through every rule', () => {
  test('decide alike', () => {
    fc.assert(
      fc.property(
        fc.array(policy, { maxLength: 4 }),
        fc.array(fc.tuple(fc.constantFrom(...CAPABILITIES.slice(0, 5)), requestPath), {
          minLength: 1,
          maxLength: 10,
        }),
        (policies, requests) => {
          const acl = buildAcl(
            policies.map(({ namespacePath, rules }, index) => ({
              policy: parsePolicy(textOf(rules), `p${index}`),
              namespaceId: namespacePath,
              namespacePath,
            })),
            { nowMs: 0 },
          );
          for (const [operation, path] of requests) {
            if (operation === 'deny') continue;
            const query = { operation, path, nowMs: 0 };
            const decision = acl.decide(query);
            const expected = naive(policies, operation, path);
            const shown = `${operation} ${path}\n${policies.map(({ rules }) => textOf(rules)).join('\n--\n')}`;
            assert.equal(decision.rule, expected.rule, shown);
            assert.equal(decision.allowed, expected.allowed, shown);
            const explained = explain(acl, query).candidates.filter((candidate) => candidate.won);
            assert.deepEqual(
              explained.map((candidate) => candidate.rule),
              expected.rule === undefined ? [] : [expected.rule],
            );
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('adding a deny for the very path never allows more', () => {
    fc.assert(
      fc.property(
        policy,
        requestPath,
        fc.constantFrom('read', 'list', 'scan'),
        (given, path, operation) => {
          const more = {
            ...given,
            namespacePath: '',
            rules: [...given.rules, { path, capabilities: ['deny'] }],
          };
          const acl = buildAcl(
            [{ policy: parsePolicy(textOf(more.rules)), namespaceId: 'root', namespacePath: '' }],
            { nowMs: 0 },
          );
          assert.equal(acl.decide({ operation, path, nowMs: 0 }).allowed, false);
        },
      ),
    );
  });
});
