/** LDAP logins, against a real OpenLDAP server. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import {
  ACCOUNT,
  BASE,
  GROUPS,
  PASSWORDS,
  PEOPLE,
  SLAPD_HINT,
  SLAPD_IS_THERE,
  startSlapd,
} from '../../ldap/slapd.testkit.ts';
import type { Slapd } from '../../ldap/slapd.testkit.ts';
import { RequestError } from '../../model/errors.ts';
import { ldapBackend } from './ldap.ts';
import type { Reply } from '../../model/reply.ts';

const backend = ldapBackend({ random: systemRandom });
const REFUSAL = 'ldap operation failed: failed to bind as user';
const SEARCH = { binddn: ACCOUNT.dn, bindpass: ACCOUNT.password };

interface Rig {
  readonly bench: Bench;
  login(user: string, password?: string): Promise<Reply | undefined>;
  /** The name of the alias, or the refusal. */
  outcome(user: string, password?: string): Promise<string>;
  renew(login: Reply | undefined): Promise<unknown>;
}

suite('LDAP', { skip: SLAPD_IS_THERE ? false : `slapd is not installed: ${SLAPD_HINT}` }, () => {
  let slapd: Slapd;
  before(async () => {
    slapd = await startSlapd();
  });
  after(() => slapd.stop());

  async function openRig(config: JsonObject = {}): Promise<Rig> {
    const bench = await openBench(backend);
    await bench.call('write', 'config', {
      url: slapd.url,
      userdn: PEOPLE,
      userattr: 'uid',
      groupdn: GROUPS,
      ...config,
    });
    const login: Rig['login'] = async (user, password) =>
      await bench.call('write', `login/${user}`, { password: password ?? PASSWORDS[user] ?? '' });
    return {
      bench,
      login,
      async outcome(user, password) {
        try {
          return (await login(user, password))?.auth?.alias?.name ?? 'nobody';
        } catch (error) {
          if (error instanceof RequestError) return error.message;
          throw error;
        }
      },
      renew: async (reply) =>
        await bench.store(async (store) =>
          backend.renewAuth?.(
            {
              internal: reply?.auth?.internal ?? {},
              displayName: '',
              metadata: reply?.auth?.metadata ?? {},
              policies: reply?.auth?.policies ?? [],
              connection: {
                remoteAddress: '127.0.0.1',
                remotePort: 1,
                clientCertificates: [],
                local: false,
              },
              incrementSeconds: 0,
              nowMs: bench.nowMs,
            },
            store,
          ),
        ),
    };
  }

  suite('who it is', () => {
    test('the bind mode names the user by rule', async () => {
      const rig = await openRig();
      assert.equal(await rig.outcome('ada'), `uid=ada,${PEOPLE}`);
      assert.equal(await rig.outcome('ada', 'wrong'), REFUSAL);
      assert.equal(await rig.outcome('nobody', 'x'), REFUSAL);
    });

    test('the search mode finds the user, with and without an account', async () => {
      for (const mode of [SEARCH, { discoverdn: true }]) {
        const rig = await openRig(mode);
        assert.equal(await rig.outcome('ada'), 'ada');
        assert.equal(await rig.outcome('ada', 'wrong'), REFUSAL);
        assert.equal(await rig.outcome('nobody', 'x'), REFUSAL);
        assert.equal(await rig.outcome('twin'), REFUSAL);
      }
    });

    test('who is there and who is not are refused alike (CVE-2020-35177, CVE-2023-3462)', async () => {
      for (const mode of [{}, SEARCH, { discoverdn: true }]) {
        const rig = await openRig(mode);
        const answers = new Set<string>();
        for (const user of ['ada', 'nobody', 'twin', '*', 'x'.repeat(600)]) {
          const error = await rig.bench.fail('write', `login/${user}`, { password: 'wrong' });
          const { code, message, vaultStatus, invalidCredentials } = error;
          answers.add(JSON.stringify([code, message, vaultStatus, invalidCredentials]));
        }
        assert.equal(answers.size, 1, [...answers].join(' '));
      }
      const broken = await openRig({ groupdn: 'ou=nowhere,dc=none' });
      assert.equal(await broken.outcome('ada'), REFUSAL);
      assert.equal(await broken.outcome('nobody', 'x'), REFUSAL);
    });

    test('filters of one’s own, other attributes, and names as aliases', async () => {
      const filter = '(&({{.UserAttr}}={{.Username}})(!(employeeType=contractor)))';
      const rig = await openRig({ ...SEARCH, userfilter: filter });
      assert.equal(await rig.outcome('ada'), 'ada');
      assert.equal(await rig.outcome('bob'), REFUSAL);
      const byMail = await openRig({ ...SEARCH, userattr: 'mail' });
      assert.equal(await byMail.outcome('Ada@Example.org', 'lovelace'), 'ada@example.org');
      const plain = await openRig({ username_as_alias: true });
      assert.equal(await plain.outcome(' ADA ', 'lovelace'), 'ada');
    });

    test('a name cannot say more than a name (GHSA-6mwx-4547-5vc9)', async () => {
      const search = await openRig(SEARCH);
      const bind = await openRig();
      for (const name of ['*', 'a*', '*)(uid=*', 'ada)(uid=ada', 'a\\64a', 'ada,ou=others']) {
        assert.equal(await search.outcome(name, 'lovelace'), REFUSAL, name);
        assert.equal(await bind.outcome(name, 'lovelace'), REFUSAL, name);
      }
      assert.equal(await search.outcome('eve*'), 'eve*');
      assert.equal(await bind.outcome('eve*'), `uid=eve*,${PEOPLE}`);
    });

    test('an empty password is nobody’s, whatever the configuration says', async () => {
      for (const config of [{}, { deny_null_bind: false }, { ...SEARCH, deny_null_bind: false }]) {
        const rig = await openRig(config);
        assert.match(await rig.outcome('ada', ''), /zero length/);
      }
    });

    test('spellings are one user, and one count of failures (CVE-2025-6004)', async () => {
      const rig = await openRig(SEARCH);
      for (const spelling of ['ADA', ' ada', 'a\u00adda', 'ａｄａ']) {
        const reply = await rig.login(spelling, 'lovelace');
        assert.equal(reply?.auth?.alias?.name, 'ada');
        assert.deepEqual(reply.auth.metadata, { username: 'ada' });
        assert.equal(backend.loginName?.({ fields: { username: spelling } }), 'ada');
      }
    });

    test('a directory that is not there refuses nobody in particular', async () => {
      const rig = await openRig({ url: 'ldap://127.0.0.1:1' });
      const error = await rig.bench.fail('write', 'login/ada', { password: 'lovelace' });
      assert.equal(error.message, REFUSAL);
      assert.equal(error.invalidCredentials, false);
      const wrong = await openRig();
      const refusal = await wrong.bench.fail('write', 'login/ada', { password: 'x' });
      assert.equal(refusal.invalidCredentials, true);
      const second = await openRig({ url: `ldap://127.0.0.1:1,${slapd.url}` });
      assert.equal(await second.outcome('ada'), `uid=ada,${PEOPLE}`);
    });
  });

  suite('groups', () => {
    test('give policies and group aliases, beside those that are kept here', async () => {
      const rig = await openRig({ token_policies: 'all' });
      await rig.bench.call('write', 'groups/engineers', { policies: 'Eng,eng' });
      await rig.bench.call('write', 'groups/On Call', { policies: ['pager'] });
      await rig.bench.call('write', 'groups/a/b', { policies: ['slash'] });
      await rig.bench.call('write', 'users/Ada', { policies: 'own', groups: 'A/B' });
      const { auth } = (await rig.login('ada')) ?? {};
      assert.deepEqual([...(auth?.policies ?? [])].sort(), ['all', 'eng', 'own', 'pager', 'slash']);
      assert.deepEqual([...(auth?.groupAliases ?? [])].sort(), ['Engineers', 'a/b', 'on call']);
      const listed = await rig.bench.call('list', 'groups');
      assert.deepEqual(listed?.data?.['keys'], ['a/b', 'engineers', 'on call']);
      const user = await rig.bench.call('read', 'users/ada');
      assert.deepEqual(user?.data, { groups: 'a/b', policies: ['own'] });
      await rig.bench.call('delete', 'groups/ENGINEERS');
      assert.equal((await rig.bench.fail('read', 'groups/engineers')).code, 'not_found');
      await rig.bench.fail('write', 'groups/x', { policies: 'Root' });
    });

    test('are searched for as configured', async () => {
      const only = await openRig({ groupfilter: '(member={{.UserDN}})' });
      assert.deepEqual((await only.login('ada'))?.auth?.groupAliases, ['Engineers']);
      const anonymous = await openRig({ ...SEARCH, anonymous_group_search: true });
      assert.equal((await anonymous.login('ada'))?.auth?.groupAliases?.length, 2);
      const pages = await openRig({ max_page_size: 1 });
      assert.equal((await pages.login('ada'))?.auth?.groupAliases?.length, 2);
      const none = await openRig({ groupdn: '' });
      const reply = await none.login('ada');
      assert.deepEqual(reply?.auth?.groupAliases, []);
      assert.match(reply.warnings?.[0] ?? '', /no LDAP groups found/);
      assert.deepEqual(reply.data, {});
      const broken = await openRig({ groupdn: 'dc=elsewhere' });
      assert.equal(await broken.outcome('ada'), REFUSAL);
    });
  });

  suite('TLS', () => {
    test('by STARTTLS and from the first byte, with the authority that is configured', async () => {
      for (const config of [{ starttls: true }, { url: slapd.secureUrl }]) {
        const good = await openRig({ ...config, certificate: slapd.caPem });
        assert.equal(await good.outcome('ada'), `uid=ada,${PEOPLE}`);
        const newest = { tls_min_version: 'tls13', tls_max_version: 'tls13' };
        const modern = await openRig({ ...config, ...newest, certificate: slapd.caPem });
        assert.equal(await modern.outcome('ada'), `uid=ada,${PEOPLE}`);
        const unknown = await openRig(config);
        assert.equal(await unknown.outcome('ada'), REFUSAL);
        const careless = await openRig({ ...config, insecure_tls: true });
        assert.equal(await careless.outcome('ada'), `uid=ada,${PEOPLE}`);
      }
    });

    test('a certificate for another name is refused', async () => {
      const url = slapd.secureUrl.replace('localhost', '127.0.0.1');
      const rig = await openRig({ url, certificate: slapd.caPem });
      assert.equal(await rig.outcome('ada'), REFUSAL);
    });
  });

  suite('renewal', () => {
    test('needs the directory’s consent, and the same policies (CVE-2020-10660)', async () => {
      const rig = await openRig(SEARCH);
      await rig.bench.call('write', 'groups/engineers', { policies: 'eng' });
      const reply = await rig.login('ada');
      assert.doesNotMatch(JSON.stringify(reply?.auth?.internal), /lovelace/);
      const renewed = (await rig.renew(reply)) as { groupAliases: readonly string[] };
      assert.equal(renewed.groupAliases.length, 2);
      slapd.modify(
        `dn: uid=ada,${PEOPLE}\nchangetype: modify\nreplace: userPassword\nuserPassword: new\n`,
      );
      await assert.rejects(rig.renew(reply), RequestError);
      slapd.modify(
        `dn: uid=ada,${PEOPLE}\nchangetype: modify\nreplace: userPassword\nuserPassword: lovelace\n`,
      );
      await rig.renew(reply);
      await rig.bench.call('write', 'groups/engineers', { policies: 'other' });
      await assert.rejects(rig.renew(reply), /policies have changed/);
    });
  });

  suite('configuration', () => {
    test('keeps what is not sent, and shows no secret', async () => {
      const rig = await openRig({ ...SEARCH, token_ttl: 60 });
      await rig.bench.call('write', 'config', { groupattr: 'ou' });
      const shown = (await rig.bench.call('read', 'config'))?.data ?? {};
      assert.equal(shown['userattr'], 'uid');
      assert.equal(shown['groupattr'], 'ou');
      assert.equal(shown['token_ttl'], 60);
      assert.equal(shown['binddn'], ACCOUNT.dn);
      assert.doesNotMatch(JSON.stringify(shown), /search me|rotation|bindpass/);
      for (const wrong of [
        { url: 'http://x' },
        { url: '' },
        { userfilter: '{{.Nope}}' },
        { groupfilter: '({{' },
        { tls_min_version: 'tls13', tls_max_version: 'tls12' },
        { tls_min_version: 'x' },
        { certificate: 'x' },
        { client_tls_cert: 'x' },
        { dereference_aliases: 'sometimes' },
        { userattr: 'a)(b' },
      ])
        await rig.bench.fail('write', 'config', wrong);
      const warned = await rig.bench.call('write', 'config', { userfilter: '(cn={{.Username}})' });
      assert.match(warned?.warnings?.[0] ?? '', /colliding entity aliases/);
    });

    test('the password of the account can be changed, also when a change was cut off', async () => {
      const rig = await openRig(SEARCH);
      const stored = await rig.bench.store(async (store) => store.get('config'));
      await rig.bench.call('write', 'config/rotate-root');
      assert.equal(await rig.outcome('ada'), 'ada');
      assert.equal(await (await openRig(SEARCH)).outcome('ada'), REFUSAL);
      // The directory has the new password, the store does not know it.
      await rig.bench.store(async (store) => store.put('config', stored ?? ''));
      assert.equal(await rig.outcome('ada'), 'ada');
      await rig.bench.call('write', 'config/rotate-root');
      await rig.bench.call('write', 'config/rotate-root');
      assert.equal(await rig.outcome('ada'), 'ada');
      slapd.modify(
        `dn: ${ACCOUNT.dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: ${ACCOUNT.password}\n`,
      );
      const lost = await rig.bench.fail('write', 'config/rotate-root');
      assert.equal(lost.code, 'upstream_failed');
      assert.equal(await (await openRig(SEARCH)).outcome('ada'), 'ada');
      await (await openRig()).bench.fail('write', 'config/rotate-root');
    });

    test('a user of another branch needs a base that has it', async () => {
      const rig = await openRig({
        ...SEARCH,
        userdn: BASE,
        userfilter: '(&(uid={{.Username}})(sn=Two))',
      });
      assert.equal(await rig.outcome('twin'), 'twin');
    });
  });
});
