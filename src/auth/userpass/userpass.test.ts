/** Userpass: what is stored, who gets in, and what a refusal gives away. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import type { AuthRenewal } from '../../model/backend.ts';
import { RequestError } from '../../model/errors.ts';
import { DUMMY_HASH, hashPassword, verifyPassword } from './password-hash.ts';
import type { PasswordHash } from './password-hash.ts';
import { userpassBackend } from './userpass.ts';

const backend = userpassBackend({ random: systemRandom });

async function withBob(): Promise<Bench> {
  const bench = await openBench(backend);
  await bench.call('write', 'users/bob', { password: 's3cret', token_policies: 'p,q' });
  return bench;
}

test('a TTL above the maximum is refused, unless one of them has its old name: tokens end with the maximum', async () => {
  const bench = await withBob();
  await bench.fail('write', 'users/bob', { token_ttl: '2h', token_max_ttl: '1h' });
  await bench.call('write', 'users/bob', { ttl: '2h', max_ttl: '1h' });
  await bench.fail('write', 'users/bob', { token_policies: 'p' });
});

test('policies that are set on their own are a set, in lower case', async () => {
  const bench = await withBob();
  await bench.call('write', 'users/bob/policies', { token_policies: ['B', '', 'a', 'b'] });
  const shown = await bench.call('read', 'users/bob');
  assert.deepEqual(shown?.data?.['token_policies'], ['a', 'b']);
});

suite('login', () => {
  test('grants what the user has, under the folded name', async () => {
    const bench = await withBob();
    const reply = await bench.call('write', 'login/BOB', { password: 's3cret' });
    assert.deepEqual(reply?.auth?.policies, ['p', 'q']);
    assert.deepEqual(reply?.auth?.alias, { name: 'bob' });
    assert.deepEqual(reply?.auth?.metadata, { username: 'bob' });
  });

  test('an unknown user, a wrong password and one that is too long get the same answer', async () => {
    const bench = await withBob();
    for (const [name, password] of [
      ['bob', 'wrong'],
      ['nobody', 's3cret'],
      ['bob', 'x'.repeat(100)],
    ] as const) {
      const error = await bench.fail('write', `login/${name}`, { password });
      assert.equal(error.message, 'invalid username or password');
      assert.equal(error.code, 'invalid_request');
      assert.equal(error.invalidCredentials, true);
    }
  });

  test('an unknown user costs the work of a known one (CVE-2025-6011)', async () => {
    const hash = await hashPassword('s3cret', systemRandom);
    const work = ({ memoryKib, passes, parallelism, tag }: PasswordHash): readonly number[] => [
      memoryKib,
      passes,
      parallelism,
      Buffer.from(tag, 'base64').length,
    ];
    assert.deepEqual(work(DUMMY_HASH), work(hash));
    assert.equal(await verifyPassword('', DUMMY_HASH), false);
  });

  test('a user bound to other addresses is refused even with the right password', async () => {
    const bench = await withBob();
    await bench.call('write', 'users/bob', { token_bound_cidrs: '10.0.0.0/8' });
    const error = await bench.fail('write', 'login/bob', { password: 's3cret' });
    assert.equal(error.code, 'permission_denied');
  });

  test('the old password is out once it is changed', async () => {
    const bench = await withBob();
    await bench.call('write', 'users/bob/password', { password: 'new' });
    await bench.fail('write', 'login/bob', { password: 's3cret' });
    const reply = await bench.call('write', 'login/bob', { password: 'new' });
    assert.equal(reply?.auth?.displayName, 'bob');
  });
});

suite('users', () => {
  test('a password is stored as a hash and never read back', async () => {
    const bench = await withBob();
    const raw = await bench.store(async (store) => (await store.get('user/bob'))?.toString());
    assert.match(raw ?? '', /argon2id/);
    assert.doesNotMatch(raw ?? '', /s3cret/);
    const shown = await bench.call('read', 'users/bob');
    assert.doesNotMatch(JSON.stringify(shown), /argon2|salt/);
  });

  test('root is refused as a policy in every spelling (CVE-2024-9180)', async () => {
    const bench = await withBob();
    for (const name of ['root', 'Root', 'rooT', ' root', 'root\t', 'ＲＯＯＴ', 'root,default']) {
      await bench.fail('write', 'users/bob', { token_policies: [name] });
      await bench.fail('write', 'users/bob/policies', { token_policies: [name] });
      await bench.fail('write', 'users/eve', { password: 'x', policies: [name] });
    }
    const shown = await bench.call('read', 'users/bob');
    assert.deepEqual(shown?.data?.['token_policies'], ['p', 'q']);
  });

  test('old names of settings stay visible while they are used', async () => {
    const bench = await withBob();
    await bench.call('write', 'users/bob', { ttl: '1h', policies: 'old' });
    const before = await bench.call('read', 'users/bob');
    assert.equal(before?.data?.['ttl'], 3600);
    assert.equal(before?.data?.['token_ttl'], 3600);
    await bench.call('write', 'users/bob', { token_ttl: '2h' });
    const after = await bench.call('read', 'users/bob');
    assert.equal(after?.data?.['ttl'], undefined);
    assert.deepEqual(after?.data?.['policies'], ['old']);
  });
});

suite('renewal', () => {
  const renewal: AuthRenewal = {
    internal: {},
    displayName: 'bob',
    metadata: { username: 'bob' },
    policies: ['default', 'p', 'q'],
    connection: { remoteAddress: '', remotePort: 0, clientCertificates: [], local: false },
    incrementSeconds: 0,
    nowMs: 0,
  };

  test('is refused once the user is gone or has other policies', async () => {
    const bench = await withBob();
    const renew = async (): Promise<unknown> =>
      await bench.store(async (store) => await backend.renewAuth?.(renewal, store));
    assert.deepEqual(await renew(), { ttlSeconds: 0, maxTtlSeconds: 0, periodSeconds: 0 });
    await bench.call('write', 'users/bob', { token_policies: 'p' });
    await assert.rejects(renew(), RequestError);
    await bench.call('delete', 'users/bob');
    await assert.rejects(renew(), RequestError);
  });
});
