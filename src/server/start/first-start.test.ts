/** A first start that ends anywhere: the next one knows the root token and finishes what was begun. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { AuditBroker } from '../../audit/broker.ts';
import { ManualClock } from '../../base/clock-fixture.ts';
import { silentLog } from '../../base/log.ts';
import { systemRandom } from '../../base/random.ts';
import { createStaticSeal } from '../../seal/static/static-seal.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import type { Storage } from '../../storage/storage.ts';
import { firstConfig, startFirst } from './first-start.ts';
import { isThere } from './own-calls.ts';
import { Instance } from '../instance.ts';
import { NO_FEED, NO_LOGS } from '../instance-fixture.ts';
import { startMonitoring } from '../monitoring.ts';

const SEAL_KEY = { id: 'first', key: Buffer.alloc(32, 7) };

async function open(storage: Storage): Promise<Instance> {
  const clock = new ManualClock();
  const world = {
    clock,
    random: systemRandom,
    log: silentLog,
    fatal: (reason: string) => {
      throw new Error(reason);
    },
  };
  const monitoring = startMonitoring({
    world,
    logs: NO_LOGS,
    feed: NO_FEED,
    prefix: 'vault',
    sealed: () => false,
  });
  monitoring.stop();
  const instance = await Instance.open({
    world,
    storage,
    storageType: 'inmem',
    seal: createStaticSeal({ current: SEAL_KEY }, systemRandom),
    audit: new AuditBroker({
      types: [],
      origin: 'test',
      clock,
      random: systemRandom,
      log: silentLog,
      devices: { forbiddenDirectories: [], allowedDirectories: [], stdout: async () => {} },
    }),
    auditDevices: [],
    auditCreationAllowed: false,
    leaseBounds: { defaultSeconds: 3600, maxSeconds: 3600 },
    clusterName: undefined,
    apiAddress: () => '',
    clusterAddress: () => '',
    openRekey: false,
    openRootGeneration: false,
    monitoring,
  });
  if (await instance.unsealer.unsealUnattended()) await instance.serve();
  return instance;
}

function temporary(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'first-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function assertUsable(instance: Instance, folder: string): Promise<string> {
  assert.deepEqual(readdirSync(folder), ['aws-credentials', 'root-token']);
  for (const name of readdirSync(folder))
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  const token = readFileSync(join(folder, 'root-token'), 'utf8');
  const answer = await instance.handle({
    protocol: 'vault',
    operation: 'read',
    path: 'secret/data/hello',
    namespace: '',
    token,
    query: {},
    readBody: async () => ({}),
    wrapTtlSeconds: 0,
    wrapFormat: '',
    connection: { remoteAddress: '127.0.0.1', remotePort: 0, clientCertificates: [], local: true },
    headers: {},
  });
  assert.equal(answer.error, undefined);
  const paths = ['aws/000000000000/us-east-1', 'azure/strongroom.localhost', 'gcp/strongroom'];
  for (const path of paths) assert.ok(await isThere(instance, token, `sys/bindings/${path}`), path);
  assert.match(
    readFileSync(join(folder, 'aws-credentials'), 'utf8'),
    /^\[default\]\naws_access_key_id = AKIA\w{16}\naws_secret_access_key = \S{40}\n$/,
  );
  return token;
}

test('a first start leaves a token that works, and the second start changes nothing', async (context) => {
  const folder = temporary(context);
  const storage = createMemoryStorage();
  const first = await open(storage);
  await startFirst(first, { dataFolder: folder });
  const token = await assertUsable(first, folder);
  const second = await open(storage);
  await startFirst(second, { dataFolder: folder });
  assert.equal(await assertUsable(second, folder), token);
});

test('ended before the cluster was made', async (context) => {
  const folder = temporary(context);
  writeFileSync(join(folder, 'root-token.pending'), 's.chosenBeforeTheEnd', { mode: 0o600 });
  // What a write that was cut off leaves behind.
  writeFileSync(join(folder, 'root-token.pending.unfinished'), 's.ch', { mode: 0o600 });
  const instance = await open(createMemoryStorage());
  await startFirst(instance, { dataFolder: folder });
  rmSync(join(folder, 'root-token.pending.unfinished'));
  assert.equal(await assertUsable(instance, folder), 's.chosenBeforeTheEnd');
});

test('ended after the cluster was made, before anything was in it', async (context) => {
  const folder = temporary(context);
  const storage = createMemoryStorage();
  writeFileSync(join(folder, 'root-token.pending'), 's.chosenBeforeTheEnd', { mode: 0o600 });
  await (await open(storage)).initialize({}, 's.chosenBeforeTheEnd');
  const instance = await open(storage);
  await startFirst(instance, { dataFolder: folder });
  assert.equal(await assertUsable(instance, folder), 's.chosenBeforeTheEnd');
});

test('ended with everything done but the last step', async (context) => {
  const folder = temporary(context);
  const storage = createMemoryStorage();
  const before = await open(storage);
  await startFirst(before, { dataFolder: folder });
  const token = readFileSync(join(folder, 'root-token'), 'utf8');
  rmSync(join(folder, 'root-token'));
  writeFileSync(join(folder, 'root-token.pending'), token, { mode: 0o600 });
  const instance = await open(storage);
  await startFirst(instance, { dataFolder: folder });
  assert.equal(await assertUsable(instance, folder), token);
});

test('the unseal key is whole or not there', (context) => {
  const folder = temporary(context);
  const options = { dataFolder: folder, listenAddress: '127.0.0.1:0' };
  firstConfig({ ...options, logLevel: undefined, logFormat: undefined });
  const key = readFileSync(join(folder, 'unseal.key'));
  assert.equal(key.length, 32);
  firstConfig({ ...options, logLevel: undefined, logFormat: undefined });
  assert.deepEqual(readFileSync(join(folder, 'unseal.key')), key);
});

test('a folder that cannot be made or written to is named', () => {
  for (const dataFolder of ['/proc/x', '/dev/null']) {
    const options = { dataFolder, listenAddress: '127.0.0.1:0' };
    assert.throws(() => firstConfig({ ...options, logLevel: undefined, logFormat: undefined }), {
      name: 'ConfigError',
      message: new RegExp(`folder ${dataFolder}: `),
    });
  }
});
