/** The decision against a second implementation that knows no tables: it goes through every rule for every request. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { buildAcl } from './acl.ts';
import { explain } from './explain.ts';
import { filledIn, naive } from './naive-fixture.ts';
import type { NaivePolicy, NaiveRule } from './naive-fixture.ts';
import { parsePolicy } from './parse.ts';
import type { IdentityView } from './template.ts';

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

/** Decisions that are compared in each run of the tests. */
const CASES = 100_000;
const REQUESTS_EACH = 50;
const OPERATIONS = CAPABILITIES.filter((name) => name !== 'deny');
const directive = fc.constantFrom(
  '{{identity.entity.id}}',
  '{{ identity.entity.name }}',
  '{{identity.entity.metadata.team}}',
  '{{identity.entity.aliases.acc.name}}',
  '{{identity.groups.names.g.id}}',
  '{{identity.entity.metadata.none}}',
);
const templatedRule: fc.Arbitrary<NaiveRule> = fc.record({
  path: fc
    .tuple(
      fc.array(fc.oneof(fc.constantFrom('a', 'b', '+', 'u'), directive), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.constantFrom('', '*', '/*', '/'),
    )
    .map(([segments, end]) => segments.join('/') + end)
    .filter((path) => !path.includes('+*')),
  capabilities: fc.subarray([...CAPABILITIES], { minLength: 0, maxLength: 3 }),
});
const templatedPolicy = fc.record({
  namespaceId: fc.constantFrom('root', 'ns'),
  namespacePath: fc.constantFrom('', '', 'a/'),
  rules: fc.array(templatedRule, { maxLength: 6 }),
});
const word = fc.constantFrom('u', 'v', 'a', 'a', 'b', '', 'x*', '+', 'a/b');
const identity: fc.Arbitrary<IdentityView> = fc.record({
  entity: fc.option(
    fc
      .record({ id: word, name: word, team: fc.option(word), alias: fc.option(word) })
      .map(({ id, name, team, alias }) => ({
        id,
        name,
        metadata: team === null ? {} : { team },
        aliases: new Map(
          alias === null
            ? []
            : [['acc', { id: 'i', name: alias, metadata: {}, customMetadata: {} }] as const],
        ),
      })),
    { nil: undefined },
  ),
  groups: fc.array(
    fc.record({
      id: word,
      name: fc.constantFrom('g', 'h'),
      namespaceId: fc.constantFrom('root', 'ns'),
      metadata: fc.constant({}),
    }),
    { maxLength: 2 },
  ),
});
const templatedPath = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'u', 'v', 'c'), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '/'),
  )
  .map(([segments, end]) => segments.join('/') + end);

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

  test(`of ${CASES} random policies, identities and paths`, () => {
    let [cases, allowed] = [0, 0];
    fc.assert(
      fc.property(
        fc.array(templatedPolicy, { minLength: 1, maxLength: 3 }),
        identity,
        fc.array(fc.tuple(fc.constantFrom(...OPERATIONS), templatedPath), {
          minLength: REQUESTS_EACH,
          maxLength: REQUESTS_EACH,
        }),
        (policies, who, requests) => {
          const inputs = policies.map((each, index) => ({
            policy: parsePolicy(textOf(each.rules), `p${index}`),
            namespaceId: each.namespaceId,
            namespacePath: each.namespacePath,
          }));
          const acl = buildAcl(inputs, { identity: who, nowMs: 0 });
          const rules = policies.map((each) => filledIn(each, who));
          for (const [operation, path] of requests) {
            cases++;
            const decision = acl.decide({ operation, path, nowMs: 0 });
            const expected = naive(rules, operation, path);
            if (expected.allowed) allowed++;
            if (decision.allowed === expected.allowed && decision.rule === expected.rule) continue;
            const shown = `${operation} ${path}\n${policies.map((each) => `${each.namespacePath}: ${textOf(each.rules)}`).join('\n--\n')}`;
            assert.deepEqual(
              [decision.allowed, decision.rule],
              [expected.allowed, expected.rule],
              shown,
            );
          }
        },
      ),
      { numRuns: CASES / REQUESTS_EACH },
    );
    assert.ok(cases >= CASES);
    assert.ok(allowed > CASES / 100, `only ${allowed} were allowed`);
  });
});
