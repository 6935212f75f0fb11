/** Identities over the wire: aliases, merges, groups and templates give nobody more than was meant. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { textOf } from './evidence.ts';
import { Target } from './target.ts';

let target: Target;
let accessor: string;

before(async () => {
  target = await Target.start();
  await target.expect('POST', 'sys/auth/userpass', { body: { type: 'userpass' } });
  const { data } = await target.expect('GET', 'sys/auth');
  accessor = textOf(data, 'userpass/', 'accessor');
  await target.expect('POST', 'secret/data/victim/x', { body: { data: { a: '1' } } });
});

after(() => target.close());

interface Person {
  readonly token: string;
  readonly entityId: string;
}

async function logIn(name: string, policies: string): Promise<Person> {
  await target.expect('POST', `auth/userpass/users/${name}`, {
    body: { password: 'pw', token_policies: policies },
  });
  const { auth } = await target.expect('POST', `auth/userpass/login/${name}`, {
    token: null,
    body: { password: 'pw' },
  });
  return { token: textOf(auth, 'client_token'), entityId: textOf(auth, 'entity_id') };
}

async function policy(name: string, text: string): Promise<void> {
  await target.expect('PUT', `sys/policies/acl/${name}`, { body: { policy: text } });
}

async function status(
  method: string,
  path: string,
  token: string,
  body?: unknown,
): Promise<number> {
  const sending = body === undefined ? { token } : { token, body };
  return (await target.call(method, path, sending)).status;
}

suite('templates', () => {
  test('SEC-4: a value with a wildcard or a slash drops the rule', async () => {
    await policy(
      'team',
      `path "secret/data/{{identity.entity.metadata.team}}/*" { capabilities = ["read"] }
       path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["read", "update"] }`,
    );
    const { token, entityId } = await logIn('templated', 'team');
    for (const team of [
      '+',
      '*',
      'vic*',
      '+/x',
      'victim/..',
      'a/victim',
      '',
      '{{identity.entity.id}}',
    ]) {
      const path = `identity/entity/id/${entityId}`;
      await status('POST', path, token, { metadata: { team } });
      assert.equal(await status('GET', 'secret/data/victim/x', token), 403, team);
    }
    await status('POST', `identity/entity/id/${entityId}`, token, { metadata: { team: 'victim' } });
    assert.equal(await status('GET', 'secret/data/victim/x', token), 200);
  });

  test('SEC-6: an entity has one alias at a mount, so that a template never has to choose', async () => {
    const first = await logIn('first', 'default');
    const second = await logIn('second', 'default');
    const alias = { name: 'third', mount_accessor: accessor, canonical_id: first.entityId };
    assert.equal(await status('POST', 'identity/entity-alias', 'root', alias), 403);
    const asRoot = await target.call('POST', 'identity/entity-alias', { body: alias });
    assert.equal(asRoot.status, 400);
    const merged = await target.call('POST', 'identity/entity/merge', {
      body: { from_entity_ids: [second.entityId], to_entity_id: first.entityId },
    });
    assert.equal(merged.status, 400);
    const { data } = await target.expect('GET', `identity/entity/id/${first.entityId}`);
    const { aliases } = data as { aliases: { mount_accessor: string }[] };
    assert.equal(aliases.filter((each) => each.mount_accessor === accessor).length, 1);
  });
});

suite('aliases', () => {
  test('SEC-17: who may write an own alias cannot take over that of another', async () => {
    const victim = await logIn('victim', 'default');
    const mine = await logIn('mine', 'aliases');
    const { data } = await target.expect('GET', `identity/entity/id/${mine.entityId}`);
    const [alias] = (data as { aliases: [{ id: string }] }).aliases;
    await policy(
      'aliases',
      `path "identity/entity-alias/id/${alias.id}" { capabilities = ["update"] }`,
    );
    const path = `identity/entity-alias/id/${alias.id}`;
    for (const body of [
      { name: 'victim' },
      { name: 'VICTIM' },
      { name: 'victim', canonical_id: victim.entityId },
      { name: 'victim', mount_accessor: accessor, canonical_id: mine.entityId },
      { canonical_id: victim.entityId, mount_accessor: accessor, name: 'mine' },
    ]) {
      const answered = await status('POST', path, mine.token, body);
      assert.ok(answered >= 400, `${answered} ${JSON.stringify(body)}`);
    }
    const again = await logIn('victim', 'default');
    assert.equal(again.entityId, victim.entityId);
    const { data: now } = await target.expect('GET', `identity/entity/id/${victim.entityId}`);
    assert.equal((now as { aliases: unknown[] }).aliases.length, 1);
  });
});

suite('groups', () => {
  test('SEC-22: what a group gives ends with the membership, the group above it, or the group', async () => {
    await policy('reader', 'path "secret/data/victim/x" { capabilities = ["read"] }');
    const { token, entityId } = await logIn('member', 'default');
    const reads = (): Promise<number> => status('GET', 'secret/data/victim/x', token);
    const inner = await target.expect('POST', 'identity/group', {
      body: { name: 'inner', member_entity_ids: [entityId] },
    });
    const innerId = textOf(inner['data'], 'id');
    const outer = await target.expect('POST', 'identity/group', {
      body: { name: 'outer', policies: 'reader', member_group_ids: [innerId] },
    });
    const outerId = textOf(outer['data'], 'id');
    assert.equal(await reads(), 200);
    const setMembers = (members: string[]): Promise<unknown> =>
      target.expect('POST', `identity/group/id/${innerId}`, {
        body: { member_entity_ids: members },
      });
    await setMembers([]);
    assert.equal(await reads(), 403);
    await setMembers([entityId]);
    assert.equal(await reads(), 200);
    await target.expect('POST', `identity/group/id/${outerId}`, { body: { member_group_ids: [] } });
    assert.equal(await reads(), 403);
    await target.expect('POST', `identity/group/id/${outerId}`, {
      body: { member_group_ids: [innerId] },
    });
    assert.equal(await reads(), 200);
    await target.expect('DELETE', `identity/group/id/${outerId}`);
    assert.equal(await reads(), 403);
  });

  test('no identity is given root, in any spelling', async () => {
    const { token, entityId } = await logIn('climber', 'default');
    const spellings = ['root', 'Root', 'rooT', 'root ', ' root', 'root\t', 'root,default'];
    for (const name of spellings) {
      for (const [path, body] of [
        ['identity/entity', { name: 'rooted', policies: [name] }],
        [`identity/entity/id/${entityId}`, { policies: name }],
        ['identity/entity/name/rooted', { policies: [name] }],
        ['identity/group', { name: 'rooted', policies: [name], member_entity_ids: [entityId] }],
        ['identity/group/name/rooted', { policies: name, member_entity_ids: [entityId] }],
        ['identity/role/rooted', { policies: name, eligible_entity_ids: entityId }],
      ] as const) {
        const received = await target.call('POST', path, { body });
        assert.equal(received.status, 400, `${path} ${JSON.stringify(name)}`);
      }
      assert.equal(await status('GET', 'sys/mounts', token), 403);
    }
  });
});
