/** Secrets as they were: from versions and from snapshots, under the caller's own policies, as new versions. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { AUTO, snapshotScene } from './snapshots-fixture.ts';
import type { SnapshotScene } from './snapshots-fixture.ts';

const HOUR = 3600;

interface Scene extends SnapshotScene {
  put(path: string, value: string, namespace?: string): Promise<void>;
  value(path: string): Promise<unknown>;
  /** Makes a snapshot, loads it and gives its id. */
  snapshot(): Promise<string>;
  now(): string;
}

async function recoverScene(context: TestContext): Promise<Scene> {
  const scene = await snapshotScene(context);
  await scene.get('write', `${AUTO}/config/s`, {
    data: { interval: '1h', storage_type: 'local', verify: false },
  });
  return {
    ...scene,
    put: async (path, value, namespace = '') =>
      void (await scene.get('write', path, { data: { data: { value } }, namespace })),
    async value(path) {
      const { reply } = await scene.ask('read', path);
      return (reply?.data?.['data'] as { value?: unknown } | null | undefined)?.value;
    },
    async snapshot() {
      await scene.get('write', `${AUTO}/run/s`);
      await scene.wait(2);
      const status = await scene.status('s');
      assert.equal(status['last_snapshot_error'], '');
      const data = { snapshot: String(status['last_snapshot_name']) };
      const loaded = await scene.get('write', `${AUTO}/snapshot-load/s`, { data });
      return String(loaded['snapshot_id']);
    },
    now: () => new Date(scene.clock.nowMs()).toISOString(),
  };
}

/** A write that recovers, and what a plan says before it. */
async function recover(
  scene: Scene,
  path: string,
  query: Readonly<Record<string, string>>,
  more: { readonly token?: string; readonly namespace?: string; readonly data?: object } = {},
): Promise<{ plan: Record<string, unknown>; outcome: string }> {
  const { token, namespace, data } = more;
  const asking = {
    ...(token === undefined ? {} : { token }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  const planned = await scene.ask('read', path, { ...asking, data: query });
  const outcome = await scene.outcome('write', path, {
    ...asking,
    data: { ...data },
    call: { query },
  });
  return { plan: { ...planned.reply?.data }, outcome };
}

test('a version of an earlier time is read, planned and made current again, once', async (context) => {
  const scene = await recoverScene(context);
  const path = 'secret/data/app';
  await scene.put(path, 'one');
  scene.clock.advance(1000);
  const then = scene.now();
  scene.clock.advance(1000);
  await scene.put(path, 'two');
  const past = await scene.get('read', path, { data: { read_as_of: then } });
  assert.deepEqual(past['data'], { value: 'one' });
  const { plan, outcome } = await recover(scene, path, { recover_as_of: then });
  assert.deepEqual(plan, {
    action: 'recover',
    current_version: 2,
    from: 'versions',
    version: 1,
    version_created_time: plan['version_created_time'],
  });
  assert.equal(outcome, 'ok');
  assert.equal(await scene.value(path), 'one');
  const metadata = await scene.get('read', 'secret/metadata/app');
  assert.equal(metadata['current_version'], 3, 'a new version; the others are still there');
  const again = await recover(scene, path, { recover_as_of: then });
  assert.equal(again.plan['action'], 'unchanged');
  assert.equal((await scene.get('read', 'secret/metadata/app'))['current_version'], 3);
});

test('what versions no longer hold comes from a snapshot: destroyed, pruned, removed with metadata', async (context) => {
  const scene = await recoverScene(context);
  for (const name of ['destroyed', 'pruned', 'removed', 'later']) {
    if (name !== 'later') await scene.put(`secret/data/f/${name}`, `good ${name}`);
  }
  await scene.get('write', 'secret/metadata/f/removed', {
    data: { custom_metadata: { owner: 'ops' }, max_versions: 3 },
  });
  const id = await scene.snapshot();
  scene.clock.advance(1000);
  const query = { recover_snapshot_id: id };
  await scene.get('write', 'secret/destroy/f/destroyed', { data: { versions: [1] } });
  for (let count = 0; count < 12; count++) await scene.put('secret/data/f/pruned', 'bad');
  await scene.get('delete', 'secret/metadata/f/removed');
  await scene.put('secret/data/f/later', 'new');
  const names = (await scene.get('list', 'secret/metadata/f/', { data: { read_snapshot_id: id } }))[
    'keys'
  ];
  assert.deepEqual(names, ['destroyed', 'pruned', 'removed']);
  for (const name of ['destroyed', 'pruned', 'removed']) {
    const path = `secret/data/f/${name}`;
    const shown = await scene.get('read', path, { data: { read_snapshot_id: id } });
    assert.deepEqual(shown['data'], { value: `good ${name}` });
    const { plan, outcome } = await recover(scene, path, query);
    assert.equal(plan['action'], 'recover', name);
    assert.equal(plan['from'], 'snapshot', name);
    assert.equal(outcome, 'ok', name);
    assert.equal(await scene.value(path), `good ${name}`);
  }
  const settings = await scene.get('read', 'secret/metadata/f/removed');
  assert.deepEqual(settings['custom_metadata'], { owner: 'ops' });
  assert.equal(settings['max_versions'], 3);
  const later = await recover(scene, 'secret/data/f/later', query);
  assert.equal(later.plan['action'], 'absent');
  assert.equal(later.outcome, 'not_found');
  assert.equal(await scene.value('secret/data/f/later'), 'new', 'what came later is left alone');
});

test('a time between snapshot and now is decided from both', async (context) => {
  const scene = await recoverScene(context);
  const path = 'secret/data/app';
  await scene.put(path, 'in the snapshot');
  const id = await scene.snapshot();
  scene.clock.advance(1000);
  await scene.put(path, 'after it');
  scene.clock.advance(1000);
  const then = scene.now();
  const query = { recover_snapshot_id: id, recover_as_of: then };
  scene.clock.advance(1000);
  await scene.put(path, 'now');
  assert.equal((await recover(scene, path, query)).outcome, 'ok');
  assert.equal(await scene.value(path), 'after it');
  await scene.get('write', 'secret/destroy/app', { data: { versions: [2, 4] } });
  const lost = await recover(scene, path, query);
  assert.equal(lost.plan['action'], 'lost', 'an older one is never passed off as it');
  assert.equal(lost.outcome, 'not_found');
});

test('read and update are both needed, and neither more nor less than for the secret itself', async (context) => {
  const scene = await recoverScene(context);
  await scene.put('secret/data/app', 'one');
  const id = await scene.snapshot();
  scene.clock.advance(1000);
  await scene.put('secret/data/app', 'two');
  const query = { recover_snapshot_id: id };
  const policies = {
    reader: '"read"',
    writer: '"create", "update"',
    both: '"read", "create", "update"',
    elsewhere: '',
  };
  for (const [name, capabilities] of Object.entries(policies)) {
    const policy =
      name === 'elsewhere'
        ? 'path "secret/data/other" { capabilities = ["read", "create", "update"] }'
        : `path "secret/data/app" { capabilities = [${capabilities}] }`;
    await scene.get('write', `sys/policies/acl/${name}`, { data: { policy } });
    const token = await scene.tokenFor(name);
    const { plan, outcome } = await recover(scene, 'secret/data/app', query, { token });
    const reads = name === 'reader' || name === 'both';
    assert.equal(plan['action'] === 'recover', reads, name);
    assert.equal(outcome, name === 'both' ? 'ok' : 'permission_denied', name);
    const read = { token, data: { read_snapshot_id: id } };
    const seen = await scene.outcome('read', 'secret/data/app', read);
    assert.equal(seen, reads ? 'ok' : 'permission_denied', name);
    const listed = await scene.outcome('list', 'secret/metadata/', read);
    assert.equal(listed, 'permission_denied', name);
  }
});

test('check-and-set holds, data beside is refused, other changes never touch the present', async (context) => {
  const scene = await recoverScene(context);
  const path = 'secret/data/app';
  await scene.put(path, 'one');
  const id = await scene.snapshot();
  scene.clock.advance(1000);
  await scene.put(path, 'two');
  const query = { recover_snapshot_id: id };
  const cas = (number: number): Promise<{ outcome: string }> =>
    recover(scene, path, query, { data: { options: { cas: number } } });
  assert.equal((await cas(1)).outcome, 'invalid_request');
  const data = { data: { value: 'x' } };
  assert.equal((await recover(scene, path, query, { data })).outcome, 'invalid_request');
  assert.equal(await scene.value(path), 'two');
  assert.equal((await cas(2)).outcome, 'ok');
  for (const operation of ['delete', 'patch'] as const) {
    const outcome = await scene.outcome(operation, path, { call: { query } });
    assert.equal(outcome, 'invalid_request');
  }
  assert.equal(await scene.value(path), 'one');
  const unknown = { recover_snapshot_id: '../../etc/passwd' };
  assert.equal((await recover(scene, path, unknown)).outcome, 'not_found');
  const future = { recover_as_of: new Date(scene.clock.nowMs() + 60_000).toISOString() };
  assert.equal((await recover(scene, path, future)).outcome, 'invalid_request');
});

test('a mount that was removed and made again, and a namespace, find what they had; another mount’s data stay its own', async (context) => {
  const scene = await recoverScene(context);
  await scene.get('write', 'sys/namespaces/team');
  const namespace = 'team/';
  const kv = { type: 'kv', options: { version: '2' } };
  await scene.get('write', 'sys/mounts/kv', { namespace, data: kv });
  await scene.put('kv/data/a', 'of the team', namespace);
  await scene.put('secret/data/app', 'kept');
  const id = await scene.snapshot();
  const query = { recover_snapshot_id: id };
  await scene.get('delete', 'sys/namespaces/team');
  await scene.pass(1);
  await scene.get('write', 'sys/namespaces/team');
  await scene.get('write', 'sys/mounts/kv', { namespace, data: kv });
  const { outcome } = await recover(scene, 'kv/data/a', query, { namespace });
  assert.equal(outcome, 'ok');
  const back = await scene.get('read', 'kv/data/a', { namespace });
  assert.deepEqual(back['data'], { value: 'of the team' });
  // The mount moves away; another takes its place. What was there belongs to the one that moved.
  await scene.get('write', 'sys/remount', { data: { from: 'secret', to: 'moved' } });
  await scene.pass(1);
  await scene.get('write', 'sys/mounts/secret', { data: kv });
  assert.equal((await recover(scene, 'secret/data/app', query)).outcome, 'not_found');
  const moved = await scene.get('read', 'moved/data/app', { data: { read_snapshot_id: id } });
  assert.deepEqual(moved['data'], { value: 'kept' });
});

test('a mount without versions is read, listed and recovered as Vault does it', async (context) => {
  const scene = await recoverScene(context);
  await scene.get('write', 'sys/mounts/flat', { data: { type: 'kv' } });
  await scene.get('write', 'flat/app', { data: { value: 'one' } });
  const id = await scene.snapshot();
  await scene.get('write', 'flat/app', { data: { recover_snapshot_id: id, value: 'two' } });
  const read = { data: { read_snapshot_id: id } };
  assert.deepEqual(await scene.get('read', 'flat/app', read), { value: 'one' });
  assert.deepEqual((await scene.get('list', 'flat/', read))['keys'], ['app']);
  assert.deepEqual(await scene.get('read', 'flat/app'), { recover_snapshot_id: id, value: 'two' });
  const call = { query: { recover_snapshot_id: id } };
  assert.equal(await scene.outcome('write', 'flat/app', { call }), 'ok');
  assert.deepEqual(await scene.get('read', 'flat/app'), { value: 'one' });
});

test('a snapshot is there for three days, for all servers, and until it is unloaded or its file is changed', async (context) => {
  const scene = await recoverScene(context);
  await scene.put('secret/data/app', 'one');
  const id = await scene.snapshot();
  const read = (): Promise<string> =>
    scene.outcome('read', 'secret/data/app', { data: { read_snapshot_id: id } });
  assert.equal(await read(), 'ok');
  // As on a server that has not fetched it, or after a restart.
  await scene.instance.snapshots?.loaded.stop();
  assert.equal(await read(), 'ok');
  assert.deepEqual((await scene.get('list', 'sys/storage/raft/snapshot-load'))['keys'], [id]);
  const shown = await scene.get('read', `sys/storage/raft/snapshot-load/${id}`);
  assert.equal(shown['status'], 'ready');
  scene.clock.advance(72 * HOUR * 1000);
  assert.equal(await read(), 'not_found');
  const second = await scene.snapshot();
  assert.deepEqual((await scene.get('list', 'sys/storage/raft/snapshot-load'))['keys'], [second]);
  await scene.get('delete', `sys/storage/raft/snapshot-load/${second}`);
  const data = { read_snapshot_id: second };
  assert.equal(await scene.outcome('read', 'secret/data/app', { data }), 'not_found');
  const { appendFileSync } = await import('node:fs');
  const { join } = await import('node:path');
  const [name = ''] = readdirSync(scene.directory);
  appendFileSync(join(scene.directory, name), 'x');
  const load = { data: { snapshot: name } };
  const refused = await scene.ask('write', `${AUTO}/snapshot-load/s`, load);
  assert.match(refused.error?.message ?? '', /longer than what was signed/);
  for (const snapshot of ['../x.snapshot', 'a/b.snapshot', '.snapshot', 'x']) {
    const outcome = await scene.outcome('write', `${AUTO}/snapshot-load/s`, { data: { snapshot } });
    assert.equal(outcome, 'invalid_request', snapshot);
  }
});
