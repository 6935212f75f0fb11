/** Control groups in the whole core: nothing happens before others have approved it, and then it happens once. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import type { Answer } from '../../core/call.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { openInstance, restarted } from '../instance-fixture.ts';
import type { OpenInstance, OpeningOptions } from '../instance-fixture.ts';

const CONTROLLED = `path "secret/data/prod/*" {
  capabilities = ["create", "read", "update"]
  control_group {
    ttl = "2h"
    factor "ops" {
      controlled_capabilities = ["read", "create", "update"]
      identity { group_names = ["ops"] approvals = 2 }
    }
  }
}`;
const APPROVER = `path "sys/control-group/authorize" { capabilities = ["update"] }`;

interface Rig {
  readonly open: OpenInstance;
  /** Token and entity of each user: asker, ann, bea, cid (ann, bea and cid in ops), eve (not). */
  readonly users: Readonly<Record<string, { readonly token: string; readonly entityId: string }>>;
  readonly opsId: string;
  token(user: string): string;
  authorize(user: string, accessor: string): Promise<Answer>;
  unwrap(wrapping: string): Promise<Answer>;
  /** Asks for the secret; the wrapping token and its accessor. */
  request(user?: string): Promise<{ wrapping: string; accessor: string }>;
}

async function openRig(
  options: OpeningOptions = {},
  controlled: string = CONTROLLED,
  tokenType = 'default',
): Promise<Rig> {
  const open = await openInstance(options);
  await open.get('write', 'secret/data/prod/db', { data: { data: { password: 'S3CRET' } } });
  await open.get('write', 'sys/policies/acl/controlled', { data: { policy: controlled } });
  await open.get('write', 'sys/policies/acl/approver', { data: { policy: APPROVER } });
  await open.get('write', 'sys/auth/userpass', { data: { type: 'userpass' } });
  const users: Record<string, { token: string; entityId: string }> = {};
  for (const name of ['asker', 'ann', 'bea', 'cid', 'eve']) {
    await open.get('write', `auth/userpass/users/${name}`, {
      data: {
        password: 'pw',
        token_policies: ['controlled', 'approver'],
        token_type: name === 'asker' ? tokenType : 'default',
      },
    });
    const { auth } = await open.ask('write', `auth/userpass/login/${name}`, {
      token: null,
      data: { password: 'pw' },
    });
    users[name] = { token: auth?.clientToken ?? '', entityId: auth?.entityId ?? '' };
  }
  const members = ['ann', 'bea', 'cid'].map((name) => users[name]?.entityId ?? '');
  const group = await open.get('write', 'identity/group', {
    data: { name: 'ops', member_entity_ids: members },
  });
  return rigOn(open, users, String(group['id']));
}

function rigOn(open: OpenInstance, users: Rig['users'], opsId: string): Rig {
  const token = (user: string): string => users[user]?.token ?? '';
  return {
    open,
    users,
    opsId,
    token,
    authorize: (user, accessor) =>
      open.ask('write', 'sys/control-group/authorize', { token: token(user), data: { accessor } }),
    unwrap: (wrapping) => open.ask('write', 'sys/wrapping/unwrap', { token: wrapping }),
    async request(user = 'asker') {
      const { wrap, reply, error } = await open.ask('read', 'secret/data/prod/db', {
        token: token(user),
      });
      assert.equal(error, undefined);
      assert.equal(reply?.data, undefined);
      assert.ok(wrap !== undefined);
      return { wrapping: wrap.token, accessor: wrap.accessor };
    },
  };
}

function approved({ reply, error }: Answer): unknown {
  if (error !== undefined) throw error;
  return reply?.data?.['approved'];
}

function secretOf({ reply, error }: Answer): unknown {
  if (error !== undefined) throw error;
  return (reply?.data?.['data'] as JsonObject | undefined)?.['password'];
}

suite('a controlled read', () => {
  test('waits for two of the group, is then made, and only once', async () => {
    const rig = await openRig();
    const { wrapping, accessor } = await rig.request();
    assert.match((await rig.unwrap(wrapping)).error?.message ?? '', /further approval/);
    assert.equal(approved(await rig.authorize('ann', accessor)), false);
    assert.match((await rig.unwrap(wrapping)).error?.message ?? '', /further approval/);
    assert.equal(approved(await rig.authorize('bea', accessor)), true);
    assert.equal(secretOf(await rig.unwrap(wrapping)), 'S3CRET');
    assert.notEqual((await rig.unwrap(wrapping)).error, undefined);
    await rig.open.instance.close();
  });

  test('counts nobody twice, nobody outside the group, and not the one who asks', async () => {
    const rig = await openRig();
    const { accessor } = await rig.request('cid');
    assert.match((await rig.authorize('cid', accessor)).error?.message ?? '', /token owner/);
    assert.equal((await rig.authorize('eve', accessor)).error?.code, 'permission_denied');
    assert.equal(approved(await rig.authorize('ann', accessor)), false);
    assert.match((await rig.authorize('ann', accessor)).error?.message ?? '', /already/);
    // A token without an entity is nobody, even root.
    const root = await rig.open.ask('write', 'sys/control-group/authorize', { data: { accessor } });
    assert.equal(root.error?.code, 'permission_denied');
    await rig.open.instance.close();
  });

  test('an approval of who became the one who asked, left the group or was disabled counts no more', async () => {
    const changes: ((rig: Rig, ann: string, asker: string) => Promise<unknown>)[] = [
      (rig, ann) =>
        rig.open.get('write', `identity/entity/id/${ann}`, { data: { disabled: true } }),
      (rig, ann) =>
        rig.open.get('write', `identity/group/id/${rig.opsId}`, {
          data: {
            member_entity_ids: Object.values(rig.users)
              .map((user) => user.entityId)
              .filter((id) => id !== ann),
          },
        }),
      async (rig, ann, asker) => {
        const { aliases } = await rig.open.get('read', `identity/entity/id/${ann}`);
        const [alias] = aliases as [{ id: string }];
        await rig.open.get('delete', `identity/entity-alias/id/${alias.id}`);
        await rig.open.get('write', 'identity/entity/merge', {
          data: { from_entity_ids: [ann], to_entity_id: asker },
        });
      },
    ];
    for (const change of changes) {
      const rig = await openRig();
      const { wrapping, accessor } = await rig.request();
      await rig.authorize('ann', accessor);
      assert.equal(approved(await rig.authorize('bea', accessor)), true);
      await change(rig, rig.users['ann']?.entityId ?? '', rig.users['asker']?.entityId ?? '');
      assert.match((await rig.unwrap(wrapping)).error?.message ?? '', /further approval/);
      assert.equal(approved(await rig.authorize('cid', accessor)), true);
      assert.equal(secretOf(await rig.unwrap(wrapping)), 'S3CRET');
      await rig.open.instance.close();
    }
  });

  test('is judged by the policies of the time when it is made, with the token that asked', async () => {
    const rig = await openRig();
    const { wrapping, accessor } = await rig.request();
    await rig.authorize('ann', accessor);
    await rig.authorize('bea', accessor);
    const { open } = rig;
    const stricter = CONTROLLED.replace('approvals = 2', 'approvals = 3');
    await open.get('write', 'sys/policies/acl/controlled', { data: { policy: stricter } });
    assert.match((await rig.unwrap(wrapping)).error?.message ?? '', /further approval/);
    await open.get('write', 'sys/policies/acl/controlled', {
      data: { policy: 'path "secret/data/prod/*" { capabilities = ["deny"] }' },
    });
    assert.equal((await rig.unwrap(wrapping)).error?.code, 'permission_denied');
    await open.get('write', 'sys/policies/acl/controlled', { data: { policy: CONTROLLED } });
    await open.get('write', 'auth/token/revoke-self', { token: rig.token('asker') });
    assert.equal((await rig.unwrap(wrapping)).error?.code, 'permission_denied');
    await open.instance.close();
  });

  test('ends after its time', async () => {
    const rig = await openRig();
    const { wrapping, accessor } = await rig.request();
    await rig.authorize('ann', accessor);
    await rig.open.pass(2 * 3600 + 1);
    assert.notEqual((await rig.authorize('bea', accessor)).error, undefined);
    assert.notEqual((await rig.unwrap(wrapping)).error, undefined);
    await rig.open.get('write', 'sys/config/control-group', { data: { max_ttl: '1m' } });
    const { wrap } = await rig.open.ask('read', 'secret/data/prod/db', {
      token: (
        await rig.open.ask('write', 'auth/userpass/login/asker', {
          token: null,
          data: { password: 'pw' },
        })
      ).auth?.clientToken,
    } as never);
    assert.equal(wrap?.ttlSeconds, 60);
    await rig.open.instance.close();
  });

  test('waits through a restart', async () => {
    const storage = createMemoryStorage();
    const before = await openRig({ storage });
    const { wrapping, accessor } = await before.request();
    await before.authorize('ann', accessor);
    const rig = rigOn(await restarted(before.open, storage), before.users, before.opsId);
    assert.equal(approved(await rig.authorize('bea', accessor)), true);
    assert.equal(secretOf(await rig.unwrap(wrapping)), 'S3CRET');
    await rig.open.instance.close();
  });

  test('of two that open it at once, one is served', async () => {
    const rig = await openRig();
    const { wrapping, accessor } = await rig.request();
    await rig.authorize('ann', accessor);
    await rig.authorize('bea', accessor);
    const answers = await Promise.all([1, 2, 3].map(() => rig.unwrap(wrapping)));
    assert.equal(answers.filter((answer) => answer.error === undefined).length, 1);
    await rig.open.instance.close();
  });

  test('works for a batch token, and not for a token without an entity or another protocol', async () => {
    const rig = await openRig({}, CONTROLLED, 'batch');
    assert.ok(rig.token('asker').startsWith('b.'));
    const { wrapping, accessor } = await rig.request();
    await rig.authorize('ann', accessor);
    await rig.authorize('bea', accessor);
    assert.equal(secretOf(await rig.unwrap(wrapping)), 'S3CRET');
    const nobody = await rig.open.tokenFor('controlled');
    const path = 'secret/data/prod/db';
    assert.equal(await rig.open.outcome('read', path, { token: nobody }), 'permission_denied');
    const other = { token: rig.token('ann'), call: { protocol: 'aws' } as const };
    assert.equal(await rig.open.outcome('read', path, other), 'permission_denied');
    await rig.open.instance.close();
  });
});

suite('a controlled write', () => {
  test('has no effect before, and is made with what was sent', async () => {
    const rig = await openRig();
    const { open } = rig;
    const data = { data: { password: 'NEW', n: 1 } };
    const { wrap } = await open.ask('write', 'secret/data/prod/db', {
      token: rig.token('asker'),
      data,
    });
    assert.ok(wrap !== undefined);
    const now = await open.get('read', 'secret/data/prod/db');
    assert.deepEqual(now['data'], { password: 'S3CRET' });
    for (const user of ['asker', 'ann', 'eve']) {
      const standing = await open.get('write', 'sys/control-group/request', {
        token: rig.token(user),
        data: { accessor: wrap.accessor },
      });
      assert.equal(standing['request_path'], 'secret/data/prod/db');
      assert.equal(standing['approved'], false);
      assert.deepEqual(standing['request_data'], user === 'eve' ? null : data, user);
    }
    await rig.authorize('ann', wrap.accessor);
    await rig.authorize('bea', wrap.accessor);
    const { error } = await rig.unwrap(wrap.token);
    assert.equal(error, undefined);
    const then = await open.get('read', 'secret/data/prod/db');
    assert.deepEqual(then['data'], { password: 'NEW', n: 1 });
    await open.instance.close();
  });
});

suite('factors', () => {
  test('each of them has to be satisfied; one for other capabilities does not count', async () => {
    const rig = await openRig(
      {},
      `path "secret/data/prod/*" {
        capabilities = ["read", "update"]
        control_group {
          self_auth_allowed = true
          factor "ops" { identity { group_names = ["OPS"] approvals = 1 } }
          factor "all" { identity { group_names = ["everybody"] approvals = 1 } }
          factor "writes" {
            controlled_capabilities = ["update"]
            identity { group_names = ["nobody"] approvals = 1 }
          }
        }
      }`,
    );
    const entities = Object.values(rig.users).map((user) => user.entityId);
    await rig.open.get('write', 'identity/group', {
      data: { name: 'everybody', member_entity_ids: entities },
    });
    const { wrapping, accessor } = await rig.request();
    assert.equal(approved(await rig.authorize('asker', accessor)), false);
    assert.equal(approved(await rig.authorize('ann', accessor)), true);
    assert.equal(secretOf(await rig.unwrap(wrapping)), 'S3CRET');
    await rig.open.instance.close();
  });
});
