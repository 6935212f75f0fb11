/** The PKI engine against the suites that every backend passes. */
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
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
