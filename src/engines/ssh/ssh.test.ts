/** The SSH engine as its callers see it: what roles allow, authorities, one-time passwords. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../../base/random.ts';
import { overtakenStorage } from '../../storage/overtaken.testkit.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench, CallOptions } from '../../core/backend-bench.contract.ts';
import type { JsonObject } from '../../base/json.ts';
import { readCertificate } from '../../crypto/ssh/certificate.ts';
import type { ReadCertificate } from '../../crypto/ssh/certificate.ts';
import { formatPublicKey, publicKeyOf } from '../../crypto/ssh/public-key.ts';
import { testBackendDeclaration } from '../backend.contract.ts';
import { sshBackend } from './ssh.ts';
import type { Principal } from '../../model/principal.ts';

const KEY = formatPublicKey(publicKeyOf(generateKeyPairSync('ed25519').publicKey));
/** What templates of the test's entities say. */
const VALUES: ReadonlyMap<string, string> = new Map([
  ['{{name}}', 'alice'],
  ['{{list}}', 'alice,root'],
  ['{{star}}', '*'],
  ['x{{name}}', 'xalice'],
]);

const ports = {
  random: systemRandom,
  hash: (text: string) => Buffer.from(text).toString('hex'),
  fillTemplate: async (text: string, principal: Principal) =>
    principal.entityId === 'e' ? VALUES.get(text) : undefined,
};

const alice = {
  displayName: 'token-alice',
  entityId: 'e',
} as Principal;

testBackendDeclaration(sshBackend(ports));

async function open(storage?: Storage): Promise<Bench> {
  const bench = await openBench(sshBackend(ports), storage);
  await bench.call('write', 'config/ca', { key_type: 'ed25519' });
  return bench;
}

async function role(bench: Bench, data: JsonObject): Promise<void> {
  await bench.call('write', 'roles/r', { key_type: 'ca', allow_user_certificates: true, ...data });
}

async function sign(
  bench: Bench,
  data: JsonObject = {},
  options: CallOptions = { principal: alice },
): Promise<ReadCertificate> {
  const reply = await bench.call('write', 'sign/r', { public_key: KEY, ...data }, options);
  return readCertificate(String(reply?.data?.['signed_key']));
}

async function refusal(bench: Bench, data: JsonObject = {}): Promise<string> {
  const all = { public_key: KEY, ...data };
  const { code, message } = await bench.fail('write', 'sign/r', all, { principal: alice });
  assert.equal(code, 'invalid_request');
  return message;
}

suite('principals', () => {
  test('only those that the role names', async () => {
    const bench = await open();
    await role(bench, { allowed_users: 'b, a', default_user: 'a' });
    assert.deepEqual((await sign(bench)).principals, ['a']);
    assert.deepEqual((await sign(bench, { valid_principals: 'b,a,b' })).principals, ['a', 'b']);
    for (const valid_principals of ['root', 'a,root', 'A', 'a b', '*']) {
      assert.match(await refusal(bench, { valid_principals }), /not a valid value/);
    }
  });

  test('SEC-43: a certificate for everybody is not made by accident', async () => {
    const bench = await open();
    await role(bench, { allowed_users: 'a' });
    assert.match(await refusal(bench), /no principals/);
    assert.match(await refusal(bench, { valid_principals: ' , ' }), /no principals/);
    await role(bench, {});
    assert.match(await refusal(bench, { valid_principals: 'a' }), /not configured to allow any/);
    await role(bench, { allowed_users: 'a', allow_empty_principals: true });
    assert.deepEqual((await sign(bench)).principals, []);
  });

  test('SEC-15: the value of a template is one name, whatever it holds', async () => {
    const bench = await open();
    await role(bench, { allowed_users: '{{name}},fixed', allowed_users_template: true });
    assert.deepEqual((await sign(bench, { valid_principals: 'alice' })).principals, ['alice']);
    assert.deepEqual((await sign(bench, { valid_principals: 'fixed' })).principals, ['fixed']);
    await refusal(bench, { valid_principals: '{{name}}' });
    for (const template of ['{{list}}', '{{star}}', '{{absent}}']) {
      await role(bench, { allowed_users: `${template},fixed`, allowed_users_template: true });
      for (const valid_principals of ['root', 'alice', 'alice,root', template]) {
        await refusal(bench, { valid_principals });
      }
      await role(bench, {
        allowed_users: 'alice,root',
        default_user: template,
        default_user_template: true,
      });
      assert.match(await refusal(bench), /could not be rendered/);
    }
  });

  test('nobody gets what only an entity could', async () => {
    const bench = await open();
    await role(bench, { allowed_users: '{{name}}', allowed_users_template: true });
    const nobody = { principal: { ...alice, entityId: '' } };
    const data = { public_key: KEY, valid_principals: 'alice' };
    assert.equal((await bench.fail('write', 'sign/r', data, nobody)).code, 'invalid_request');
  });

  test('of hosts: domains, those below them, or both', async () => {
    const bench = await open();
    const host = { cert_type: 'host' };
    const hosts = { allow_host_certificates: true, allowed_domains: 'ex.com' };
    await role(bench, { ...hosts, allow_subdomains: true });
    const below = await sign(bench, { ...host, valid_principals: 'a.ex.com' });
    assert.deepEqual([below.kind, below.principals], ['host', ['a.ex.com']]);
    for (const valid_principals of ['ex.com', 'aex.com', 'ex.com.evil', '*.ex.com.evil']) {
      await refusal(bench, { ...host, valid_principals });
    }
    await role(bench, { ...hosts, allow_bare_domains: true });
    await sign(bench, { ...host, valid_principals: 'ex.com' });
    await refusal(bench, { ...host, valid_principals: 'a.ex.com' });
  });

  test('no list of names gives one that is not on the list of the role', async () => {
    const bench = await open();
    await role(bench, { allowed_users: 'a,b' });
    const names = fc.array(fc.constantFrom('a', 'b', 'c', ' a', 'a ', '', '*', 'a;b', 'A'));
    await fc.assert(
      fc.asyncProperty(names, async (list) => {
        const valid_principals = list.join(',');
        const data = { public_key: KEY, valid_principals };
        try {
          const reply = await bench.call('write', 'sign/r', data, { principal: alice });
          const { principals } = readCertificate(String(reply?.data?.['signed_key']));
          assert.ok(principals.length > 0);
          assert.ok(principals.every((name) => name === 'a' || name === 'b'));
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'invalid_request');
        }
      }),
      { numRuns: 60 },
    );
  });
});

suite('certificates', () => {
  test('times: the caller’s, else the role’s, else the mount’s, never beyond the maximum', async () => {
    const bench = await open();
    const lives = async (data: JsonObject = {}): Promise<number> => {
      const { validAfter, validBefore } = await sign(bench, data);
      assert.equal(validAfter, bench.nowMs / 1000 - 30);
      return validBefore - bench.nowMs / 1000;
    };
    await role(bench, { allowed_users: '*', ttl: '30m', max_ttl: '1h' });
    assert.equal(await lives(), 1800);
    assert.equal(await lives({ ttl: '10m' }), 600);
    assert.match(await refusal(bench, { ttl: '61m' }), /larger than maximum allowed 3600/);
    await role(bench, { allowed_users: '*', max_ttl: '1h' });
    assert.equal(await lives(), 3600);
    await role(bench, { allowed_users: '*' });
    assert.equal(await lives(), 2_764_800);
    await role(bench, { allowed_users: '*', not_before_duration: '0s' });
    assert.equal((await sign(bench)).validAfter, bench.nowMs / 1000);
  });

  test('options and extensions: defaults, or what the role lets callers set', async () => {
    const bench = await open();
    await role(bench, {
      allowed_users: '*',
      default_extensions: { 'permit-pty': '' },
      allowed_extensions: 'permit-pty,permit-port-forwarding',
      default_critical_options: { 'source-address': '10.0.0.0/8' },
      allowed_critical_options: 'force-command',
    });
    const usual = await sign(bench);
    assert.deepEqual([...usual.extensions], [['permit-pty', '']]);
    assert.deepEqual([...usual.criticalOptions], [['source-address', '10.0.0.0/8']]);
    const own = await sign(bench, {
      extensions: { 'permit-port-forwarding': '' },
      critical_options: { 'force-command': 'ls' },
    });
    assert.deepEqual([...own.extensions.keys()], ['permit-port-forwarding']);
    assert.deepEqual([...own.criticalOptions], [['force-command', 'ls']]);
    assert.match(await refusal(bench, { extensions: { other: '' } }), /\[other\] are not on/);
    assert.match(await refusal(bench, { critical_options: { other: '' } }), /\[other\]/);
    await refusal(bench, { extensions: { 'permit-pty': { deep: 1 } } });
  });

  test('templates in the values of default extensions', async () => {
    const bench = await open();
    const templated = { allowed_users: '*', default_extensions_template: true };
    await role(bench, { ...templated, default_extensions: { login: '{{name}}', plain: 'p' } });
    assert.deepEqual(
      [...(await sign(bench)).extensions],
      [
        ['login', 'alice'],
        ['plain', 'p'],
      ],
    );
    const principal = { ...alice, entityId: '' };
    const reply = await bench.call('write', 'sign/r', { public_key: KEY }, { principal });
    assert.match(reply?.warnings?.[0] ?? '', /skipped/);
    await role(bench, { ...templated, default_extensions: { login: '{{absent}}' } });
    assert.match(await refusal(bench), /could not be rendered/);
  });

  test('key ids: the form of the role, or the caller’s own where the role lets it', async () => {
    const bench = await open();
    await role(bench, { allowed_users: '*' });
    assert.match((await sign(bench)).keyId, /^vault-token-alice-[0-9a-f]{64}$/);
    assert.match(await refusal(bench, { key_id: 'mine' }), /not allowed/);
    await role(bench, {
      allowed_users: '*',
      allow_user_key_ids: true,
      key_id_format: '{{role_name}}/{{token_display_name}}/{{other}}',
    });
    assert.equal((await sign(bench, { key_id: 'mine' })).keyId, 'mine');
    const principal = { ...alice, displayName: '{{role_name}}' };
    assert.equal((await sign(bench, {}, { principal })).keyId, 'r/{{role_name}}/{{other}}');
  });

  test('keys that the role does not want are not signed', async () => {
    const bench = await open();
    const rsa = formatPublicKey(
      publicKeyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
    );
    const ec = formatPublicKey(
      publicKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
    );
    const CASES: readonly (readonly [JsonObject, string, boolean])[] = [
      [{ rsa: 2048 }, rsa, true],
      [{ rsa: [3072, 4096] }, rsa, false],
      [{ 'ssh-rsa': '2048' }, rsa, true],
      [{ rsa: 2048 }, KEY, false],
      [{ ed25519: 0 }, KEY, true],
      [{ ec: 256 }, ec, true],
      [{ ecdsa: 384 }, ec, false],
      [{ 'ecdsa-sha2-nistp256': 0 }, ec, true],
    ];
    for (const [allowed_user_key_lengths, public_key, good] of CASES) {
      await role(bench, { allowed_users: '*', allowed_user_key_lengths });
      if (good) await sign(bench, { public_key });
      else assert.match(await refusal(bench, { public_key }), /key requirements/);
    }
    await role(bench, { allowed_users: '*' });
    assert.equal((await refusal(bench, { public_key: 'S3CRET' })).includes('S3CRET'), false);
  });

  test('issue gives the private key too, of the kind that the role allows', async () => {
    const bench = await open();
    await role(bench, { allowed_users: '*', allowed_user_key_lengths: { ed25519: 0 } });
    const data = (
      await bench.call('write', 'issue/r', { key_type: 'ed25519' }, { principal: alice })
    )?.data;
    assert.match(String(data?.['private_key']), /^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
    assert.match(String(data?.['signed_key']), /^ssh-ed25519-cert-v01@openssh.com /);
    const { message } = await bench.fail('write', 'issue/r', { key_type: 'rsa' });
    assert.match(message, /not in allowed_user_key_types/);
  });
});

suite('roles', () => {
  test('are refused when they make no sense', async () => {
    const bench = await open();
    const CASES: readonly (readonly [JsonObject, RegExp])[] = [
      [{}, /missing key type/],
      [{ key_type: 'dynamic' }, /no longer supported/],
      [{ key_type: 'ca' }, /must be set to 'true'/],
      [{ key_type: 'otp' }, /missing default user/],
      [{ key_type: 'otp', default_user: 'u', cidr_list: '10.0.0.0' }, /cidr_list/],
      [{ key_type: 'otp', default_user: 'u', exclude_cidr_list: 'x/8' }, /exclude_cidr_list/],
      [
        { key_type: 'ca', allow_user_certificates: true, algorithm_signer: 'x' },
        /algorithm signer/,
      ],
      [
        { key_type: 'ca', allow_user_certificates: true, allowed_user_key_lengths: { rsa: 'x' } },
        /allowed_user_key_lengths/,
      ],
    ];
    for (const [data, message] of CASES) {
      assert.match((await bench.fail('write', 'roles/bad', data)).message, message);
    }
    assert.equal((await bench.fail('write', 'roles/a%20b', { key_type: 'ca' })).code, 'not_found');
    assert.equal(await bench.call('read', 'roles/bad'), undefined);
  });

  test('carry the names of accounts in mail form', async () => {
    const bench = await open();
    await bench.call('write', 'roles/a@ex.com', { key_type: 'otp', default_user: 'u' });
    const listed = (await bench.call('list', 'roles/'))?.data;
    assert.deepEqual(listed, {
      keys: ['a@ex.com'],
      key_info: { 'a@ex.com': { key_type: 'otp' } },
    });
  });
});

suite('authorities', () => {
  test('several, by id and by name, one of them the default', async () => {
    const bench = await open();
    const first = (await bench.call('read', 'config/ca'))?.data ?? {};
    const second =
      (await bench.call('write', 'issuers/import/spare', { key_type: 'ed25519' }))?.data ?? {};
    assert.equal(second['issuer_name'], 'spare');
    await role(bench, { allowed_users: '*', issuer_ref: 'spare' });
    const blob = (text: unknown): string => String(text).split(' ')[1]?.trim() ?? '';
    const { authority } = await sign(bench);
    assert.equal(authority.toString('base64'), blob(second['public_key']));
    const raw = await bench.call('read', 'issuer/spare/public_key');
    assert.equal(raw?.raw?.body, second['public_key']);
    assert.deepEqual((await bench.call('read', 'config/issuers'))?.data, {
      default: first['issuer_id'],
    });
    await bench.call('write', 'config/issuers', { default: 'spare' });
    assert.equal((await bench.call('read', 'public_key'))?.raw?.body, second['public_key']);
    const renamed = await bench.call('write', 'issuer/spare', { issuer_name: 'other' });
    assert.deepEqual(renamed?.warnings, ["1 roles reference 'spare'"]);
    assert.match((await bench.fail('write', 'issuers/import/other', {})).message, /already in use/);
    assert.match((await bench.fail('write', 'issuers/import/Default', {})).message, /reserved/);
    const removed = await bench.call('delete', 'issuer/default');
    assert.match(removed?.warnings?.[0] ?? '', /was configured as the default/);
    assert.match((await bench.fail('read', 'config/ca')).message, /no default issuer/);
    assert.match(await refusal(bench), /unable to find issuer/);
  });

  test('brought along: both halves, which belong together, once', async () => {
    const bench = await open();
    const a = generateKeyPairSync('ed25519');
    const b = generateKeyPairSync('ed25519');
    const pem = a.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const line = formatPublicKey(publicKeyOf(a.publicKey));
    const fail = async (data: JsonObject): Promise<string> =>
      (await bench.fail('write', 'config/ca', data)).message;
    assert.match(await fail({ private_key: pem }), /only one of/);
    assert.match(await fail({ generate_signing_key: false }), /missing public_key/);
    assert.match(
      await fail({ private_key: pem, public_key: formatPublicKey(publicKeyOf(b.publicKey)) }),
      /do not belong together/,
    );
    const both = { private_key: pem, public_key: line };
    const first = await bench.call('write', 'config/ca', both);
    const again = await bench.call('write', 'config/ca', both);
    assert.equal(again?.data?.['issuer_id'], first?.data?.['issuer_id']);
    assert.match(again?.warnings?.[0] ?? '', /already exists/);
    assert.equal(JSON.stringify(await bench.call('list', 'issuers/')).includes('PRIVATE'), false);
  });
});

suite('authorities made at once', () => {
  const NAMED = { issuer_name: 'same' };
  for (const [how, write] of [
    ['made', (bench: Bench) => bench.call('write', 'issuers/import/same', { key_type: 'ed25519' })],
    ['renamed', (bench: Bench) => bench.call('write', 'issuer/default', NAMED)],
  ] as const) {
    test(`never have one name, when one is ${how}`, async () => {
      const { storage, afterListing } = overtakenStorage();
      const bench = await open(storage);
      const other = { key_type: 'ed25519' };
      afterListing('/issuer/', 1, () => bench.call('write', 'issuers/import/same', other));
      // It runs again then, and sees the other.
      await assert.rejects(write(bench), ConflictError);
      assert.match(
        (await bench.fail('write', 'issuers/import/same', {})).message,
        /already in use/,
      );
    });
  }
});

suite('one-time passwords', () => {
  async function otpRole(bench: Bench): Promise<void> {
    await bench.call('write', 'roles/otp', {
      key_type: 'otp',
      default_user: 'ubuntu',
      allowed_users: 'bob',
      cidr_list: '10.0.0.0/8,fd00::/8',
      exclude_cidr_list: '10.9.0.0/16',
    });
  }

  async function password(bench: Bench, data: JsonObject): Promise<string> {
    return String((await bench.call('write', 'creds/otp', data))?.data?.['key']);
  }

  test('count once, for the user and the host they were made for', async () => {
    const bench = await open();
    await otpRole(bench);
    const otp = await password(bench, { ip: '10.1.2.3', username: 'bob' });
    assert.deepEqual((await bench.call('write', 'verify', { otp }))?.data, {
      username: 'bob',
      ip: '10.1.2.3',
      role_name: 'otp',
    });
    for (const guess of [otp, ` ${otp}`, otp.toUpperCase(), '', 'x'.repeat(10_000)]) {
      assert.equal((await bench.fail('write', 'verify', { otp: guess })).message, 'OTP not found');
    }
  });

  test('are stored as a hash, end with their lease, and by themselves', async () => {
    const bench = await open();
    await otpRole(bench);
    const reply = await bench.call('write', 'creds/otp', { ip: 'FD00:0::1' });
    assert.equal(reply?.data?.['ip'], 'fd00::1');
    const otp = String(reply?.data?.['key']);
    assert.equal(JSON.stringify(reply?.lease).includes(otp), false);
    const revoke = sshBackend(ports).secrets?.['secret_otp_type'];
    await bench.store(async (store) => {
      const internal = reply?.lease?.internal ?? {};
      const lease = {
        leaseId: 'l',
        internal,
        incrementSeconds: 0,
        maxExpiresMs: 0,
        defaultTtlSeconds: 0,
        nowMs: bench.nowMs,
      };
      await revoke?.revoke(lease, store);
      await revoke?.revoke(lease, store);
    });
    await bench.fail('write', 'verify', { otp });
    const late = await password(bench, { ip: '10.1.1.1' });
    bench.nowMs += 2_764_800_000;
    assert.equal((await bench.fail('write', 'verify', { otp: late })).message, 'OTP not found');
  });

  test('are for addresses of the role, unless it may be for any', async () => {
    const bench = await open();
    await otpRole(bench);
    for (const ip of ['192.168.1.1', '10.9.1.1', '::1']) {
      assert.match((await bench.fail('write', 'creds/otp', { ip })).message, /does not belong/);
    }
    for (const ip of ['bogus', 'fe80::1%eth0', '10.1', ''])
      await bench.fail('write', 'creds/otp', { ip });
    const lookup = async (ip: string): Promise<unknown> =>
      (await bench.call('write', 'lookup', { ip }))?.data?.['roles'];
    assert.deepEqual(await lookup('10.1.1.1'), ['otp']);
    assert.equal(await lookup('192.168.1.1'), null);
    await bench.call('write', 'config/zeroaddress', { roles: 'otp' });
    await password(bench, { ip: '192.168.1.1' });
    assert.deepEqual(await lookup('192.168.1.1'), ['otp']);
    assert.match(
      (await bench.fail('write', 'config/zeroaddress', { roles: 'otp,none' })).message,
      /"none" does not exist/,
    );
    await bench.call('delete', 'roles/otp');
    assert.deepEqual((await bench.call('read', 'config/zeroaddress'))?.data, { roles: [] });
  });
});
