/** Entities, aliases and groups through their paths, and what a login makes of them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { systemRandom } from '../base/random.ts';
import type { JsonObject } from '../base/json.ts';
import { openBench } from '../core/backend-bench.contract.ts';
import type { Bench } from '../core/backend-bench.contract.ts';
import { RequestError } from '../model/errors.ts';
import { identityBackend } from './backend.ts';
import { Identity } from './identity.ts';
import { portsWithoutTokens } from './oidc/oidc-fixture.ts';
import type { LoginResult } from './identity.ts';

const MOUNTS = new Map([
  ['up', { type: 'userpass', path: 'auth/userpass/', namespaceId: 'root' }],
  ['ldap', { type: 'ldap', path: 'auth/ldap/', namespaceId: 'root' }],
]);
const ROOT_SPELLINGS = [
  'root',
  'Root',
  'rooT',
  'root ',
  ' root',
  'root\t',
  'ＲＯＯＴ',
  'root,default',
];

interface Rig {
  readonly identity: Identity;
  readonly bench: Bench;
  login(accessor: string, name: string, groupAliases?: readonly string[]): Promise<LoginResult>;
  policies(entityId: string): Promise<readonly string[] | undefined>;
  aliasIds(entityId: string): Promise<string[]>;
  make(path: string, data?: JsonObject): Promise<string>;
}

async function openRig(): Promise<Rig> {
  let epoch = 0;
  let identity: Identity | undefined;
  const bench = await openBench((begin) => {
    identity = new Identity({
      random: systemRandom,
      hash: (text) => createHash('sha256').update(text).digest('hex'),
      changed: () => epoch++,
      holdStill: async () => {},
      mount: async (_unit, accessor) => MOUNTS.get(accessor),
      begin,
    });
    return identityBackend(identity, portsWithoutTokens());
  });
  assert.ok(identity !== undefined);
  const store: Identity = identity;
  return {
    identity: store,
    bench,
    async login(accessor, name, groupAliases) {
      const mount = { accessor, namespaceId: 'root' };
      const grant = { alias: { name }, ...(groupAliases === undefined ? {} : { groupAliases }) };
      return await bench.inUnit((unit) => store.login(unit, mount, grant, bench.nowMs));
    },
    policies: async (entityId) =>
      await bench.inUnit(async (unit) =>
        store.policies(unit, { namespaceId: 'root', entityId, epoch, nowMs: bench.nowMs }),
      ),
    async aliasIds(entityId) {
      const reply = await bench.call('read', `entity/id/${entityId}`);
      const aliases = (reply?.data?.['aliases'] ?? []) as readonly { readonly id: string }[];
      return aliases.map(({ id }) => id);
    },
    async make(path, data = {}) {
      const reply = await bench.call('write', path, data);
      return String(reply?.data?.['id']);
    },
  };
}

suite('logins', () => {
  test('the same name is the same entity, whatever its case, and another mount another one', async () => {
    const rig = await openRig();
    const first = await rig.login('up', 'Bob');
    assert.equal((await rig.login('up', 'bOB')).entityId, first.entityId);
    assert.notEqual((await rig.login('ldap', 'bob')).entityId, first.entityId);
  });

  test('two doors lead to one entity once it has both aliases', async () => {
    const rig = await openRig();
    const id = await rig.make('entity', { name: 'bob', policies: ['p'] });
    for (const accessor of ['up', 'ldap']) {
      await rig.make('entity-alias', { name: 'bob', canonical_id: id, mount_accessor: accessor });
    }
    for (const accessor of ['up', 'ldap']) {
      assert.deepEqual(await rig.login(accessor, 'bob'), {
        entityId: id,
        identityPolicies: ['p'],
      });
    }
  });

  test('an alias answers to the name that it had in old clients', async () => {
    const rig = await openRig();
    const id = await rig.make('entity', { name: 'ada' });
    const made = await rig.make('alias', { name: 'ada', canonical_id: id, mount_accessor: 'up' });
    const shown = await rig.bench.call('read', `alias/id/${made}`);
    assert.equal(shown?.data?.['canonical_id'], id);
    assert.equal((await rig.login('up', 'ada')).entityId, id);
  });

  test('a disabled entity does not get in, and adds nothing', async () => {
    const rig = await openRig();
    const { entityId } = await rig.login('up', 'bob');
    assert.deepEqual(await rig.policies(entityId), []);
    await rig.bench.call('write', `entity/id/${entityId}`, { disabled: true });
    assert.equal(await rig.policies(entityId), undefined);
    await assert.rejects(rig.login('up', 'bob'), RequestError);
  });

  test('an entity has at most one alias at a mount (CVE-2021-43998)', async () => {
    const rig = await openRig();
    const { entityId } = await rig.login('up', 'bob');
    await rig.bench.fail('write', 'entity-alias', {
      name: 'rob',
      canonical_id: entityId,
      mount_accessor: 'up',
    });
    const other = await rig.login('up', 'eve');
    const merge = { from_entity_ids: [other.entityId], to_entity_id: entityId };
    await rig.bench.fail('write', 'entity/merge', merge);
    assert.equal((await rig.aliasIds(entityId)).length, 1);
  });
});

suite('no way to somebody else', () => {
  test('an alias cannot be renamed to one that is taken (CVE-2021-41802)', async () => {
    const rig = await openRig();
    const victim = await rig.login('up', 'victim');
    const mine = await rig.login('up', 'mine');
    const [aliasId] = await rig.aliasIds(mine.entityId);
    for (const name of ['victim', 'VICTIM']) {
      for (const canonical of [{}, { canonical_id: mine.entityId }]) {
        const data = { name, mount_accessor: 'up', ...canonical };
        await rig.bench.fail('write', `entity-alias/id/${aliasId}`, data);
      }
    }
    assert.equal((await rig.login('up', 'victim')).entityId, victim.entityId);
    assert.equal((await rig.login('up', 'mine')).entityId, mine.entityId);
  });

  test('identity never yields root, in any spelling (CVE-2024-9180, CVE-2025-5999)', async () => {
    const rig = await openRig();
    const entity = await rig.make('entity', { name: 'e' });
    const group = await rig.make('group', { name: 'g', member_entity_ids: [entity] });
    for (const spelling of ROOT_SPELLINGS) {
      const policies = [spelling];
      for (const path of [
        'entity',
        `entity/id/${entity}`,
        'entity/name/e',
        'entity/name/new',
        'group',
        `group/id/${group}`,
        'group/name/g',
        'group/name/new',
      ]) {
        await rig.bench.fail('write', path, { policies });
      }
    }
    assert.deepEqual(await rig.policies(entity), []);
    for (const path of [`entity/id/${entity}`, `group/id/${group}`]) {
      const shown = await rig.bench.call('read', path);
      assert.equal(
        JSON.stringify(shown?.data?.['policies'])?.toLowerCase().includes('root'),
        false,
      );
    }
  });

  test('ids that are no ids find nothing', async () => {
    const rig = await openRig();
    await rig.login('up', 'bob');
    for (const id of ['..', 'a/b', '', 'x'.repeat(3000)]) {
      assert.equal(await rig.policies(id), undefined);
    }
  });
});

suite('groups', () => {
  test('members inherit the policies of the groups above theirs', async () => {
    const rig = await openRig();
    const { entityId } = await rig.login('up', 'bob');
    const low = await rig.make('group', { policies: ['low'], member_entity_ids: [entityId] });
    const mid = await rig.make('group', { policies: ['mid'], member_group_ids: [low] });
    const top = await rig.make('group', { policies: ['top'], member_group_ids: [mid] });
    assert.deepEqual(await rig.policies(entityId), ['low', 'mid', 'top']);
    const shown = await rig.bench.call('read', `entity/id/${entityId}`);
    assert.deepEqual(shown?.data?.['direct_group_ids'], [low]);
    assert.deepEqual(shown?.data?.['inherited_group_ids'], [mid, top]);
    await rig.bench.call('delete', `group/id/${mid}`);
    assert.deepEqual(await rig.policies(entityId), ['low']);
  });

  test('give their policies after those of the entity, from the inside out, each once', async () => {
    const rig = await openRig();
    const { entityId } = await rig.login('up', 'bob');
    await rig.make(`entity/id/${entityId}`, { policies: ['z', 'a'] });
    const low = await rig.make('group', { policies: ['y'], member_entity_ids: [entityId] });
    await rig.make('group', { policies: ['b', 'z'], member_group_ids: [low] });
    assert.deepEqual(await rig.policies(entityId), ['a', 'z', 'y', 'b']);
  });

  test('are listed with the alias that they have', async () => {
    const rig = await openRig();
    const group = await rig.make('group', { type: 'external' });
    await rig.make('group-alias', { name: 'eng', mount_accessor: 'ldap', canonical_id: group });
    const listed = await rig.bench.call('list', 'group/id/');
    const info = listed?.data?.['key_info'] as Record<string, { alias: { name: string } }>;
    assert.equal(info[group]?.alias.name, 'eng');
  });

  test('have a name, and metadata until null takes it away', async () => {
    const rig = await openRig();
    for (const name of ['', null]) await rig.bench.fail('write', 'group', { name });
    for (const path of ['entity', 'group']) {
      const id = await rig.make(path, { metadata: { a: 'b' } });
      const metadata = async (): Promise<unknown> =>
        (await rig.bench.call('read', `${path}/id/${id}`))?.data?.['metadata'];
      await rig.bench.call('write', `${path}/id/${id}`, {});
      assert.deepEqual(await metadata(), { a: 'b' });
      await rig.bench.call('write', `${path}/id/${id}`, { metadata: null });
      assert.equal(await metadata(), null);
    }
  });

  test('a circle is refused, however long', async () => {
    const rig = await openRig();
    const a = await rig.make('group', {});
    const b = await rig.make('group', { member_group_ids: [a] });
    const c = await rig.make('group', { member_group_ids: [b] });
    for (const child of [a, b, c]) {
      await rig.bench.fail('write', `group/id/${a}`, { member_group_ids: [child] });
    }
  });

  test('external groups follow what the mount says at each login (CVE-2020-10660)', async () => {
    const rig = await openRig();
    const group = await rig.make('group', { type: 'external', policies: ['eng'] });
    const above = await rig.make('group', { policies: ['all'], member_group_ids: [group] });
    await rig.make('group-alias', {
      name: 'Engineers',
      mount_accessor: 'ldap',
      canonical_id: group,
    });
    const first = await rig.login('ldap', 'bob', ['engineers', 'others']);
    assert.deepEqual(first.identityPolicies, ['eng', 'all']);
    // Another mount has no say in it.
    const id = first.entityId;
    await rig.make('entity-alias', { name: 'bob', canonical_id: id, mount_accessor: 'up' });
    assert.deepEqual((await rig.login('up', 'bob', [])).identityPolicies, ['eng', 'all']);
    assert.deepEqual((await rig.login('ldap', 'bob', ['others'])).identityPolicies, []);
    assert.deepEqual(await rig.policies(id), []);
    await rig.login('ldap', 'bob', ['engineers']);
    assert.deepEqual(await rig.policies(id), ['eng', 'all']);
    await rig.bench.call('delete', `group/id/${above}`);
    assert.deepEqual(await rig.policies(id), ['eng']);
    await rig.bench.call('delete', `group/id/${group}`);
    assert.deepEqual(await rig.policies(id), []);
  });

  test('a deleted entity is no member any more', async () => {
    const rig = await openRig();
    const { entityId } = await rig.login('up', 'bob');
    const group = await rig.make('group', { member_entity_ids: [entityId] });
    await rig.bench.call('delete', `entity/id/${entityId}`);
    const shown = await rig.bench.call('read', `group/id/${group}`);
    assert.deepEqual(shown?.data?.['member_entity_ids'], []);
    assert.equal(await rig.policies(entityId), undefined);
  });
});

suite('merging', () => {
  test('aliases, groups and tokens go over, policies do not', async () => {
    const rig = await openRig();
    const from = await rig.login('up', 'bob');
    await rig.bench.call('write', `entity/id/${from.entityId}`, { policies: ['own'] });
    await rig.make('group', { policies: ['grp'], member_entity_ids: [from.entityId] });
    const to = await rig.login('ldap', 'bob');
    const merge = { from_entity_ids: [from.entityId], to_entity_id: to.entityId };
    await rig.bench.call('write', 'entity/merge', merge);
    assert.deepEqual(await rig.login('up', 'bob'), {
      entityId: to.entityId,
      identityPolicies: ['grp'],
    });
    // Tokens of the entity that went are now the other's.
    assert.deepEqual(await rig.policies(from.entityId), ['grp']);
    await rig.bench.call('delete', `entity/id/${to.entityId}`);
    assert.equal(await rig.policies(from.entityId), undefined);
  });

  test('of two aliases at one mount the one that is named stays', async () => {
    const rig = await openRig();
    const from = await rig.login('up', 'old');
    const to = await rig.login('up', 'new');
    const aliasIds = await rig.aliasIds(from.entityId);
    await rig.bench.call('write', 'entity/merge', {
      from_entity_ids: [from.entityId],
      to_entity_id: to.entityId,
      conflicting_alias_ids_to_keep: aliasIds,
    });
    assert.equal((await rig.login('up', 'old')).entityId, to.entityId);
    assert.notEqual((await rig.login('up', 'new')).entityId, to.entityId);
  });
});

suite('limits', () => {
  test('metadata is bounded', async () => {
    const rig = await openRig();
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v']));
    for (const metadata of [many, { ['k'.repeat(129)]: 'v' }, { k: 'v'.repeat(513) }]) {
      await rig.bench.fail('write', 'entity', { name: 'big', metadata });
      await rig.bench.fail('write', 'group', { name: 'big', metadata });
    }
  });
});
