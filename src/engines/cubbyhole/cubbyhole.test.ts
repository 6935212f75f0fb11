/** Cubbyholes: each token sees its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBench } from '../../core/backend-bench.contract.ts';
import { testReadBack, testSurvival } from '../backend-behaviour.contract.ts';
import { testBackendDeclaration } from '../backend.contract.ts';
import { cubbyholeBackend } from './cubbyhole.ts';
import type { Principal } from '../../model/principal.ts';

const backend = cubbyholeBackend({
  home: (tokenId) => `cubbyhole/${tokenId}/`,
  abroad: (tokenId) => `cubbyhole-abroad/${tokenId}/`,
});

testBackendDeclaration(backend);

function principal(tokenId: string, tokenType: Principal['tokenType'] = 'service'): Principal {
  return {
    tokenId,
    accessor: `accessor-${tokenId}`,
    displayName: 'token',
    entityId: '',
    tokenType,
    tokenNamespace: { id: 'root', path: '' },
    policies: ['root'],
    tokenPolicies: ['root'],
    identityPolicies: [],
    metadata: {},
    isRoot: true,
    path: 'auth/token/create',
    ttlSeconds: 0,
  };
}

const ONE = { principal: principal('one') };
const TWO = { principal: principal('two') };

testReadBack(
  backend,
  [{ path: 'a', body: { x: 1 }, shows: { x: 1 }, listed: { path: '', name: 'a' } }],
  ONE,
);
testSurvival(backend, ONE);

test('a token reads what it wrote, and nobody else’s', async () => {
  const bench = await openBench(backend);
  assert.equal((await bench.fail('read', 'x', {}, ONE)).code, 'not_found');
  await bench.call('write', 'x', { a: 1 }, ONE);
  await bench.call('write', 'd/e', { v: 1 }, ONE);
  assert.deepEqual((await bench.call('read', 'x', {}, ONE))?.data, { a: 1 });
  assert.equal((await bench.fail('read', 'x', {}, TWO)).code, 'not_found');
  assert.equal((await bench.fail('list', '', {}, TWO)).code, 'not_found');
  assert.deepEqual((await bench.call('list', '', {}, ONE))?.data, { keys: ['d/', 'x'] });
  assert.deepEqual((await bench.call('list', 'd/', {}, ONE))?.data, { keys: ['e'] });
  await bench.call('delete', 'x', {}, TWO);
  await bench.call('write', 'x', { a: null }, ONE);
  assert.deepEqual((await bench.call('read', 'x', {}, ONE))?.data, { a: null });
  await bench.call('delete', 'x', {}, ONE);
  assert.equal((await bench.fail('read', 'x', {}, ONE)).code, 'not_found');
});

test('a token has another one in each namespace', async () => {
  const bench = await openBench(backend);
  const abroad = { ...ONE, namespace: { id: 'other', path: 'other/' } };
  await bench.call('write', 'x', { a: 1 }, ONE);
  assert.equal((await bench.fail('read', 'x', {}, abroad)).code, 'not_found');
  await bench.call('write', 'x', { a: 2 }, abroad);
  await bench.call('write', 'y', { a: 3 }, abroad);
  assert.deepEqual((await bench.call('read', 'x', {}, ONE))?.data, { a: 1 });
  assert.deepEqual((await bench.call('read', 'x', {}, abroad))?.data, { a: 2 });
  assert.deepEqual((await bench.call('list', '', {}, ONE))?.data, { keys: ['x'] });
  assert.deepEqual((await bench.call('list', '', {}, abroad))?.data, { keys: ['x', 'y'] });
});

test('batch tokens and callers without a token have none', async () => {
  const bench = await openBench(backend);
  const batch = { principal: principal('b', 'batch') };
  for (const operation of ['read', 'write', 'delete', 'list'] as const) {
    assert.equal((await bench.fail(operation, 'x', { a: 1 }, batch)).code, 'invalid_request');
    assert.equal((await bench.fail(operation, 'x', { a: 1 })).code, 'invalid_request');
  }
});

test('nothing is written without a name or without members', async () => {
  const bench = await openBench(backend);
  assert.equal((await bench.fail('write', 'x', {}, ONE)).message, 'missing data fields');
  assert.equal((await bench.fail('write', '', { a: 1 }, ONE)).message, 'missing path');
  assert.equal((await bench.fail('read', '', {}, ONE)).message, 'missing path');
  assert.equal((await bench.fail('write', 'x/', { a: 1 }, ONE)).code, 'invalid_request');
});
