/** Roles that are activated when they are needed, and policies that exclude each other. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import type { Answer } from '../../core/call.ts';
import { overtakenStorage } from '../../storage/overtaken.testkit.ts';
import type { OpeningOptions } from '../instance-fixture.ts';
import { openPeople } from './people-fixture.ts';
import type { People, Person } from './people-fixture.ts';

const DATABASE = 'path "secret/data/db" { capabilities = ["read"] }';
const HOLDER = `path "identity/role/+/activate" { capabilities = ["update"] }
path "identity/activation/*" { capabilities = ["read", "update", "delete"] }`;

interface Rig extends People {
  role(data: JsonObject): Promise<string>;
  activate(person: Person, data?: JsonObject): Promise<Answer>;
}

async function openRig(options: OpeningOptions = {}): Promise<Rig> {
  const people = await openPeople(options);
  const { open } = people;
  await open.get('write', 'secret/data/db', { data: { data: { password: 'S3CRET' } } });
  await people.policy('database', DATABASE);
  await people.policy('holder', HOLDER);
  return {
    ...people,
    role: (data) => open.outcome('write', 'identity/role/dba', { data }),
    activate: (person, data = { reason: 'ticket 7' }) =>
      open.ask('write', 'identity/role/dba/activate', { token: person.token, data }),
  };
}

suite('activation', () => {
  test('gives the policies for a while, to every token of the entity, and only with a reason', async () => {
    const rig = await openRig();
    const ann = await rig.person('ann', ['holder']);
    const eve = await rig.person('eve', ['holder']);
    assert.equal(
      await rig.role({ policies: 'database', eligible_entity_ids: ann.entityId, max_ttl: '10m' }),
      'ok',
    );
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    assert.match((await rig.activate(ann, {})).error?.message ?? '', /reason/);
    assert.match(
      (await rig.activate(ann, { reason: 'x', ttl: '11m' })).error?.message ?? '',
      /ttl/,
    );
    assert.equal((await rig.activate(eve)).error?.code, 'permission_denied');
    const made = await rig.activate(ann);
    assert.equal(made.reply?.data?.['status'], 'active');
    const other = await rig.person('ann', ['holder']);
    assert.equal(await rig.reads(ann, 'secret/data/db'), true);
    assert.equal(await rig.reads(other, 'secret/data/db'), true);
    assert.equal(await rig.reads(eve, 'secret/data/db'), false);
    rig.open.clock.advance(600_000 - 1);
    assert.equal(await rig.reads(ann, 'secret/data/db'), true);
    rig.open.clock.advance(1);
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    await rig.open.instance.close();
  });

  test('ends when it is ended, and with the role, the eligibility or the entity', async () => {
    const rig = await openRig();
    const { open } = rig;
    const ann = await rig.person('ann', ['holder']);
    const group = await rig.group('dbas', { member_entity_ids: [ann.entityId] });
    const role = { policies: 'database', eligible_group_ids: group };
    const begin = async (): Promise<string> => {
      assert.equal(await rig.role(role), 'ok');
      await open.get('write', `identity/group/id/${group}`, {
        data: { member_entity_ids: [ann.entityId] },
      });
      const { reply, error } = await rig.activate(ann);
      assert.equal(error, undefined);
      assert.equal(await rig.reads(ann, 'secret/data/db'), true);
      return String(reply?.data?.['activation_id']);
    };
    const id = await begin();
    await open.get('delete', `identity/activation/${id}`, { token: ann.token });
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    await begin();
    await open.get('delete', 'identity/role/dba');
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    await begin();
    await open.get('write', `identity/group/id/${group}`, { data: { member_entity_ids: [] } });
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    await begin();
    await open.get('write', `identity/entity/id/${ann.entityId}`, { data: { disabled: true } });
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    await open.instance.close();
  });

  test('waits for the approvals that the role asks for', async () => {
    const rig = await openRig();
    const { open } = rig;
    const [ann, bea, cid, eve] = [
      await rig.person('ann', ['holder']),
      await rig.person('bea', ['holder']),
      await rig.person('cid', ['holder']),
      await rig.person('eve', ['holder']),
    ];
    const leads = await rig.group('leads', {
      member_entity_ids: [ann.entityId, bea.entityId, cid.entityId],
    });
    await rig.role({
      policies: 'database',
      eligible_entity_ids: ann.entityId,
      approvals: 2,
      approver_group_ids: leads,
    });
    const { reply } = await rig.activate(ann);
    assert.equal(reply?.data?.['status'], 'pending');
    const path = `identity/activation/${String(reply?.data?.['activation_id'])}/approve`;
    const approve = async (person: Person): Promise<unknown> => {
      const answer = await open.ask('write', path, { token: person.token });
      return answer.error?.code ?? answer.reply?.data?.['status'];
    };
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    assert.equal(await approve(ann), 'invalid_request');
    assert.equal(await approve(eve), 'permission_denied');
    assert.equal(await approve(bea), 'pending');
    assert.equal(await approve(bea), 'invalid_request');
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    assert.equal(await approve(cid), 'active');
    assert.equal(await rig.reads(ann, 'secret/data/db'), true);
    const listed = await open.get('list', 'identity/activation/');
    assert.equal((listed['keys'] as unknown[]).length, 1);
    await open.pass(3600);
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    await open.instance.close();
  });

  test('an approval of who became the holder, left the group, was disabled or is gone counts no more', async () => {
    const changes: ((rig: Rig, bea: string, ann: string, leads: string) => Promise<unknown>)[] = [
      ({ open }, bea) =>
        open.get('write', `identity/entity/id/${bea}`, { data: { disabled: true } }),
      ({ open }, bea) => open.get('delete', `identity/entity/id/${bea}`),
      async ({ open }, bea, _ann, leads) => {
        const path = `identity/group/id/${leads}`;
        const { member_entity_ids: members } = await open.get('read', path);
        const others = (members as string[]).filter((id) => id !== bea);
        await open.get('write', path, { data: { member_entity_ids: others } });
      },
      async ({ open }, bea, ann) => {
        const { aliases } = await open.get('read', `identity/entity/id/${bea}`);
        const [alias] = aliases as [{ id: string }];
        await open.get('delete', `identity/entity-alias/id/${alias.id}`);
        const merge = { from_entity_ids: [bea], to_entity_id: ann };
        await open.get('write', 'identity/entity/merge', { data: merge });
      },
    ];
    for (const change of changes) {
      const rig = await openRig();
      const { open } = rig;
      const people = new Map<string, Person>();
      for (const name of ['ann', 'bea', 'cid', 'dan'])
        people.set(name, await rig.person(name, ['holder']));
      const of = (name: string): Person => people.get(name) ?? assert.fail();
      const leads = await rig.group('leads', {
        member_entity_ids: ['bea', 'cid', 'dan'].map((name) => of(name).entityId),
      });
      const ann = of('ann').entityId;
      const approvers = { approvals: 2, approver_group_ids: leads };
      await rig.role({ policies: 'database', eligible_entity_ids: ann, ...approvers });
      const { reply } = await rig.activate(of('ann'));
      const path = `identity/activation/${String(reply?.data?.['activation_id'])}/approve`;
      const approve = async (name: string): Promise<unknown> =>
        (await open.get('write', path, { token: of(name).token }))['status'];
      assert.equal(await approve('bea'), 'pending');
      await change(rig, of('bea').entityId, ann, leads);
      assert.equal(await approve('cid'), 'pending');
      assert.equal(await rig.reads(of('ann'), 'secret/data/db'), false);
      assert.equal(await approve('dan'), 'active');
      assert.equal(await rig.reads(of('ann'), 'secret/data/db'), true);
      await open.instance.close();
    }
  });

  test('is seen and ended by its holder, with the policy default, and by nobody else', async () => {
    const rig = await openRig();
    const { open } = rig;
    const plain = 'path "identity/role/+/activate" { capabilities = ["update"] }';
    await rig.policy('holder', plain);
    const [ann, eve] = [await rig.person('ann', ['holder']), await rig.person('eve', ['holder'])];
    const both = { policies: 'database', eligible_entity_ids: [ann.entityId, eve.entityId] };
    await rig.role({ ...both, max_ttl: '10m' });
    await open.get('write', 'identity/role/other', { data: { policies: 'other' } });
    const standing = async (person: Person): Promise<unknown> => {
      const listed = await open.get('list', 'identity/eligible/', { token: person.token });
      assert.deepEqual(listed['keys'], ['dba']);
      return (listed['key_info'] as { dba: { status: string } }).dba.status;
    };
    const end = (person: Person, name = 'dba'): Promise<string> =>
      open.outcome('write', `identity/role/${name}/deactivate`, { token: person.token });
    assert.equal(await standing(ann), 'eligible');
    assert.equal(await end(ann), 'invalid_request');
    await rig.activate(ann);
    assert.equal(await standing(ann), 'active');
    assert.equal(await standing(eve), 'eligible');
    assert.equal(await end(eve), 'invalid_request');
    assert.equal(await end(ann, 'other'), 'invalid_request');
    assert.equal(await rig.reads(ann, 'secret/data/db'), true);
    assert.equal(await end(ann), 'ok');
    assert.equal(await rig.reads(ann, 'secret/data/db'), false);
    assert.equal(await standing(ann), 'eligible');
    await rig.activate(ann);
    open.clock.advance(600_000);
    assert.equal(await standing(ann), 'eligible');
    assert.equal(await open.outcome('list', 'identity/eligible/'), 'not_found');
    await open.get('write', 'sys/namespaces/apart');
    const apart = { namespace: 'apart/', token: ann.token };
    assert.notEqual(await open.outcome('list', 'identity/eligible/', apart), 'ok');
    await open.instance.close();
  });

  test('a role never gives root, in any spelling', async () => {
    const rig = await openRig();
    for (const spelling of ['root', 'Root', ' root', 'root\t', 'database,root'])
      assert.equal(await rig.role({ policies: spelling }), 'invalid_request', spelling);
    await rig.open.instance.close();
  });
});

suite('exclusions', () => {
  async function openExclusive(options: OpeningOptions = {}): Promise<Rig> {
    const rig = await openRig(options);
    await rig.policy('payer', 'path "secret/data/pay" { capabilities = ["read"] }');
    await rig.policy('auditor', 'path "secret/data/audit" { capabilities = ["read"] }');
    for (const name of ['pay', 'audit'])
      await rig.open.get('write', `secret/data/${name}`, { data: { data: { a: '1' } } });
    const data = { policies: 'payer,auditor' };
    await rig.open.get('write', 'identity/exclusion/money', { data });
    return rig;
  }

  test('whatever would give somebody both is refused', async () => {
    const rig = await openExclusive();
    const { open } = rig;
    const ann = await rig.person('ann', ['holder']);
    const bea = await rig.person('bea', ['holder']);
    const assign = (path: string, data: JsonObject): Promise<string> =>
      open.outcome('write', path, { data });
    const entity = `identity/entity/id/${ann.entityId}`;
    assert.equal(await assign(entity, { policies: 'payer,auditor' }), 'invalid_request');
    assert.equal(await assign(entity, { policies: 'payer' }), 'ok');
    const group = { name: 'auditors', policies: 'auditor' };
    const withAnn = { ...group, member_entity_ids: [ann.entityId] };
    assert.equal(await assign('identity/group', withAnn), 'invalid_request');
    const outer = await rig.group('auditors', { policies: 'auditor' });
    const inner = await rig.group('inner', { member_entity_ids: [ann.entityId] });
    const nested = { member_group_ids: [inner] };
    assert.equal(await assign(`identity/group/id/${outer}`, nested), 'invalid_request');
    assert.equal(
      await assign(`identity/group/id/${inner}`, { policies: 'auditor' }),
      'invalid_request',
    );
    assert.equal(
      await rig.role({ policies: 'auditor', eligible_entity_ids: ann.entityId }),
      'invalid_request',
    );
    assert.equal(
      await rig.role({ policies: 'auditor', eligible_group_ids: inner }),
      'invalid_request',
    );
    await open.get('write', `identity/entity/id/${bea.entityId}`, {
      data: { policies: 'auditor' },
    });
    const { aliases } = await open.get('read', `identity/entity/id/${bea.entityId}`);
    await open.get('delete', `identity/entity-alias/id/${(aliases as [{ id: string }])[0].id}`);
    const merge = { from_entity_ids: [bea.entityId], to_entity_id: ann.entityId };
    // Policies are not merged, so this is no conflict.
    assert.equal(await assign('identity/entity/merge', merge), 'ok');
    await open.instance.close();
  });

  for (const [first, second] of [
    ['entity', 'role'],
    ['role', 'other role'],
    ['group', 'role'],
    ['group', 'inner group'],
  ] as const) {
    test(`of two assignments at once (${first}, ${second}) only one is made`, async () => {
      const { storage, afterListing } = overtakenStorage();
      const rig = await openExclusive({ storage });
      const { open } = rig;
      const ann = await rig.person('ann');
      const inner = await rig.group('inner', {});
      const outer = await rig.group('outer', { member_group_ids: [inner] });
      const write = (path: string, data: JsonObject): Promise<string> =>
        open.outcome('write', `identity/${path}`, { data });
      if (second === 'inner group')
        await write(`entity/id/${ann.entityId}`, { policies: 'auditor' });
      else await write(`group/id/${inner}`, { member_entity_ids: [ann.entityId] });
      const assignments = {
        role: () => write('role/dba', { policies: 'payer', eligible_entity_ids: ann.entityId }),
        group: () => write(`group/id/${outer}`, { policies: 'payer' }),
        entity: () => write(`entity/id/${ann.entityId}`, { policies: 'auditor' }),
        'other role': () =>
          write('role/other', { policies: 'auditor', eligible_entity_ids: ann.entityId }),
        'inner group': () => write(`group/id/${inner}`, { member_entity_ids: [ann.entityId] }),
      };
      // A role too, as what comes second must be judged by what the first has written.
      if (first === 'group' && second === 'role') assignments.role = assignments['other role'];
      let other = '';
      // A role is counted before it is judged.
      const nth = first === 'role' ? 2 : 1;
      afterListing(second === 'inner group' ? `${inner}/` : 'role/', nth, async () => {
        other = await assignments[second]();
      });
      assert.deepEqual([await assignments[first](), other], ['invalid_request', 'ok']);
      await open.instance.close();
    });
  }

  test('who has both by a token, or from before, has neither', async () => {
    const rig = await openRig();
    const { open } = rig;
    await rig.policy('payer', 'path "secret/data/pay" { capabilities = ["read"] }');
    await rig.policy('auditor', 'path "secret/data/audit" { capabilities = ["read"] }');
    for (const name of ['pay', 'audit'])
      await open.get('write', `secret/data/${name}`, { data: { data: { a: '1' } } });
    const ann = await rig.person('ann', ['payer']);
    const both = await open.tokenFor('payer', 'auditor');
    await open.get('write', `identity/entity/id/${ann.entityId}`, {
      data: { policies: 'auditor' },
    });
    for (const caller of [ann.token, both]) {
      assert.equal(await rig.reads(caller, 'secret/data/pay'), true);
      assert.equal(await rig.reads(caller, 'secret/data/audit'), true);
    }
    const data = { policies: 'payer,auditor' };
    await open.get('write', 'identity/exclusion/money', { data });
    for (const caller of [ann.token, both]) {
      assert.equal(await rig.reads(caller, 'secret/data/pay'), false);
      assert.equal(await rig.reads(caller, 'secret/data/audit'), false);
    }
    assert.equal(await rig.reads(await open.tokenFor('payer'), 'secret/data/pay'), true);
    await open.get('delete', 'identity/exclusion/money');
    assert.equal(await rig.reads(ann, 'secret/data/pay'), true);
    await open.instance.close();
  });
});
