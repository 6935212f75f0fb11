/** AppRole: who gets in, who does not, and what one role's holder can do to another's secret ids. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { RequestError } from '../../model/errors.ts';
import { approleBackend } from './approle.ts';
import { parseMetadata } from './metadata.ts';

const backend = approleBackend({
  random: systemRandom,
  hash: (text) => createHash('sha256').update(text).digest('hex'),
});

interface Rig {
  readonly bench: Bench;
  /** Makes a role whose id is `id-<name>`. */
  role(name: string, settings?: JsonObject): Promise<void>;
  secret(name: string, wish?: JsonObject): Promise<{ id: string; accessor: string }>;
  login(roleId: string, secretId: string): Promise<string>;
}

async function openRig(): Promise<Rig> {
  const bench = await openBench(backend);
  return {
    bench,
    async role(name, settings = {}) {
      await bench.call('write', `role/${name}`, { role_id: `id-${name}`, ...settings });
    },
    async secret(name, wish = {}) {
      const reply = await bench.call('write', `role/${name}/secret-id`, wish);
      return {
        id: String(reply?.data?.['secret_id']),
        accessor: String(reply?.data?.['secret_id_accessor']),
      };
    },
    async login(roleId, secretId) {
      try {
        await bench.call('write', 'login', { role_id: roleId, secret_id: secretId });
        return 'ok';
      } catch (error) {
        if (error instanceof RequestError) return error.message;
        throw error;
      }
    },
  };
}

const REFUSED = 'invalid role or secret ID';

test('of a role id and ranges that cannot be, the role id is told first', async () => {
  const { bench } = await openRig();
  const error = await bench.fail('write', 'role/r', { role_id: '', bound_cidr_list: 'x' });
  assert.match(error.message, /role_id/);
  assert.equal(error.vaultStatus, undefined);
});

suite('login', () => {
  test('grants what the role has, with the metadata of the secret id', async () => {
    const rig = await openRig();
    await rig.role('Web', { token_policies: 'p', token_type: 'batch' });
    const { id } = await rig.secret('web', { metadata: '{"k":"v"}' });
    const reply = await rig.bench.call('write', 'login', {
      role_id: 'id-Web',
      secret_id: ` ${id} `,
    });
    assert.deepEqual(reply?.auth?.metadata, { k: 'v', role_name: 'web' });
    assert.deepEqual(reply?.auth?.policies, ['p']);
    assert.equal(reply?.auth?.tokenType, 'batch');
    assert.equal(reply?.auth?.alias?.name, 'id-Web');
  });

  test('of a role that is not there, that is what is told', async () => {
    const { bench } = await openRig();
    for (const setting of ['role-id', 'policies', 'period']) {
      const error = await bench.fail('write', `role/none/${setting}`);
      assert.equal(error.code, 'not_found', setting);
    }
    for (const path of ['secret-id/lookup/', 'secret-id/destroy/', 'secret-id-accessor/lookup/']) {
      const error = await bench.fail('list', `role/none/${path}`);
      assert.equal(error.code, 'unsupported_operation', path);
    }
  });

  test('whatever is wrong, the caller hears the same', async () => {
    const rig = await openRig();
    await rig.role('a', { secret_id_num_uses: 1 });
    await rig.role('b');
    const a = await rig.secret('a');
    const bound = await rig.secret('b', { cidr_list: '10.0.0.0/8' });
    const b = await rig.secret('b');
    assert.equal(await rig.login('id-a', a.id), 'ok');
    for (const [roleId, secretId] of [
      ['id-a', a.id],
      ['id-a', b.id],
      ['id-b', bound.id],
      ['id-b', 'x'.repeat(10_000)],
      ['nobody', b.id],
      ['ID-B', b.id],
      ['x'.repeat(10_000), b.id],
    ] as const) {
      assert.equal(await rig.login(roleId, secretId), REFUSED, roleId);
    }
    assert.equal(await rig.login('id-b', b.id), 'ok');
  });

  test('a secret id ends with its time, whether or not anything tidies (CVE-2026-115362)', async () => {
    const rig = await openRig();
    await rig.role('r');
    const { id, accessor } = await rig.secret('r', { ttl: '1s' });
    assert.equal(await rig.login('id-r', id), 'ok');
    rig.bench.nowMs += 2000;
    assert.equal(await rig.login('id-r', id), REFUSED);
    await rig.bench.call('write', 'tidy/secret-id');
    const shown = await rig.bench.call('write', 'role/r/secret-id-accessor/lookup', {
      secret_id_accessor: accessor,
    });
    assert.equal(shown?.status, 404);
  });

  test('uses are counted down to the last', async () => {
    const rig = await openRig();
    await rig.role('r', { secret_id_num_uses: 3 });
    const { id } = await rig.secret('r', { num_uses: 2 });
    const answers = [];
    for (let use = 0; use < 3; use++) answers.push(await rig.login('id-r', id));
    assert.deepEqual(answers, ['ok', 'ok', REFUSED]);
    await rig.bench.fail('write', 'role/r/secret-id', { num_uses: 4 });
    await rig.bench.fail('write', 'role/r/secret-id', { num_uses: 0 });
  });

  test('a role of the same name made anew does not know the old secret ids', async () => {
    const rig = await openRig();
    await rig.role('r');
    const { id } = await rig.secret('r');
    await rig.bench.call('delete', 'role/r');
    await rig.role('r');
    assert.equal(await rig.login('id-r', id), REFUSED);
  });
});

suite('one role cannot reach another’s secret ids (CVE-2023-24999)', () => {
  test('neither by accessor nor by the secret id itself', async () => {
    const rig = await openRig();
    await rig.role('mine');
    await rig.role('theirs');
    const theirs = await rig.secret('theirs');
    await rig.bench.fail('write', 'role/mine/secret-id-accessor/destroy', {
      secret_id_accessor: theirs.accessor,
    });
    const looked = await rig.bench.call('write', 'role/mine/secret-id-accessor/lookup', {
      secret_id_accessor: theirs.accessor,
    });
    assert.equal(looked?.status, 404);
    await rig.bench.call('write', 'role/mine/secret-id/destroy', { secret_id: theirs.id });
    const shown = await rig.bench.call('write', 'role/mine/secret-id/lookup', {
      secret_id: theirs.id,
    });
    assert.equal(shown, undefined);
    assert.equal(await rig.login('id-theirs', theirs.id), 'ok');
  });
});

suite('roles', () => {
  test('names are the same in every case', async () => {
    const rig = await openRig();
    await rig.role('MixedCase', { token_policies: 'p' });
    const shown = await rig.bench.call('read', 'role/mIXEDcASE/policies');
    assert.deepEqual(shown?.data, { token_policies: ['p'] });
  });

  test('two roles cannot have one id', async () => {
    const rig = await openRig();
    await rig.role('a');
    await rig.bench.fail('write', 'role/b', { role_id: 'id-a' });
    await rig.bench.call('write', 'role/a/role-id', { role_id: 'other' });
    await rig.bench.call('write', 'role/b', { role_id: 'id-a' });
    const { id } = await rig.secret('b');
    assert.equal(await rig.login('id-a', id), 'ok');
  });

  test('root is refused as a policy in every spelling (CVE-2024-9180)', async () => {
    const rig = await openRig();
    await rig.role('r');
    for (const name of ['root', 'Root', ' root', 'root\t', 'ＲＯＯＴ', 'root,default']) {
      await rig.bench.fail('write', 'role/r', { token_policies: [name] });
      await rig.bench.fail('write', 'role/r', { policies: [name] });
      await rig.bench.fail('write', 'role/r/policies', { token_policies: [name] });
    }
  });

  test('the secret ids of a deleted role go, the accessors of others stay', async () => {
    const rig = await openRig();
    await rig.role('a');
    await rig.role('b');
    await rig.secret('a');
    const kept = await rig.secret('b');
    await rig.bench.call('delete', 'role/a');
    const left = await rig.bench.store((store) => store.list('accessor/'));
    assert.equal(left.length, 1);
    const listed = await rig.bench.call('list', 'role/b/secret-id/');
    assert.deepEqual(listed?.data?.['keys'], [kept.accessor]);
  });

  test('a secret id is nowhere in the store in clear', async () => {
    const rig = await openRig();
    await rig.role('r');
    await rig.bench.call('write', 'role/r/custom-secret-id', { secret_id: 'hunter2-hunter2' });
    const names = await rig.bench.store(async (store) => {
      const [uid = ''] = await store.list('secret/');
      const hashes = await store.list(`secret/${uid}`);
      const values = await store.getMany(hashes.map((hash) => `secret/${uid}${hash}`));
      return JSON.stringify([hashes, values.map(String)]);
    });
    assert.doesNotMatch(names, /hunter2/);
  });
});

suite('metadata text', () => {
  test('reads objects, base64 of them, and pairs', () => {
    assert.deepEqual(parseMetadata('{"a":"b"}'), { a: 'b' });
    assert.deepEqual(parseMetadata(Buffer.from('{"a":"b"}').toString('base64')), { a: 'b' });
    assert.deepEqual(parseMetadata('a=b, c=d=e'), { a: 'b', c: 'd=e' });
    assert.deepEqual(parseMetadata(''), {});
    for (const text of ['nothing', '{"a":1}', '[1]']) assert.throws(() => parseMetadata(text));
  });

  test('any text is either read or refused, and what is read is texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          for (const value of Object.values(parseMetadata(text)))
            assert.equal(typeof value, 'string');
        } catch (error) {
          assert.ok(error instanceof RequestError);
        }
      }),
    );
  });

  test('every object of texts comes back', () => {
    const key = fc.string({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(key, fc.string({ maxLength: 50 }), { maxKeys: 20 }), (object) => {
        const read = parseMetadata(JSON.stringify(object));
        assert.deepEqual(new Map(Object.entries(read)), new Map(Object.entries(object)));
      }),
    );
  });
});

test('paths of single settings: lists of addresses are not emptied, old names are shown', async () => {
  const { bench } = await openRig();
  await bench.call('write', 'role/r', {});
  for (const name of ['bound-cidr-list', 'secret-id-bound-cidrs']) {
    const field = name.replaceAll('-', '_');
    await bench.fail('write', `role/r/${name}`, { [field]: [] });
    await bench.call('write', `role/r/${name}`, {});
  }
  await bench.call('write', 'role/r/policies', { token_policies: ['Q', '', 'b', 'q'] });
  assert.deepEqual((await bench.call('read', 'role/r/policies'))?.data, {
    token_policies: ['b', 'q'],
  });
  await bench.call('write', 'role/r/policies', { policies: 'q, P,q' });
  const shown = await bench.call('read', 'role/r/policies');
  assert.deepEqual({ ...shown?.data }, { token_policies: ['p', 'q'], policies: ['p', 'q'] });
});
