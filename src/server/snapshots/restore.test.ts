/** A snapshot in the place of all that a running server holds: what it takes, what it refuses, and what the server is afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLog } from '../../base/log.ts';
import type { Log } from '../../base/log.ts';
import { pagesOf } from '../../storage/pages.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { ScannableStorage } from '../../storage/storage.ts';
import { snapshotScene } from './snapshots-fixture.ts';
import type { SnapshotScene } from './snapshots-fixture.ts';

const SNAPSHOT = 'sys/storage/raft/snapshot';
const FORCE = 'sys/storage/raft/snapshot-force';

async function saved(scene: SnapshotScene, path: string = SNAPSHOT): Promise<Buffer> {
  const { reply, error } = await scene.ask('read', path);
  if (error !== undefined) throw error;
  const parts: Uint8Array[] = [];
  for await (const part of reply?.raw?.stream ?? []) parts.push(part);
  return Buffer.concat(parts);
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

/** `ok`, or what the caller is told. */
async function restored(
  scene: SnapshotScene,
  bytes: Buffer,
  path: string = SNAPSHOT,
  token?: string,
): Promise<string> {
  const call = { upload: () => pieces(bytes) };
  const { error } = await scene.ask('write', path, { call, ...(token && { token }) });
  return error === undefined ? 'ok' : `${error.code}: ${error.message}`;
}

const put = (scene: SnapshotScene, name: string, value: string): Promise<unknown> =>
  scene.get('write', `secret/data/${name}`, { data: { data: { value } } });

async function read(scene: SnapshotScene, name: string): Promise<unknown> {
  const { reply, error } = await scene.ask('read', `secret/data/${name}`);
  if (error !== undefined) return error.code;
  return (reply?.data as { data?: { value?: unknown } } | undefined)?.data?.value;
}

/** With one secret, a snapshot of then, and what was written since. */
async function filled(context: TestContext): Promise<SnapshotScene & { bytes: Buffer }> {
  const opened = await snapshotScene(context);
  await put(opened, 'app', 'then');
  const bytes = await saved(opened);
  await put(opened, 'app', 'now');
  await put(opened, 'later', 'now');
  return { ...opened, bytes };
}

test('everything is as the snapshot has it, the server serves on, and counts itself beyond what it was', async (context) => {
  const it = await filled(context);
  const made = await it.makeToken({ policies: ['default'] });
  const before = it.instance.services.barrier.position ?? 0n;
  assert.equal(await restored(it, it.bytes), 'ok');
  assert.equal(it.instance.sealed, false);
  assert.equal(await read(it, 'app'), 'then');
  assert.equal(await read(it, 'later'), 'not_found');
  assert.equal(
    (await it.ask('read', 'auth/token/lookup-self', { token: made })).error?.code,
    'permission_denied',
  );
  assert.ok(
    (it.instance.services.barrier.position ?? 0n) > before,
    'nobody takes it for a rollback',
  );
  await put(it, 'app', 'again');
  assert.equal(await read(it, 'app'), 'again');
  const { barrier } = it.instance.services;
  const scrub = barrier.scrub();
  for (;;) {
    const { done, faults } = await scrub.step(1000);
    assert.deepEqual(faults, []);
    if (done) break;
  }
});

test('the plain form is taken as well, and a snapshot made after a restore is restored like any', async (context) => {
  const it = await filled(context);
  assert.equal(await restored(it, await saved(it, 'sys/storage/backup')), 'ok');
  assert.equal(await read(it, 'app'), 'now');
  assert.equal(await restored(it, it.bytes), 'ok');
  await put(it, 'more', 'x');
  const second = await saved(it);
  await put(it, 'more', 'y');
  assert.equal(await restored(it, second), 'ok');
  assert.equal(await read(it, 'more'), 'x');
});

test('it takes sudo in the root namespace, and nothing is read of the body before', async (context) => {
  const it = await filled(context);
  await it.get('write', 'sys/policies/acl/half', {
    data: { policy: `path "${SNAPSHOT}" { capabilities = ["create", "update", "read"] }` },
  });
  const token = await it.tokenFor('half');
  let asked = 0;
  const call = {
    upload: () => {
      asked += 1;
      return pieces(it.bytes);
    },
  };
  for (const path of [SNAPSHOT, FORCE]) {
    const { error } = await it.ask('write', path, { token, call });
    assert.equal(error?.code, 'permission_denied');
  }
  assert.equal(asked, 0);
  assert.equal(await read(it, 'app'), 'now');
});

test('what is no whole, genuine snapshot of this cluster changes nothing', async (context) => {
  const it = await filled(context);
  const other = await snapshotScene(context);
  await put(other, 'app', 'elsewhere');
  const plain = await saved(it, 'sys/storage/backup');
  const flipped = Buffer.from(plain);
  const at = plain.length - 5000;
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  const bad: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from('garbage'), /it is no snapshot/u],
    [Buffer.alloc(0), /it is no snapshot/u],
    [flipped, /its copy is not what was signed/u],
    [plain.subarray(0, plain.length - 1), /bytes where/u],
    [Buffer.concat([plain, Buffer.from('x')]), /longer than what was signed/u],
    [it.bytes.subarray(0, 9000), /archive/u],
    [await saved(other), /not with .* of this cluster/u],
  ];
  for (const [bytes, told] of bad) assert.match(await restored(it, bytes), told);
  assert.match(await restored(it, flipped, FORCE), /not what was signed/u);
  assert.equal(await read(it, 'app'), 'now');
  assert.equal(it.instance.sealed, false);
});

test('by force another cluster takes the place, sealed until its own keys come', async (context) => {
  const it = await filled(context);
  const other = await snapshotScene(context);
  await put(other, 'app', 'elsewhere');
  assert.equal(await restored(it, await saved(other), FORCE), 'ok');
  assert.equal(it.instance.sealed, true);
  for (const share of it.shares) {
    await assert.rejects(it.instance.unsealer.submit(Buffer.from(share)));
  }
  for (const share of other.shares) await it.instance.unsealer.submit(Buffer.from(share));
  await it.instance.serve();
  assert.equal(await read(it, 'app'), 'elsewhere');
  await put(it, 'app', 'here');
});

test('a snapshot from before a change of the root key is refused, and by force needs the key of then', async (context) => {
  const it = await filled(context);
  await it.instance.unsealer.rotateRoot();
  assert.match(await restored(it, it.bytes), /would leave this server sealed: .* other keys/u);
  assert.equal(await read(it, 'app'), 'now');
  assert.equal(await restored(it, it.bytes, FORCE), 'ok');
  assert.equal(it.instance.sealed, true);
  for (const share of it.shares) await it.instance.unsealer.submit(Buffer.from(share));
  await it.instance.serve();
  assert.equal(await read(it, 'app'), 'then');
});

test('a write that was under way is refused or is gone with the rest, and none is acknowledged afterwards', async (context) => {
  const it = await filled(context);
  const writes: Promise<unknown>[] = [];
  const restoring = restored(it, it.bytes);
  for (let n = 0; n < 50; n++) {
    writes.push(it.ask('write', `secret/data/w${n}`, { data: { data: { n } } }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await restoring, 'ok');
  await Promise.all(writes);
  for (let n = 0; n < 50; n++) {
    const { error } = (await writes[n]) as { error?: unknown };
    if (error === undefined) continue;
    assert.equal(await read(it, `w${n}`), 'not_found', 'refused is not written');
  }
  assert.equal(await read(it, 'app'), 'then');
  await put(it, 'app', 'after');
});

/** Enough for a server in memory to go over. */
const TURNS_MAX = 10_000;

test('a store that somebody else puts back behind the server’s back is taken up, and reported', async (context) => {
  const lines: string[] = [];
  const log = recording(lines);
  const it = await snapshotScene(context, { log });
  await put(it, 'app', 'then');
  const old = createMemoryStorage();
  await copy(it.storage, old);
  await put(it, 'app', 'now');
  await it.storage.replace(old);
  await it.ask('read', 'sys/health');
  const isReported = (): boolean => lines.some((line) => /put back to an older state/u.test(line));
  for (let turn = 0; turn < TURNS_MAX && !isReported(); turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(isReported(), lines.join('\n'));
});

/** Keeps what is logged as a fault. */
function recording(lines: string[]): Log {
  const log: Log = { ...silentLog, error: (message) => void lines.push(message), named: () => log };
  return log;
}

async function copy(from: ScannableStorage, to: ScannableStorage): Promise<void> {
  for await (const page of pagesOf(from)) {
    await to.commit({ checks: [], puts: page, deletes: [] });
  }
}

test('a snapshot that is uploaded can be read from, and is gone when it is unloaded', async (context) => {
  const it = await filled(context);
  const loaded = await it.get('write', 'sys/storage/raft/snapshot-load', {
    call: { upload: () => pieces(it.bytes) },
  });
  const id = String(loaded['snapshot_id']);
  assert.equal(loaded['status'], 'ready');
  const then = await it.get('read', 'secret/data/app', { data: { read_snapshot_id: id } });
  assert.deepEqual(then['data'], { value: 'then' });
  assert.equal(await read(it, 'app'), 'now');
  const bad = { call: { upload: () => pieces(Buffer.from('garbage')) } };
  assert.notEqual(await it.outcome('write', 'sys/storage/raft/snapshot-load', bad), 'ok');
  await it.get('delete', `sys/storage/raft/snapshot-load/${id}`);
  const gone = { data: { read_snapshot_id: id } };
  assert.equal(await it.outcome('read', 'secret/data/app', gone), 'not_found');
});
