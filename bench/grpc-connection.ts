/**
 * One HTTP/2 connection (RFC 9113, prior knowledge) that carries one unary gRPC call at a time; answers look like those of
 * HTTP/1.1. Frames are made and read by hand: what Node.js does for a stream of a client costs as much as the answer to it.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { RawAnswer } from './connection.ts';
import { GRPC_PATH } from './cloud.ts';

const OK = 200;
const FAILED = 500;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const HEAD_BYTES = 9;
/** Frame types and flags (RFC 9113 §6). */
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
/** Received bytes after which the window of the connection is opened again. */
const WINDOW_STEP_BYTES = 32_768;
const EMPTY = Buffer.alloc(0);

export class GrpcConnection {
  readonly #socket: Socket;
  readonly #headers: Buffer;
  #pending: Buffer = EMPTY;
  #stream = -1;
  #received = 0;
  #chunks: Buffer[] = [];
  #done: ((answer: RawAnswer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(port: number, token: string) {
    this.#headers = headerBlock([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', GRPC_PATH],
      [':authority', 'bench'],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['authorization', `Bearer ${token}`],
    ]);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    this.#socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, EMPTY)]));
  }

  /** Sends a framed message. Status 200 stands for an answer with a message: a failed call has none. */
  send(message: Buffer): Promise<RawAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    this.#done = resolve;
    this.#failed = reject;
    this.#chunks = [];
    this.#stream += 2;
    const head = frame(HEADERS, END_HEADERS, this.#stream, this.#headers);
    this.#socket.write(Buffer.concat([head, frame(DATA, END_STREAM, this.#stream, message)]));
    return promise;
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    const failed = this.#failed;
    this.#done = undefined;
    this.#failed = undefined;
    failed?.(error);
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (bytes.length >= at + HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      const flags = bytes[at + 4] ?? 0;
      this.#take(bytes[at + 3] ?? 0, flags, bytes.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    this.#pending = bytes.subarray(at);
  }

  #take(type: number, flags: number, payload: Buffer): void {
    if (type === SETTINGS && (flags & ACK) === 0) {
      this.#socket.write(frame(SETTINGS, ACK, 0, EMPTY));
    } else if (type === PING && (flags & ACK) === 0) {
      this.#socket.write(frame(PING, ACK, 0, payload));
    } else if (type === GOAWAY) {
      this.#fail(new Error('the server ends the connection'));
    } else if (type === RST_STREAM) {
      this.#chunks = [];
      this.#finish();
    } else if (type === DATA) {
      this.#chunks.push(payload);
      this.#count(payload.length);
    }
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) this.#finish();
  }

  #count(length: number): void {
    this.#received += length;
    if (this.#received < WINDOW_STEP_BYTES) return;
    const step = Buffer.alloc(4);
    step.writeUInt32BE(this.#received);
    this.#received = 0;
    this.#socket.write(frame(WINDOW_UPDATE, 0, 0, step));
  }

  #finish(): void {
    const done = this.#done;
    this.#done = undefined;
    this.#failed = undefined;
    const bytes = Buffer.concat(this.#chunks);
    done?.({ status: bytes.length > 0 ? OK : FAILED, bytes });
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields that no table remembers (RFC 7541 §6.2.2): the same bytes for every call. */
function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  );
}

/** A string without Huffman coding, its length as an integer with a prefix of seven bits (RFC 7541 §5.1, §5.2). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length: number[] = [];
  if (bytes.length < 0x7f) length.push(bytes.length);
  else {
    length.push(0x7f);
    let rest = bytes.length - 0x7f;
    for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
