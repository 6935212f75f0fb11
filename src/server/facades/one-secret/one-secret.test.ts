/**
 * Random sequences of operations over the Vault, AWS, Azure and Google APIs against a small model: same versions, same current value, same
 * visibility through each of them. `npm run simulate -- apis` tries 10 000 of them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Apis } from './apis-fixture.ts';
import { isReadable, Model, stateOf } from './model-fixture.ts';
import type { ModelVersion, Step } from './model-fixture.ts';

const { SEQUENCES = '150', SEED } = process.env;
/** No more than the mount keeps versions. */
const STEPS_MAX = 10;

const someValue = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
const somePick = fc.nat(9);
const oneOf = <const K extends string>(...texts: readonly K[]): fc.Arbitrary<K> =>
  fc.constantFrom(...texts);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: oneOf('put'),
      by: oneOf('vault', 'aws', 'azure', 'google'),
      value: someValue,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: oneOf('pending'), value: someValue }) },
  { weight: 3, arbitrary: fc.record({ kind: oneOf('promote'), pick: somePick }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: oneOf('enable', 'disable'),
      by: oneOf('azure', 'google'),
      pick: somePick,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: oneOf('destroy'), by: oneOf('vault', 'google'), pick: somePick }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: oneOf('delete version', 'undelete version'), pick: somePick }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: oneOf('create', 'delete current', 'remark', 'purge') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: oneOf('delete', 'recover'), by: oneOf('aws', 'azure') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: oneOf('remove'), by: oneOf('vault', 'aws', 'google') }),
  },
);

/** Does the step to both; says whether the server took what the model thinks it must. */
async function apply(apis: Apis, model: Model, one: Step): Promise<void> {
  const { live, current } = model;
  const count = model.all.length;
  switch (one.kind) {
    case 'put': {
      const done = await apis.put(one.by, one.value, model.versions !== undefined);
      // Google adds versions only to a secret that is there.
      assert.equal(done, !model.deleted && (one.by !== 'google' || live), `put by ${one.by}`);
      if (done) model.add(one.value);
      return;
    }
    case 'pending':
      assert.equal(await apis.putPending(one.value), live, 'pending');
      if (live) model.add(one.value, true);
      return;
    case 'create': {
      const done = await apis.createEmpty();
      assert.equal(done, model.versions === undefined, 'create');
      if (done) model.versions = [];
      return;
    }
    case 'promote':
      return await promote(apis, model, one.pick);
    case 'enable':
    case 'disable':
      return await switchOn(apis, model, one);
    case 'destroy': {
      const number = count === 0 ? 1 : (one.pick % count) + 1;
      const version = model.version(number);
      const done =
        one.by === 'google'
          ? await apis.ofVersion(number, 'destroy')
          : await apis.byNumber('destroy', number);
      // The Vault API passes over what is not there, or is destroyed already.
      const may = live && version !== undefined && !version.destroyed;
      assert.equal(done, one.by === 'google' ? may : !model.deleted, `destroy by ${one.by}`);
      if (may) version.destroyed = true;
      return;
    }
    case 'delete version':
    case 'undelete version': {
      if (count === 0) return;
      const number = (one.pick % count) + 1;
      const undeletes = one.kind === 'undelete version';
      const done = await apis.byNumber(undeletes ? 'undelete' : 'delete', number);
      assert.equal(done, !model.deleted, one.kind);
      const version = model.version(number);
      if (live && version !== undefined && !version.destroyed) version.deleted = !undeletes;
      return;
    }
    case 'delete current':
      assert.equal(await apis.deleteCurrent(), !model.deleted, 'delete current');
      // As the Vault API has it: only what could be read is deleted.
      if (live && current !== undefined && isReadable(current)) current.deleted = true;
      return;
    case 'remark':
      if (model.versions === undefined) return;
      assert.equal(await apis.remark('a remark'), live, 'remark');
      return;
    case 'delete':
      assert.equal(await apis.delete(one.by), live, `delete by ${one.by}`);
      model.deleted ||= live;
      return;
    case 'recover': {
      // What is not deleted is restored by AWS all the same.
      const may = one.by === 'aws' ? model.versions !== undefined : model.deleted;
      assert.equal(await apis.recover(one.by), may, `recover by ${one.by}`);
      model.deleted = false;
      return;
    }
    case 'purge':
      assert.equal(await apis.purge(), model.deleted, 'purge');
      if (model.deleted) model.remove();
      return;
    default: {
      // Vault and AWS remove what is not there, and what is deleted already.
      const may = one.by === 'google' ? live : true;
      assert.equal(await apis.remove(one.by), may, `remove by ${one.by}`);
      if (may) model.remove();
    }
  }
}

async function promote(apis: Apis, model: Model, pick: number): Promise<void> {
  const numbers = model.all.flatMap((version, index) => (version.destroyed ? [] : [index + 1]));
  const number = numbers[pick % Math.max(1, numbers.length)];
  const ids = await apis.awsIds();
  const from = ids?.[numbers.indexOf(model.served)];
  // From a version whose value is gone the label cannot be taken: AWS does not list it.
  if (ids === undefined || number === undefined || from === undefined) return;
  const done = await apis.promote(from, ids[numbers.indexOf(number)] ?? '');
  assert.equal(done, model.live, 'promote');
  if (done) model.serve(number);
}

async function switchOn(
  apis: Apis,
  model: Model,
  { kind, by, pick }: Extract<Step, { kind: 'enable' | 'disable' }>,
): Promise<void> {
  const { live } = model;
  const enabled = kind === 'enable';
  if (by === 'azure') {
    const known = model.all.filter((version) => !version.destroyed && !version.deleted);
    const ids = (await apis.azureIds()) ?? [];
    const index = pick % Math.max(1, ids.length);
    const [id, version] = [ids[index], known[index]];
    if (id === undefined || version === undefined) return;
    assert.ok(await apis.switchByAzure(id, enabled), `${kind} by azure`);
    version.disabled = !enabled;
    return;
  }
  const number = (pick % Math.max(1, model.all.length)) + 1;
  const version = model.version(number);
  const may = live && version !== undefined && !version.destroyed;
  assert.equal(await apis.ofVersion(number, kind), may, `${kind} by google`);
  if (!may) return;
  version.disabled = !enabled;
  // Enabling through Google brings back what was deleted through the Vault API.
  if (enabled) version.deleted = false;
}

async function compareCurrent(apis: Apis, model: Model): Promise<void> {
  const wanted = model.shown(model.served);
  assert.deepEqual(await apis.currentValues(), {
    vault: wanted,
    aws: wanted,
    azure: wanted,
    google: wanted,
  });
}

/** Versions, their states and their values through each API. */
async function compareAll(apis: Apis, model: Model): Promise<void> {
  const { live, all } = model;
  const few = (keep: (version: ModelVersion) => boolean): number | undefined =>
    live ? all.filter(keep).length : undefined;
  assert.equal(await apis.isDeleted(), model.deleted, 'deleted');
  assert.deepEqual(await apis.googleStates(), live ? all.map(stateOf) : undefined);
  assert.equal(
    (await apis.azureIds())?.length,
    few((version) => !version.destroyed && !version.deleted),
    'versions of azure',
  );
  if (!model.deleted) {
    assert.equal(
      (await apis.awsIds())?.length,
      few((version) => !version.destroyed),
      'versions of aws',
    );
    const states = all.map(({ deleted, destroyed }) => [deleted, destroyed]);
    assert.deepEqual(await apis.vaultVersions(), live ? states : undefined);
  }
  assert.equal(await apis.previousValue(), model.shown(model.previous), 'the previous value');
  for (const number of all.keys()) {
    assert.equal(await apis.valueOf(number + 1), model.shown(number + 1), `version ${number + 1}`);
  }
  const isListed = (version: ModelVersion | undefined): boolean =>
    live && version !== undefined && !version.destroyed && !version.deleted;
  const listed = (names: readonly string[]): boolean => names.includes(apis.name);
  assert.equal(listed(await apis.names('google')), live, 'listed by google');
  assert.equal(listed(await apis.names('azure')), isListed(model.current), 'listed by azure');
  assert.equal(listed(await apis.names('aws')), live, 'listed by aws');
}

test('four APIs show one history, whatever is done through any of them', async (context) => {
  const apis = await Apis.open();
  let sequences = 0;
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: STEPS_MAX }), async (sequence) => {
      apis.name = `s${sequences++}`;
      const model = new Model();
      for (const one of sequence) {
        steps++;
        apis.server.clock.advance(1);
        await apply(apis, model, one);
        await compareCurrent(apis, model);
      }
      await compareAll(apis, model);
      // Lists stay short.
      await apis.remove('vault');
    }),
    { numRuns: Number(SEQUENCES), ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
  );
  await apis.server.instance.close();
  context.diagnostic(`${sequences} sequences, ${steps} steps`);
});
