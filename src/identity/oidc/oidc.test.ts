/** Identity tokens: what they say, how long their keys verify, and templates that must not lie. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { claimsOf, parseJwks, parseJws, verifyWithAny } from '../../crypto/jws.ts';
import { overtakenStorage } from '../../storage/overtaken.testkit.ts';
import { ConflictError } from '../../storage/storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { identityBackend } from '../backend.ts';
import { Identity } from '../identity.ts';
import { portsWithoutTokens } from './oidc-fixture.ts';
import { TemplateError, checkTemplate, fillTemplate } from './template.ts';
import type { Principal } from '../../model/principal.ts';

function principal(entityId: string): Principal {
  return {
    tokenId: 't',
    accessor: 'a',
    displayName: '',
    entityId,
    tokenType: 'service',
    tokenNamespace: { id: 'root', path: '' },
    policies: [],
    tokenPolicies: [],
    identityPolicies: [],
    metadata: {},
    isRoot: false,
    path: '',
    ttlSeconds: 0,
  };
}

interface Rig {
  readonly bench: Bench;
  readonly entityId: string;
  token(): Promise<string>;
  introspect(token: string, clientId?: string): Promise<boolean>;
  /** Whether the published keys verify a token. */
  published(token: string): Promise<boolean>;
}

async function benchOn(storage?: Storage): Promise<Bench> {
  return await openBench(
    (begin) =>
      identityBackend(
        new Identity({
          random: systemRandom,
          hash: (text) => createHash('sha256').update(text).digest('hex'),
          changed: () => {},
          holdStill: async () => {},
          mount: async () => undefined,
          begin,
        }),
        portsWithoutTokens(),
      ),
    storage,
  );
}

async function openRig(role: JsonObject = {}, key: JsonObject = {}): Promise<Rig> {
  const bench = await benchOn();
  const made = await bench.call('write', 'entity', { name: 'bob "x"', metadata: { k: 'v' } });
  const entityId = String(made?.data?.['id']);
  await bench.call('write', 'oidc/key/k', {
    algorithm: 'ES256',
    rotation_period: '1h',
    verification_ttl: '2h',
    allowed_client_ids: ['cid'],
    ...key,
  });
  await bench.call('write', 'oidc/role/r', { key: 'k', client_id: 'cid', ttl: '10m', ...role });
  return {
    bench,
    entityId,
    async token() {
      const options = { principal: principal(entityId) };
      const reply = await bench.call('read', 'oidc/token/r', {}, options);
      return String(reply?.data?.['token']);
    },
    async introspect(token, clientId = '') {
      const data = { token, client_id: clientId };
      return (await bench.call('write', 'oidc/introspect', data))?.data?.['active'] === true;
    },
    async published(token) {
      const reply = await bench.call('read', 'oidc/.well-known/keys');
      const jws = parseJws(token);
      return jws !== undefined && verifyWithAny(jws, parseJwks(reply?.data) ?? []);
    },
  };
}

suite('tokens', () => {
  test('say who somebody is, and the published keys verify them', async () => {
    const rig = await openRig({
      template: '{"who": {{identity.entity.name}}, "k": {{identity.entity.metadata.k}}}',
    });
    const token = await rig.token();
    assert.equal(await rig.published(token), true);
    const jws = parseJws(token);
    assert.ok(jws !== undefined);
    const iat = rig.bench.nowMs / 1000;
    assert.deepEqual(
      { ...claimsOf(jws) },
      {
        who: 'bob "x"',
        k: 'v',
        aud: 'cid',
        sub: rig.entityId,
        iss: 'https://vault.test/v1/identity/oidc',
        namespace: 'root',
        iat,
        exp: iat + 600,
      },
    );
    assert.equal(await rig.introspect(token), true);
    assert.equal(await rig.introspect(token, 'cid'), true);
    assert.equal(await rig.introspect(token, 'other'), false);
  });

  test('end with their time, with their entity, and when they are changed', async () => {
    const rig = await openRig();
    const token = await rig.token();
    const other = token.endsWith('A') ? 'g' : 'A';
    assert.equal(await rig.introspect(token.slice(0, -1) + other), false);
    await rig.bench.call('write', `entity/id/${rig.entityId}`, { disabled: true });
    assert.equal(await rig.introspect(token), false);
    await rig.bench.call('write', `entity/id/${rig.entityId}`, { disabled: false });
    assert.equal(await rig.introspect(token), true);
    rig.bench.nowMs += 600_000;
    assert.equal(await rig.introspect(token), false);
  });

  test('nobody without an entity gets one, nor a client that the key does not know', async () => {
    const rig = await openRig();
    for (const entityId of ['', 'x'])
      await rig.bench.fail('read', 'oidc/token/r', {}, { principal: principal(entityId) });
    await rig.bench.call('write', 'oidc/role/other', {
      key: 'k',
      client_id: 'stranger',
      ttl: '10m',
    });
    const options = { principal: principal(rig.entityId) };
    await rig.bench.fail('read', 'oidc/token/other', {}, options);
  });
});

suite('keys', () => {
  test('rotate when they are due; the old one verifies for a while, the next is known before', async () => {
    const rig = await openRig();
    const first = await rig.token();
    rig.bench.nowMs += 3_600_000;
    const second = await rig.token();
    assert.notEqual(parseJws(first)?.keyId, parseJws(second)?.keyId);
    assert.equal(await rig.published(first), true);
    assert.equal(await rig.published(second), true);
    rig.bench.nowMs += 2 * 3_600_000;
    assert.equal(await rig.published(first), false);
  });

  test('never leave the store, nor stay in the answer', async () => {
    const rig = await openRig();
    for (const path of ['oidc/key/k', 'oidc/.well-known/keys']) {
      const reply = await rig.bench.call('read', path);
      assert.doesNotMatch(JSON.stringify(reply), /PRIVATE|"d":/);
    }
  });

  test('the default one is there when it is needed', async () => {
    const rig = await openRig();
    const listed = await rig.bench.call('list', 'oidc/key/');
    assert.deepEqual(listed?.data?.['keys'], ['default', 'k']);
    await rig.bench.call('write', 'oidc/role/d', { key: 'default' });
    await rig.bench.fail('delete', 'oidc/key/default');
    // Who changes the default key keeps what he does not name.
    await rig.bench.call('write', 'oidc/key/default', { algorithm: 'ES256' });
    const changed = (await rig.bench.call('read', 'oidc/key/default'))?.data;
    assert.deepEqual([changed?.['algorithm'], changed?.['allowed_client_ids']], ['ES256', ['*']]);
    await rig.bench.fail('delete', 'oidc/key/k');
  });
});

suite('what refers to something', () => {
  const client = { assignments: ['a'], redirect_uris: ['https://app.test'] };
  for (const [what, listing, removed, path, data] of [
    ['a role to a key', 'role/', 'key/k', 'role/r', { key: 'k' }],
    ['a client to a key', 'client/', 'key/k', 'client/c', { ...client, key: 'k' }],
    ['a client to an assignment', 'client/', 'assignment/a', 'client/c', client],
    ['a provider to a scope', 'provider/', 'scope/s', 'provider/p', { scopes_supported: ['s'] }],
  ] as const) {
    test(`${what} is not overlooked by a deletion at the same moment`, async () => {
      const { storage, afterListing } = overtakenStorage();
      const bench = await benchOn(storage);
      await bench.call('write', 'oidc/key/k', { allowed_client_ids: ['*'] });
      await bench.call('write', 'oidc/assignment/a', { entity_ids: ['e'], group_ids: [] });
      await bench.call('write', 'oidc/scope/s', { template: '{}' });
      afterListing(listing, 1, () => bench.call('write', `oidc/${path}`, data as JsonObject));
      // It runs again then, and sees it.
      await assert.rejects(bench.call('delete', `oidc/${removed}`), ConflictError);
      const { message } = await bench.fail('delete', `oidc/${removed}`);
      assert.match(message, /currently referenced/);
    });
  }
});

suite('templates', () => {
  const entity = {
    id: 'e',
    name: '',
    metadata: {},
    policies: [],
    disabled: false,
    createdMs: 0,
    updatedMs: 0,
    mergedIds: null,
    aliases: [],
    groups: [],
  };

  test('a value cannot become anything but a value', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const subject = { entity: { ...entity, name }, groups: [], nowMs: 0 };
        const claims = fillTemplate('{"who": {{identity.entity.name}} }', subject);
        assert.deepEqual({ ...claims }, { who: name });
      }),
    );
  });

  test('reserved claims, broken JSON and unknown directives are refused', () => {
    for (const template of [
      '{"sub": "x"}',
      '{"a": 1, "iss": "x"}',
      '[]',
      '{',
      '{"a": {{identity.entity.policies}}}',
      '{"a": {{nothing',
    ]) {
      assert.throws(() => checkTemplate(template), TemplateError);
    }
    checkTemplate('{"t": {{time.now.plus.1h}}, "g": {{identity.entity.groups.ids}}}');
  });
});
