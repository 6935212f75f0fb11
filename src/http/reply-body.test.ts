/** Streamed replies: sent as the client takes them, and let go when it goes away. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PassThrough } from 'node:stream';
import type { WireReply } from '../facades/facade.ts';
import { RawClient, running } from './listener.testkit.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const PIECE = Buffer.alloc(64 * 1024, 'x');

interface Told {
  readonly reply: WireReply;
  /** Resolves when what the stream stands on was released. */
  readonly released: Promise<void>;
}

/** A stream that announces `announced` pieces and has `real` of them. */
function streamed(announced: number, real: number): Told {
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (let sent = 0; sent < real; sent++) yield PIECE;
    } finally {
      resolve();
    }
  }
  const stream = {
    lengthBytes: announced * PIECE.length,
    [Symbol.asyncIterator]: pieces,
    destroy: resolve,
  };
  return { reply: { status: 200, headers: {}, body: '', stream }, released: promise };
}

/** A stream without an end of its own: says what it is told to say. */
class Saying {
  readonly lengthBytes: undefined = undefined;
  readonly released: Promise<void>;
  readonly #through = new PassThrough();

  constructor() {
    this.released = new Promise((resolve) => this.#through.once('close', resolve));
  }

  say(text: string): void {
    this.#through.write(text);
  }

  destroy(): void {
    this.#through.end();
    this.#through.resume();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* this.#through as AsyncIterable<Uint8Array>;
  }
}

suite('a streamed reply', () => {
  test('arrives whole, and the connection goes on', async (context) => {
    const { reply, released } = streamed(20, 20);
    let asked = 0;
    const { port } = await running(context, () =>
      asked++ === 0 ? reply : { status: 200, headers: {}, body: 'next' },
    );
    const client = await RawClient.open(port);
    await client.send(GET);
    await released;
    await client.send(GET);
    const text = await client.until('next');
    assert.ok(text.includes('Content-Length: 1310720\r\n'));
    const start = text.indexOf('\r\n\r\n') + 4;
    assert.equal(text.indexOf('HTTP/1.1', start) - start, 20 * PIECE.length);
    client.socket.destroy();
  });

  test('that ends early ends the connection', async (context) => {
    const { reply } = streamed(20, 3);
    const { port } = await running(context, () => reply);
    const client = await RawClient.open(port);
    await client.send(GET);
    const text = await client.rest();
    assert.ok(text.length < 20 * PIECE.length);
  });

  test('is let go when the client goes away', async (context) => {
    const { reply, released } = streamed(100_000, 100_000);
    const { port } = await running(context, () => reply);
    const client = await RawClient.open(port);
    await client.send(GET);
    await client.until('xxx');
    client.socket.destroy();
    await released;
  });

  test('is let go when the client is gone before it begins', async (context) => {
    const { reply, released } = streamed(10, 10);
    const { promise: answer, resolve: now } = Promise.withResolvers<void>();
    const { promise: asked, resolve: came } = Promise.withResolvers<AbortSignal>();
    const { port } = await running(context, async (request) => {
      came(request.signal);
      await answer;
      return reply;
    });
    const client = await RawClient.open(port);
    await client.send(GET);
    const signal = await asked;
    const gone = new Promise((resolve) => signal.addEventListener('abort', resolve));
    client.socket.destroy();
    await gone;
    now();
    await released;
  });

  test('without a length begins at once, goes on for as long as both sides want, and ends with the listener', async (context) => {
    const stream = new Saying();
    const { port, listener } = await running(context, () => ({
      status: 200,
      headers: {},
      body: '',
      stream,
    }));
    const client = await RawClient.open(port);
    await client.send(GET);
    const head = await client.until('\r\n\r\n');
    assert.ok(head.includes('Transfer-Encoding: chunked\r\n'));
    stream.say('first\n');
    await client.until('first');
    stream.say('second\n');
    await client.until('second');
    void listener.close(10_000);
    await stream.released;
    assert.ok((await client.rest()).endsWith('0\r\n\r\n'));
  });

  test('without a length is let go when the client goes away, though nothing comes', async (context) => {
    const stream = new Saying();
    const { port } = await running(context, () => ({ status: 200, headers: {}, body: '', stream }));
    const client = await RawClient.open(port);
    await client.send(GET);
    await client.until('\r\n\r\n');
    client.socket.destroy();
    await stream.released;
  });
});
