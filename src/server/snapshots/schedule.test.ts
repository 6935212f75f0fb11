/** Snapshots by schedule into a folder: made, tested, kept, removed, and what happens when one of that fails. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspectFile } from '../../snapshots/container.ts';
import { AUTO, snapshotScene } from './snapshots-fixture.ts';

const HOURLY = { interval: '1h', storage_type: 'local' };
const HOUR = 3600;
const CANARY = 'canary-in-a-scheduled-snapshot';

test('a schedule makes snapshots that hold no plaintext, are signed, and pass a test restore', async (context) => {
  const scene = await snapshotScene(context);
  await scene.get('write', 'secret/data/app', { data: { data: { password: CANARY } } });
  await scene.get('write', `${AUTO}/config/nightly`, { data: HOURLY });
  await scene.wait(2);
  const status = await scene.status('nightly');
  assert.equal(status['last_snapshot_error'], '');
  assert.equal(status['consecutive_errors'], 0);
  assert.ok(Number(status['last_verified_records']) > 10);
  const [name = '', ...rest] = readdirSync(scene.directory);
  assert.deepEqual(rest, []);
  assert.match(name, /^strongroom-20300101T\d{6}Z-\w{4}\.snapshot$/);
  const file = join(scene.directory, name);
  assert.equal(status['last_snapshot_url'], `file://${file}`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file).includes(CANARY));
  const key = Buffer.from(String(status['public_key']), 'base64');
  const { manifest } = await inspectFile(file, key);
  assert.equal(manifest.name, name);
  assert.equal(manifest.cluster_id, scene.instance.services.barrier.clusterId);
});

test('the newest are kept, and the newest of each day', async (context) => {
  const scene = await snapshotScene(context);
  const rules = { ...HOURLY, retain: 2, retain_daily: 2, verify: false };
  await scene.get('write', `${AUTO}/config/tiered`, { data: rules });
  await scene.wait(2);
  for (let hour = 0; hour < 50; hour++) await scene.wait(HOUR + 10);
  const names = readdirSync(scene.directory).sort();
  // The two newest; the newest of today is one of them, and that of yesterday is the third.
  assert.equal(names.length, 3);
  assert.equal((await scene.status('tiered'))['snapshots'], 3);
});

test('what lies beside in the folder is left alone', async (context) => {
  const scene = await snapshotScene(context);
  mkdirSync(join(scene.directory, 'below'), { recursive: true });
  const foreign = ['notes.txt', 'other-20200101T000000Z-abcd.snapshot', 'strongroom.snapshot'];
  for (const name of foreign) writeFileSync(join(scene.directory, name), 'x');
  await scene.get('write', `${AUTO}/config/a`, { data: { ...HOURLY, retain: 1, max_age: '1h' } });
  await scene.wait(2);
  await scene.wait(HOUR + 10);
  const names = readdirSync(scene.directory);
  assert.ok(foreign.every((name) => names.includes(name)));
  assert.equal(names.length, foreign.length + 2);
});

test('a cron schedule waits for its time, and outside of its window for the next', async (context) => {
  const scene = await snapshotScene(context);
  const nightly = { schedule: '0 3 * * *', window: '30m', storage_type: 'local', verify: false };
  await scene.get('write', `${AUTO}/config/nightly`, { data: nightly });
  await scene.wait(2 * HOUR);
  assert.equal((await scene.status('nightly'))['last_snapshot_start'], '');
  // Nobody looked between three and four.
  await scene.wait(2 * HOUR);
  assert.equal((await scene.status('nightly'))['last_snapshot_start'], '');
  assert.equal((await scene.status('nightly'))['next_snapshot_start'], '2030-01-02T03:00:00Z');
  await scene.wait(23 * HOUR + 60);
  assert.equal((await scene.status('nightly'))['last_snapshot_error'], '');
  assert.equal(readdirSync(scene.directory).length, 1);
});

test('a failure is told, tried again sooner, degrades the health after the third, and is over with a success', async (context) => {
  const scene = await snapshotScene(context);
  // A file where the folder should be.
  writeFileSync(scene.directory, 'in the way');
  await scene.get('write', `${AUTO}/config/a`, { data: HOURLY });
  await scene.wait(2);
  const status = await scene.status('a');
  assert.match(String(status['last_snapshot_error']), /cannot be (read|written)/);
  assert.equal(status['consecutive_errors'], 1);
  const degraded = async (): Promise<unknown> =>
    (await scene.get('read', 'sys/health'))['degraded'];
  assert.equal(await degraded(), undefined);
  await scene.wait(61);
  await scene.wait(121);
  assert.equal((await scene.status('a'))['consecutive_errors'], 3);
  assert.equal(await degraded(), 'snapshots');
  rmSync(scene.directory);
  await scene.wait(241);
  assert.equal((await scene.status('a'))['consecutive_errors'], 0);
  assert.equal(await degraded(), undefined);
  assert.equal(readdirSync(scene.directory).length, 1);
});

test('a snapshot that cannot be restored takes the place of no good one', async (context) => {
  const scene = await snapshotScene(context);
  await scene.get('write', `${AUTO}/config/a`, { data: { ...HOURLY, retain: 1 } });
  await scene.wait(2);
  const [good = ''] = readdirSync(scene.directory);
  // Records that do not open: the copy is whole, and of no use.
  const entries = await scene.storage.scan('data/root/', undefined, 100);
  const victim = entries.at(-1);
  assert.ok(victim);
  const value = Buffer.from(victim.value);
  value[40] = (value[40] ?? 0) ^ 1;
  await scene.storage.commit({ checks: [], puts: [{ ...victim, value }], deletes: [] });
  await scene.wait(HOUR + 10);
  assert.match(String((await scene.status('a'))['last_snapshot_error']), /test restore failed/);
  assert.ok(
    readdirSync(scene.directory).includes(good),
    'the good one is not replaced by a bad one',
  );
});

test('a clock that was wrong costs no good snapshot and stops none', async (context) => {
  const scene = await snapshotScene(context);
  const YEARS = 10 * 365 * 24 * HOUR;
  await scene.get('write', `${AUTO}/config/a`, {
    data: { ...HOURLY, retain: 2, max_age: '30d', verify: false },
  });
  await scene.wait(2);
  const before = readdirSync(scene.directory);
  scene.clock.advance(YEARS * 1000);
  await scene.wait(2);
  const wrong = readdirSync(scene.directory).filter((name) => !before.includes(name));
  assert.equal(wrong.length, 1);
  scene.clock.advance(-YEARS * 1000 + 2 * HOUR * 1000);
  await scene.wait(2);
  const status = await scene.status('a');
  assert.equal(status['snapshots_in_future'], 1);
  assert.equal(readdirSync(scene.directory).length, 2, 'a new one was made at once');
});

test('a store that was restored does not remove what the original has delivered since', async (context) => {
  const scene = await snapshotScene(context);
  await scene.get('write', `${AUTO}/config/a`, { data: { ...HOURLY, retain: 1 } });
  await scene.wait(2);
  await scene.wait(HOUR + 10);
  const [own = ''] = readdirSync(scene.directory);
  // The original goes on; here nothing is known of that.
  const stamp = new Date(scene.clock.nowMs() + HOUR * 1000)
    .toISOString()
    .replace(/[-:]|\.\d+/g, '');
  const foreign = `strongroom-${stamp}-orig.snapshot`;
  writeFileSync(join(scene.directory, foreign), 'x');
  await scene.wait(2 * HOUR);
  await scene.wait(2 * HOUR);
  assert.match(String((await scene.status('a'))['last_snapshot_error']), /another server/);
  assert.deepEqual(readdirSync(scene.directory).sort(), [foreign, own].sort());
  // The operator knows better.
  await scene.get('write', `${AUTO}/run/a`);
  await scene.wait(2);
  assert.equal((await scene.status('a'))['last_snapshot_error'], '');
  assert.equal(readdirSync(scene.directory).length, 1);
});

test('no room: nothing half is left, and nothing is removed for it', async (context) => {
  const scene = await snapshotScene(context);
  await scene.get('write', `${AUTO}/config/a`, { data: { ...HOURLY, retain: 1 } });
  await scene.wait(2);
  const before = readdirSync(scene.directory);
  await scene.get('write', `${AUTO}/config/a`, {
    data: { ...HOURLY, retain: 1, local_max_space: 1000 },
  });
  await scene.wait(HOUR + 10);
  assert.match(String((await scene.status('a'))['last_snapshot_error']), /no room/);
  assert.deepEqual(readdirSync(scene.directory), before);
});

test('sudo is needed, in the root namespace, and paths cannot leave the folder', async (context) => {
  const scene = await snapshotScene(context);
  const policy =
    'path "sys/storage/*" { capabilities = ["create", "read", "update", "delete", "list"] }';
  await scene.get('write', 'sys/policies/acl/almost', { data: { policy } });
  const token = await scene.tokenFor('almost');
  await scene.get('write', 'sys/namespaces/ns1');
  const paths = ['config/a', 'status/a', 'run/a', 'snapshots/a', 'snapshot-load/a'];
  for (const path of paths) {
    for (const operation of ['read', 'write', 'list', 'delete'] as const) {
      const asked = await scene.outcome(operation, `${AUTO}/${path}`, { token, data: HOURLY });
      assert.equal(asked, 'permission_denied', `${operation} ${path}`);
      const below = await scene.outcome(operation, `${AUTO}/${path}`, { namespace: 'ns1/' });
      assert.equal(below, 'invalid_request', `${operation} ${path}`);
    }
  }
  const places = ['../x', '/etc', 'a/../../b', 'a//b', '.', '..', 'a\0b', 'a/./b', '~'];
  for (const path_prefix of places) {
    const data = { ...HOURLY, path_prefix };
    assert.equal(await scene.outcome('write', `${AUTO}/config/a`, { data }), 'invalid_request');
  }
  for (const bad of [
    { file_prefix: '../x' },
    { file_prefix: '' },
    { retain: 0 },
    { retain_daily: -1 },
    { interval: '1s' },
    { schedule: '* * * * *' },
    { interval: 0 },
    { storage_type: 'azure-blob' },
  ]) {
    const data = { ...HOURLY, ...bad };
    const outcome = await scene.outcome('write', `${AUTO}/config/a`, { data });
    assert.equal(outcome, 'invalid_request', JSON.stringify(bad));
  }
});
