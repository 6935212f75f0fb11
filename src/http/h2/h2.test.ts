/** HTTP/2 behind the same address: over TLS by ALPN, in clear by prior knowledge; trailers, limits, abuse. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { RawClient, running, said } from '../listener.testkit.ts';

const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: string;
  /** The headers were the end. */
  readonly headersOnly: boolean;
}

function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    let got: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | undefined;
    let flags = 0;
    let text = '';
    stream.on('response', (response, responseFlags) => {
      got = response;
      flags = responseFlags;
    });
    stream.on('trailers', (response) => (trailers = response));
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    stream.on('end', () =>
      resolve({ headers: got, trailers, body: text, headersOnly: (flags & 1) === 1 }),
    );
    stream.on('error', reject);
    if (body !== undefined) stream.end(body);
  });
}

function client(context: TestContext, authority: string, ca?: Buffer): ClientHttp2Session {
  const session = connect(authority, ca === undefined ? {} : { ca });
  session.on('error', () => {});
  context.after(() => session.destroy());
  return session;
}

function certificate(context: TestContext): { certificate: Buffer; key: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'h2-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', 'k.pem', '-out', 'c.pem'];
  execFileSync('openssl', [...request.split(' '), ...names, ...files], {
    cwd: folder,
    stdio: 'pipe',
  });
  return {
    certificate: readFileSync(join(folder, 'c.pem')),
    key: readFileSync(join(folder, 'k.pem')),
  };
}

describe('in clear', () => {
  test('many requests on one connection, with and without bodies', async (context) => {
    const { port } = await running(context);
    const session = client(context, `http://127.0.0.1:${port}`);
    const get = await ask(session, { ':path': '/v1/a?b=c' });
    assert.deepEqual([get.headers[':status'], get.body], [200, 'GET /v1/a?b=c ']);
    const bodies = Array.from({ length: 50 }, (_, index) => `body ${index}`);
    const posts = await Promise.all(
      bodies.map((body) => ask(session, { ':method': 'POST', ':path': '/p' }, body)),
    );
    assert.deepEqual(
      posts.map(({ body }) => body),
      bodies.map((body) => `POST /p ${body}`),
    );
    const list = await ask(session, { ':method': 'LIST', ':path': '/v1/x' });
    assert.equal(list.body, 'LIST /v1/x ');
  });

  test('HTTP/1.1 goes on beside it, and the preface may come in pieces', async (context) => {
    const { port } = await running(context);
    const old = await RawClient.open(port);
    await old.send('GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n');
    await old.until('GET /v1/a ');
    const split = await RawClient.open(port);
    await split.send('PRI * HTTP');
    await split.send('/2.0\r\n\r\nSM\r\n');
    await split.send('\r\n\0\0\0\x04\0\0\0\0\0');
    // The server's own SETTINGS frame.
    await split.until('\x04\0\0\0\0\0');
    split.socket.destroy();
    old.socket.destroy();
  });

  test('an empty body that ended before it was asked for is an empty body', async (context) => {
    const { port } = await running(context, async (request) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return said(200, `${(await request.readBody(9)).length} bytes`);
    });
    const session = client(context, `http://127.0.0.1:${port}`);
    const heard = await ask(session, { ':method': 'POST', ':path': '/' }, Buffer.alloc(0));
    assert.equal(heard.body, '0 bytes');
  });

  test('the preface behind another request is refused', async (context) => {
    const { port } = await running(context);
    const raw = await RawClient.open(port);
    await raw.send('GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n');
    await raw.until('GET /v1/a ');
    await raw.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await raw.rest();
    assert.deepEqual(raw.statuses(), [200, 400]);
  });

  test('the authority is the host; headers of the connection are no headers', async (context) => {
    const { port } = await running(context, (request) =>
      said(
        200,
        JSON.stringify([request.headers, request.rawHeaders, request.connection.remoteAddress]),
      ),
    );
    const session = client(context, `http://127.0.0.1:${port}`);
    const heard = await ask(session, { ':path': '/', 'X-Forwarded-For': '192.0.2.1', 'x-a': 'b' });
    const [headers, raw, address] = JSON.parse(heard.body) as [object, string[], string];
    assert.deepEqual(headers, { host: `127.0.0.1:${port}`, 'x-a': 'b' });
    assert.ok(raw.includes('host') && !raw.includes(':path'));
    assert.equal(address, '127.0.0.1');
  });

  test('trailers follow a body; without one they end the stream in the header block', async (context) => {
    const { port } = await running(context, (request) => ({
      status: 200,
      headers: { 'Content-Type': 'application/grpc', Connection: 'close' },
      body: request.target === '/empty' ? '' : 'message',
      trailers: { 'grpc-status': '5' },
    }));
    const session = client(context, `http://127.0.0.1:${port}`);
    const full = await ask(session, { ':path': '/full' });
    assert.deepEqual(
      [full.body, full.trailers?.['grpc-status'], full.headers['grpc-status']],
      ['message', '5', undefined],
    );
    const empty = await ask(session, { ':path': '/empty' });
    assert.deepEqual([empty.headers['grpc-status'], empty.headersOnly], ['5', true]);
  });

  test('HEAD has no body, too large a body is refused, and the connection goes on', async (context) => {
    const { port } = await running(context, undefined);
    const session = client(context, `http://127.0.0.1:${port}`);
    const large = await ask(
      session,
      { ':method': 'POST', ':path': '/' },
      Buffer.alloc(1024 * 1024 + 1),
    );
    assert.equal(large.headers[':status'], 413);
    const head = await ask(session, { ':method': 'HEAD', ':path': '/' });
    assert.deepEqual([head.headers[':status'], head.body], [200, '']);
  });

  test('a request that takes too long gets a 503', async (context) => {
    const { port } = await running(context, () => new Promise(() => {}), {
      limits: { requestDurationMs: 30, sweepIntervalMs: 10 },
    });
    const session = client(context, `http://127.0.0.1:${port}`);
    assert.equal((await ask(session, { ':path': '/' })).headers[':status'], 503);
  });

  test('whoever opens and resets streams without end loses the connection, not the server', async (context) => {
    const { port } = await running(context);
    const session = client(context, `http://127.0.0.1:${port}`);
    const closed = new Promise<void>((resolve) => session.once('close', () => resolve()));
    const flood = (): void => {
      for (let count = 0; count < 200 && !session.destroyed && !session.closed; count++) {
        const stream = session.request({ ':path': '/' });
        stream.on('error', () => {});
        stream.close(8);
      }
      if (!session.destroyed) setImmediate(flood);
    };
    flood();
    await closed;
    const other = client(context, `http://127.0.0.1:${port}`);
    assert.equal((await ask(other, { ':path': '/' })).headers[':status'], 200);
  });

  test('closing lets a running request finish', async (context) => {
    const release = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const { port, listener } = await running(context, async () => {
      begun.resolve();
      await release.promise;
      return said(200, 'done');
    });
    const session = client(context, `http://127.0.0.1:${port}`);
    const heard = ask(session, { ':path': '/' });
    await begun.promise;
    const closing = listener.close(5000);
    release.resolve();
    assert.equal((await heard).body, 'done');
    await closing;
  });
});

describe('over TLS', { skip: !HAS_OPENSSL }, () => {
  test('ALPN chooses, and both versions are served at one address', async (context) => {
    const pem = certificate(context);
    const { port } = await running(context, undefined, { tls: { load: () => pem } });
    const session = client(context, `https://localhost:${port}`, pem.certificate);
    assert.equal((await ask(session, { ':path': '/v1/two' })).body, 'GET /v1/two ');
    const { get } = await import('node:https');
    const one = await new Promise<string>((resolve, reject) => {
      get({ host: 'localhost', port, path: '/v1/one', ca: pem.certificate }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(`${response.httpVersion} ${text}`));
      }).on('error', reject);
    });
    assert.equal(one, '1.1 GET /v1/one ');
  });
});
