/** Names of policies and the paths by which listed keys are judged. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { compileKeysFilter } from './keys-filter.ts';
import {
  canonicalPolicyName,
  canonicalPolicySet,
  looksLikeRoot,
  policyNameProblem,
} from './policy-name.ts';

function setOf(names: readonly string[], addDefault: boolean): readonly string[] {
  return canonicalPolicySet(names, { addDefault });
}

suite('names', () => {
  test('are trimmed and lower-cased', () => {
    assert.equal(canonicalPolicyName('  AdMin\t'), 'admin');
  });

  test('that are fine', () => {
    for (const name of ['a', 'with/slash', 'a.b', 'ns-1_x', 'root:admin', 'ä', '%2f', 'root']) {
      assert.equal(policyNameProblem(name), undefined, name);
    }
  });

  test('that are refused', () => {
    for (const name of [
      '',
      '..',
      '../root-admin',
      '..%2fadmin',
      'a/../b',
      '/admin',
      'a/',
      'a//b',
      './a',
      'a\\b',
      'a\0b',
      'a\u200bb',
      'ＲＯＯＴ'.toLowerCase(),
      'ä'.repeat(257),
    ]) {
      assert.notEqual(policyNameProblem(name), undefined, JSON.stringify(name));
    }
  });

  test('that fold to root', () => {
    for (const name of ['root', 'Root', 'rooT', ' root', 'root\t', 'ＲＯＯＴ']) {
      assert.ok(looksLikeRoot(name), name);
    }
    for (const name of ['root,default', 'roots', '']) assert.ok(!looksLikeRoot(name), name);
  });

  test('as a set', () => {
    assert.deepEqual(setOf(['B ', 'a', '', 'b'], true), ['a', 'b', 'default']);
    assert.deepEqual(setOf([], false), []);
    assert.deepEqual(setOf([], true), ['default']);
    assert.deepEqual(setOf(['a', 'ROOT'], true), ['root']);
  });
});

suite('keys filter', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{{ .path }}{{ .key }}', 'kv/metadata/team/Name'],
    ['{{.path | replace "metadata" "data"}}{{.key}}', 'kv/data/team/Name'],
    ['fixed/{{ .key | lowercase }}', 'fixed/name'],
    ['{{ .key | uppercase | truncate 2 }}', 'NA'],
    ['{{ .key | replace `N` "$&" }}', '$&ame'],
  ];
  for (const [template, path] of cases) {
    test(template, () => {
      assert.equal(compileKeysFilter(template).pathFor('kv/metadata/team/', 'Name'), path);
    });
  }

  const refused = [
    '',
    '{{ .path }}',
    '{{ .key',
    '{{ .other }}{{ .key }}',
    '{{ .key | rand 3 }}',
    '{{ .key | replace "a" }}',
    '{{ .key | truncate x }}',
    '{{ .key | lowercase 1 }}',
    '{{ .key | replace "a }}',
    '{{ }}{{.key}}',
    'x'.repeat(1025),
  ];
  for (const template of refused) {
    test(`refuses ${template.slice(0, 40)}`, () => {
      assert.throws(() => compileKeysFilter(template), SyntaxError);
    });
  }

  test('what it makes stays short', () => {
    const growing = `{{ .key ${'| replace "a" "aaaaaaaaaaaaaaaaaaaa" '.repeat(10)}}}`;
    assert.ok(compileKeysFilter(growing).pathFor('', 'a').length <= 4096);
  });

  test('any template compiles or is refused with a SyntaxError', () => {
    const unit = fc.constantFrom('{{', '}}', '.key', '.path', ' ', '|', '"', '`', 'replace', 'a');
    fc.assert(
      fc.property(fc.string({ unit }), (template) => {
        try {
          compileKeysFilter(template).pathFor('p/', 'k');
        } catch (error) {
          assert.ok(error instanceof SyntaxError, String(error));
        }
      }),
    );
  });
});
