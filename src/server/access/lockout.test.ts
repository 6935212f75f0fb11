/** User lockout in the whole core: failed logins count per canonical name, whatever the spelling. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

async function withUser(): Promise<OpenInstance> {
  const open = await openInstance();
  await open.ask('write', 'sys/auth/userpass', { data: { type: 'userpass' } });
  await open.ask('write', 'auth/userpass/users/bob', { data: { password: 'right' } });
  return open;
}

async function login(open: OpenInstance, name: string, password: string): Promise<string> {
  const { error } = await open.ask('write', `auth/userpass/login/${name}`, { data: { password } });
  return error?.code ?? 'ok';
}

test('five failures over several spellings lock the user, and an operator lets it in again', async () => {
  const open = await withUser();
  for (const name of ['bob', 'BOB', 'Bob', 'bOb', 'boB']) {
    assert.equal(await login(open, name, 'wrong'), 'invalid_request');
  }
  for (const name of ['bob', 'BOB'])
    assert.equal(await login(open, name, 'right'), 'permission_denied');
  const { reply } = await open.ask('read', 'sys/locked-users');
  assert.equal(reply?.data?.['total'], 1);
  const namespaces = reply?.data?.['by_namespace'];
  const [namespace] = namespaces as [
    { mount_accessors: [{ mount_accessor: string; alias_identifiers: string[] }] },
  ];
  const [mount] = namespace.mount_accessors;
  assert.deepEqual(mount.alias_identifiers, ['bob']);
  await open.ask('write', `sys/locked-users/${mount.mount_accessor}/unlock/bob`);
  assert.equal(await login(open, 'bob', 'right'), 'ok');
  await open.instance.close();
});

test('a name of nobody is locked as well, so that a lock tells nothing', async () => {
  const open = await withUser();
  for (let count = 0; count < 5; count++) await login(open, 'nobody', 'wrong');
  assert.equal(await login(open, 'nobody', 'wrong'), 'permission_denied');
  await open.instance.close();
});

test('a successful login starts the count again', async () => {
  const open = await withUser();
  for (let round = 0; round < 2; round++) {
    for (let count = 0; count < 4; count++) await login(open, 'bob', 'wrong');
    assert.equal(await login(open, 'bob', 'right'), 'ok');
  }
  await open.instance.close();
});
