/** Judging a request: names that the backend folds are judged as they are acted on. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { RequestError } from '../../model/errors.ts';
import { buildAcl } from '../../policy/acl.ts';
import { parsePolicy } from '../../policy/parse.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';
import { authorize } from './authorize.ts';
import { foldedPath } from './folded-path.ts';

const FIELDS = {
  name: { kind: 'lower_string', description: '' },
  other: { kind: 'string', description: '' },
} as const;

suite('folding', () => {
  const cases: readonly (readonly [string, Record<string, string>, string | undefined])[] = [
    ['acl/admin', { name: 'admin' }, undefined],
    ['acl/ADMIN', { name: 'ADMIN' }, 'acl/admin'],
    ['acl/Team/Admin/', { name: 'Team/Admin/' }, 'acl/team/admin/'],
    ['role/PROD/id', { name: 'PROD' }, 'role/prod/id'],
    ['role/PROD/PROD', { name: 'PROD' }, 'role/prod/prod'],
    ['user/ADMIN', { other: 'ADMIN' }, undefined],
    ['x/$&A', { name: '$&A' }, 'x/$&a'],
  ];
  for (const [path, params, folded] of cases) {
    test(path, () => assert.equal(foldedPath(path, { path: { fields: FIELDS }, params }), folded));
  }
});

/** What `authorize` says to an update of `sys/policies/acl/<name>`. */
async function verdict(policy: string, name: string, sudo = false): Promise<string> {
  const acl = buildAcl(
    [{ policy: parsePolicy(policy, 'p'), namespaceId: 'root', namespacePath: '' }],
    { nowMs: 0 },
  );
  const parts = { authority: { acl: async () => acl } } as unknown as Parts;
  const exchange = {
    principal: {},
    operation: 'update',
    namespace: { id: 'root', path: '' },
    path: `sys/policies/acl/${name}`,
    pathBelowMount: `policies/acl/${name}`,
    match: { path: { fields: FIELDS, sudo }, params: { name } },
    data: {},
    call: { wrapTtlSeconds: 0 },
    nowMs: 0,
  } as unknown as Exchange;
  try {
    await authorize(parts, exchange);
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof RequestError);
    return error.detail ?? '';
  }
}

suite('a deny on a folded name holds in every spelling (CVE-2026-89322)', () => {
  const policy = `path "sys/policies/acl/*" { capabilities = ["update"] }
    path "sys/policies/acl/admin" { capabilities = ["deny"] }`;
  test('deny', async () => {
    assert.equal(await verdict(policy, 'other'), 'allowed');
    assert.equal(await verdict(policy, 'Other'), 'allowed');
    for (const name of ['admin', 'ADMIN', 'AdmiN']) {
      assert.equal(await verdict(policy, name), 'denied', name);
    }
  });

  test('a grant on the folded name does not reach further than it says', async () => {
    const exact = 'path "sys/policies/acl/mine" { capabilities = ["update"] }';
    assert.equal(await verdict(exact, 'mine'), 'allowed');
    assert.equal(await verdict(exact, 'MINE'), 'no_rule');
  });

  test('sudo is needed in both spellings', async () => {
    const half = `path "sys/policies/acl/X" { capabilities = ["update", "sudo"] }
      path "sys/policies/acl/x" { capabilities = ["update"] }`;
    assert.equal(await verdict(half, 'X', true), 'the path needs sudo');
  });
});
