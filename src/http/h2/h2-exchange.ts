/** One request of an HTTP/2 connection (RFC 9113): the facade's view of it, and how its reply is sent. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { pipeline } from 'node:stream/promises';
import { Recent } from '../../base/recent.ts';
import { BodyError } from '../../facades/facade.ts';
import type { Connection, WireReply, WireRequest } from '../../facades/facade.ts';
import type { RunningRequest } from '../in-flight.ts';
import { lengthOf, told } from '../reply-body.ts';
import { announcesTooMuch, piecesOf, readWhole } from '../read-body.ts';

const EMPTY = Buffer.alloc(0);
/** Pseudo-headers begin with it. */
const COLON = 0x3a;
const LOWER_CASED_MAX = 256;
/** Frame flag of a request that ends with its headers. */
const END_STREAM = 0x1;
/** Headers that HTTP/2 forbids (RFC 9113 §8.2.2). */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export interface H2Parts {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly flags: number;
  readonly connection: Connection;
  readonly startMonotonicMs: number;
}

export class H2Exchange implements WireRequest, RunningRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: WireRequest['headers'];
  readonly rawHeaders: readonly string[];
  readonly connection: Connection;
  readonly hasBody: boolean;
  readonly startMonotonicMs: number;
  readonly stream: ServerHttp2Stream;
  #controller: AbortController | undefined;
  #over = false;

  constructor(parts: H2Parts) {
    const { stream, headers } = parts;
    this.stream = stream;
    this.method = textOf(headers[':method']);
    this.target = textOf(headers[':path']);
    this.connection = parts.connection;
    this.startMonotonicMs = parts.startMonotonicMs;
    this.hasBody = (parts.flags & END_STREAM) === 0;
    [this.headers, this.rawHeaders] = ordinaryHeaders(headers, parts.rawHeaders);
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
      this.stream.once('close', () => this.abort());
      if (this.#over) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#over = true;
    this.#controller?.abort();
  }

  readBody(bytesMax: number): Promise<Buffer> {
    const { stream } = this;
    if (!this.hasBody) return Promise.resolve(EMPTY);
    if (announcesTooMuch(this.headers['content-length'], bytesMax)) {
      return Promise.reject(new BodyError('too_large'));
    }
    return readWhole(stream, bytesMax);
  }

  bodyPieces(): AsyncIterable<Uint8Array> {
    return piecesOf(this.stream);
  }

  /**
   * Sends the reply. Trailers without a body go into the one header block: an empty DATA frame would upset gRPC clients.
   * @throws a header that HTTP cannot carry
   */
  send(reply: WireReply, custom: Readonly<Record<string, string>> | undefined): void {
    const { stream } = this;
    const { body, trailers, stream: bytes } = reply;
    const headers: Record<string, string | number> = { ':status': reply.status };
    if (custom !== undefined) addHeaders(headers, custom);
    addHeaders(headers, reply.headers);
    const hasBody = (bytes !== undefined || body.length > 0) && this.method !== 'HEAD';
    if (trailers === undefined) {
      const length = lengthOf(reply);
      if (length !== undefined) headers['content-length'] = length;
    }
    if (!hasBody) {
      stream.respond({ ...headers, ...trailers }, { endStream: true });
      bytes?.destroy();
      return;
    }
    stream.respond(headers, { waitForTrailers: trailers !== undefined });
    // It is asked for once.
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    if (bytes === undefined) {
      stream.end(body);
      return;
    }
    pipeline(
      told(bytes, () => {}),
      stream,
    )
      .catch(() => stream.close())
      .finally(() => bytes.destroy());
  }
}

/** By the names that facades and operators write them with, which are few. */
const lowerCased = new Recent<string>(LOWER_CASED_MAX);

function addHeaders(
  headers: Record<string, string | number>,
  added: Readonly<Record<string, string>>,
): void {
  for (const name of Object.keys(added)) {
    let lower = lowerCased.get(name);
    if (lower === undefined) {
      lower = name.toLowerCase();
      lowerCased.set(name, lower);
    }
    const value = added[name];
    if (value !== undefined && !CONNECTION_HEADERS.has(lower)) headers[lower] = value;
  }
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Headers as HTTP/1.1 would show them: no pseudo-headers, and the authority as `host` (RFC 9113 §8.3.1). */
function ordinaryHeaders(
  headers: IncomingHttpHeaders,
  raw: readonly string[],
): readonly [WireRequest['headers'], readonly string[]] {
  const plain = Object.create(null) as Record<string, string | readonly string[] | undefined>;
  const list: string[] = [];
  const authority = headers[':authority'];
  if (typeof authority === 'string') {
    plain['host'] = authority;
    list.push('host', authority);
  }
  for (const name of Object.keys(headers)) {
    if (name.charCodeAt(0) !== COLON && (name !== 'host' || plain['host'] === undefined)) {
      plain[name] = headers[name];
    }
  }
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (name.charCodeAt(0) === COLON) continue;
    // A Host beside the authority is a second one; it stays in the list, so that it is seen as such.
    list.push(name, raw[index + 1] ?? '');
  }
  return [plain, list];
}
