/** Environments: whoever is bound to one never gets at another, whatever the policies say. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { openPeople } from './people-fixture.ts';
import type { People, Person } from './people-fixture.ts';

const ALL = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }';

interface Rig extends People {
  readonly dev: Person;
  readonly free: Person;
  label(path: string, environment: string): Promise<void>;
  except(data: JsonObject): Promise<Record<string, unknown>>;
}

/** Mounts `dev/` and `prod/` with a secret each; `dev` is a person bound by a group, `free` one who is not. */
async function openRig(): Promise<Rig> {
  const people = await openPeople();
  const { open } = people;
  await people.policy('all', ALL);
  for (const name of ['dev', 'prod', 'plain']) {
    await open.get('write', `sys/mounts/${name}`, { data: { type: 'kv' } });
    await open.get('write', `${name}/s`, { data: { a: name } });
  }
  const dev = await people.person('dev', ['all']);
  const free = await people.person('free', ['all']);
  const label: Rig['label'] = async (path, environment) => {
    await open.get('write', `sys/environments/resources/${path}`, { data: { environment } });
  };
  const group = await people.group('developers', { member_entity_ids: [dev.entityId] });
  await open.get('write', `sys/environments/identities/${group}`, { data: { environment: 'dev' } });
  await label('dev', 'dev');
  await label('prod', 'prod');
  return {
    ...people,
    dev,
    free,
    label,
    except: (data) => open.get('write', 'sys/environments/exceptions', { data }),
  };
}

suite('who is bound', () => {
  test('gets at its own environment and at what carries none, and never at another', async () => {
    const rig = await openRig();
    const { open, dev, free } = rig;
    assert.deepEqual(
      [await rig.reads(dev, 'dev/s'), await rig.reads(dev, 'plain/s')],
      [true, true],
    );
    for (const operation of ['read', 'write', 'delete', 'list'] as const) {
      const path = operation === 'list' ? 'prod/' : 'prod/s';
      const asking = { token: dev.token, data: operation === 'write' ? { a: '1' } : {} };
      assert.equal(await open.outcome(operation, path, asking), 'permission_denied', operation);
    }
    assert.equal(await rig.reads(free, 'prod/s'), true);
    assert.equal(await rig.reads('root', 'prod/s'), true);
    await open.instance.close();
  });

  test('cannot unbind itself, make somebody who is not bound, or read behind the mounts', async () => {
    const rig = await openRig();
    const { open, dev } = rig;
    const attempts: readonly (readonly ['read' | 'write' | 'delete', string, JsonObject])[] = [
      ['delete', 'sys/environments/resources/prod', {}],
      ['write', 'sys/environments/exceptions', { identity: dev.entityId, environment: 'prod' }],
      ['write', 'identity/group/name/developers', { member_entity_ids: [] }],
      ['delete', 'identity/group/name/developers', {}],
      ['write', 'identity/entity', { name: 'fresh' }],
      ['write', 'identity/entity/merge', { from_entity_ids: ['x'], to_entity_id: 'y' }],
      ['write', 'identity/entity-alias', { name: 'x' }],
      // Old names of the same.
      ['write', 'identity/alias', { name: 'x' }],
      ['write', 'identity/persona/id/x', { canonical_id: 'y' }],
      ['write', 'auth/userpass/users/fresh', { password: 'pw', token_policies: 'all' }],
      ['write', 'sys/auth/other', { type: 'userpass' }],
      ['write', 'sys/audit/own', { type: 'file', options: { file_path: '/tmp/x' } }],
      ['write', 'sys/config/auditing/request-headers/x-vault-token', { hmac: false }],
      ['write', 'sys/remount', { from: 'prod', to: 'dev2' }],
      ['read', 'sys/raw/core/x', {}],
    ];
    for (const [operation, path, data] of attempts) {
      const outcome = await open.outcome(operation, path, { token: dev.token, data });
      assert.equal(outcome, 'permission_denied', path);
    }
    const child = await open.makeToken({ policies: ['all'] }, { token: dev.token });
    const orphan = await open.makeToken(
      { policies: ['all'], no_parent: true },
      { token: dev.token },
    );
    const batch = await open.makeToken({ policies: ['all'], type: 'batch' }, { token: dev.token });
    for (const token of [child, orphan, batch]) {
      assert.equal(await rig.reads(token, 'prod/s'), false);
      assert.equal(await rig.reads(token, 'dev/s'), true);
    }
    const grandchild = await open.makeToken({ policies: ['all'] }, { token: orphan });
    assert.equal(await rig.reads(grandchild, 'prod/s'), false);
    await open.instance.close();
  });

  test('neither sees, changes nor removes a mount or namespace of another, or what was lent there', async () => {
    const rig = await openRig();
    const { open, dev, free } = rig;
    for (const name of ['team', 'team2']) await open.get('write', `sys/namespaces/${name}`);
    await rig.label('team', 'staging');
    const paths: readonly (readonly ['read' | 'write' | 'delete' | 'list', string, JsonObject])[] =
      [
        ['read', 'sys/mounts/NAME', {}],
        ['read', 'sys/mounts/NAME/tune', {}],
        ['write', 'sys/mounts/NAME/tune', { description: 'x' }],
        ['list', 'sys/leases/lookup/NAME/', {}],
        ['write', 'sys/leases/lookup', { lease_id: 'NAME/creds/x/y' }],
        ['write', 'sys/leases/renew', { lease_id: 'NAME/creds/x/y' }],
        ['write', 'sys/leases/revoke', { lease_id: 'NAME/creds/x/y' }],
        ['write', 'sys/leases/revoke/NAME/creds/x/y', {}],
        ['write', 'sys/leases/revoke-prefix/NAME', {}],
        ['write', 'sys/leases/revoke-force/NAME', {}],
        ['delete', 'sys/mounts/NAME', {}],
      ];
    const outcomes = async (person: Person, name: string): Promise<Set<boolean>> => {
      const denied = new Set<boolean>();
      for (const [operation, path, body] of paths) {
        const data = JSON.parse(JSON.stringify(body).replace('NAME', name)) as JsonObject;
        const asked = { token: person.token, data };
        const outcome = await open.outcome(operation, path.replace('NAME', name), asked);
        denied.add(outcome === 'permission_denied');
      }
      return denied;
    };
    assert.deepEqual(await outcomes(dev, 'prod'), new Set([true]));
    assert.deepEqual(await outcomes(dev, 'plain'), new Set([false]));
    assert.deepEqual(await outcomes(dev, 'dev'), new Set([false]));
    assert.deepEqual(await outcomes(free, 'prod'), new Set([false]));
    const remove = (name: string): Promise<string> =>
      open.outcome('delete', `sys/namespaces/${name}`, { token: dev.token });
    assert.equal(await remove('team'), 'permission_denied');
    assert.equal(await remove('team2'), 'ok');
    await open.instance.close();
  });

  test('is so by the mount it logs in by, by its namespace, by name and through merges', async () => {
    const rig = await openRig();
    const { open } = rig;
    await open.get('write', 'sys/namespaces/team');
    const namespace = 'team/';
    await open.get('write', 'sys/auth/userpass', { namespace, data: { type: 'userpass' } });
    await open.get('write', 'sys/policies/acl/all', { namespace, data: { policy: ALL } });
    await open.get('write', 'sys/mounts/kv', { namespace, data: { type: 'kv' } });
    await open.get('write', 'kv/s', { namespace, data: { a: '1' } });
    const local = await rig.person('local', ['all'], namespace);
    assert.equal(await rig.reads(local, 'kv/s', namespace), true);
    assert.equal(await rig.reads(rig.dev, 'team/kv/s'), true);
    await rig.label('team', 'staging');
    assert.equal(await rig.reads(local, 'kv/s', namespace), true);
    assert.equal(await rig.reads(rig.dev, 'team/kv/s'), false);
    assert.equal(await rig.reads(rig.dev, 'team/sys/mounts'), false);
    const clash = { data: { environment: 'prod' } };
    const path = 'sys/environments/resources/team/kv';
    assert.equal(await open.outcome('write', path, clash), 'invalid_request');

    await rig.label('auth/userpass', 'dev');
    assert.equal(await rig.reads(rig.free, 'prod/s'), false);
    await open.get('delete', 'sys/environments/resources/auth/userpass');
    assert.equal(await rig.reads(rig.free, 'prod/s'), true);

    const { entityId } = rig.free;
    await open.get('write', `sys/environments/identities/${entityId}`, {
      data: { environment: 'dev' },
    });
    assert.equal(await rig.reads(rig.free, 'prod/s'), false);
    await open.instance.close();
  });

  test('stays so when it is merged into another, and binds that', async () => {
    const rig = await openRig();
    const { open, free } = rig;
    const other = await rig.person('other', ['all']);
    await open.get('write', `sys/environments/identities/${other.entityId}`, {
      data: { environment: 'dev' },
    });
    assert.equal(await rig.reads(other, 'prod/s'), false);
    assert.equal(await rig.reads(free, 'prod/s'), true);
    const { aliases } = await open.get('read', `identity/entity/id/${free.entityId}`);
    for (const { id } of aliases as { id: string }[])
      await open.get('delete', `identity/entity-alias/id/${id}`);
    const merge = { from_entity_ids: [other.entityId], to_entity_id: free.entityId };
    await open.get('write', 'identity/entity/merge', { data: merge });
    const again = await rig.person('other', ['all']);
    assert.equal(again.entityId, free.entityId);
    for (const person of [other, again, free]) {
      assert.equal(await rig.reads(person, 'prod/s'), false);
      assert.equal(await rig.reads(person, 'dev/s'), true);
    }
    await open.instance.close();
  });

  test('to two environments gets at neither', async () => {
    const rig = await openRig();
    await rig.open.get('write', `sys/environments/identities/${rig.dev.entityId}`, {
      data: { environment: 'prod' },
    });
    assert.deepEqual(
      [await rig.reads(rig.dev, 'dev/s'), await rig.reads(rig.dev, 'prod/s')],
      [false, false],
    );
    await rig.open.instance.close();
  });
});

suite('exceptions', () => {
  test('need a reason, are for a while and can be ended', async () => {
    const rig = await openRig();
    const { open, dev } = rig;
    const wish = { identity: dev.entityId, environment: 'prod', ttl: '10m' };
    assert.equal(
      await open.outcome('write', 'sys/environments/exceptions', { data: wish }),
      'invalid_request',
    );
    const made = await rig.except({ ...wish, reason: 'incident 12' });
    assert.equal(await rig.reads(dev, 'prod/s'), true);
    await open.pass(600);
    assert.equal(await rig.reads(dev, 'prod/s'), false);
    const again = await rig.except({ ...wish, reason: 'incident 13' });
    assert.notEqual(again['exception_id'], made['exception_id']);
    assert.equal(await rig.reads(dev, 'prod/s'), true);
    await open.get('delete', `sys/environments/exceptions/${String(again['exception_id'])}`);
    assert.equal(await rig.reads(dev, 'prod/s'), false);
    await open.instance.close();
  });
});

test('names are checked, and only places that exist carry one', async () => {
  const rig = await openRig();
  for (const environment of ['', 'a b', '../x', 'x'.repeat(65)]) {
    const outcome = await rig.open.outcome('write', 'sys/environments/resources/plain', {
      data: { environment },
    });
    assert.equal(outcome, 'invalid_request', environment);
  }
  const data = { environment: 'dev' };
  for (const path of ['nowhere', 'sys', 'identity', 'auth/token'])
    assert.equal(
      await rig.open.outcome('write', `sys/environments/resources/${path}`, { data }),
      'invalid_request',
      path,
    );
  await rig.open.instance.close();
});
