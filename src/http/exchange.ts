/** One request on its way through the listener: the facade's view of it, and the reading of its body. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyError } from '../facades/facade.ts';
import type { Connection, WireRequest } from '../facades/facade.ts';
import type { RunningRequest } from './in-flight.ts';
import { announcesTooMuch, piecesOf, readWhole } from './read-body.ts';

const EMPTY = Buffer.alloc(0);

export interface ExchangeParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The verb that was really sent. */
  readonly method: string;
  readonly connection: Connection;
  readonly startMonotonicMs: number;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** True when the parser will report body bytes. */
export function announcesBody(request: IncomingMessage): boolean {
  const { headers } = request;
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}

export class HttpExchange implements WireRequest, RunningRequest {
  readonly method: string;
  readonly target: string;
  readonly connection: Connection;
  readonly startMonotonicMs: number;
  readonly hasBody: boolean;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  #awaitsContinue: boolean;
  #controller: AbortController | undefined;
  #over = false;

  constructor(parts: ExchangeParts) {
    this.request = parts.request;
    this.response = parts.response;
    this.method = parts.method;
    this.target = parts.request.url ?? '';
    this.connection = parts.connection;
    this.startMonotonicMs = parts.startMonotonicMs;
    this.hasBody = announcesBody(parts.request);
    this.#awaitsContinue = parts.expectsContinue;
  }

  get headers(): WireRequest['headers'] {
    return this.request.headers;
  }

  get rawHeaders(): readonly string[] {
    return this.request.rawHeaders;
  }

  get path(): string {
    const question = this.target.indexOf('?');
    return question < 0 ? this.target : this.target.slice(0, question);
  }

  get clientAddress(): string {
    return this.connection.remoteAddress;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.response.once('close', () => this.abort());
      if (this.#over) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Tells whoever works on the request that nobody waits for it any more. */
  abort(): void {
    this.#over = true;
    this.#controller?.abort();
  }

  /** The client was asked to send a body and never told to go on: it may or may not send it. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue && this.hasBody;
  }

  async readBody(bytesMax: number): Promise<Buffer> {
    const { request } = this;
    if (!this.hasBody) return EMPTY;
    if (announcesTooMuch(request.headers['content-length'], bytesMax)) {
      throw new BodyError('too_large');
    }
    if (this.#awaitsContinue) {
      this.#awaitsContinue = false;
      this.response.writeContinue();
    } else {
      // What came together with the head is taken in by then, so that nothing has to be listened for.
      await Promise.resolve();
      const length = request.readableLength;
      // Without a length, the first of the pieces that it came in is all that would be read.
      const whole = request.complete && length <= bytesMax && request.read(length);
      if (Buffer.isBuffer(whole)) return whole;
    }
    return await readWhole(request, bytesMax);
  }

  bodyPieces(): AsyncIterable<Uint8Array> {
    if (this.#awaitsContinue) {
      this.#awaitsContinue = false;
      this.response.writeContinue();
    }
    return piecesOf(this.request);
  }

  /**
   * Reads the rest of the body and throws it away, so that the client gets to read its reply instead of a reset, and the
   * connection can go on. `done` hears whether the end of the body was reached.
   */
  drain(
    bytesMax: number,
    arm: (action: () => void) => () => void,
    done: (whole: boolean) => void,
  ): void {
    const { request } = this;
    let left = bytesMax;
    const stop = (whole: boolean): void => {
      disarm();
      request.off('data', take);
      request.off('end', end);
      request.off('close', close);
      done(whole);
    };
    const take = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left < 0) stop(false);
    };
    const end = (): void => stop(true);
    const close = (): void => stop(request.complete);
    const disarm = arm(() => stop(false));
    request.on('error', () => {});
    request.on('data', take);
    request.on('end', end);
    request.on('close', close);
    request.resume();
  }
}
