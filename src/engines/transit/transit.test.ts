/** The transit engine against the suites that every backend passes, and its declared limits. */
import { systemRandom } from '../../base/random.ts';
import { testReadBack, testSurvival } from '../backend-behaviour.contract.ts';
import { testBackendDeclaration } from '../backend.contract.ts';
import { transitBackend } from './transit.ts';

const transit = transitBackend({ random: systemRandom });

testBackendDeclaration(transit);
testReadBack(transit, [
  {
    path: 'keys/a',
    body: { type: 'chacha20-poly1305', exportable: true },
    shows: { name: 'a', type: 'chacha20-poly1305', exportable: true, latest_version: 1 },
    listed: { path: 'keys', name: 'a' },
    stays: true,
  },
  {
    path: 'config/keys',
    body: { disable_upsert: true },
    shows: { disable_upsert: true },
    stays: true,
  },
  { path: 'cache-config', body: { size: 10 }, shows: { size: 10 }, stays: true },
]);
testSurvival(transit);
