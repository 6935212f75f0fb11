/** Bodies on demand, headers, addresses, shutdown, Unix sockets. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BodyError } from '../facades/facade.ts';
import type { WireRequest } from '../facades/facade.ts';
import { RawClient, echo, running, said } from './listener.testkit.ts';

const HOST = 'HTTP/1.1\r\nHost: a\r\n';

function seen(request: WireRequest): string {
  return `${request.connection.remoteAddress} ${'x-forwarded-for' in request.headers}`;
}

function folder(context: { after: (action: () => void) => void }): string {
  const path = mkdtempSync(join(tmpdir(), 'listener-'));
  chmodSync(path, 0o700);
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

function statusOver(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest({ socketPath, path: '/v1/a', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('bodies', () => {
  test('chunked and sized bodies arrive whole', async (context) => {
    const { port } = await running(context);
    const client = await RawClient.open(port);
    await client.send(`POST /v1/a ${HOST}Content-Length: 5\r\n\r\nab`);
    await client.send('cde');
    await client.until('abcde');
    await client.send(`POST /v1/b ${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n`);
    await client.send('1\r\nz\r\n0\r\n\r\n');
    await client.until('xyz');
    assert.deepEqual(client.statuses(), [200, 200]);
    client.socket.destroy();
  });

  for (const late of [false, true]) {
    test(`that came in pieces arrive whole${late ? ', also when nobody reads before the end' : ''}`, async (context) => {
      const sent = Promise.withResolvers<void>();
      const { port } = await running(context, async (request) => {
        if (late) await sent.promise;
        return await echo(request);
      });
      const pieces = ['a'.repeat(20_000), 'b', 'c'.repeat(30_000)];
      const body = pieces.join('');
      const sized = await RawClient.open(port);
      await sized.send(`POST /v1/a ${HOST}Connection: close\r\nContent-Length: 50001\r\n\r\n`);
      for (const piece of pieces) await sized.send(piece);
      const chunked = await RawClient.open(port);
      const chunks = pieces.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`);
      const head = `POST /v1/b ${HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
      await chunked.send(`${head}${chunks.join('')}0\r\n\r\n`);
      sent.resolve();
      assert.ok((await sized.rest()).endsWith(`POST /v1/a ${body}`));
      assert.ok((await chunked.rest()).endsWith(`POST /v1/b ${body}`));
    });
  }

  for (const [how, read] of [
    ['reads it whole', (request: WireRequest) => request.readBody(100)],
    ['reads it in pieces', (request: WireRequest) => Array.fromAsync(request.bodyPieces())],
  ] as const) {
    test(`whose sender goes away end for who ${how}`, async (context) => {
      const outcome = Promise.withResolvers<unknown>();
      const { port } = await running(context, async (request) => {
        read(request).then(outcome.resolve, outcome.resolve);
        await outcome.promise;
        return said(200, 'never sent');
      });
      const client = await RawClient.open(port);
      await client.send(`POST /v1/a ${HOST}Content-Length: 50\r\n\r\nab`);
      client.socket.end();
      const error = await outcome.promise;
      assert.ok(error instanceof BodyError);
      assert.equal(error.reason, 'aborted');
    });
  }

  test('a refusal without reading drains the body, and the connection goes on', async (context) => {
    const { port } = await running(context, (request) => said(429, request.target));
    const client = await RawClient.open(port);
    await client.send(`POST /v1/a ${HOST}Content-Length: 100000\r\n\r\n`);
    await client.send('x'.repeat(100_000));
    await client.until('/v1/a');
    await client.send(`POST /v1/b ${HOST}Content-Length: 2\r\n\r\nxxG`);
    await client.send(`ET /v1/c ${HOST}\r\n`);
    await client.until('/v1/c');
    assert.deepEqual(client.statuses(), [429, 429, 429]);
    client.socket.destroy();
  });

  test('an unread body beyond the bound ends the connection', async (context) => {
    const { port } = await running(context, () => said(403, 'no'), {
      limits: { drainBytesMax: 1000 },
    });
    const client = await RawClient.open(port);
    await client.send(`POST /v1/a ${HOST}Content-Length: 500000\r\n\r\n${'x'.repeat(5000)}`);
    await client.rest();
    assert.deepEqual(client.statuses(), [403]);
    assert.ok(client.text.includes('Connection: close'));
  });

  test('an unread body that never comes ends the connection after a time', async (context) => {
    const { port } = await running(context, () => said(403, 'no'), {
      limits: { drainTimeoutMs: 30 },
    });
    const client = await RawClient.open(port);
    await client.send(`POST /v1/a ${HOST}Content-Length: 500000\r\n\r\n`);
    await client.rest();
    assert.deepEqual(client.statuses(), [403]);
  });

  test('too large, announced or not: 413, and the client may read it', async (context) => {
    const { port } = await running(context);
    const size = 1024 * 1024 + 1;
    const announced = await RawClient.open(port);
    await announced.send(`POST /v1/a ${HOST}Content-Length: ${size}\r\n\r\n`);
    await announced.send('x'.repeat(size));
    await announced.until('too_large');
    await announced.send(`GET /v1/next ${HOST}\r\n`);
    await announced.until('/v1/next');
    assert.deepEqual(announced.statuses(), [413, 200]);
    announced.socket.destroy();

    const chunked = await RawClient.open(port);
    await chunked.send(`POST /v1/a ${HOST}Transfer-Encoding: chunked\r\n\r\n`);
    await chunked.send(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`);
    await chunked.until('too_large');
    assert.deepEqual(chunked.statuses(), [413]);
    chunked.socket.destroy();
  });

  test('100 Continue is sent when the body is wanted, and only then', async (context) => {
    const { port } = await running(context, async (request) =>
      request.target === '/v1/no'
        ? said(403, 'no')
        : said(200, String(await request.readBody(100))),
    );
    const wanted = await RawClient.open(port);
    await wanted.send(`POST /v1/yes ${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    await wanted.until('100 Continue');
    await wanted.send('abc');
    await wanted.until('abc');
    assert.deepEqual(wanted.statuses(), [100, 200]);
    wanted.socket.destroy();
    const refused = await RawClient.open(port);
    await refused.send(`POST /v1/no ${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    await refused.rest();
    assert.deepEqual(refused.statuses(), [403]);
    const get = await RawClient.open(port);
    await get.send(`GET /v1/yes ${HOST}Expect: 100-continue\r\n\r\n`);
    await get.rest();
    assert.deepEqual(get.statuses(), [200]);
  });

  test('HEAD has the headers of a body and none of it; 204 has no length', async (context) => {
    const { port } = await running(context, (request) =>
      request.method === 'HEAD' ? said(200, 'twelve bytes') : said(204, ''),
    );
    const client = await RawClient.open(port);
    await client.send(`HEAD /v1/a ${HOST}\r\n`);
    await client.until('\r\n\r\n');
    assert.ok(client.text.includes('Content-Length: 12') && client.text.endsWith('\r\n\r\n'));
    await client.send(`DELETE /v1/a ${HOST}\r\n`);
    await client.until(/204[^]*\r\n\r\n/);
    assert.ok(!/204[^]*Content-Length/.test(client.text));
    client.socket.destroy();
  });
});

describe('pipelining', () => {
  test('only a bounded number of requests waits at a time; all are answered, in order', async (context) => {
    const count = 8_000;
    const release = Promise.withResolvers<void>();
    const { port, inFlight } = await running(
      context,
      async (request) => {
        await release.promise;
        return said(200, `<${request.target}>`);
      },
      { limits: { pipelinedMax: 4, requestsPerConnectionMax: 0 } },
    );
    const client = await RawClient.open(port);
    const requests = Array.from({ length: count }, (_, index) => `GET /${index} ${HOST}\r\n`);
    client.socket.write(requests.join(''));
    for (let turn = 0; turn < 50; turn++) await client.send('');
    // What one read of the socket brings was parsed before reading stopped.
    const waiting = inFlight.list().length;
    assert.ok(waiting >= 4 && waiting < count / 2, `${waiting} wait`);
    release.resolve();
    await client.until(`</${count - 1}>`);
    const targets = Array.from(client.text.matchAll(/<\/(\d+)>/g), (match) => Number(match[1]));
    assert.deepEqual(
      targets,
      requests.map((_, index) => index),
    );
    client.socket.destroy();
  });
});

describe('response headers', () => {
  test('the operator’s own, by status, class and for all', async (context) => {
    const { port } = await running(
      context,
      (request) => said(Number(request.target.slice(1)), ''),
      {
        customHeaders: {
          default: { 'X-A': ['1', '2'], 'X-B': ['default'] },
          '4xx': { 'X-B': ['class'] },
          '404': { 'X-C': ['status'] },
        },
      },
    );
    const headers = (status: number): Promise<Record<string, unknown>> =>
      new Promise((resolve, reject) => {
        httpRequest({ port, path: `/${status}`, agent: false }, (response) => {
          response.resume();
          resolve(response.headers);
        })
          .on('error', reject)
          .end();
      });
    const ok = await headers(200);
    assert.deepEqual([ok['x-a'], ok['x-b'], ok['x-c']], ['1; 2', 'default', undefined]);
    const missing = await headers(404);
    assert.deepEqual([missing['x-a'], missing['x-b'], missing['x-c']], ['1; 2', 'class', 'status']);
  });

  test('none that replies depend on', async (context) => {
    for (const name of ['Content-Type', 'X-Vault-Token', 'Content-Length', 'bad name']) {
      await assert.rejects(
        running(context, undefined, { customHeaders: { default: { [name]: ['x'] } } }),
        RangeError,
      );
    }
    await assert.rejects(
      running(context, undefined, { customHeaders: { '600': { 'X-A': ['x'] } } }),
      RangeError,
    );
    await assert.rejects(
      running(context, undefined, { customHeaders: { default: { 'X-A': ['x\r\nY: z'] } } }),
      RangeError,
    );
  });

  test('a facade that replies with the impossible ends only its own connection', async (context) => {
    const { port } = await running(context, (request) =>
      request.target === '/bad'
        ? { status: 200, headers: { 'X-A': 'a\r\nb' }, body: '' }
        : said(200, 'fine'),
    );
    const bad = await RawClient.open(port);
    await bad.send(`GET /bad ${HOST}\r\n`);
    assert.equal(await bad.rest(), '');
    const good = await RawClient.open(port);
    await good.send(`GET /good ${HOST}\r\n`);
    await good.until('fine');
    good.socket.destroy();
  });
});

describe('where requests come from', () => {
  test('X-Forwarded-For is believed from nobody by default', async (context) => {
    const { port } = await running(context, (request) => said(200, seen(request)));
    const client = await RawClient.open(port);
    await client.send(`GET / ${HOST}X-Forwarded-For: 192.0.2.7\r\n\r\n`);
    await client.until('false');
    assert.ok(client.text.endsWith('127.0.0.1 false'));
    client.socket.destroy();
  });

  const rule = { hopSkips: 0, rejectNotPresent: true, rejectNotAuthorized: true };
  const CASES: readonly (readonly [string, object, string, string])[] = [
    [
      'an authorised proxy',
      { authorized: ['127.0.0.0/8'] },
      '192.0.2.1, 192.0.2.7',
      '192.0.2.7 true',
    ],
    [
      'with hops to skip',
      { authorized: ['127.0.0.1'], hopSkips: 1 },
      '192.0.2.1, 192.0.2.7',
      '192.0.2.1 true',
    ],
    ['with a port', { authorized: ['127.0.0.1'] }, '[2001:db8::1]:443', '2001:db8::1 true'],
    ['too many skips', { authorized: ['127.0.0.1'], hopSkips: 2 }, '192.0.2.7', 'malformed'],
    ['no address', { authorized: ['127.0.0.1'] }, 'unknown', 'malformed'],
    ['not present', { authorized: ['127.0.0.1'] }, '', 'missing'],
    [
      'not present, allowed',
      { authorized: ['127.0.0.1'], rejectNotPresent: false },
      '',
      '127.0.0.1 ',
    ],
    ['another peer', { authorized: ['10.0.0.0/8', '::1'] }, '192.0.2.7', 'not authorized'],
    [
      'another peer, ignored',
      { authorized: ['10.0.0.0/8'], rejectNotAuthorized: false },
      '192.0.2.7',
      '127.0.0.1 false',
    ],
  ];
  for (const [name, options, header, expected] of CASES) {
    test(name, async (context) => {
      const forwardedFor = { authorized: [], ...rule, ...options };
      const { port } = await running(context, (request) => said(200, seen(request)), {
        forwardedFor,
      });
      const client = await RawClient.open(port);
      await client.send(
        `GET / ${HOST}${header === '' ? '' : `X-Forwarded-For: ${header}\r\n`}\r\n`,
      );
      await client.until(expected);
      assert.ok(client.text.includes(expected), client.text);
      client.socket.destroy();
    });
  }

  test('what is no CIDR is refused at the start', async (context) => {
    for (const entry of ['10.0.0.0/33', '10.0.0/8', 'localhost', '10.0.0.1/', '::1/129']) {
      const forwardedFor = { ...rule, authorized: [entry] };
      await assert.rejects(running(context, undefined, { forwardedFor }), RangeError);
    }
  });

  test('running requests are known with address, path and age', async (context) => {
    const release = Promise.withResolvers<void>();
    const { port, inFlight } = await running(context, async () => {
      await release.promise;
      return said(200, 'done');
    });
    const client = await RawClient.open(port);
    const beforeMs = Date.now();
    await client.send(`GET /v1/a?secret=1 ${HOST}\r\n`);
    await client.send('');
    const [entry] = inFlight.list();
    assert.ok(entry !== undefined);
    assert.deepEqual(
      [entry.method, entry.path, entry.clientAddress],
      ['GET', '/v1/a', '127.0.0.1'],
    );
    assert.ok(Math.abs(entry.startMs - beforeMs) < 1000);
    assert.equal(inFlight.list()[0]?.id, entry.id);
    release.resolve();
    await client.until('done');
    assert.deepEqual(inFlight.list(), []);
    client.socket.destroy();
  });
});

describe('the end', () => {
  test('running requests finish, idle connections close, new ones are refused', async (context) => {
    const release = Promise.withResolvers<void>();
    const { listener, port } = await running(context, async (request) => {
      if (request.target === '/slow') await release.promise;
      return said(200, request.target);
    });
    const idle = await RawClient.open(port);
    await idle.send(`GET /idle ${HOST}\r\n`);
    await idle.until('/idle');
    const lists = await RawClient.open(port);
    await lists.send(`LIST /lists ${HOST}\r\n`);
    await lists.until('/lists');
    const slow = await RawClient.open(port);
    await slow.send(`GET /slow ${HOST}\r\n`);
    const closed = listener.close(5000);
    await idle.rest();
    await lists.rest();
    await assert.rejects(RawClient.open(port));
    release.resolve();
    await slow.rest();
    assert.deepEqual(slow.statuses(), [200]);
    assert.ok(slow.text.includes('Connection: close'));
    await closed;
  });

  test('what does not finish in time is cut off', async (context) => {
    const { listener, port } = await running(context, () => new Promise(() => {}));
    const client = await RawClient.open(port);
    await client.send(`GET /never ${HOST}\r\n`);
    await listener.close(20);
    assert.equal(await client.rest(), '');
  });
});

describe('Unix sockets', () => {
  test('served with its own permissions, gone afterwards', async (context) => {
    const socketPath = join(folder(context), 's.sock');
    const { listener } = await running(
      context,
      (request) => said(request.connection.local ? 200 : 500, ''),
      {
        place: { socketPath, mode: 0o660 },
      },
    );
    assert.equal(listener.address, `unix://${socketPath}`);
    assert.equal(statSync(socketPath).mode & 0o777, 0o660);
    assert.equal(await statusOver(socketPath), 200);
    await listener.close(0);
    assert.throws(() => statSync(socketPath));
  });

  test('a file that a crash left is replaced, a living server and other files are not', async (context) => {
    const path = folder(context);
    const stale = join(path, 'stale.sock');
    const server = createNetServer();
    await new Promise<void>((resolve) => server.listen(stale, resolve));
    await assert.rejects(running(context, undefined, { place: { socketPath: stale } }), /in use/);
    await new Promise((resolve) => server.close(resolve));
    const file = join(path, 'file');
    writeFileSync(file, 'x');
    await assert.rejects(
      running(context, undefined, { place: { socketPath: file } }),
      /not a socket/,
    );
  });
});
