/** Random sequences of operations by AWS and by KV on one secret, against a small model of what it should be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { opened, token } from './aws-fixture.ts';

type Action = 'put' | 'pending' | 'promote' | 'back' | 'kv' | 'delete' | 'restore';

interface Version {
  readonly id: string;
  readonly value: string;
}

/** What both APIs should say. */
interface Model {
  readonly versions: Version[];
  current: number;
  previous: number | undefined;
  pending: number | undefined;
  deleted: boolean;
}

const ACTIONS: readonly Action[] = [
  'put',
  'put',
  'pending',
  'promote',
  'back',
  'kv',
  'delete',
  'restore',
];

test('both APIs agree with the model after every operation', async (context) => {
  const { server, ask, refused, reply } = await opened(context);
  let secrets = 0;
  const actions = fc.array(fc.constantFrom(...ACTIONS), { minLength: 1, maxLength: 15 });
  await fc.assert(
    fc.asyncProperty(actions, async (sequence) => {
      const name = `model/${secrets++}`;
      const first = { id: token(), value: 'first' };
      const model: Model = {
        versions: [first],
        current: 0,
        previous: undefined,
        pending: undefined,
        deleted: false,
      };
      await ask('CreateSecret', {
        Name: name,
        SecretString: first.value,
        ClientRequestToken: first.id,
      });
      for (const action of sequence) await step(name, model, action);
    }),
    { numRuns: 60 },
  );

  function moveTo(model: Model, index: number): void {
    if (index === model.current) return;
    model.previous = model.current;
    model.current = index;
  }

  async function add(name: string, model: Model, stage: string): Promise<void> {
    const version = { id: token(), value: `value ${model.versions.length}` };
    const put = {
      SecretId: name,
      SecretString: version.value,
      ClientRequestToken: version.id,
      VersionStages: [stage],
    };
    if (model.deleted) {
      assert.equal(await refused('PutSecretValue', put), 'InvalidRequestException');
      return;
    }
    await ask('PutSecretValue', put);
    model.versions.push(version);
    const index = model.versions.length - 1;
    if (stage === 'AWSPENDING') model.pending = index;
    else moveTo(model, index);
  }

  async function move(name: string, model: Model, to: number | undefined): Promise<void> {
    const target = to === undefined ? undefined : model.versions[to];
    const from = model.versions[model.current];
    if (target === undefined || from === undefined || to === undefined) return;
    const input = {
      SecretId: name,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: target.id,
      RemoveFromVersionId: from.id,
    };
    if (model.deleted) {
      assert.equal(await refused('UpdateSecretVersionStage', input), 'InvalidRequestException');
      return;
    }
    await ask('UpdateSecretVersionStage', input);
    moveTo(model, to);
  }

  async function byKv(name: string, model: Model): Promise<void> {
    const value = `{"n":${model.versions.length}}`;
    const sent = { data: { data: JSON.parse(value) } };
    if (model.deleted) {
      assert.equal(await server.outcome('write', `secret/data/${name}`, sent), 'invalid_request');
      return;
    }
    await server.get('write', `secret/data/${name}`, sent);
    const { VersionId: id } = await ask('GetSecretValue', { SecretId: name });
    model.versions.push({ id: String(id), value });
    moveTo(model, model.versions.length - 1);
  }

  async function step(name: string, model: Model, action: Action): Promise<void> {
    if (action === 'put') await add(name, model, 'AWSCURRENT');
    else if (action === 'pending') await add(name, model, 'AWSPENDING');
    else if (action === 'promote') await move(name, model, model.pending);
    else if (action === 'back') await move(name, model, model.previous);
    else if (action === 'kv') await byKv(name, model);
    else if (action === 'restore') {
      await ask('RestoreSecret', { SecretId: name });
      model.deleted = false;
    } else if (!model.deleted) {
      await ask('DeleteSecret', { SecretId: name });
      model.deleted = true;
    }
    await check(name, model);
  }

  async function check(name: string, model: Model): Promise<void> {
    const current = model.versions[model.current];
    if (model.deleted) {
      assert.equal(await refused('GetSecretValue', { SecretId: name }), 'InvalidRequestException');
      assert.equal(await server.outcome('read', `secret/data/${name}`), 'not_found');
      return;
    }
    const read = await ask('GetSecretValue', { SecretId: name });
    assert.deepEqual([read['VersionId'], read['SecretString']], [current?.id, current?.value]);
    const { data } = await server.get('read', `secret/data/${name}`);
    const shown =
      current?.value.startsWith('{') === true
        ? current.value
        : JSON.stringify({ value: current?.value });
    assert.equal(JSON.stringify(data), shown);
    const previous = await reply('GetSecretValue', { SecretId: name, VersionStage: 'AWSPREVIOUS' });
    const wanted = model.previous === undefined ? undefined : model.versions[model.previous]?.value;
    assert.equal(previous.json['SecretString'], wanted);
  }
});
