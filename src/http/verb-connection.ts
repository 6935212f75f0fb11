/**
 * A connection on which `LIST` and `SCAN` are understood. Node.js' parser (llhttp) knows neither verb and fails before any
 * handler runs, so such a connection is parsed again through this stream, which gives the parser a verb of the same length
 * that it does know, and remembers what stood there.
 *
 * It rewrites nothing but the first four bytes of a request: it hands the parser one request at a time, up to the blank line
 * that ends its headers (strict llhttp accepts no other end), and looks at a verb again only after the parser itself has
 * reported that request, without a body, and its reply is out. A request with a body is the last one of its connection. So
 * no byte of a body, of a header, or of a pipelined request is ever taken for a verb.
 *
 * Connections that never send these verbs never meet this code.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

type ListingVerb = 'LIST' | 'SCAN';

/** The stand-ins: known to llhttp, of the same length, and served by nobody. */
const STAND_IN: Readonly<Record<ListingVerb, string>> = { LIST: 'LINK', SCAN: 'BIND' };
const VERB_BYTES = 5;
const CR = 0x0d;
const LF = 0x0a;
const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

type State =
  /** Between requests: the next bytes are a verb. */
  | 'verb'
  /** Handing over headers, up to the blank line. */
  | 'headers'
  /** A whole request is with the parser; what follows waits. */
  | 'waiting'
  /** The last request of this connection runs: everything goes through untouched. */
  | 'last';

export class VerbConnection extends Duplex {
  readonly inner: Socket;
  #state: State = 'verb';
  #held: Buffer = NOTHING;
  /** The last bytes that went through, for a blank line that two chunks share. */
  #tail: Buffer = NOTHING;
  #verb: ListingVerb | undefined;
  #ended = false;
  /** The parser's side has enough for now. */
  #choked = false;

  /** @param first bytes that were read from `inner` already; a request begins with them */
  constructor(inner: Socket, first: Buffer) {
    super();
    this.inner = inner;
    inner.on('data', (chunk: Buffer) => this.#take(chunk));
    inner.on('end', () => {
      this.#ended = true;
      this.#advance();
    });
    inner.on('error', (error) => this.destroy(error));
    inner.on('close', () => this.destroy());
    inner.on('timeout', () => this.emit('timeout'));
    this.#take(first);
  }

  /** http.Server arms its keep-alive time-out through this. */
  setTimeout(timeoutMs: number): this {
    this.inner.setTimeout(timeoutMs);
    return this;
  }

  /**
   * To be called when the parser reports a request of this connection: tells the verb that was really sent, and whether the
   * connection must end after it.
   */
  begin(
    parsedMethod: string,
    hasBody: boolean,
  ): { readonly method: string; readonly last: boolean } {
    const method = this.#verb ?? parsedMethod;
    this.#verb = undefined;
    const last = hasBody || this.#state !== 'waiting';
    if (last) {
      this.#state = 'last';
      // Later, since the parser would report errors in what follows before the caller has noted this request.
      process.nextTick(() => this.#advance());
    }
    return { method, last };
  }

  /** To be called when the reply is out: the next request may come. */
  finish(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'verb';
    this.#advance();
  }

  #take(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#advance();
  }

  /** Hands over as much of the held bytes as the state allows. */
  #advance(): void {
    if (this.destroyed || this.readableEnded) return;
    if (this.#state === 'verb') this.#readVerb();
    if (this.#state === 'headers') this.#passHeaders();
    if (this.#state === 'last') this.#pass(this.#held.length);
    // While a request waits nothing more is read, so that no more is held than one read brings.
    if (this.#held.length > 0 && this.#state === 'waiting') {
      this.inner.pause();
    } else if (this.#ended) {
      this.#pass(this.#held.length);
      this.push(null);
    } else if (!this.#choked) {
      this.inner.resume();
    }
  }

  #readVerb(): void {
    let start = 0;
    // Blank lines before a request are allowed (RFC 9112 §2.2), and must not pass for the end of its headers.
    while (this.#held[start] === CR || this.#held[start] === LF) start++;
    this.#held = this.#held.subarray(start);
    const text = this.#held.toString('latin1', 0, VERB_BYTES);
    for (const verb of ['LIST', 'SCAN'] as const) {
      if (text === `${verb} `) {
        // A copy: the chunk is not ours to change.
        this.#held = Buffer.concat([Buffer.from(STAND_IN[verb]), this.#held.subarray(4)]);
        this.#verb = verb;
      } else if (`${verb} `.startsWith(text)) return;
    }
    this.#state = 'headers';
  }

  #passHeaders(): void {
    const joined = this.#tail.length === 0 ? this.#held : Buffer.concat([this.#tail, this.#held]);
    const end = joined.indexOf(END_OF_HEADERS);
    if (end < 0) {
      this.#tail = joined.subarray(Math.max(0, joined.length - END_OF_HEADERS.length + 1));
      this.#pass(this.#held.length);
      return;
    }
    const length = end + END_OF_HEADERS.length - this.#tail.length;
    this.#tail = NOTHING;
    this.#state = 'waiting';
    this.#pass(length);
  }

  #pass(length: number): void {
    if (length === 0) return;
    const bytes = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    if (this.push(bytes)) return;
    this.#choked = true;
    this.inner.pause();
  }

  override _read(): void {
    this.#choked = false;
    if (this.#state !== 'waiting' || this.#held.length === 0) this.inner.resume();
  }

  override _write(
    chunk: Buffer,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.inner.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.inner.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.inner.destroy();
    done(error);
  }
}

/**
 * Where in `packet` a LIST or SCAN begins that made the parser fail at `failedAt`; undefined when it failed for another
 * reason. llhttp gives up at the first byte that no verb of its own has there: `LIS`, `SC`.
 */
export function listingStart(packet: Buffer, failedAt: number): number | undefined {
  for (const prefix of ['LIS', 'SC']) {
    const start = failedAt - prefix.length + 1;
    if (start < 0 || packet.toString('latin1', start, failedAt + 1) !== prefix) continue;
    // The verb must begin a line, not end some other word.
    if (start === 0 || packet[start - 1] === LF) return start;
  }
  return undefined;
}
