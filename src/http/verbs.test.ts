/** LIST and SCAN over HTTP/1.1: served in every honest form, and no byte of anything else is ever taken for a verb. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RawClient, running, said } from './listener.testkit.ts';
import { listingStart } from './verb-connection.ts';

const HOST = 'HTTP/1.1\r\nHost: a\r\n';

describe('listing verbs', () => {
  for (const verb of ['LIST', 'SCAN']) {
    test(`${verb} is served and the connection goes on`, async (context) => {
      const { port } = await running(context);
      const client = await RawClient.open(port);
      for (let round = 1; round <= 3; round++) {
        await client.send(`${verb} /v1/a${round} ${HOST}\r\n`);
        await client.until(`${verb} /v1/a${round} `);
        await client.send(`GET /v1/b${round} ${HOST}\r\n`);
        await client.until(`GET /v1/b${round} `);
      }
      assert.deepEqual(client.statuses(), [200, 200, 200, 200, 200, 200]);
      assert.ok(!client.text.includes('close'));
      client.socket.destroy();
    });

    test(`${verb} after other requests on the same connection`, async (context) => {
      const { port } = await running(context);
      const client = await RawClient.open(port);
      await client.send(`POST /v1/a ${HOST}Content-Length: 2\r\n\r\n{}`);
      await client.until('POST /v1/a {}');
      await client.send(`${verb} /v1/b ${HOST}\r\n`);
      await client.until(`${verb} /v1/b `);
      assert.deepEqual(client.statuses(), [200, 200]);
      client.socket.destroy();
    });

    test(`${verb} in pieces, once the connection knows the verb`, async (context) => {
      const { port } = await running(context);
      const client = await RawClient.open(port);
      await client.send(`${verb} /v1/first ${HOST}\r\n`);
      await client.until('/v1/first');
      for (const byte of `\r\n${verb} /v1/second ${HOST}X-A: b\r\n\r\n`) await client.send(byte);
      await client.until('/v1/second');
      assert.ok(client.text.includes(`${verb} /v1/second `));
      assert.deepEqual(client.statuses(), [200, 200]);
      client.socket.destroy();
    });

    test(`${verb} whose headers come in pieces`, async (context) => {
      const { port } = await running(context);
      const client = await RawClient.open(port);
      for (const piece of [`${verb} /v1/a HTT`, 'P/1.1\r\nHo', 'st: a\r', '\n\r', '\n'])
        await client.send(piece);
      await client.until('/v1/a ');
      assert.ok(client.text.includes(`${verb} /v1/a `));
      client.socket.destroy();
    });
  }

  test('a first LIST split before its third letter is refused, not misread', async (context) => {
    const { port } = await running(context);
    for (const [first, second] of [
      ['L', 'IST'],
      ['LI', 'ST'],
      ['S', 'CAN'],
    ]) {
      const client = await RawClient.open(port);
      await client.send(first ?? '');
      await client.send(`${second} /v1/a ${HOST}\r\n`);
      await client.rest();
      assert.deepEqual(client.statuses(), [405]);
    }
  });

  test('a first LIST split after it is served', async (context) => {
    const { port } = await running(context);
    for (const [first, second] of [
      ['LIS', 'T'],
      ['LIST', ''],
      ['SC', 'AN'],
    ]) {
      const client = await RawClient.open(port);
      await client.send(first ?? '');
      await client.send(`${second} /v1/a ${HOST}\r\n`);
      await client.until('/v1/a ');
      assert.deepEqual(client.statuses(), [200]);
      client.socket.destroy();
    }
  });

  test('a genuine LINK or BIND stays what it is, also on a connection that lists', async (context) => {
    const { port } = await running(context);
    const client = await RawClient.open(port);
    await client.send(`LINK /v1/a ${HOST}\r\n`);
    await client.until('LINK /v1/a ');
    await client.send(`LIST /v1/b ${HOST}\r\n`);
    await client.until('LIST /v1/b ');
    for (const verb of ['LINK', 'BIND']) {
      await client.send(`${verb} /v1/c ${HOST}\r\n`);
      await client.until(`${verb} /v1/c `);
    }
    assert.deepEqual(client.statuses(), [200, 200, 200, 200]);
    client.socket.destroy();
  });

  test('a body that begins with LIST is a body', async (context) => {
    const { port } = await running(context);
    const body = `LIST /v1/evil ${HOST}\r\n`;
    const post = `POST /v1/a ${HOST}Content-Length: ${body.length}\r\n\r\n`;
    // In one piece, in two, and behind a LIST on the same connection.
    for (const pieces of [[post + body], [post, body]]) {
      const client = await RawClient.open(port);
      for (const piece of pieces) await client.send(piece);
      await client.until('POST /v1/a LIST /v1/evil');
      assert.deepEqual(client.statuses(), [200]);
      client.socket.destroy();

      const second = await RawClient.open(port);
      await second.send(`LIST /v1/first ${HOST}\r\n`);
      await second.until('/v1/first');
      for (const piece of pieces) await second.send(piece);
      await second.rest();
      assert.ok(second.text.endsWith(`POST /v1/a ${body}`));
      assert.deepEqual(second.statuses(), [200, 200]);
      assert.ok(second.text.toLowerCase().includes('connection: close'));
    }
  });

  test('a chunked body that holds LIST lines is a body', async (context) => {
    const { port } = await running(context);
    const client = await RawClient.open(port);
    await client.send(`LIST /v1/first ${HOST}\r\n`);
    await client.until('/v1/first');
    await client.send(`POST /v1/a ${HOST}Transfer-Encoding: chunked\r\n\r\n`);
    await client.send('c\r\n');
    await client.send('LIST /v1/b H\r\n');
    await client.send('0\r\n\r\n');
    await client.rest();
    assert.ok(client.text.endsWith('POST /v1/a LIST /v1/b H'));
  });

  test('a header that begins with LIST is a header', async (context) => {
    const { port } = await running(context);
    const client = await RawClient.open(port);
    await client.send(`LIST /v1/first ${HOST}\r\n`);
    await client.until('/v1/first');
    await client.send('GET /v1/a HTTP/1.1\r\nHost: a\r\nX-A: b\r\n');
    await client.send('LIST : x\r\n\r\n');
    await client.rest();
    // A space before the colon is no header (RFC 9112 §5.1): what counts is that no LIST was served.
    assert.deepEqual(client.statuses(), [200, 400]);
    assert.ok(!client.text.includes('LIST :'));
  });

  test('pipelined behind an unanswered request on a plain connection: never served', async (context) => {
    const slow = Promise.withResolvers<void>();
    const { port } = await running(context, async (request) => {
      if (request.target === '/v1/slow') await slow.promise;
      return said(200, `${request.method} ${request.target}`);
    });
    const client = await RawClient.open(port);
    await client.send(`GET /v1/slow ${HOST}\r\nLIST /v1/b ${HOST}\r\n`);
    slow.resolve();
    await client.rest();
    assert.deepEqual(client.statuses(), [200]);
    assert.ok(client.text.includes('Connection: close') && !client.text.includes('LIST'));
  });

  test('pipelined on a connection that lists: one after the other, in order', async (context) => {
    const { port } = await running(context);
    const client = await RawClient.open(port);
    await client.send(
      `LIST /v1/a ${HOST}\r\nLIST /v1/b ${HOST}\r\nGET /v1/c ${HOST}\r\nSCAN /v1/d ${HOST}\r\n` +
        `POST /v1/e ${HOST}Content-Length: 5\r\n\r\nLIST LIST /v1/f ${HOST}\r\n`,
    );
    await client.rest();
    const bodies = Array.from(
      client.text.matchAll(/(LIST|GET|SCAN|POST) (\/v1\/\w)/g),
      (match) => match[0],
    );
    assert.deepEqual(bodies, ['LIST /v1/a', 'LIST /v1/b', 'GET /v1/c', 'SCAN /v1/d', 'POST /v1/e']);
  });

  test('a LIST with a body is served and is the last request', async (context) => {
    const { port } = await running(context);
    const client = await RawClient.open(port);
    await client.send(`LIST /v1/a ${HOST}Content-Length: 7\r\n\r\ngarbage`);
    await client.rest();
    assert.ok(client.text.endsWith('LIST /v1/a garbage'));
    assert.deepEqual(client.statuses(), [200]);
  });

  test('what only looks like a verb is refused', async (context) => {
    const { port } = await running(context);
    const lines: readonly [string, number][] = [
      ['LISTX /v1/a', 405],
      ['LIST\t/v1/a', 400],
      ['list /v1/a', 405],
      ['UNLIST /v1/a', 405],
      ['SCANLIST /v1/a', 405],
      ['LIST', 400],
    ];
    for (const [line, status] of lines) {
      const client = await RawClient.open(port);
      await client.send(`${line} ${HOST}\r\n`);
      await client.rest();
      assert.deepEqual(client.statuses(), [status], line);
    }
  });

  test('malformed HTTP is refused on a connection that lists as well', async (context) => {
    const { port } = await running(context);
    for (const headers of [
      'Content-Length: 1\r\nContent-Length: 2\r\n',
      'Transfer-Encoding: xchunked\r\n',
      'A : b\r\n',
    ]) {
      const client = await RawClient.open(port);
      await client.send(`LIST /v1/a ${HOST}${headers}\r\n`);
      await client.rest();
      assert.deepEqual(client.statuses(), [400], headers);
    }
  });

  test('a client that goes away in the middle harms nobody', async (context) => {
    const { port } = await running(context);
    for (const start of [
      'LIS',
      `LIST /v1/a ${HOST}`,
      `LIST /v1/a ${HOST}Content-Length: 9\r\n\r\nab`,
    ]) {
      const client = await RawClient.open(port);
      await client.send(start);
      client.socket.resetAndDestroy();
    }
    const client = await RawClient.open(port);
    await client.send(`LIST /v1/alive ${HOST}\r\n`);
    await client.until('/v1/alive');
    assert.deepEqual(client.statuses(), [200]);
    client.socket.destroy();
  });

  test('the abandoned parser does not time the connection out', async (context) => {
    const limits = { headerTimeoutMs: 60, readTimeoutMs: 60, sweepIntervalMs: 20 };
    const { port } = await running(
      context,
      async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 250));
        return said(200, `${request.method} ${request.target}`);
      },
      { limits },
    );
    const client = await RawClient.open(port);
    await client.send(`LIST /v1/slow ${HOST}\r\n`);
    await client.until('LIST /v1/slow');
    await client.send(`LIST /v1/again ${HOST}\r\n`);
    await client.until('LIST /v1/again');
    assert.deepEqual(client.statuses(), [200, 200]);
    client.socket.destroy();
  });

  test('whatever the cuts, a conversation reads the same', async (context) => {
    const { port } = await running(context);
    const conversation =
      `LIST /v1/a ${HOST}\r\n` +
      `GET /v1/b ${HOST}X: LIST \r\n\r\n` +
      `SCAN /v1/c ${HOST}\r\n` +
      `POST /v1/d ${HOST}Content-Length: 10\r\n\r\nLIST SCAN `;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 3, max: conversation.length - 1 }), { maxLength: 6 }),
        async (cuts) => {
          const client = await RawClient.open(port);
          let from = 0;
          for (const cut of [...cuts].sort((a, b) => a - b)) {
            await client.send(conversation.slice(from, cut));
            from = cut;
          }
          await client.send(conversation.slice(from));
          await client.rest();
          const bodies = Array.from(
            client.text.matchAll(/(?:LIST|GET|SCAN|POST) \/v1\/\w(?: LIST SCAN)?/g),
            (match) => match[0],
          );
          assert.deepEqual(bodies, [
            'LIST /v1/a',
            'GET /v1/b',
            'SCAN /v1/c',
            'POST /v1/d LIST SCAN',
          ]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('listingStart', () => {
  const CASES: readonly (readonly [string, number, number | undefined])[] = [
    ['LIST /', 2, 0],
    ['SCAN /', 1, 0],
    ['\r\n\r\nLIST /', 6, 4],
    ['UNLIST /', 4, undefined],
    ['FOO /', 1, undefined],
    ['ST /', 0, undefined],
    ['IST /', 1, undefined],
  ];
  for (const [packet, failedAt, start] of CASES) {
    test(JSON.stringify(packet), () =>
      assert.equal(listingStart(Buffer.from(packet), failedAt), start),
    );
  }
});
