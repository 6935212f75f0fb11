/** `sys/monitor`: lines as they come, to those whose token holds, and no memory for those who do not read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../base/clock-fixture.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';
import { LogRegistry } from '../base/log-lines.ts';
import { LINES_WAITING_MAX, LineStream } from '../system/watch/line-stream.ts';
import { FOLLOWERS_MAX, FOLLOWER_CHECK_MS } from '../system/watch/monitor.ts';
import type { ByteStream } from '../model/reply.ts';

function registry(): LogRegistry {
  return new LogRegistry({
    clock: new ManualClock(),
    format: 'standard',
    level: 'error',
    write: () => {},
  });
}

async function follow(open: OpenInstance, data = {}, token?: string): Promise<ByteStream> {
  const { error, reply } = await open.ask('read', 'sys/monitor', {
    data,
    ...(token === undefined ? {} : { token }),
  });
  if (error !== undefined) throw error;
  const stream = reply?.raw?.stream;
  assert.ok(stream !== undefined);
  return stream;
}

async function rest(stream: ByteStream): Promise<string> {
  let text = '';
  for await (const piece of stream) text += Buffer.from(piece).toString();
  return text;
}

describe('sys/monitor', () => {
  test('sends lines of its own level and form, whatever the log itself keeps', async () => {
    const logs = registry();
    const open = await openInstance({ feed: logs.feed });
    const plain = await follow(open);
    const json = await follow(open, { log_level: 'DEBUG', log_format: 'JSON' });
    logs.root.named('core').debug('small', { n: 1 });
    logs.root.named('core').info('large');
    const first = plain[Symbol.asyncIterator]();
    const { value } = (await first.next()) as { value: Uint8Array };
    assert.match(Buffer.from(value).toString(), /^\S+ \[INFO\] {2}core: large\n$/);
    const other = json[Symbol.asyncIterator]();
    const line = (await other.next()) as { value: Uint8Array };
    assert.equal(
      (JSON.parse(Buffer.from(line.value).toString().split('\n')[0] ?? '') as { n: number }).n,
      1,
    );
    await open.instance.close();
  });

  test('refuses a level or form that there is not, and followers beyond the limit', async () => {
    const open = await openInstance({ feed: registry().feed });
    for (const data of [{ log_level: 'bogus' }, { log_format: 'xml' }]) {
      assert.equal(await open.outcome('read', 'sys/monitor', { data }), 'invalid_request');
    }
    const streams = [];
    for (let count = 0; count < FOLLOWERS_MAX; count++) streams.push(await follow(open));
    assert.equal(await open.outcome('read', 'sys/monitor'), 'unavailable');
    streams[0]?.destroy();
    streams[0]?.destroy();
    assert.equal(await open.outcome('read', 'sys/monitor'), 'ok');
    assert.equal(await open.outcome('read', 'sys/monitor'), 'unavailable');
    await open.instance.close();
  });

  test('ends with the token and with the service', async () => {
    const open = await openInstance({ feed: registry().feed });
    const policy = 'path "sys/monitor" { capabilities = ["read"] }';
    await open.ask('write', 'sys/policies/acl/watch', { data: { policy } });
    const token = await open.tokenFor('watch');
    const mine = await follow(open, {}, token);
    const roots = await follow(open);
    await open.ask('write', 'auth/token/revoke', { data: { token } });
    open.clock.advance(FOLLOWER_CHECK_MS);
    assert.equal(await rest(mine), '');
    await open.instance.seal();
    open.clock.advance(FOLLOWER_CHECK_MS);
    assert.equal(await rest(roots), '');
    await open.instance.close();
  });

  test('needs the capability', async () => {
    const open = await openInstance();
    const token = await open.tokenFor('none');
    assert.equal(await open.outcome('read', 'sys/monitor', { token }), 'permission_denied');
    await open.instance.close();
  });
});

test('lines that come faster than they are read are left out and counted', async () => {
  let ended = 0;
  const stream = new LineStream({ dropped: (count) => `${count} lost\n`, ended: () => ended++ });
  for (let line = 0; line < LINES_WAITING_MAX + 5; line++) stream.write(`${line}\n`);
  stream.finish();
  const text = await rest(stream);
  assert.ok(text.endsWith(`${LINES_WAITING_MAX - 1}\n5 lost\n`));
  stream.write('late\n');
  stream.destroy();
  assert.equal(ended, 1);
});
