/** Floods and half requests over HTTP/2 and gRPC: the connection pays for them, the server and its memory do not. */
import assert from 'node:assert/strict';
import { connect as connectH2, constants } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { after, before, suite, test } from 'node:test';
import { startCloudTarget } from './cloud-target.ts';
import type { CloudTarget } from './cloud-target.ts';

const MEBI = 1024 * 1024;
const GROWTH_MIB_MAX = 64;
const CUT_MS_MAX = 20_000;
/** How long a flood waits for the end of its connection. */
const LINGER_MS = 250;

let target: CloudTarget;
before(async () => {
  target = await startCloudTarget();
});
after(async () => {
  await target.stop();
});

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION] = [1, 3, 4, 6, 8, 9];
const END_HEADERS = 0x4;
const END_STREAM = 0x1;

/** A frame of RFC 9113 §4.1. */
function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** GET / with the static table of HPACK: `:method`, `:path`, `:scheme`, and an authority. */
const REQUEST = Buffer.from([0x82, 0x84, 0x86, 0x41, 0x01, 0x61]);
/** A header that is not remembered: one letter each. */
const LITERAL = Buffer.from([0x00, 0x01, 0x61, 0x01, 0x62]);

/** Sends until the connection ends, or until `bytesMax`; tells how much was taken and whether it ended. */
async function flood(
  pieces: Iterable<Buffer>,
): Promise<{ readonly sent: number; readonly cut: boolean }> {
  const socket = connect(target.port, '127.0.0.1');
  let cut = false;
  let sent = 0;
  socket.on('error', () => (cut = true));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.once('close', () => (cut = true));
  socket.resume();
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS ?? 4, 0, 0)]));
  for (const piece of pieces) {
    if (cut) break;
    sent += piece.length;
    if (!socket.write(piece)) {
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    }
  }
  if (!cut)
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, LINGER_MS).unref())]);
  const ended = cut;
  socket.destroy();
  await closed;
  return { sent, cut: ended };
}

function* repeated(piece: Buffer, bytesMax: number): Generator<Buffer> {
  const chunk = Buffer.concat(
    Array.from({ length: Math.ceil(65_536 / piece.length) }, () => piece),
  );
  for (let sent = 0; sent < bytesMax; sent += chunk.length) yield chunk;
}

suite('floods', () => {
  test('headers that never end (CONTINUATION) end the connection', async () => {
    const first = frame(HEADERS ?? 1, 0, 1, REQUEST);
    const more = frame(
      CONTINUATION ?? 9,
      0,
      1,
      Buffer.concat(Array.from({ length: 200 }, () => LITERAL)),
    );
    const { sent, cut } = await flood([first, ...repeated(more, 16 * MEBI)]);
    assert.ok(cut, `${sent} bytes were taken`);
    await target.alive();
  });

  test('empty CONTINUATION frames end the connection', async () => {
    const first = frame(HEADERS ?? 1, 0, 1, REQUEST);
    const { cut } = await flood([first, ...repeated(frame(CONTINUATION ?? 9, 0, 1), 4 * MEBI)]);
    assert.ok(cut);
    await target.alive();
  });

  test('a small block that stands for much (HPACK) is refused', async () => {
    // One long header is remembered and then named again and again by one byte.
    const long = Buffer.concat([
      Buffer.from([0x40, 0x01, 0x61, 0x7f, 0xa1, 0x1e]),
      Buffer.alloc(4000, 0x62),
    ]);
    const named = Buffer.alloc(12_000, 0xbe);
    const block = Buffer.concat([REQUEST, long, named]);
    const atFirst = target.residentMib();
    for (let round = 0; round < 10; round += 1) {
      await flood([frame(HEADERS ?? 1, END_HEADERS | END_STREAM, 1, block)]);
    }
    assert.ok(target.residentMib() - atFirst < GROWTH_MIB_MAX);
    await target.alive();
  });

  test('requests that are taken back at once (rapid reset) end the connection or cost nothing', async () => {
    const atFirst = target.residentMib();
    function* resets(): Generator<Buffer> {
      const cancel = Buffer.from([0, 0, 0, 8]);
      for (let batch = 0; batch < 200; batch += 1) {
        const frames: Buffer[] = [];
        for (let index = 0; index < 100; index += 1) {
          const stream = 2 * (batch * 100 + index) + 1;
          frames.push(frame(HEADERS ?? 1, END_HEADERS | END_STREAM, stream, REQUEST));
          frames.push(frame(RST_STREAM ?? 3, 0, stream, cancel));
        }
        yield Buffer.concat(frames);
      }
    }
    for (let round = 0; round < 3; round += 1) await flood(resets());
    assert.ok(target.residentMib() - atFirst < GROWTH_MIB_MAX, `grew from ${atFirst} MiB`);
    await target.alive();
  });

  for (const [name, piece] of [
    ['settings', frame(SETTINGS ?? 4, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))],
    ['pings', frame(PING ?? 6, 0, 0, Buffer.alloc(8))],
    ['window updates', frame(WINDOW_UPDATE ?? 8, 0, 0, Buffer.from([0, 0, 0, 1]))],
    ['frames of a kind that there is not', frame(0xee, 0, 0, Buffer.alloc(64))],
  ] as const) {
    test(`${name} without end leave memory where it was`, async () => {
      const atFirst = target.residentMib();
      await flood(repeated(piece, 8 * MEBI));
      assert.ok(target.residentMib() - atFirst < GROWTH_MIB_MAX, `grew from ${atFirst} MiB`);
      await target.alive();
    });
  }

  test('more streams than a connection may have are refused, and the others answered', async () => {
    const session = await sessionOf();
    const answers = await Promise.allSettled(
      Array.from({ length: 1000 }, () => asked(session, { ':path': '/v1/sys/health' })),
    );
    assert.ok(answers.some(({ status }) => status === 'fulfilled'));
    session.destroy();
    await target.alive();
  });

  test('a client that lets nothing through is not waited for', async () => {
    const settings = { initialWindowSize: 0 };
    const sessions = await Promise.all(Array.from({ length: 20 }, () => sessionOf(settings)));
    for (const session of sessions) {
      for (let index = 0; index < 50; index += 1) {
        session.request({ ':path': '/v1/sys/mounts' }).on('error', () => {});
      }
    }
    await target.alive();
    for (const session of sessions) session.destroy();
  });
});

async function sessionOf(
  settings: Readonly<Record<string, number>> = {},
  port: number = target.port,
): Promise<ClientHttp2Session> {
  const session = connectH2(`http://127.0.0.1:${port}`, { settings });
  session.on('error', () => {});
  await new Promise((resolve) => session.once('connect', resolve));
  return session;
}

interface H2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
}

/** What comes back for the bytes; `half` leaves the request open. */
function asked(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body?: Buffer,
  half = false,
): Promise<H2Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<H2Answer>();
  const stream = session.request(headers, { endStream: body === undefined && !half });
  let got: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (received) => (got = received));
  stream.on('trailers', (received) => (trailers = received));
  stream.on('error', reject);
  stream.on('close', () => {
    if (got[':status'] === undefined) reject(new Error(`closed with ${stream.rstCode}`));
    else resolve({ headers: got, trailers });
  });
  stream.resume();
  if (half) stream.write(body ?? Buffer.alloc(0));
  else if (body !== undefined) stream.end(body);
  return promise;
}

suite('gRPC', () => {
  const ACCESS = '/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion';
  const call = (more: Record<string, string> = {}): Record<string, string> => ({
    ':method': 'POST',
    ':path': ACCESS,
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${target.token}`,
    ...more,
  });
  /** One message (gRPC over HTTP/2, length-prefixed message). */
  const message = (payload: Buffer, compressed = 0, length = payload.length): Buffer => {
    const head = Buffer.alloc(5);
    head[0] = compressed;
    head.writeUInt32BE(length >>> 0, 1);
    return Buffer.concat([head, payload]);
  };
  const statusOf = ({ headers, trailers }: H2Answer): string =>
    String(headers['grpc-status'] ?? trailers['grpc-status']);

  const bad: Readonly<Record<string, () => readonly [Buffer, Record<string, string>?]>> = {
    nothing: () => [Buffer.alloc(0)],
    'half a head': () => [Buffer.from([0, 0])],
    'a length of 4 GiB': () => [message(Buffer.from('a'), 0, 0xffff_ffff)],
    'a length that lies': () => [message(Buffer.from('abc'), 0, 100)],
    'a message of 8 MiB': () => [message(Buffer.alloc(8 * MEBI))],
    'a bomb of 64 MiB, packed': () => [
      message(gzipSync(Buffer.alloc(64 * MEBI)), 1),
      { 'grpc-encoding': 'gzip' },
    ],
    'a packing that there is not': () => [message(Buffer.from('a'), 1), { 'grpc-encoding': 'zip' }],
    'two messages': () => [Buffer.concat([message(Buffer.alloc(0)), message(Buffer.alloc(0))])],
    'no message of this kind': () => [message(Buffer.alloc(64, 0xff))],
    'a field nested without end': () => [message(Buffer.alloc(4096, 0x0a))],
    'a deadline that is none': () => [message(Buffer.alloc(0)), { 'grpc-timeout': '1y' }],
    'a method that there is not': () => [message(Buffer.alloc(0)), { ':path': `${ACCESS}x` }],
    'a method of Object': () => [
      message(Buffer.alloc(0)),
      { ':path': '/google.cloud.secretmanager.v1.SecretManagerService/__proto__' },
    ],
  };
  for (const [name, make] of Object.entries(bad)) {
    test(name, async () => {
      const session = await sessionOf();
      const [body, headers] = make();
      const atFirst = target.residentMib();
      const answer = await asked(session, call(headers), body).catch(() => undefined);
      // A body that goes on after the refusal may be cut off; an answer, if there is one, is gRPC's.
      if (answer !== undefined) {
        assert.equal(answer.headers[':status'], 200);
        assert.match(statusOf(answer), /^(?:3|4|5|7|8|12|13|16)$/);
      }
      assert.ok(target.residentMib() - atFirst < GROWTH_MIB_MAX);
      session.destroy();
      await target.alive();
    });
  }

  test('half a request is ended after its time', async () => {
    const session = await sessionOf({}, target.impatientPort);
    const startMs = performance.now();
    await asked(session, call(), message(Buffer.alloc(0)).subarray(0, 3), true).then(
      (answer) => assert.notEqual(statusOf(answer), '0'),
      (error: unknown) => assert.ok(error instanceof Error),
    );
    assert.ok(performance.now() - startMs < CUT_MS_MAX);
    session.destroy();
  });
});

test('half a request of HTTP/1.1 to each API is ended after its time', async () => {
  const heads = [
    'POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: secretsmanager.GetSecretValue\r\nContent-Length: 9\r\n\r\n{',
    'PUT /secrets/x?api-version=7.6 HTTP/1.1\r\nHost: attacked.kv.example.com\r\nContent-Length: 9\r\n\r\n{',
    'POST /v1/projects/attacked/secrets/x:addVersion HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{',
    'POST /adfs/oauth2/token HTTP/1.1\r\nHost: attacked.kv.example.com\r\nContent-Length: 9\r\n\r\ng',
  ];
  await Promise.all(
    heads.map(async (head) => {
      const socket = connect(target.impatientPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
      socket.write(head);
      const late = new Promise<boolean>((resolve) =>
        setTimeout(resolve, CUT_MS_MAX, false).unref(),
      );
      assert.equal(await Promise.race([closed, late]), true, head);
      socket.destroy();
    }),
  );
  await target.alive();
});

test('NGHTTP2 errors leave the other connections alone', async () => {
  const [one, other] = [await sessionOf(), await sessionOf()];
  one
    .request({ ':path': '/v1/sys/health' })
    .on('error', () => {})
    .close(constants.NGHTTP2_PROTOCOL_ERROR);
  const { headers } = await asked(other, { ':path': '/v1/sys/health' });
  assert.equal(headers[':status'], 200);
  one.destroy();
  other.destroy();
});
