/** The inbox: who may approve sees what waits, and why; a denial ends the wait; nobody else sees anything. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import type { Answer } from '../../core/call.ts';
import { openPeople } from './people-fixture.ts';
import type { People, Person } from './people-fixture.ts';

const CONTROLLED = `path "secret/data/prod/*" {
  capabilities = ["create", "read", "update"]
  control_group {
    ttl = "2h"
    factor "ops" { identity { group_names = ["ops"] approvals = 2 } }
  }
}
path "identity/role/+/activate" { capabilities = ["update"] }
path "sys/approvals/*" { capabilities = ["update"] }`;

interface Rig extends People {
  readonly asker: Person;
  readonly ann: Person;
  readonly bea: Person;
  readonly eve: Person;
  /** What somebody sees, by id. */
  inbox(person: Person): Promise<Readonly<Record<string, JsonObject>>>;
  ask(path?: string, reason?: string): Promise<{ token: string; id: string }>;
  answer(person: Person, id: string, action: string, data?: JsonObject): Promise<Answer>;
}

async function openRig(): Promise<Rig> {
  const people = await openPeople();
  const { open } = people;
  await people.policy('controlled', CONTROLLED);
  const [asker, ann, bea, eve] = await Promise.all(
    ['asker', 'ann', 'bea', 'eve'].map(async (name) => await people.person(name, ['controlled'])),
  );
  assert.ok(asker !== undefined && ann !== undefined && bea !== undefined && eve !== undefined);
  await people.group('ops', { member_entity_ids: [ann.entityId, bea.entityId] });
  return {
    ...people,
    asker,
    ann,
    bea,
    eve,
    async inbox({ token }) {
      const { reply } = await open.ask('list', 'sys/approvals/', { token });
      return (reply?.data?.['key_info'] ?? {}) as Readonly<Record<string, JsonObject>>;
    },
    async ask(path = 'secret/data/prod/db', reason = 'ticket 7') {
      const { wrap } = await open.ask('write', path, {
        token: asker.token,
        data: { data: { password: 'new' } },
        call: { headers: { 'x-strongroom-reason': reason } },
      });
      assert.ok(wrap !== undefined);
      return { token: wrap.token, id: wrap.accessor };
    },
    answer: async ({ token }, id, action, data = {}) =>
      await open.ask('write', `sys/approvals/${id}/${action}`, { token, data }),
  };
}

suite('requests that wait', () => {
  test('are listed for those who may approve, with who, what, why and until when, and for the one who asked', async () => {
    const rig = await openRig();
    const { id } = await rig.ask();
    const seen = (await rig.inbox(rig.ann))[id];
    assert.deepEqual(
      ['operation', 'path', 'reason', 'status', 'may_approve', 'kind'].map((name) => seen?.[name]),
      ['create', 'secret/data/prod/db', 'ticket 7', 'pending', true, 'request'],
    );
    assert.deepEqual(seen?.['entity_aliases'], ['asker']);
    assert.equal('data' in (seen ?? {}), false);
    const until = seen?.['expire_time'];
    assert.ok(typeof until === 'string');
    assert.equal(Date.parse(until), rig.open.clock.nowMs() + 2 * 3_600_000);
    assert.equal((await rig.inbox(rig.asker))[id]?.['may_approve'], false);
    assert.deepEqual(await rig.inbox(rig.eve), {});
    const whole = await rig.open.get('read', `sys/approvals/${id}`, { token: rig.ann.token });
    assert.deepEqual(whole['data'], { data: { password: 'new' } });
    const foreign = { token: rig.eve.token };
    assert.equal(
      await rig.open.outcome('read', `sys/approvals/${id}`, foreign),
      'permission_denied',
    );
    await rig.open.instance.close();
  });

  test('are made after their approvals, and then are listed no more', async () => {
    const rig = await openRig();
    const { id, token } = await rig.ask();
    const first = await rig.answer(rig.ann, id, 'approve');
    assert.equal(first.reply?.data?.['status'], 'pending');
    assert.equal((await rig.inbox(rig.ann))[id]?.['may_approve'], false);
    assert.equal((await rig.inbox(rig.bea))[id]?.['may_approve'], true);
    assert.equal((await rig.answer(rig.eve, id, 'approve')).error?.code, 'permission_denied');
    const second = await rig.answer(rig.bea, id, 'approve');
    assert.equal(second.reply?.data?.['status'], 'approved');
    assert.equal((await rig.open.ask('write', 'sys/wrapping/unwrap', { token })).error, undefined);
    assert.deepEqual(await rig.inbox(rig.ann), {});
    await rig.open.instance.close();
  });

  test('are never made once one of those has denied them, not even after all approvals', async () => {
    const rig = await openRig();
    const { id, token } = await rig.ask();
    for (const person of [rig.ann, rig.bea]) await rig.answer(person, id, 'approve');
    assert.equal((await rig.answer(rig.eve, id, 'deny')).error?.code, 'permission_denied');
    assert.match((await rig.answer(rig.asker, id, 'deny')).error?.message ?? '', /token owner/);
    const denied = await rig.answer(rig.bea, id, 'deny', { reason: 'use the replica' });
    assert.equal(denied.reply?.data?.['status'], 'denied');
    const opened = await rig.open.ask('write', 'sys/wrapping/unwrap', { token });
    assert.match(opened.error?.message ?? '', /denied by .*bea.*: use the replica/);
    assert.match((await rig.answer(rig.ann, id, 'approve')).error?.message ?? '', /was denied/);
    const seen = (await rig.inbox(rig.asker))[id];
    assert.equal(seen?.['status'], 'denied');
    assert.equal((seen['denied'] as JsonObject)['reason'], 'use the replica');
    await rig.open.instance.close();
  });

  test('are gone from the list when their time is over, and are cleared away by those that come after', async () => {
    const rig = await openRig();
    for (const name of ['a', 'b', 'c']) await rig.ask(`secret/data/prod/${name}`);
    assert.equal(Object.keys(await rig.inbox(rig.ann)).length, 3);
    rig.open.clock.advance(2 * 3_600_000);
    assert.deepEqual(await rig.inbox(rig.ann), {});
    const again = await openNew(rig);
    assert.deepEqual(Object.keys(await rig.inbox(again)).length, 1);
    await rig.open.instance.close();
  });
});

/** People log in again, the asker asks once more; one who may approve. */
async function openNew(rig: Rig): Promise<Person> {
  const asker = await rig.person('asker', ['controlled']);
  const ann = await rig.person('ann', ['controlled']);
  const { wrap } = await rig.open.ask('read', 'secret/data/prod/db', { token: asker.token });
  assert.ok(wrap !== undefined);
  return ann;
}

suite('roles that wait', () => {
  test('are in the same list, are approved there, and denied with a reason', async () => {
    const rig = await openRig();
    const ops = await rig.group('approvers', { member_entity_ids: [rig.ann.entityId] });
    await rig.open.get('write', 'identity/role/dba', {
      data: {
        policies: 'controlled',
        eligible_entity_ids: rig.asker.entityId,
        approvals: 1,
        approver_group_ids: ops,
      },
    });
    const wait = async (): Promise<string> => {
      const { reply } = await rig.open.ask('write', 'identity/role/dba/activate', {
        token: rig.asker.token,
        data: { reason: 'incident 3' },
      });
      return String(reply?.data?.['activation_id']);
    };
    const first = await wait();
    const seen = (await rig.inbox(rig.ann))[first];
    assert.deepEqual(
      [seen?.['kind'], seen?.['path'], seen?.['reason'], seen?.['may_approve']],
      ['role', 'identity/role/dba', 'incident 3', true],
    );
    assert.deepEqual(await rig.inbox(rig.bea), {});
    const approved = await rig.answer(rig.ann, first, 'approve');
    assert.equal(approved.reply?.data?.['status'], 'active');
    assert.deepEqual(await rig.inbox(rig.ann), {});

    const second = await wait();
    for (const person of [rig.bea, rig.asker])
      assert.notEqual((await rig.answer(person, second, 'deny')).error, undefined);
    const denied = await rig.answer(rig.ann, second, 'deny', { reason: 'too many' });
    assert.equal(denied.reply?.data?.['status'], 'denied');
    assert.notEqual((await rig.answer(rig.ann, second, 'approve')).error, undefined);
    const told = (await rig.inbox(rig.asker))[second];
    assert.equal((told?.['denied'] as JsonObject | undefined)?.['reason'], 'too many');
    await rig.open.instance.close();
  });
});
