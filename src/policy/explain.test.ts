/** What is told about an ACL: the resultant ACL, visible mounts and keys, and explanations. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { buildAcl } from './acl.ts';
import type { Acl } from './acl.ts';
import { DEFAULT_POLICY_TEXT } from './builtin.ts';
import { explain } from './explain.ts';
import { parsePolicy } from './parse.ts';
import { resultantAcl } from './resultant-acl.ts';
import { visibleKeys } from './visible-keys.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

function acl(...texts: readonly string[]): Acl {
  return buildAcl(
    texts.map((text, index) => ({
      policy: parsePolicy(text, `p${index}`),
      namespaceId: 'root',
      namespacePath: '',
    })),
    { nowMs: NOW_MS },
  );
}

function grant(path: string, ...capabilities: readonly string[]): string {
  return `path "${path}" { capabilities = ${JSON.stringify(capabilities)} }\n`;
}

test('a filtered listing shows what may be read, or listed', () => {
  const list = acl(
    grant('ns1/kv/data/open/*', 'read') +
      grant('ns1/kv/data/open/secret', 'deny') +
      grant('ns1/kv/data/open/folder/*', 'list') +
      grant('ns1/kv/data/open/root', 'read', 'sudo'),
  );
  const keys = ['a', 'folder/', 'other/', 'root', 'secret', 'x'];
  const listing = {
    filterPath: '{{ .path | replace "metadata" "data" }}{{ .key }}',
    namespacePath: 'ns1/',
    keys,
    nowMs: NOW_MS,
    needsSudo: (path: string) => path.endsWith('/root') || path.endsWith('/x'),
  };
  assert.deepEqual(visibleKeys(list, { ...listing, path: 'kv/metadata/open/' }), [
    'a',
    'folder/',
    'root',
  ]);
  assert.deepEqual(visibleKeys(list, { ...listing, path: 'kv/metadata/closed/' }), []);
});

suite('what is told about an ACL', () => {
  test('the resultant ACL of the default policy', () => {
    const shown = resultantAcl(acl(DEFAULT_POLICY_TEXT), NOW_MS);
    assert.deepEqual(JSON.parse(JSON.stringify(shown)), {
      root: false,
      exact_paths: {
        'auth/token/lookup-self': { capabilities: ['read'] },
        'auth/token/renew-self': { capabilities: ['update'] },
        'auth/token/revoke-self': { capabilities: ['update'] },
        'identity/eligible': { capabilities: ['list'] },
        'sys/approvals': { capabilities: ['list'] },
        'sys/capabilities-self': { capabilities: ['update'] },
        'sys/control-group/request': { capabilities: ['update'] },
        'sys/internal/ui/resultant-acl': { capabilities: ['read'] },
        'sys/leases/lookup': { capabilities: ['update'] },
        'sys/leases/renew': { capabilities: ['update'] },
        'sys/policies/explain': { capabilities: ['update'] },
        'sys/tools/hash': { capabilities: ['update'] },
        'sys/wrapping/lookup': { capabilities: ['update'] },
        'sys/wrapping/unwrap': { capabilities: ['update'] },
        'sys/wrapping/wrap': { capabilities: ['update'] },
      },
      glob_paths: {
        'cubbyhole/': { capabilities: ['create', 'delete', 'list', 'read', 'update'] },
        'sys/tools/hash/': { capabilities: ['update'] },
      },
    });
  });

  test('bounds and parameters show in the resultant ACL', () => {
    const list = acl(
      `path "a" { capabilities = ["update"] max_wrapping_ttl = "1m"
      allowed_parameters = { x = ["1"] } required_parameters = ["x"] }`,
      grant('b'),
    );
    assert.deepEqual(JSON.parse(JSON.stringify(resultantAcl(list, NOW_MS))), {
      root: false,
      exact_paths: {
        a: {
          capabilities: ['update'],
          max_wrapping_ttl: 60,
          allowed_parameters: { x: ['1'] },
          required_parameters: ['x'],
        },
        b: { capabilities: ['deny'] },
      },
      glob_paths: {},
    });
  });

  test('mounts that are visible', () => {
    const mounts = ['kv/', 'team/', 'any/', 'auth/x/', 'auth/z/', 'empty/', 'pre/fix/'];
    const visible = (...rules: readonly string[]): readonly string[] => {
      const list = acl(rules.join(''));
      return mounts.filter((mount) => list.grantsBelow(mount, NOW_MS));
    };
    assert.deepEqual(visible(grant('kv/a/b', 'read'), grant('team/*', 'deny'), grant('empty/*')), [
      'kv/',
    ]);
    assert.deepEqual(visible(grant('auth/x/+/y', 'read'), grant('pre/*', 'read')), [
      'auth/x/',
      'pre/fix/',
    ]);
    assert.deepEqual(visible(grant('any/a*', 'list')), ['any/']);
    assert.deepEqual(visible(grant('+/shared', 'read')), ['kv/', 'team/', 'any/', 'empty/']);
    assert.deepEqual(visible(grant('auth/+/login/*', 'read')), ['auth/x/', 'auth/z/']);
  });

  test('explain names every candidate and what decided', () => {
    const list = acl(
      grant('kv/*', 'list'),
      grant('kv/a/*', 'deny'),
      grant('kv/+/x', 'list') + grant('kv/a/+', 'list'),
    );
    const { decision, candidates } = explain(list, {
      operation: 'list',
      path: 'kv/a/x/',
      nowMs: NOW_MS,
    });
    assert.equal(decision.reason, 'denied');
    assert.deepEqual(
      candidates.map((candidate) => [candidate.rule, candidate.won, candidate.why]),
      [
        ['kv/a/*', true, 'ranks highest of the rules that match'],
        ['kv/*', false, 'its first wildcard comes earlier (3 < 5)'],
        ['kv/a/+', false, 'matches only without the closing slash'],
        ['kv/+/x', false, 'matches only without the closing slash'],
      ],
    );
    const exact = explain(acl(grant('kv/a', 'read') + grant('kv/*', 'deny')), {
      operation: 'read',
      path: 'kv/a',
      nowMs: NOW_MS,
    });
    assert.deepEqual(
      exact.candidates.map((candidate) => candidate.why),
      ['names the path itself', 'a rule that names the path itself comes first'],
    );
    assert.deepEqual(
      explain(acl(''), { operation: 'read', path: 'x', nowMs: NOW_MS }).candidates,
      [],
    );
  });
});
