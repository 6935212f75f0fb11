/** Explaining decisions: about oneself for everybody, about others with sudo, and the same verdict as a real request. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';
import type { JsonObject } from '../base/json.ts';

let opened: OpenInstance;
before(async () => {
  opened = await openInstance();
});
after(async () => {
  await opened.instance.close();
});

const PATH = 'sys/policies/explain';

async function policy(name: string, text: string): Promise<void> {
  await opened.ask('write', `sys/policies/acl/${name}`, { data: { policy: text } });
}

async function explained(data: JsonObject, token?: string): Promise<Record<string, unknown>> {
  return await opened.get('write', PATH, { data, ...(token === undefined ? {} : { token }) });
}

suite('explain', () => {
  test('names the rule that decides, whose it is, and why others do not', async () => {
    await policy('broad', 'path "secret/data/*" { capabilities = ["read", "list"] }');
    await policy('narrow', 'path "secret/data/team/*" { capabilities = ["deny"] }');
    const answer = await explained({
      policies: ['broad', 'narrow'],
      operation: 'read',
      path: 'secret/data/team/x',
    });
    assert.equal(answer['allowed'], false);
    assert.equal(answer['reason'], 'denied');
    assert.equal(answer['rule'], 'secret/data/team/*');
    assert.deepEqual(answer['policies'], ['narrow']);
    const candidates = answer['candidates'] as readonly Record<string, unknown>[];
    assert.deepEqual(
      candidates.map(({ rule, won }) => [rule, won]),
      [
        ['secret/data/team/*', true],
        ['secret/data/*', false],
      ],
    );
  });

  test('agrees with what a request would be told', async () => {
    await policy(
      'mixed',
      `path "secret/data/a" { capabilities = ["create", "update"] }
       path "secret/data/+/b" { capabilities = ["read"] }
       path "sys/seal" { capabilities = ["update"] }
       path "sys/policies/acl/*" { capabilities = ["read"] }
       path "sys/policies/acl/admin" { capabilities = ["deny"] }`,
    );
    const token = await opened.makeToken({ policies: ['mixed'] });
    for (const [operation, path] of [
      ['read', 'secret/data/a'],
      ['read', 'secret/data/x/b'],
      ['read', 'secret/data/x/c'],
      ['delete', 'secret/data/a'],
      ['read', 'sys/policies/acl/broad'],
      ['read', 'sys/policies/acl/ADMIN'],
      ['read', 'sys/policies/acl/admin'],
    ] as const) {
      const { allowed } = await explained({ operation, path }, token);
      const outcome = await opened.outcome(operation, path, { token });
      assert.equal(allowed, outcome !== 'permission_denied', `${operation} ${path}: ${outcome}`);
    }
    const seal = await explained({ operation: 'update', path: 'sys/seal' }, token);
    assert.deepEqual([seal['allowed'], seal['reason']], [false, 'needs_sudo']);
  });

  test('everybody may ask about itself, about others only who has sudo', async () => {
    const plain = await opened.makeToken({ policies: ['default'] });
    const question = { operation: 'read', path: 'secret/data/x' };
    assert.equal((await explained(question, plain))['allowed'], false);
    assert.equal((await explained({ ...question, token: plain }, plain))['allowed'], false);
    const other = await opened.makeToken({ policies: ['default'] });
    for (const data of [
      { ...question, token: other },
      { ...question, policies: ['root'] },
    ]) {
      assert.equal(
        await opened.outcome('write', PATH, { data, token: plain }),
        'permission_denied',
      );
    }
    await policy('helpdesk', `path "${PATH}" { capabilities = ["update", "sudo"] }`);
    const helpdesk = await opened.tokenFor('helpdesk');
    assert.equal((await explained({ ...question, token: other }, helpdesk))['allowed'], false);
    assert.equal(
      await opened.outcome('write', PATH, { data: question, token: null }),
      'permission_denied',
    );
  });

  test('a policy that does not exist is told of', async () => {
    const data = { operation: 'read', path: 'x', policies: ['nothing-of-that-name'] };
    const { reply } = await opened.ask('write', PATH, { data });
    assert.deepEqual(reply?.warnings, ['Policy "nothing-of-that-name" does not exist']);
    assert.equal(reply?.data?.['reason'], 'no_rule');
  });

  test('parameters are judged', async () => {
    await policy(
      'tuned',
      'path "x" { capabilities = ["update"] denied_parameters = { "a" = [] } }',
    );
    const question = { operation: 'update', path: 'x', policies: ['tuned'] };
    assert.equal((await explained(question))['allowed'], true);
    const denied = await explained({ ...question, parameters: { a: '1' } });
    assert.equal(denied['reason'], 'denied_parameter');
  });

  for (const [name, data] of [
    ['no operation', { path: 'x' }],
    ['an unknown operation', { operation: 'fetch', path: 'x' }],
    ['no path', { operation: 'read' }],
    ['token and policies', { operation: 'read', path: 'x', token: 'a', policies: ['b'] }],
    ['an unknown token', { operation: 'read', path: 'x', token: 's.unknown' }],
  ] as const) {
    test(`${name} is refused`, async () => {
      assert.equal(
        await opened.outcome('write', PATH, { data: data as JsonObject }),
        'invalid_request',
      );
    });
  }
});
