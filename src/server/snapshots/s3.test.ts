/** Snapshots in object storage, against a server that checks every signature: whole or not at all, whatever it does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startS3Server } from '../../../rig/s3-server.ts';
import type { S3Server } from '../../../rig/s3-server.ts';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { ManualClock } from '../../base/clock-fixture.ts';
import { fetchBytes } from '../../auth/fetch-json.ts';
import type { Destination } from '../../snapshots/destination.ts';
import type { MadeSnapshot } from '../../snapshots/make.ts';
import { PART_BYTES, s3Destination } from '../../snapshots/s3/s3.ts';
import { AUTO, snapshotScene } from './snapshots-fixture.ts';

const SECRET = 'a-secret-access-key/of+the=bucket';
const KEYS = { accessKey: 'AKIDEXAMPLE', secretKey: SECRET };
const never = new AbortController().signal;

async function bucket(context: TestContext, clock: Clock = systemClock): Promise<S3Server> {
  const nowMs = (): number => clock.nowMs();
  const server = await startS3Server({ ...KEYS, bucket: 'backups', pageSize: 2, nowMs });
  context.after(() => server.close());
  return server;
}

/** Pauses between attempts pass at once. */
class HastyClock extends ManualClock {
  override after(_delayMs: number, action: () => void): () => void {
    queueMicrotask(action);
    return () => {};
  }
}

function destinationAt({ endpoint }: S3Server, more = {}): Destination {
  return s3Destination({
    clock: new HastyClock(systemClock.nowMs()),
    send: fetchBytes,
    prefix: 'prod/db/',
    encryption: '',
    kmsKey: '',
    bucket: {
      bucket: 'backups',
      region: 'eu-central-1',
      endpoint,
      tls: false,
      pathStyle: true,
      caPem: '',
    },
    credentials: () => ({ ...KEYS, sessionToken: '' }),
    ...more,
  });
}

/** Something of that size, in uneven pieces. */
function made(bytes: number): MadeSnapshot & { readonly content: Buffer } {
  const content = Buffer.alloc(bytes, 'snapshot ');
  return {
    content,
    bytes,
    header: Buffer.alloc(0),
    payload: '',
    manifest: {} as MadeSnapshot['manifest'],
    async *stream() {
      for (let at = 0; at < bytes; at += 700_001) yield content.subarray(at, at + 700_001);
    },
    discard: async () => {},
  };
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

const NAME = 'strongroom-20300101T000000Z-abcd.snapshot';

test('what is put is there, whole, in parts when it is large, and comes back', async (context) => {
  const server = await bucket(context);
  const destination = destinationAt(server);
  for (const size of [1, 3 * 1024 * 1024, PART_BYTES, PART_BYTES + 1]) {
    const snapshot = made(size);
    await destination.put(NAME, snapshot, never);
    assert.ok(server.objects.get(`prod/db/${NAME}`)?.equals(snapshot.content), `${size} bytes`);
    assert.ok((await bytesOf(destination.open(NAME, never))).equals(snapshot.content));
    assert.deepEqual(await destination.list(), [{ name: NAME, bytes: size }]);
  }
  assert.equal(server.uploads.size, 0);
  assert.equal(server.refused, 0, 'every signature was right');
  await destination.remove(NAME);
  await destination.remove(NAME);
  assert.deepEqual(await destination.list(), []);
});

test('listings are followed to their end, and what is no snapshot is passed over', async (context) => {
  const server = await bucket(context);
  for (let day = 1; day <= 7; day++) {
    server.objects.set(`prod/db/strongroom-2030010${day}T000000Z-abcd.snapshot`, Buffer.from('x'));
  }
  server.objects.set('prod/db/readme.txt', Buffer.from('x'));
  server.objects.set(`prod/db/below/${NAME}`, Buffer.from('x'));
  server.objects.set(NAME, Buffer.from('x'));
  assert.equal((await destinationAt(server).list()).length, 7);
});

test('a server that stumbles is asked again; one that fails leaves nothing behind', async (context) => {
  const server = await bucket(context);
  const destination = destinationAt(server);
  const large = made(PART_BYTES + 5);
  let count = 0;
  // Every second request fails, one way or the other.
  server.sabotage = () => (++count % 2 === 0 ? undefined : count % 3 === 0 ? 'hang up' : 'error');
  await destination.put(NAME, large, never);
  assert.ok(server.objects.get(`prod/db/${NAME}`)?.equals(large.content));
  server.objects.clear();
  for (const step of ['uploads', 'partNumber=2', 'uploadId', 'list-type']) {
    server.sabotage = (method, url) =>
      method !== 'DELETE' && url.search.includes(step) ? 'error' : undefined;
    await assert.rejects(destination.put(NAME, large, never), /status 500 \(InternalError\)/, step);
    assert.equal(server.uploads.size, 0, step);
    if (step !== 'list-type') assert.equal(server.objects.size, 0, step);
  }
});

test('uploads that were cut off are ended when they are stale, others are not', async (context) => {
  const server = await bucket(context);
  const upload = (key: string, initiated: Date): void => {
    server.uploads.set(key, { key, parts: new Map(), initiated });
  };
  const nowMs = systemClock.nowMs();
  upload(`prod/db/${NAME}`, new Date(nowMs - 25 * 3600 * 1000));
  upload('prod/db/strongroom-20300101T000000Z-new0.snapshot', new Date(nowMs));
  upload('prod/other.bin', new Date(0));
  upload('prod/db/other.bin', new Date(0));
  await destinationAt(server).sweep(nowMs);
  assert.equal(server.uploads.size, 3);
  assert.ok(!server.uploads.has(`prod/db/${NAME}`));
});

test('encryption at rest is asked for with every way of writing', async (context) => {
  const server = await bucket(context);
  const destination = destinationAt(server, { encryption: 'aws:kms', kmsKey: 'key/1' });
  await destination.put(NAME, made(10), never);
  const headers = server.seen.get(`prod/db/${NAME}`);
  assert.equal(headers?.['x-amz-server-side-encryption'], 'aws:kms');
  assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], 'key/1');
});

test('a schedule to a bucket works from end to end, and no answer, log or audit record shows the credential', async (context) => {
  const clock = new ManualClock();
  const server = await bucket(context, clock);
  const lines: string[] = [];
  const write = (message: string, fields?: object): void => {
    lines.push(message + JSON.stringify(fields ?? {}));
  };
  const log = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    named: () => log,
  };
  const scene = await snapshotScene(context, { log, clock });
  const place = {
    storage_type: 'aws-s3',
    path_prefix: 'prod/db',
    aws_s3_bucket: 'backups',
    aws_s3_endpoint: `http://${server.endpoint}`,
  };
  const credential = { aws_access_key_id: KEYS.accessKey, aws_secret_access_key: SECRET };
  const config = `${AUTO}/config/cloud`;
  const shown: unknown[] = [
    await scene.ask('write', config, { data: { interval: '1h', ...place, ...credential } }),
  ];
  await scene.wait(2);
  const status = await scene.status('cloud');
  assert.equal(status['last_snapshot_error'], '');
  assert.ok(Number(status['last_verified_records']) > 10);
  assert.equal(server.objects.size, 1);
  shown.push(status, await scene.get('read', config));
  shown.push(await scene.get('list', `${AUTO}/snapshots/cloud`));
  // What is not sent stays, at the same endpoint.
  await scene.get('write', config, { data: { interval: '2h', ...place } });
  await scene.wait(2 * 3600 + 10);
  assert.equal((await scene.status('cloud'))['last_snapshot_error'], '');
  assert.equal(server.objects.size, 2);
  // A wrong one is told as what the bucket says, and nothing more.
  const wrong = { ...credential, aws_secret_access_key: `${SECRET}x` };
  await scene.get('write', config, { data: { interval: '1h', ...place, ...wrong } });
  await scene.wait(2 * 3600 + 10);
  const failed = await scene.status('cloud');
  assert.match(String(failed['last_snapshot_error']), /403 \(SignatureDoesNotMatch\)/);
  shown.push(failed, lines);
  assert.ok(!JSON.stringify(shown).includes(SECRET));
  assert.ok(!JSON.stringify(shown).includes(KEYS.accessKey));
});

test('a stored credential follows no schedule to another endpoint, nor does that of the environment', async (context) => {
  const environment = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 'env-secret' };
  const scene = await snapshotScene(context, { environment });
  const config = `${AUTO}/config/cloud`;
  const place = { interval: '1h', storage_type: 'aws-s3', aws_s3_bucket: 'backups' };
  const credential = { aws_access_key_id: 'A', aws_secret_access_key: 'S' };
  const at = (aws_s3_endpoint: string, more = {}): Promise<string> =>
    scene.outcome('write', config, { data: { ...place, aws_s3_endpoint, ...more } });
  assert.equal(await at('one.example:9000', credential), 'ok');
  assert.equal(await at('one.example:9000'), 'ok');
  assert.equal(await at('http://one.example:9000'), 'invalid_request', 'not without TLS either');
  assert.equal(await at('two.example'), 'invalid_request');
  assert.equal(await at(''), 'ok', 'the environment’s go to AWS');
  assert.equal(await at('', { aws_s3_disable_tls: true }), 'invalid_request');
  for (const endpoint of ['a.example/path', 'user@host', 'host:x', 'a b', 'host?x', 'file://x']) {
    assert.equal(await at(endpoint, credential), 'invalid_request', endpoint);
  }
  for (const aws_s3_bucket of ['', '../x', 'UPPER', 'a', 'a/b']) {
    assert.equal(await at('', { aws_s3_bucket }), 'invalid_request', aws_s3_bucket);
  }
  const forged = { ...credential, aws_session_token: 'x\r\nHost: evil' };
  assert.equal(await at('one.example', forged), 'invalid_request');
});
