/** One kept-alive HTTP/1.1 connection without pipelining, as cheap as possible, so that the generator is not what is measured. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const CLOSES = Buffer.from('\r\nConnection: close');
const CLOSES_LOWER = Buffer.from('\r\nconnection: close');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

export interface RawAnswer {
  readonly status: number;
  /** The whole answer, head included. */
  readonly bytes: Buffer;
}

export class Connection {
  readonly #port: number;
  /** Undefined after an answer with which the server closed the connection: the next request makes another, as any client does. */
  #socket: Socket | undefined;
  #pending: Buffer | undefined;
  #done: ((answer: RawAnswer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
    this.#socket = this.#open();
  }

  #open(): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    const failed = (error: Error): void => {
      if (socket === this.#socket) this.#fail(error);
    };
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', failed);
    socket.on('close', () => failed(new Error('the server closed the connection')));
    return socket;
  }

  /** Sends a whole request; the connection must be idle. */
  send(request: Buffer): Promise<RawAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    this.#done = resolve;
    this.#failed = reject;
    this.#socket ??= this.#open();
    this.#socket.write(request);
    return promise;
  }

  close(): void {
    this.#failed = undefined;
    this.#socket?.destroy();
  }

  #fail(error: Error): void {
    this.#socket = undefined;
    const failed = this.#failed;
    this.#done = undefined;
    this.#failed = undefined;
    failed?.(error);
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = bytes;
    if (!isComplete(bytes)) return;
    this.#pending = undefined;
    if (bytes.includes(CLOSES) || bytes.includes(CLOSES_LOWER)) {
      const socket = this.#socket;
      this.#socket = undefined;
      socket?.destroy();
    }
    const done = this.#done;
    this.#done = undefined;
    this.#failed = undefined;
    done?.({ status: Number(bytes.toString('latin1', 9, 12)), bytes });
  }
}

function isComplete(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return false;
  const head = bytes.toString('latin1', 0, headEnd).toLowerCase();
  const length = /\r\ncontent-length: (?<length>\d+)/.exec(head)?.groups?.['length'];
  if (length !== undefined) return bytes.length >= headEnd + HEAD_END.length + Number(length);
  if (head.includes('\r\ntransfer-encoding: chunked')) {
    return bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
  }
  return true;
}

/** A request as it goes over the wire. */
export function rawRequest(
  method: string,
  path: string,
  token: string,
  body?: unknown,
  headers = '',
): Buffer {
  const text = body === undefined ? '' : JSON.stringify(body);
  const type = body === undefined ? '' : 'Content-Type: application/json\r\n';
  const length =
    body === undefined && method === 'GET' ? '' : `Content-Length: ${Buffer.byteLength(text)}\r\n`;
  return Buffer.from(
    `${method} /v1/${path} HTTP/1.1\r\nHost: bench\r\nX-Vault-Token: ${token}\r\n${type}${length}${headers}\r\n${text}`,
  );
}
