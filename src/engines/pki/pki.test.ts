/** The PKI engine against the suites that every backend passes, and what its paths take and refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import { testReadBack, testSurvival } from '../backend-behaviour.contract.ts';
import { testBackendDeclaration } from '../backend.contract.ts';
import { pkiBackend } from './pki.ts';

const pki = pkiBackend({
  random: systemRandom,
  log: silentLog,
  fillTemplate: () => Promise.resolve(undefined),
});

testBackendDeclaration(pki);
testReadBack(pki, [
  {
    path: 'roles/web',
    body: { allowed_domains: 'example.com', allow_subdomains: true, ttl: '1h' },
    shows: { allowed_domains: ['example.com'], allow_subdomains: true, ttl: 3600 },
    listed: { path: 'roles', name: 'web' },
  },
  {
    path: 'config/urls',
    body: { ocsp_servers: 'http://ocsp.example' },
    shows: { ocsp_servers: ['http://ocsp.example'] },
    stays: true,
  },
  {
    path: 'config/crl',
    body: { expiry: '10h', auto_rebuild: true, auto_rebuild_grace_period: '1h' },
    shows: { expiry: '10h', auto_rebuild: true },
    stays: true,
  },
]);
testSurvival(pki);

test('a patch of a role leaves durations that are null as they are', async () => {
  const bench = await openBench(pki);
  await bench.call('write', 'roles/r', { ttl: '1h', ext_key_usage_oids: '1' });
  const reply = await bench.call('patch', 'roles/r', { ttl: null, country: 'DE' });
  assert.equal(reply?.data?.['ttl'], 3600);
  assert.deepEqual(reply.data['country'], ['DE']);
});

test('times of revocation lists that are set to nothing are at their defaults', async () => {
  const bench = await openBench(pki);
  await bench.call('write', 'config/crl', { expiry: '', delta_rebuild_interval: '' });
  const shown = await bench.call('read', 'config/crl');
  assert.equal(shown?.data?.['expiry'], '72h');
  assert.equal(shown.data['delta_rebuild_interval'], '15m');
});

test('what cannot be is refused before anything is made', async () => {
  const bench = await openBench(pki);
  const root = { common_name: 'R', key_type: 'ec', issuer_name: 'r' };
  await bench.fail('write', 'root/generate/internal', { ...root, uri_sans: '::' });
  await bench.fail('write', 'root/generate/internal', { ...root, max_path_length: -2 });
  await bench.fail('write', 'intermediate/generate/internal', { ...root, not_after: 'x' });
  await bench.fail('write', 'config/auto-tidy', { page_size: 0 });
  await bench.fail('write', 'config/auto-tidy', { enabled: true, tidy_revocation_list: true });
  const made = await bench.call('write', 'root/generate/internal', root);
  const id = String(made?.data?.['issuer_id']);
  await bench.fail('write', 'issuer/r', { issuer_name: id });
  const csr = (await bench.call('write', 'intermediate/generate/internal', { ...root }))?.data;
  const refusal = await bench.fail('write', 'sign-verbatim/none', { csr: String(csr?.['csr']) });
  assert.match(refusal.message, /unknown role/);
});

test('references of issuers are names, ids of ACME are UUIDs; the rest is no path', async () => {
  const bench = await openBench(pki);
  for (const path of ['issuer/aa:bb', 'eab/none', 'acme/account/x']) {
    const error = await bench.fail('read', path);
    assert.equal(error.code, 'not_found', path);
  }
});

test('a manual tidy is the last one, too', async () => {
  const bench = await openBench(pki);
  await bench.call('write', 'tidy', { tidy_cert_store: true });
  const status = await bench.call('read', 'tidy-status');
  assert.equal(typeof status?.data?.['last_auto_tidy_finished'], 'string');
});
