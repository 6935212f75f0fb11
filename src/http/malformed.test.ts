/** Ambiguous and malformed HTTP, half requests and slow clients: an answer or an end, and the server stays alive. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RawClient, running, said } from './listener.testkit.ts';

const HOST = 'HTTP/1.1\r\nHost: a\r\n';
const post = (headers: string, body: string): string => `POST /v1/x ${HOST}${headers}\r\n${body}`;

describe('malformed requests', () => {
  const CASES: readonly (readonly [string, string | Buffer, readonly number[]])[] = [
    ['CL and TE', post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nG'), [400]],
    ['two CL', post('Content-Length: 1\r\nContent-Length: 2\r\n', 'ab'), [400]],
    ['negative CL', post('Content-Length: -1\r\n', 'ab'), [400]],
    ['CL with sign', post('Content-Length: +2\r\n', 'ab'), [400]],
    ['CL beyond 64 bits', post('Content-Length: 99999999999999999999\r\n', 'ab'), [400]],
    ['space before colon', post('Content-Length : 2\r\n', 'ab'), [400]],
    ['space before name', post(' Content-Length: 2\r\n', 'ab'), [400]],
    ['folded header', post('X: a\r\n b\r\n', ''), [400]],
    ['TE xchunked', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), [400]],
    ['TE chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), [400]],
    ['chunk of a wrong size', post('Transfer-Encoding: chunked\r\n', 'zz\r\nab\r\n'), [400]],
    [
      'long chunk extension',
      post('Transfer-Encoding: chunked\r\n', `1;${'a'.repeat(100_000)}\r\nx\r\n`),
      [413],
    ],
    ['bare LF', 'GET / HTTP/1.1\nHost: a\n\n', [400]],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', [400]],
    ['NUL in a header', `GET / ${HOST}X: a\0b\r\n\r\n`, [400]],
    ['CR in a header', `GET / ${HOST}X: a\rb\r\n\r\n`, [400]],
    ['raw UTF-8 in the path', Buffer.from(`GET /v1/é ${HOST}\r\n`), [400]],
    ['40 KB header', `GET / ${HOST}X: ${'a'.repeat(40_000)}\r\n\r\n`, [431]],
    ['HTTP/0.9', 'GET /\r\n\r\n', [400]],
    ['HTTP/3.7', 'GET / HTTP/3.7\r\nHost: a\r\n\r\n', [400]],
    ['TLS to a plain port', Buffer.from('160301020001', 'hex'), [400]],
    ['unknown method', `FOO /v1/a ${HOST}\r\n`, [405]],
    ['method in lower case', `get /v1/a ${HOST}\r\n`, [405]],
    ['CONNECT', `CONNECT evil:443 ${HOST}\r\n`, [405]],
    ['good, then garbage', `GET /v1/a ${HOST}\r\nGARBAGE\r\n\r\n`, [200]],
  ];
  for (const [name, raw, statuses] of CASES) {
    test(name, async (context) => {
      const { port } = await running(context);
      const client = await RawClient.open(port);
      await client.send(raw);
      await client.rest();
      assert.deepEqual(client.statuses(), statuses);
      assert.ok(client.text.toLowerCase().includes('connection: close'));
      const next = await RawClient.open(port);
      await next.send(`GET /v1/alive ${HOST}\r\n`);
      await next.until('/v1/alive');
      assert.deepEqual(next.statuses(), [200]);
      next.socket.destroy();
    });
  }

  test('more headers than the limit are not parsed into memory', async (context) => {
    let count = 0;
    const { port } = await running(
      context,
      (request) => {
        count = request.rawHeaders.length / 2;
        return said(200, 'ok');
      },
      { limits: { headersMax: 50 } },
    );
    const client = await RawClient.open(port);
    await client.send(`GET / ${HOST}${'A: b\r\n'.repeat(500)}\r\n`);
    await client.until('ok');
    assert.ok(count <= 50);
    client.socket.destroy();
  });
});

describe('half requests and slow clients', () => {
  const limits = { headerTimeoutMs: 80, readTimeoutMs: 160, sweepIntervalMs: 20 };

  const HALVES: readonly (readonly [string, string])[] = [
    ['nothing at all', ''],
    ['half a verb', 'GE'],
    ['half a LIST', 'LIS'],
    ['half a request line', 'GET /v1/x'],
    ['half of the headers', `GET /v1/x ${HOST}X: `],
    ['half of the headers of a LIST', `LIST /v1/x ${HOST}X: `],
    ['half a body', post('Content-Length: 10\r\n', 'abc')],
    ['half a chunk', post('Transfer-Encoding: chunked\r\n', '9\r\nabc')],
  ];
  for (const [name, piece] of HALVES) {
    test(`${name} ends with 408 or a close`, async (context) => {
      const { port } = await running(context, undefined, { limits });
      const client = await RawClient.open(port);
      if (piece !== '') await client.send(piece);
      await client.rest();
      assert.deepEqual(client.statuses(), [408]);
    });
  }

  test('a request that nobody answers gets 503 and its work is told to stop', async (context) => {
    const told = Promise.withResolvers<void>();
    const { port, inFlight } = await running(
      context,
      (request) => {
        request.signal.addEventListener('abort', () => told.resolve());
        return new Promise(() => {});
      },
      { limits: { requestDurationMs: 50, sweepIntervalMs: 20 } },
    );
    const client = await RawClient.open(port);
    await client.send(`GET /v1/x ${HOST}\r\n`);
    await client.rest();
    await told.promise;
    assert.deepEqual(client.statuses(), [503]);
    assert.equal(inFlight.list().length, 0);
  });

  test('a client that goes away stops the work', async (context) => {
    const told = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const { port } = await running(context, async (request) => {
      request.signal.addEventListener('abort', () => told.resolve());
      begun.resolve();
      await told.promise;
      return said(200, '');
    });
    const client = await RawClient.open(port);
    await client.send(`GET /v1/x ${HOST}\r\n`);
    await begun.promise;
    client.socket.destroy();
    await told.promise;
  });

  test('a client that does not take its reply is cut off', async (context) => {
    const { port } = await running(context, () => said(200, 'x'.repeat(64 * 1024 * 1024)), {
      limits: { writeTimeoutMs: 50, sweepIntervalMs: 20 },
    });
    const client = await RawClient.open(port);
    client.socket.pause();
    await client.send(`GET /v1/x ${HOST}\r\n`);
    const closed = client.rest();
    await new Promise((resolve) => setTimeout(resolve, 200));
    client.socket.resume();
    await closed;
    assert.ok(client.text.length < 64 * 1024 * 1024);
  });

  test('an idle connection is closed', async (context) => {
    const { port } = await running(context, undefined, { limits: { idleTimeoutMs: 50 } });
    const client = await RawClient.open(port);
    await client.send(`GET /v1/x ${HOST}\r\n`);
    await client.rest();
    assert.deepEqual(client.statuses(), [200]);
  });

  test('connections beyond the cap are turned away, the others are served', async (context) => {
    const { port } = await running(context, undefined, { limits: { connectionsMax: 2 } });
    const first = await RawClient.open(port);
    const second = await RawClient.open(port);
    const third = await RawClient.open(port);
    assert.equal(await third.rest(), '');
    for (const client of [first, second]) {
      await client.send(`GET /v1/x ${HOST}\r\n`);
      await client.until('/v1/x');
      assert.deepEqual(client.statuses(), [200]);
      client.socket.destroy();
    }
  });
});
