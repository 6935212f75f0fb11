/** Bad input at the wire of a real server process: each kind gets a precise 4xx or a closed connection, memory stays flat. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { startVaultServer, strongroom } from '../rig/vault-server.ts';
import type { VaultServer } from '../rig/vault-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-wire-'));
let server: VaultServer;
before(async () => {
  server = await startVaultServer(strongroom, { folder });
});
after(async () => {
  await server.child.kill();
  server.api.close();
  rmSync(folder, { recursive: true, force: true });
});

const ANSWER_TIMEOUT_MS = 20_000;
/** A health probe must not wait longer than this behind a bad request. */
const PROBE_MS_MAX = 2_000;
const GROWTH_MIB_MAX = 48;

function open(): Promise<Socket> {
  const { port } = new URL(server.api.address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Sends the bytes and returns the statuses that come back until the connection closes. */
async function exchange(...pieces: readonly (string | Buffer)[]): Promise<readonly number[]> {
  const socket = await open();
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  }
  await closed;
  return Array.from(text.matchAll(/HTTP\/1\.1 (\d{3}) /g), (match) => Number(match[1]));
}

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Vault-Token: ${server.rootToken}\r\n${headers}\r\n`;
}

function post(
  body: string | Buffer,
  headers = '',
  path = '/v1/sys/tools/hash',
): readonly [string, Buffer] {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Vault-Token: ${server.rootToken}\r\n`;
  return [`${head}Content-Length: ${bytes.length}\r\n${headers}\r\n`, bytes];
}

/** The server answers at once, whatever came before. */
async function assertAlive(): Promise<void> {
  const startMs = performance.now();
  const { status } = await server.api.call('GET', 'sys/health');
  assert.equal(status, 200);
  assert.ok(performance.now() - startMs < PROBE_MS_MAX, 'the probe had to wait');
}

suite('bodies', () => {
  const MEBI = 1024 * 1024;
  const many = (count: number, make: (index: number) => string): string =>
    Array.from({ length: count }, (_none, index) => make(index)).join(',');
  const bodies: readonly (readonly [string, () => string | Buffer, readonly number[]])[] = [
    ['no JSON', () => 'nonsense', [400]],
    ['half JSON', () => '{"input":', [400]],
    ['text', () => '"a"', [400]],
    ['list', () => '[1]', [400]],
    ['deep', () => `{"input":${'['.repeat(100_000)}`, [400]],
    ['deep and closed', () => `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, [400]],
    ['10^6 texts', () => `{"a":[${many(1_000_000, () => '""')}]}`, [400]],
    ['10^6 keys', () => `{${many(1_000_000, (index) => `"${index}":1`)}}`, [400]],
    ['10^6 empty objects', () => `{"a":[${many(1_000_000, () => '{}')}]}`, [400]],
    ['a long number', () => `{"input":${'9'.repeat(MEBI)}}`, [400]],
    ['a number beyond range', () => '{"input":1e400}', [400]],
    [
      'a twisted prototype',
      () => '{"__proto__":{"input":"YQ=="},"constructor":{"prototype":{}}}',
      [200],
    ],
    ['33 MiB', () => Buffer.alloc(33 * MEBI, 'a'), [413]],
    ['no UTF-8', () => Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), [400]],
    ['the same key twice', () => '{"input":"YQ==","input":"Yg=="}', [200, 400]],
    ['a lone surrogate', () => '{"input":"\\ud800"}', [400]],
    ['nulls', () => '{"input":null,"algorithm":null,"format":null}', [400]],
    ['wrong types', () => '{"input":["a"],"algorithm":{},"format":7}', [400]],
  ];
  for (const [name, make, statuses] of bodies) {
    test(`SEC-55: ${name}`, async () => {
      const pending = exchange(...post(make()));
      await assertAlive();
      const [status = 0] = await pending;
      assert.ok(statuses.includes(status), `${status}`);
      await assertAlive();
    });
  }
});

suite('requests', () => {
  const crlf = '\r\n';
  const cases: readonly (readonly [
    string,
    () => readonly (string | Buffer)[],
    readonly number[],
  ])[] = [
    ['..', () => [get('/v1/secret/../sys')], [400]],
    ['%2e%2e', () => [get('/v1/secret/%2e%2e/sys')], [400]],
    ['%2f', () => [get('/v1/secret/..%2fsys')], [400]],
    ['%00', () => [get('/v1/secret/a%00b')], [400]],
    ['%zz', () => [get('/v1/secret/%zz')], [400]],
    ['overlong UTF-8', () => [get('/v1/secret/%c0%af')], [400]],
    ['//', () => [get('/v1/secret//x')], [400]],
    ['absolute form', () => [get('http://evil/v1/sys/health')], [400]],
    ['asterisk form', () => [get('*').replace('GET', 'OPTIONS')], [400]],
    ['an unknown method', () => [get('/v1/sys/health').replace('GET', 'PURGE')], [405]],
    ['a made-up method', () => [get('/v1/sys/health').replace('GET', 'FROBNICATE')], [400, 405]],
    ['two tokens', () => [get('/v1/sys/mounts', `X-Vault-Token: other${crlf}`)], [400]],
    ['two hosts', () => [get('/v1/sys/mounts', `Host: b${crlf}`)], [400]],
    ['a 64 KiB header', () => [get('/v1/sys/mounts', `X: ${'a'.repeat(65_536)}${crlf}`)], [431]],
    [
      'a thousand headers',
      () => [get('/v1/sys/mounts', `X: a${crlf}`.repeat(1000))],
      [200, 400, 431],
    ],
    [
      'two lengths',
      () => [get('/v1/sys/mounts', `Content-Length: 1${crlf}Content-Length: 2${crlf}`)],
      [400],
    ],
    [
      'length and chunks',
      () => [get('/v1/x', `Content-Length: 6${crlf}Transfer-Encoding: chunked${crlf}`)],
      [400],
    ],
    ['an unknown expectation', () => [...post('{}', `Expect: the-unexpected${crlf}`)], [417, 400]],
    [
      'a 100 KiB chunk extension',
      () => [
        post('', `Transfer-Encoding: chunked${crlf}`)[0].replace(/Content-Length: 0\r\n/, ''),
        `1;${'a'.repeat(100_000)}${crlf}x${crlf}0${crlf}${crlf}`,
      ],
      [413, 400],
    ],
    ['no HTTP', () => ['\u0000\u0001\u0002\u0003\r\n\r\n'], [400]],
    [
      'TLS on a plain port',
      () => [Buffer.from('16030100a5010000a10303', 'hex'), '\r\n\r\n'],
      [400],
    ],
  ];
  for (const [name, make, statuses] of cases) {
    test(name, async () => {
      const [status = 0] = await exchange(...make());
      assert.ok(statuses.includes(status), `${status}`);
      await assertAlive();
    });
  }
});

suite('clients', () => {
  test('1000 idle connections and half requests keep nobody out', async () => {
    const sockets: Socket[] = [];
    for (let count = 0; count < 1000; count++) {
      const socket = await open();
      socket.on('error', () => {});
      // Every other one has begun: a header that does not end, a body that does not come.
      if (count % 4 === 1) socket.write('GET /v1/sys/health HTTP/1.1\r\nHost: a\r\nX-Slow: ');
      if (count % 4 === 3) socket.write(post('{"input":"aaaaaaaa"}')[0]);
      sockets.push(socket);
    }
    await assertAlive();
    for (const socket of sockets) socket.destroy();
    await assertAlive();
  });

  test('10 000 bad requests leave memory where it was', async (context) => {
    const atFirst = server.child.memory();
    if (atFirst === undefined) {
      context.skip('/proc is missing');
      return;
    }
    const bad = [
      get('/v1/secret/../sys'),
      get('/v1/nope').replace(server.rootToken, 's.garbage'),
      'BAD\r\n\r\n',
      post('{"a":').join(''),
      get('/v1/sys/mounts', 'X-Vault-Token: two\r\n'),
    ];
    const round = async (count: number): Promise<void> => {
      for (let sent = 0; sent < count; sent += 50) {
        await Promise.all(
          Array.from({ length: 50 }, (_none, index) => exchange(bad[index % bad.length] ?? '')),
        );
      }
    };
    // The first thousand fill caches and grow the heap to its working size.
    await round(1_000);
    const warm = server.child.memory()?.residentMib ?? 0;
    await round(9_000);
    const atLast = server.child.memory()?.residentMib ?? 0;
    context.diagnostic(
      `resident: ${atFirst.residentMib} MiB, warm ${warm} MiB, after ${atLast} MiB`,
    );
    assert.ok(atLast - warm < GROWTH_MIB_MAX, `grew from ${warm} to ${atLast} MiB`);
    await assertAlive();
  });
});
