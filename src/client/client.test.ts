/** The SDK against a real HTTP server. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { Client } from './client.ts';
import { ApiError, ConnectionError, ResponseError } from './errors.ts';

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close().closeAllConnections();
});

async function serve(listener: RequestListener, socketPath?: string): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((ready) => {
    if (socketPath === undefined) server.listen(0, '127.0.0.1', ready);
    else server.listen(socketPath, ready);
  });
  if (socketPath !== undefined) return `unix://${socketPath}`;
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers with each status in turn, the last one for ever. */
function statuses(...list: readonly (readonly [number, string, Record<string, string>?])[]): {
  listener: RequestListener;
  count: () => number;
} {
  let count = 0;
  return {
    listener: (_request, response) => {
      const [status, body, headers = {}] = list[Math.min(count, list.length - 1)] ?? [500, ''];
      count++;
      response.writeHead(status, headers).end(body);
    },
    count: () => count,
  };
}

const TOKEN = 'hvs.canary-token';
const SECRET = 'canary-secret';

test('an error never shows token or body, however it is printed', async () => {
  const address = await serve((_request, response) => {
    response.writeHead(400).end('{"errors":["no such field"]}');
  });
  const client = new Client({ address, token: TOKEN, retriesMax: 0 });
  const nobody = new Client({ address: 'http://127.0.0.1:1', token: TOKEN });
  const calls: (() => Promise<unknown>)[] = [
    () => client.write('secret/data/x', { data: { password: SECRET } }),
    () => client.read('secret/data/x', { password: SECRET }),
    () => client.list('secret/x'),
    () => client.patch('secret/data/x', { password: SECRET }),
    () => client.delete('secret/data/x', { password: SECRET }),
    () => client.unwrap(SECRET),
    () => client.object('PUT', 'sys/unseal', { body: { key: SECRET } }),
    () => nobody.write('x', { a: SECRET }),
    () => nobody.read('x', { a: SECRET }),
  ];
  for (const call of calls) {
    const error = await call().then(
      () => assert.fail('the call should fail'),
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof Error);
    const shown = [
      String(error),
      inspect(error, { depth: 10, showHidden: true }),
      JSON.stringify(error),
      error.stack ?? '',
      inspect(error.cause),
      inspect({ nested: [error] }, { depth: 10 }),
    ].join('\n');
    assert.ok(!shown.includes(TOKEN) && !shown.includes(SECRET), shown);
  }
});

test('an error carries the status and the messages of the server', async () => {
  const { listener } = statuses([403, '{"errors":["permission denied"]}']);
  const client = new Client({ address: await serve(listener) });
  await assert.rejects(client.read('secret/x'), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 403);
    assert.deepEqual(error.errors, ['permission denied']);
    return true;
  });
});

test('an answer that is no JSON is named, not repeated', async () => {
  const { listener } = statuses([502, '<html>canary</html>', { 'Content-Type': 'text/html' }]);
  const client = new Client({ address: await serve(listener), retriesMax: 0 });
  await assert.rejects(client.read('x'), (error) => {
    assert.ok(error instanceof ApiError);
    assert.match(error.message, /Raw Message:\n\nthe answer is no JSON \(text\/html, 19 bytes\)/);
    assert.ok(!inspect(error).includes('canary'));
    return true;
  });
});

test('a good status with a bad body is refused', async () => {
  const { listener } = statuses([200, 'not json']);
  const client = new Client({ address: await serve(listener) });
  await assert.rejects(client.read('x'), ResponseError);
});

test('412, 5xx and 429 are tried again, as long as the server asks', async () => {
  const { listener, count } = statuses(
    [412, '{"errors":[]}'],
    [429, '{"errors":[]}', { 'Retry-After': '7' }],
    [200, '{"request_id":"r","data":{"a":1}}'],
  );
  const waits: number[] = [];
  const wait = async (delayMs: number): Promise<void> => {
    waits.push(delayMs);
  };
  const client = new Client({ address: await serve(listener), wait });
  assert.deepEqual((await client.read('x'))?.data, { a: 1 });
  assert.equal(count(), 3);
  assert.deepEqual(waits, [1_000, 7_000]);
});

test('501 and 400 are not tried again', async () => {
  for (const status of [501, 400]) {
    const { listener, count } = statuses([status, '{"errors":[]}']);
    const client = new Client({ address: await serve(listener), wait: async () => undefined });
    await assert.rejects(client.read('x'), ApiError);
    assert.equal(count(), 1);
  }
});

test('trying again ends', async () => {
  const { listener, count } = statuses([503, '{"errors":["Vault is sealed"]}']);
  const address = await serve(listener);
  const client = new Client({ address, retriesMax: 3, wait: async () => undefined });
  await assert.rejects(client.read('x'), ApiError);
  assert.equal(count(), 4);
});

test('reads and lists of nothing are undefined, a 404 with data is a result', async () => {
  const address = await serve((request, response) => {
    const body =
      request.url === '/v1/deleted' ? '{"request_id":"r","data":{"data":null}}' : '{"errors":[]}';
    response.writeHead(404).end(body);
  });
  const client = new Client({ address });
  assert.equal(await client.read('none'), undefined);
  assert.equal(await client.list('none'), undefined);
  assert.deepEqual((await client.read('deleted'))?.data, { data: null });
});

test('one redirect is followed with method, body and token, a second is not', async () => {
  const seen: string[] = [];
  const active = await serve((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      seen.push([request.method, request.url, request.headers['x-vault-token'], body].join(' '));
      response.writeHead(204).end();
    })();
  });
  const standby = await serve((request, response) => {
    response.writeHead(307, { Location: `${active}${request.url}` }).end();
  });
  await new Client({ address: standby, token: 't' }).write('x', { a: 'b' });
  assert.deepEqual(seen, ['PUT /v1/x t {"a":"b"}']);
  const loop = await serve((_request, response) => {
    response.writeHead(307, { Location: '/v1/x' }).end();
  });
  await assert.rejects(new Client({ address: loop }).read('x'), ConnectionError);
  const stays = new Client({ address: standby, followRedirects: false });
  assert.equal((await stays.request('GET', 'x')).status, 307);
});

test('a silent server times out', async () => {
  const address = await serve(() => undefined);
  const client = new Client({ address, timeoutMs: 50 });
  await assert.rejects(client.read('x'), (error) => {
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, /context deadline exceeded/);
    return true;
  });
});

test('a socket of the file system serves as well', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-client-'));
  after(() => rmSync(folder, { recursive: true }));
  const { listener } = statuses([200, '{"request_id":"r","data":{"a":"b"}}']);
  const address = await serve(listener, join(folder, 's.sock'));
  assert.deepEqual((await new Client({ address }).read('x'))?.data, { a: 'b' });
});

test('numbers come back as they were written', async () => {
  const { listener } = statuses([
    200,
    '{"request_id":"r","data":{"big":12345678901234567890,"one":1.0}}',
  ]);
  const secret = await new Client({ address: await serve(listener) }).read('x');
  assert.equal(JSON.stringify(secret?.data), '{"big":12345678901234567890,"one":1.0}');
});

test('unwrap opens its own token without a body, another one with it', async () => {
  const seen: string[] = [];
  const address = await serve((request, response) => {
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      seen.push(`${String(request.headers['x-vault-token'])} ${body}`);
      response.writeHead(200).end('{"request_id":"r","data":{}}');
    })();
  });
  await new Client({ address, token: 'own' }).unwrap('own');
  await new Client({ address, token: 'own' }).unwrap('other');
  await new Client({ address }).unwrap('other');
  assert.deepEqual(seen, ['own ', 'own {"token":"other"}', 'other ']);
});
