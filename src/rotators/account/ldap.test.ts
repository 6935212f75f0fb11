/** Rotation of accounts of a directory, at a real slapd. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ACCOUNT, BASE, SLAPD_HINT, SLAPD_IS_THERE, startSlapd } from '../../ldap/slapd.testkit.ts';
import type { Slapd } from '../../ldap/slapd.testkit.ts';
import { systemRandom } from '../../base/random.ts';
import { SettingsError } from '../../targets/database.ts';
import type { Fields, Rotation, RotationContext } from '../rotator.ts';
import { ldapRotator } from './ldap.ts';

const ADMIN = { binddn: `cn=admin,${BASE}`, bindpass: 'admin' };

function contextOf(current: Fields, next: Fields = {}): RotationContext {
  return {
    id: 'one',
    current,
    next,
    random: systemRandom,
    password: async () => `made-${systemRandom.bytes(8).toString('hex')}`,
  };
}

async function rotate(rotation: Rotation, current: Fields): Promise<Fields> {
  const next = await rotation.create(contextOf(current));
  const context = contextOf(current, next);
  await rotation.install(context);
  // As after a crash: a step that was done is done once more.
  await rotation.install(context);
  const value = { ...current, ...next };
  await rotation.verify(context, value);
  return value;
}

suite('an account of a directory', { skip: SLAPD_IS_THERE ? false : SLAPD_HINT }, () => {
  let slapd: Slapd;
  before(async () => {
    slapd = await startSlapd();
  });
  after(async () => {
    await slapd?.stop();
  });

  test('is changed by an administrator, taken back, and changed by itself', async () => {
    const first: Fields = { username: ACCOUNT.dn, password: ACCOUNT.password };
    const byAdmin = ldapRotator.open({ url: slapd.url, ...ADMIN });
    assert.equal((await byAdmin.rehearse(contextOf(first))).length, 2);
    const second = await rotate(byAdmin, first);
    await assert.rejects(byAdmin.verify(contextOf(second), first), /does not take/);
    await byAdmin.rollback(contextOf(first, second));
    await byAdmin.verify(contextOf(first), first);

    const byItself = ldapRotator.open({ url: slapd.url });
    const third = await rotate(byItself, first);
    await assert.rejects(byItself.rehearse(contextOf(first)), /does not take the current password/);
    await byItself.rollback(contextOf(first, third));
    await byItself.verify(contextOf(first), first);
  });

  test('is reached over verified TLS only', async () => {
    const fields: Fields = { username: ACCOUNT.dn, password: ACCOUNT.password };
    const known = ldapRotator.open({ url: slapd.secureUrl, certificate: slapd.caPem, ...ADMIN });
    await known.verify(contextOf(fields), fields);
    const unknown = ldapRotator.open({ url: slapd.secureUrl, ...ADMIN });
    await assert.rejects(unknown.verify(contextOf(fields), fields), /cannot be reached/);
  });
});

test('settings that cannot be used are refused', () => {
  for (const settings of [
    {},
    { url: 'http://h' },
    { url: 'ldap://h', accounts: ['cn=a', 'cn=b'] },
  ]) {
    assert.throws(() => ldapRotator.open(settings), SettingsError);
  }
});
