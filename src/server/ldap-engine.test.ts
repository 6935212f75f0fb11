/** The LDAP engine against a real OpenLDAP: what it gives out logs in, what it takes back does not, whatever is cut off. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import { ldapBackend } from '../engines/ldap/ldap.ts';
import { connectLdap, LdapError } from '../ldap/connection.ts';
import {
  BASE,
  PEOPLE,
  PLAIN,
  SLAPD_HINT,
  SLAPD_IS_THERE,
  startSlapd,
} from '../ldap/slapd.testkit.ts';
import type { Slapd } from '../ldap/slapd.testkit.ts';
import { testBackendDeclaration } from '../engines/backend.contract.ts';
import { systemRandom } from '../base/random.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

testBackendDeclaration(ldapBackend({ random: systemRandom, password: async () => '' }));

const ADMIN = { binddn: `cn=admin,${BASE}`, bindpass: 'admin' };
const CREATION = `
dn: uid={{.Username}},${PEOPLE}
objectClass: inetOrgPerson
uid: {{.Username}}
cn: {{.DisplayName}}
sn: {{.RoleName}}
userPassword: {{.Password}}
`;
const DELETION = `
dn: uid={{.Username}},${PEOPLE}
changetype: delete
`;

suite('the LDAP engine', { skip: SLAPD_IS_THERE ? false : `needs slapd: ${SLAPD_HINT}` }, () => {
  let slapd: Slapd;
  let open: OpenInstance;

  before(async () => {
    slapd = await startSlapd();
    open = await openInstance();
    await open.ask('write', 'sys/mounts/ldap', { data: { type: 'ldap' } });
    await configure(ADMIN);
  });
  after(async () => {
    await open?.instance.close();
    await slapd?.stop();
  });

  async function configure(data: JsonObject): Promise<void> {
    const settings = { url: slapd.url, userdn: PEOPLE, userattr: 'uid', request_timeout: '5s' };
    const { error } = await open.ask('write', 'ldap/config', { data: { ...settings, ...data } });
    assert.equal(error, undefined);
  }

  async function logsIn(dn: string, password: unknown): Promise<boolean> {
    const connection = await connectLdap({ ...PLAIN, url: slapd.url });
    try {
      await connection.bind(dn, String(password));
      return true;
    } catch (error) {
      assert.ok(error instanceof LdapError && error.wrongCredentials);
      return false;
    } finally {
      await connection.close();
    }
  }

  const uid = (name: string): string => `uid=${name},${PEOPLE}`;
  const refusal = async (
    operation: 'read' | 'write' | 'delete',
    path: string,
    data: JsonObject = {},
  ): Promise<string> => (await open.ask(operation, path, { data })).error?.message ?? 'done';

  test('settings are checked, and shown without a password', async () => {
    const shown = await open.get('read', 'ldap/config');
    assert.deepEqual([shown['binddn'], shown['userattr']], [ADMIN.binddn, 'uid']);
    assert.equal('bindpass' in shown, false);
    for (const data of [
      { schema: 'novell' },
      { url: 'http://x' },
      { userattr: 'uid)(x=*' },
      { tls_min_version: 'tls13', tls_max_version: 'tls12' },
      { certificate: 'S3CRET' },
      { client_tls_cert: 'x' },
      { binddn: '', userdn: '' },
    ]) {
      const message = await refusal('write', 'ldap/config', data);
      assert.notEqual(message, 'done', JSON.stringify(data));
      assert.equal(message.includes('S3CRET'), false);
    }
  });

  suite('a static role', () => {
    const cred = (): Promise<Record<string, unknown>> => open.get('read', 'ldap/static-cred/bob');

    test('takes an account over, and changes its password by the calendar and on demand', async () => {
      const data = { username: 'bob', rotation_period: '1h' };
      assert.equal(await refusal('write', 'ldap/static-role/bob', data), 'done');
      assert.equal(await logsIn(uid('bob'), 'builder'), false);
      const first = await cred();
      assert.equal(await logsIn(uid('bob'), first['password']), true);
      assert.deepEqual([first['ttl'], first['rotation_period']], [3600, 3600]);
      await open.pass(3600);
      const second = await cred();
      assert.notEqual(second['password'], first['password']);
      assert.equal(second['last_password'], first['password']);
      assert.equal(await logsIn(uid('bob'), second['password']), true);
      assert.equal(await refusal('write', 'ldap/rotate-role/bob'), 'done');
      const third = await cred();
      assert.equal(await logsIn(uid('bob'), second['password']), false);
      assert.equal(await logsIn(uid('bob'), third['password']), true);
    });

    test('brings a change that is under way to its end, whatever becomes of its period', async () => {
      const former = await cred();
      await configure({ ...ADMIN, bindpass: 'wrong' });
      await open.pass(3600);
      assert.equal((await cred())['password'], former['password']);
      assert.equal(
        await refusal('write', 'ldap/static-role/bob', { rotation_period: '24h' }),
        'done',
      );
      await configure(ADMIN);
      for (let round = 0; round < 4; round++) await open.pass(60);
      const latter = await cred();
      assert.notEqual(latter['password'], former['password']);
      assert.equal(await logsIn(uid('bob'), latter['password']), true);
      assert.ok(Number(latter['ttl']) > 3600);
      await open.get('write', 'ldap/static-role/bob', { data: { rotation_period: '1h' } });
    });

    test('is the only one that has its account', async () => {
      const other = { username: 'BOB', rotation_period: '1h' };
      assert.match(await refusal('write', 'ldap/static-role/other', other), /already managed/);
      const set = { service_account_names: 'bob' };
      assert.match(await refusal('write', 'ldap/library/all', set), /already managed/);
      const changed = { username: 'ada' };
      assert.match(await refusal('write', 'ldap/static-role/bob', changed), /cannot update/);
    });

    test('says what is wrong before it touches anything', async () => {
      const role = (data: JsonObject): Promise<string> =>
        refusal('write', 'ldap/static-role/r', data);
      assert.match(await role({ rotation_period: 60 }), /username is a required/);
      assert.match(await role({ username: 'ada' }), /rotation_period is required/);
      assert.match(await role({ username: 'ada', rotation_period: 1 }), /5 seconds or more/);
      assert.match(await role({ username: 'nobody', rotation_period: 60 }), /one matching entry/);
      // A name that would be a filter finds nobody.
      assert.match(await role({ username: '*', rotation_period: 60 }), /one matching entry/);
      assert.match(await role({ username: 'twin', rotation_period: 60 }), /one matching entry/);
      assert.equal(await logsIn(uid('ada'), 'lovelace'), true);
    });

    test('keeps the password that is known while the directory is away, and comes round later', async () => {
      const known = await cred();
      await configure({ url: 'ldap://127.0.0.1:1' });
      await open.pass(3600);
      assert.equal((await cred())['password'], known['password']);
      await configure({ url: slapd.url });
      await open.pass(20);
      const now = await cred();
      assert.notEqual(now['password'], known['password']);
      assert.equal(await logsIn(uid('bob'), now['password']), true);
    });

    test('leaves the account when it is deleted', async () => {
      const { password } = await cred();
      await open.ask('delete', 'ldap/static-role/bob');
      assert.match(await refusal('read', 'ldap/static-cred/bob'), /unknown role/);
      assert.equal(await logsIn(uid('bob'), password), true);
      // What was scheduled for it does nothing.
      await open.pass(3600);
      assert.equal(await logsIn(uid('bob'), password), true);
    });
  });

  test('rotate-root changes the password of the managing account, which goes on managing', async () => {
    await configure({ binddn: uid('ada'), bindpass: 'lovelace' });
    assert.equal(await refusal('write', 'ldap/rotate-root'), 'done');
    assert.equal(await logsIn(uid('ada'), 'lovelace'), false);
    assert.equal(await refusal('write', 'ldap/rotate-root'), 'done');
    const shown = await open.get('read', 'ldap/config');
    assert.equal(typeof shown['last_bind_password_rotation'], 'string');
    await configure(ADMIN);
  });

  suite('a dynamic role', () => {
    before(async () => {
      const data = {
        creation_ldif: CREATION,
        deletion_ldif: Buffer.from(DELETION).toString('base64'),
        default_ttl: '10m',
        max_ttl: '30m',
      };
      assert.equal(await refusal('write', 'ldap/role/dev', data), 'done');
    });

    test('is stored with its templates decoded, and refused when they make no LDIF', async () => {
      const { deletion_ldif: shown } = await open.get('read', 'ldap/role/dev');
      assert.equal(shown, DELETION);
      const role = (data: JsonObject): Promise<string> => refusal('write', 'ldap/role/bad', data);
      assert.match(await role({ creation_ldif: CREATION }), /missing deletion_ldif/);
      const both = { deletion_ldif: DELETION };
      assert.match(await role({ ...both, creation_ldif: '{{.Nothing}}' }), /invalid creation_ldif/);
      assert.match(await role({ ...both, creation_ldif: 'cn: a' }), /invalid creation_ldif/);
      assert.match(await role({ ...both, creation_ldif: '# none' }), /at least one/);
    });

    test('lends an account until its lease is revoked', async () => {
      const { reply, lease, error } = await open.ask('read', 'ldap/creds/dev');
      assert.equal(error, undefined);
      const { username, password, distinguished_names: names } = reply?.data ?? {};
      assert.match(String(username), /^v_token_dev_[0-9A-Za-z]{10}_\d+$/);
      assert.deepEqual(names, [uid(String(username))]);
      assert.equal(await logsIn(uid(String(username)), password), true);
      assert.equal(lease?.durationSeconds, 600);
      await open.ask('write', 'sys/leases/renew', { data: { lease_id: lease?.id ?? '' } });
      await open.ask('write', 'sys/leases/revoke', {
        data: { lease_id: lease?.id ?? '', sync: true },
      });
      assert.equal(await logsIn(uid(String(username)), password), false);
    });

    test('takes it back when the lease is over, though the role is gone and somebody was faster', async () => {
      const { reply } = await open.ask('read', 'ldap/creds/dev');
      const { reply: other } = await open.ask('read', 'ldap/creds/dev');
      const name = uid(String(other?.data?.['username']));
      slapd.modify(`dn: ${name}\nchangetype: delete\n`);
      await open.ask('delete', 'ldap/role/dev');
      await open.pass(601);
      const { username, password } = reply?.data ?? {};
      assert.equal(await logsIn(uid(String(username)), password), false);
      const left = await open.get('list', 'sys/leases/lookup/ldap/creds/dev/');
      assert.deepEqual(left['keys'], []);
    });

    test('leaves nothing behind when its creation fails half way', async () => {
      const half = `${CREATION}\ndn: cn=absent,${BASE}\nchangetype: modify\nadd: member\nmember: x\n`;
      const data = {
        creation_ldif: half,
        deletion_ldif: DELETION,
        username_template: 'half-way',
      };
      assert.equal(await refusal('write', 'ldap/role/half', data), 'done');
      assert.match(await refusal('read', 'ldap/creds/half'), /failed to create user/);
      await open.pass(1);
      slapd.modify(
        `dn: ${uid('half-way')}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: a\nsn: b\n`,
      );
    });

    test('no name of a caller adds a line or leaves its place', async () => {
      const data = { creation_ldif: CREATION, deletion_ldif: DELETION };
      await open.ask('write', 'ldap/role/named', { data });
      const display = 'x\nuserPassword: mine,ou=evil';
      const token = await open.makeToken({ display_name: display, policies: ['root'] });
      const reply = await open.get('read', 'ldap/creds/named', { token });
      assert.match(String(reply['username']), /^[\w-]+$/);
      assert.equal(await logsIn(uid(String(reply['username'])), reply['password']), true);
      const bad = { ...data, username_template: '{{.RoleName}},ou=evil' };
      await open.ask('write', 'ldap/role/named', { data: bad });
      assert.match(await refusal('read', 'ldap/creds/named'), /characters/);
    });
  });

  suite('the library', () => {
    const OUT = 'ldap/library/team/check-out';
    before(async () => {
      const data = { service_account_names: 'bob,eve*', ttl: '10m', max_ttl: '1h' };
      assert.equal(await refusal('write', 'ldap/library/team', data), 'done');
    });

    const take = async (token?: string): Promise<Record<string, unknown>> =>
      await open.get('write', OUT, token === undefined ? {} : { token });

    test('lends each account to one caller at a time', async () => {
      const first = await take();
      const second = await take();
      assert.notEqual(first['service_account_name'], second['service_account_name']);
      assert.match(await refusal('write', OUT), /No service accounts available/);
      assert.equal(await logsIn(uid('bob'), first['password']), true);
      assert.match(await refusal('write', 'ldap/library/team/check-in'), /multiple service/);
      const data = { service_account_names: 'bob' };
      assert.deepEqual(await open.get('write', 'ldap/library/team/check-in', { data }), {
        check_ins: ['bob'],
      });
      assert.equal(await logsIn(uid('bob'), first['password']), false);
      assert.match(await refusal('delete', 'ldap/library/team'), /currently checked out/);
      const again = await take();
      assert.equal(again['service_account_name'], 'bob');
      assert.notEqual(again['password'], first['password']);
    });

    test('a lease that ends takes back only what it lent', async () => {
      // The lease of the first check-out of bob is still there; the account has another borrower.
      const status = await open.get('read', 'ldap/library/team/status');
      assert.equal((status['bob'] as { available: boolean }).available, false);
      await open.pass(601);
      const later = await open.get('read', 'ldap/library/team/status');
      assert.deepEqual(later, { bob: { available: true }, 'eve*': { available: true } });
    });

    test('only who has an account returns it, or who manages the library', async () => {
      const policy = 'path "ldap/library/team/*" { capabilities = ["update", "read"] }';
      await open.ask('write', 'sys/policies/acl/borrower', { data: { policy } });
      const mine = await open.tokenFor('borrower');
      const other = await open.tokenFor('borrower');
      const { service_account_name: name } = await take(mine);
      const data = { service_account_names: String(name) };
      const back = (token: string, path: string): ReturnType<OpenInstance['ask']> =>
        open.ask('write', path, { token, data });
      const { error } = await back(other, 'ldap/library/team/check-in');
      assert.match(error?.message ?? '', /wasn't checked out by the caller/);
      const { error: forced } = await back(other, 'ldap/library/manage/team/check-in');
      assert.equal(forced?.code, 'permission_denied');
      assert.equal((await back(mine, 'ldap/library/team/check-in')).error, undefined);
      await take(mine);
      await open.get('write', 'ldap/library/manage/team/check-in');
      const foreign = { service_account_names: 'ada' };
      assert.match(await refusal('write', 'ldap/library/team/check-in', foreign), /no account/);
      assert.equal(await refusal('delete', 'ldap/library/team'), 'done');
    });
  });
});
