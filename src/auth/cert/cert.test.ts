/** Certificate logins: what is trusted, what only looks like it, and renewals. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { makeCertificate, makeCrl } from '../../crypto/x509/certificates-fixture.ts';
import type { CertificateWish, TestCertificate } from '../../crypto/x509/certificates-fixture.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchBytes } from '../fetch-json.ts';
import { certBackend } from './cert.ts';

const backend = certBackend({
  clock: systemClock,
  log: silentLog,
  random: systemRandom,
  fetch: fetchBytes,
});
const NOW_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;

const make = (wish?: CertificateWish): Promise<TestCertificate> => makeCertificate(NOW_MS, wish);
const ca = await make({ name: 'CN=Authority', isCa: true });
const client = await make({ name: 'CN=client, OU=eng', issuer: ca, dnsNames: ['a.example'] });

function connection(certificates: readonly TestCertificate[]): {
  remoteAddress: string;
  remotePort: number;
  clientCertificates: Buffer[];
  local: boolean;
} {
  return {
    remoteAddress: '127.0.0.1',
    remotePort: 1,
    clientCertificates: certificates.map(({ der }) => der),
    local: false,
  };
}

interface Rig {
  readonly bench: Bench;
  login(...certificates: TestCertificate[]): Promise<string>;
}

async function openRig(entry: JsonObject = {}): Promise<Rig> {
  const bench = await openBench(backend);
  bench.nowMs = NOW_MS;
  await bench.call('write', 'certs/c', { certificate: ca.pem, ...entry });
  return {
    bench,
    async login(...certificates) {
      try {
        const options = { connection: connection(certificates) };
        const reply = await bench.call('write', 'login', { name: 'c' }, options);
        return reply?.auth?.alias?.name ?? 'nobody';
      } catch (error) {
        if (error instanceof RequestError) return `refused: ${error.message}`;
        throw error;
      }
    },
  };
}

suite('trust', () => {
  test('a certificate of the authority, by way of an intermediate one too', async () => {
    const rig = await openRig();
    assert.equal(await rig.login(client), 'client');
    const middle = await make({ name: 'CN=Middle', issuer: ca, isCa: true });
    const far = await make({ name: 'CN=far', issuer: middle });
    assert.equal(await rig.login(far, middle), 'far');
    assert.match(await rig.login(far), /^refused/);
  });

  test('what only looks like it is refused', async () => {
    const rig = await openRig();
    const impostor = await make({ name: 'CN=Authority', isCa: true });
    const narrow = await make({ name: 'CN=Narrow', issuer: ca, isCa: true, pathLength: 0 });
    const below = await make({ name: 'CN=Below', issuer: narrow, isCa: true });
    const forgeries: readonly TestCertificate[][] = [
      [],
      [await make({ name: 'CN=client', issuer: impostor })],
      [await make({ name: 'CN=client', issuer: impostor }), impostor],
      [await make({ name: 'CN=client' })],
      [await make({ name: 'CN=client', issuer: client }), client],
      [await make({ name: 'CN=client', issuer: below }), below, narrow],
      [await make({ issuer: ca, forServers: true })],
      [await make({ issuer: ca, strange: ['1.2.3.4'] })],
      [await make({ issuer: ca, notAfterMs: NOW_MS - 1000 })],
      [await make({ issuer: ca, notBeforeMs: NOW_MS + 1000 })],
    ];
    for (const [index, certificates] of forgeries.entries())
      assert.match(await rig.login(...certificates), /^refused/, String(index));
  });

  test('a certificate that is no authority is trusted as a whole (CVE-2024-2048)', async () => {
    const pinned = await make({ name: 'CN=pinned', serialNumber: '2a' });
    const rig = await openRig({ certificate: pinned.pem });
    assert.equal(await rig.login(pinned), 'pinned');
    const forged = await make({ name: 'CN=pinned', serialNumber: '2a' });
    assert.match(await rig.login(forged), /^refused/);
    assert.match(await rig.login(await make({ issuer: pinned }), pinned), /^refused/);
    assert.match(await rig.login(client), /^refused/);
    rig.bench.nowMs += 2 * DAY_MS;
    assert.match(await rig.login(pinned), /^refused/);
  });

  test('a revoked one is out, and only of the authority that says so', async () => {
    const rig = await openRig();
    const one = await make({ name: 'CN=one', issuer: ca, serialNumber: '11' });
    const two = await make({ name: 'CN=two', issuer: ca, serialNumber: '12' });
    const other = await make({ name: 'CN=Other', isCa: true });
    await rig.bench.call('write', 'crls/other', { crl: await makeCrl(NOW_MS, other, ['11']) });
    assert.equal(await rig.login(one), 'one');
    await rig.bench.call('write', 'crls/own', { crl: await makeCrl(NOW_MS, ca, ['11']) });
    assert.match(await rig.login(one), /^refused/);
    assert.equal(await rig.login(two), 'two');
    await rig.bench.call('delete', 'crls/own');
    assert.equal(await rig.login(one), 'one');
    assert.match((await rig.bench.fail('delete', 'crls/own')).message, /no such CRL/);
    await rig.bench.fail('write', 'config', { ocsp_cache_size: 1 });
  });
});

suite('constraints', () => {
  for (const [name, good, bad] of [
    ['allowed_names', 'a.*', 'b.*'],
    ['allowed_common_names', 'client', 'client?'],
    ['allowed_dns_sans', 'a.example', 'example'],
    ['allowed_organizational_units', 'e*', 'sales'],
    ['allowed_email_sans', undefined, '*'],
    ['allowed_uri_sans', undefined, '*'],
    ['required_extensions', undefined, '1.2.3:*'],
  ] as const) {
    test(name, async () => {
      if (good !== undefined) {
        const rig = await openRig({ [name]: good });
        assert.equal(await rig.login(client), 'client');
      }
      const rig = await openRig({ [name]: bad });
      assert.match(await rig.login(client), /^refused/);
    });
  }
});

suite('renewal', () => {
  test('comes with the certificate of the login, unless the mount says otherwise', async () => {
    const rig = await openRig();
    const options = { connection: connection([client]) };
    const reply = await rig.bench.call('write', 'login', {}, options);
    const renew = async (...certificates: TestCertificate[]): Promise<unknown> =>
      await rig.bench.store(async (store) => {
        const renewal = {
          internal: reply?.auth?.internal ?? {},
          displayName: '',
          metadata: {},
          policies: ['default'],
          connection: connection(certificates),
          incrementSeconds: 0,
          nowMs: rig.bench.nowMs,
        };
        return await backend.renewAuth?.(renewal, store);
      });
    await renew(client);
    await assert.rejects(renew(), RequestError);
    await assert.rejects(renew(await make({ name: 'CN=client', issuer: ca })), RequestError);
    await rig.bench.call('write', 'config', { disable_binding: true });
    await renew();
    await rig.bench.call('delete', 'certs/c');
    await assert.rejects(renew(), RequestError);
  });
});
