/** Revoked certificates: a real OCSP responder and revocation lists of the program openssl (CVE-2024-2660). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchBytes } from '../fetch-json.ts';
import { certBackend } from './cert.ts';
import { openOpenssl } from './openssl.testkit.ts';
import type { OpensslAuthority } from './openssl.testkit.ts';

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

interface Rig {
  readonly bench: Bench;
  login(certificate: Buffer): Promise<string>;
  reason(certificate: Buffer): Promise<string>;
}

suite('revocation', { skip: hasOpenssl() ? false : 'openssl is not installed' }, () => {
  let authority: OpensslAuthority;
  let good: Buffer;
  let bad: Buffer;
  before(async () => {
    authority = await openOpenssl();
    good = authority.issue('good');
    bad = authority.issue('bad');
    authority.revoke('bad');
  });
  after(() => authority.close());

  async function openRig(entry: JsonObject = {}): Promise<Rig> {
    const ports = { clock: systemClock, log: silentLog, random: systemRandom, fetch: fetchBytes };
    const bench = await openBench(certBackend(ports));
    bench.nowMs = systemClock.nowMs() + 1000;
    await bench.call('write', 'certs/c', { certificate: authority.caPem, ...entry });
    const call = async (certificate: Buffer): Promise<string> => {
      const connection = {
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        clientCertificates: [certificate],
        local: false,
      };
      const reply = await bench.call('write', 'login', { name: 'c' }, { connection });
      return reply?.auth?.alias?.name ?? 'nobody';
    };
    const failed = async (certificate: Buffer, what: 'message' | 'detail'): Promise<string> => {
      try {
        return await call(certificate);
      } catch (error) {
        if (error instanceof RequestError) return error[what] ?? '';
        throw error;
      }
    };
    return {
      bench,
      login: (certificate) => failed(certificate, 'message'),
      reason: (certificate) => failed(certificate, 'detail'),
    };
  }

  const REFUSAL = 'invalid certificate or no client certificate supplied';
  const OCSP = { ocsp_enabled: true };

  test('a responder of the authority is believed', async () => {
    for (const signer of ['authority', 'delegate'] as const) {
      await authority.serve(signer);
      const rig = await openRig(OCSP);
      assert.equal(await rig.login(good), 'good', signer);
      assert.equal(await rig.login(bad), REFUSAL, signer);
      assert.match(await rig.reason(bad), /revoked/);
    }
  });

  test('a responder that nobody named is not, unless the configuration does', async () => {
    await authority.serve('stranger');
    const rig = await openRig(OCSP);
    assert.match(await rig.reason(good), /nobody who may has signed/);
    await authority.serve('delegate', ['-resp_no_certs']);
    const silent = await openRig(OCSP);
    assert.match(await silent.reason(good), /nobody who may has signed/);
    const told = await openRig({ ...OCSP, ocsp_ca_certificates: authority.responderPem });
    assert.equal(await told.login(good), 'good');
  });

  test('an answer about another certificate is none (CVE-2024-2660)', async () => {
    await authority.serve('authority');
    // Kept from an honest question about the good one, and given for whatever is asked.
    let kept: Buffer | undefined;
    const replaying = createServer((incoming, outgoing) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        const headers = { 'content-type': 'application/ocsp-request' };
        const asked = { method: 'POST', headers, body: Buffer.concat(chunks) };
        kept ??= Buffer.from(await (await fetch(authority.responder, asked)).arrayBuffer());
        outgoing.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(kept);
      })();
    });
    replaying.listen(0, '127.0.0.1');
    await once(replaying, 'listening');
    const url = `http://127.0.0.1:${(replaying.address() as AddressInfo).port}`;
    const rig = await openRig({ ...OCSP, ocsp_servers_override: url });
    assert.equal(await rig.login(good), 'good');
    assert.equal(await rig.login(bad), REFUSAL);
    assert.equal(await rig.login(authority.issue('unasked')), REFUSAL);
    replaying.close();
  });

  test('an answer that is out of date is none', async () => {
    await authority.serve('authority', ['-nmin', '1']);
    const rig = await openRig(OCSP);
    rig.bench.nowMs += 60 * 60_000;
    assert.match(await rig.reason(good), /out of date/);
  });

  test('without an answer, the entry says whether a login goes on', async () => {
    await authority.stop();
    const closed = await openRig(OCSP);
    assert.match(await closed.reason(good), /not known/);
    const open = await openRig({ ...OCSP, ocsp_fail_open: true });
    assert.equal(await open.login(good), 'good');
  });

  test('one of several responders is enough, unless all must agree', async () => {
    await authority.serve('authority');
    const servers = `http://127.0.0.1:1/,${authority.responder}`;
    const one = await openRig({ ...OCSP, ocsp_servers_override: servers });
    assert.equal(await one.login(good), 'good');
    assert.equal(await one.login(bad), REFUSAL);
    const all = await openRig({
      ...OCSP,
      ocsp_servers_override: servers,
      ocsp_query_all_servers: true,
    });
    assert.match(await all.reason(good), /not known/);
  });

  test('an answer is kept for a while', async () => {
    await authority.serve('authority', ['-nmin', '10']);
    const rig = await openRig(OCSP);
    assert.equal(await rig.login(good), 'good');
    await authority.stop();
    assert.equal(await rig.login(good), 'good');
    rig.bench.nowMs += 11 * 60_000;
    assert.match(await rig.reason(good), /not known/);
  });

  test('what any bytes say in place of an answer is nothing', async () => {
    for (const body of ['', 'x', '0\u0003\n\u0001\u0006', '0\u0003\n\u0001\u0000']) {
      const server = createServer((_incoming, outgoing) => outgoing.end(Buffer.from(body)));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const rig = await openRig({ ...OCSP, ocsp_servers_override: url });
      assert.equal(await rig.login(good), REFUSAL);
      server.closeAllConnections();
      server.close();
    }
  });

  test('a list that is fetched must be the issuer’s, and is fetched again when it is due', async () => {
    let served = authority.crl();
    const server = createServer((_incoming, outgoing) => outgoing.end(served));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/crl`;
    const rig = await openRig();
    assert.equal(await rig.login(bad), 'bad');
    await rig.bench.call('write', 'crls/fetched', { url });
    assert.equal(await rig.login(bad), REFUSAL);
    assert.equal(await rig.login(good), 'good');
    const shown = (await rig.bench.call('read', 'crls/fetched'))?.data as Record<string, object>;
    assert.equal(Object.keys(shown['serials'] ?? {}).length, 1);
    assert.match(JSON.stringify(shown['cdp']), /valid_until/);
    authority.issue('later');
    const later = authority.issue('last');
    authority.revoke('last');
    served = authority.crl();
    assert.equal(await rig.login(later), 'last');
    rig.bench.nowMs += 25 * 60 * 60_000;
    assert.equal(await rig.login(later), REFUSAL);
    served = 'nonsense';
    rig.bench.nowMs += 25 * 60 * 60_000;
    assert.equal(await rig.login(later), REFUSAL);
    assert.equal(await rig.login(good), 'good');
    for (const wrong of [{ url: 'file:///etc/passwd' }, { url }, { crl: 'x' }, {}])
      await rig.bench.fail('write', 'crls/x', wrong);
    server.closeAllConnections();
    server.close();
  });
});
