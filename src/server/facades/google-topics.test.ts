/** Google's topics and rotation schedules: what becomes of a secret is told to webhooks. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { AUTOMATIC, P, payload, statusOf, world } from './google-fixture.ts';
import type { World } from './google-fixture.ts';

const HOUR_SECONDS = 3600;
const KEY = 'key of the webhook';

interface Told {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: JsonObject;
}

/** A webhook that keeps what it is told, and takes it as long as `works` says so. */
async function listener(
  context: TestContext,
  works: () => boolean = () => true,
): Promise<{ readonly url: string; readonly told: Told[] }> {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const signature = createHmac('sha256', KEY).update(text).digest('hex');
      assert.equal(request.headers['x-strongroom-signature'], `sha256=${signature}`);
      const { attributes, data: sent } = (
        JSON.parse(text) as { message: { attributes: Record<string, string>; data: string } }
      ).message;
      const data = JSON.parse(Buffer.from(sent, 'base64').toString()) as JsonObject;
      if (works()) told.push({ type: attributes['eventType'] ?? '', attributes, data });
      response.statusCode = works() ? 204 : 500;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, told };
}

async function register({ server }: World, name: string, url: string): Promise<void> {
  await server.get('write', `secret/functions/${name}`, { data: { url, secret: KEY } });
}

const TOPICS = { topics: [{ name: 'projects/p/topics/changes' }] };

test('everything that this API does to a secret is told to its topics', async (context) => {
  const at = await world();
  const { done, send, server } = at;
  const { url, told } = await listener(context);
  const unknown = await send('POST', `${P}/secrets?secretId=s`, { ...AUTOMATIC, ...TOPICS });
  assert.deepEqual(statusOf(unknown), [400, 'INVALID_ARGUMENT']);
  assert.equal((await send('GET', `${P}/secrets/s`)).status, 404);
  await register(at, 'changes', url);
  const elsewhere = { ...AUTOMATIC, topics: [{ name: 'projects/other/topics/changes' }] };
  assert.equal((await send('POST', `${P}/secrets?secretId=s`, elsewhere)).status, 400);
  const made = await done('POST', `${P}/secrets?secretId=s`, { ...AUTOMATIC, ...TOPICS });
  assert.deepEqual(made['topics'], TOPICS.topics);
  await done('POST', `${P}/secrets/s:addVersion`, payload('canary-value'));
  await done('POST', `${P}/secrets/s/versions/1:disable`, {});
  await done('POST', `${P}/secrets/s/versions/1:enable`, {});
  await done('PATCH', `${P}/secrets/s?updateMask=labels`, { labels: { a: 'b' } });
  await done('POST', `${P}/secrets/s/versions/1:destroy`, {});
  await done('DELETE', `${P}/secrets/s`);
  for (let step = 0; step < 3; step++) await server.pass(1);
  const order = told.toSorted((a, b) => a.type.localeCompare(b.type)).map(({ type }) => type);
  assert.deepEqual(order, [
    'SECRET_CREATE',
    'SECRET_DELETE',
    'SECRET_UPDATE',
    'SECRET_VERSION_ADD',
    'SECRET_VERSION_DESTROY',
    'SECRET_VERSION_DISABLE',
    'SECRET_VERSION_ENABLE',
  ]);
  const of = (type: string): Told | undefined => told.find((one) => one.type === type);
  const added = of('SECRET_VERSION_ADD');
  assert.deepEqual(
    [
      added?.attributes['secretId'],
      added?.attributes['versionId'],
      added?.attributes['dataFormat'],
    ],
    ['projects/p/secrets/s', 'projects/p/secrets/s/versions/1', 'JSON_API_V1'],
  );
  assert.equal(added?.data['state'], 'ENABLED');
  assert.deepEqual(of('SECRET_UPDATE')?.data['labels'], { a: 'b' });
  assert.equal(of('SECRET_DELETE')?.attributes['deleteType'], 'REQUESTED');
  assert.ok(!JSON.stringify(told).includes('canary-value'));
  await server.instance.close();
});

test('what other APIs do to a secret is told to its topics as well, once and in the terms of this one', async (context) => {
  const at = await world();
  const { done, server } = at;
  const { url, told } = await listener(context);
  await register(at, 'changes', url);
  await done('POST', `${P}/secrets?secretId=s`, { ...AUTOMATIC, ...TOPICS });
  const heard = async (): Promise<string[]> => {
    // A change becomes notices, and then they are sent.
    for (let step = 0; step < 3; step++) await server.pass(1);
    return told
      .splice(0)
      .map(({ type, attributes }) => `${type} ${(attributes['versionId'] ?? '').split('/').at(-1)}`)
      .toSorted();
  };
  assert.deepEqual(await heard(), ['SECRET_CREATE ']);
  const kv = async (
    operation: 'write' | 'delete' | 'patch',
    path: string,
    data: JsonObject = {},
  ): Promise<void> => {
    await server.get(operation, `secret/${path}`, { data });
  };
  await kv('write', 'data/s', { data: { password: 'canary-value' } });
  assert.deepEqual(await heard(), ['SECRET_VERSION_ADD 1']);
  await kv('delete', 'data/s');
  assert.deepEqual(await heard(), ['SECRET_VERSION_DISABLE 1']);
  await kv('delete', 'data/s');
  assert.deepEqual(await heard(), []);
  await kv('write', 'undelete/s', { versions: [1] });
  assert.deepEqual(await heard(), ['SECRET_VERSION_ENABLE 1']);
  await kv('write', 'metadata/s', { custom_metadata: { team: 'shop' } });
  assert.deepEqual(await heard(), ['SECRET_UPDATE ']);
  await kv('write', 'metadata/s', { max_versions: 1 });
  assert.deepEqual(await heard(), []);
  await kv('write', 'data/s', { data: { password: 'second' } });
  assert.deepEqual(await heard(), ['SECRET_VERSION_ADD 2', 'SECRET_VERSION_DESTROY 1']);
  await kv('write', 'destroy/s', { versions: [2] });
  assert.deepEqual(await heard(), ['SECRET_VERSION_DESTROY 2']);
  await kv('delete', 'metadata/s');
  assert.deepEqual(await heard(), ['SECRET_DELETE ']);
  await kv('write', 'data/s', { data: { password: 'of another secret' } });
  assert.deepEqual(await heard(), []);
  await server.instance.close();
});

test('the end of a secret and of a version is told when it comes', async (context) => {
  const at = await world();
  const { done, server } = at;
  const { url, told } = await listener(context);
  await register(at, 'changes', url);
  const life = { ttl: `${72 * HOUR_SECONDS}s`, versionDestroyTtl: `${24 * HOUR_SECONDS}s` };
  await done('POST', `${P}/secrets?secretId=s`, { ...AUTOMATIC, ...TOPICS, ...life });
  await done('POST', `${P}/secrets/s:addVersion`, payload('v'));
  await done('POST', `${P}/secrets/s/versions/1:destroy`, {});
  const heard = async (hours: number): Promise<string[]> => {
    await server.pass(hours * HOUR_SECONDS);
    for (let step = 0; step < 3; step++) await server.pass(1);
    return told
      .splice(0)
      .map(({ type, attributes }) => `${type} ${attributes['deleteType'] ?? ''}`.trim())
      .toSorted();
  };
  assert.deepEqual(await heard(1), [
    'SECRET_CREATE',
    'SECRET_VERSION_ADD',
    'SECRET_VERSION_DESTROY_SCHEDULED',
  ]);
  assert.deepEqual(await heard(24), ['SECRET_VERSION_DESTROY']);
  assert.deepEqual(await heard(24), []);
  assert.deepEqual(await heard(24), ['SECRET_DELETE EXPIRED']);
  await server.instance.close();
});

test('a topic that does not answer is tried again, and one that is gone hinders nobody', async (context) => {
  const at = await world();
  const { done, server } = at;
  let works = false;
  const { url, told } = await listener(context, () => works);
  await register(at, 'changes', url);
  await done('POST', `${P}/secrets?secretId=s`, { ...AUTOMATIC, ...TOPICS });
  await server.pass(1);
  assert.equal(told.length, 0);
  works = true;
  await server.pass(HOUR_SECONDS);
  assert.deepEqual(
    told.map(({ type }) => type),
    ['SECRET_CREATE'],
  );
  await server.get('delete', 'secret/functions/changes');
  await done('POST', `${P}/secrets/s:addVersion`, payload('v'));
  await server.pass(HOUR_SECONDS);
  assert.equal(told.length, 1);
  await server.instance.close();
});

test('rotation is told when it is due, again and again, as long as the secret is there', async (context) => {
  const at = await world();
  const { done, send, server } = at;
  const { url, told } = await listener(context);
  await register(at, 'changes', url);
  const inSeconds = (seconds: number): string =>
    new Date(server.clock.nowMs() + seconds * 1000).toISOString();
  const create = async (body: JsonObject): Promise<unknown[]> => {
    const reply = await send('POST', `${P}/secrets?secretId=s`, { ...AUTOMATIC, ...body });
    return reply.status === 200 ? [200] : statusOf(reply);
  };
  const refused = [400, 'INVALID_ARGUMENT'];
  const nextRotationTime = inSeconds(2 * HOUR_SECONDS);
  assert.deepEqual(await create({ rotation: { nextRotationTime } }), refused);
  assert.deepEqual(
    await create({ ...TOPICS, rotation: { nextRotationTime: inSeconds(60) } }),
    refused,
  );
  assert.deepEqual(await create({ ...TOPICS, rotation: { rotationPeriod: '7200s' } }), refused);
  const short = { nextRotationTime, rotationPeriod: '60s' };
  assert.deepEqual(await create({ ...TOPICS, rotation: short }), refused);
  const rotation = { nextRotationTime, rotationPeriod: `${24 * HOUR_SECONDS}s` };
  assert.deepEqual(await create({ ...TOPICS, rotation }), [200]);
  const rotations = (): number => told.filter(({ type }) => type === 'SECRET_ROTATE').length;
  await server.pass(HOUR_SECONDS);
  assert.equal(rotations(), 0);
  await server.pass(HOUR_SECONDS + 1);
  await server.pass(1);
  assert.equal(rotations(), 1);
  const shown = (await done('GET', `${P}/secrets/s`))['rotation'] as Record<string, string>;
  assert.equal(shown['rotationPeriod'], rotation.rotationPeriod);
  assert.equal(
    Date.parse(shown['nextRotationTime'] ?? ''),
    Date.parse(nextRotationTime) + 24 * HOUR_SECONDS * 1000,
  );
  await server.pass(24 * HOUR_SECONDS);
  await server.pass(1);
  assert.equal(rotations(), 2);
  const unheard = await send('PATCH', `${P}/secrets/s?updateMask=topics`, {});
  assert.deepEqual(statusOf(unheard), refused);
  const later = { rotation: { nextRotationTime: inSeconds(HOUR_SECONDS) } };
  const mask = 'rotation.next_rotation_time';
  const changed = await done('PATCH', `${P}/secrets/s?updateMask=${mask}`, later);
  assert.equal((changed['rotation'] as JsonObject)['rotationPeriod'], rotation.rotationPeriod);
  // As gcloud does it, field by field.
  const fields = 'rotation.next_rotation_time,rotation.rotation_period';
  await done('PATCH', `${P}/secrets/s?updateMask=${fields}`, {});
  await server.pass(72 * HOUR_SECONDS);
  assert.equal(rotations(), 2);
  await done('PATCH', `${P}/secrets/s?updateMask=rotation`, {
    rotation: { nextRotationTime: inSeconds(HOUR_SECONDS) },
  });
  await done('DELETE', `${P}/secrets/s`);
  await server.pass(72 * HOUR_SECONDS);
  assert.equal(rotations(), 2);
  await server.instance.close();
});
