/**
 * HTTP/2 in front of a facade. The listener hands connections over: those that agreed on `h2` in their TLS handshake (ALPN), and
 * in clear those that begin with the preface (prior knowledge). Connections of HTTP/1.1 never meet this code.
 */
import { constants, createServer } from 'node:http2';
import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Connection, Facade, WireReply } from '../../facades/facade.ts';
import type { ForwardedForRule } from '../forwarded-for.ts';
import type { ListenerLimits } from '../limits.ts';
import type { ListenerOptions } from '../listener-options.ts';
import { PeerConnection } from '../peer.ts';
import type { HeadersForStatus } from '../response-headers.ts';
import { H2Exchange } from './h2-exchange.ts';

/** What a client sends first (RFC 9113 §3.4). */
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** Requests of one connection at a time. */
const STREAMS_MAX = 100;
/** Frames of ours that a client lets pile up before its connection ends (CVE-2019-9512 and its kin). */
const OUTSTANDING_PINGS_MAX = 10;

export interface H2Options {
  readonly facade: Facade;
  readonly listener: Pick<ListenerOptions, 'clock' | 'log' | 'inFlight'>;
  readonly limits: ListenerLimits;
  readonly customHeaders: HeadersForStatus;
  readonly forwarded: (
    headers: Record<string, string | readonly string[] | undefined>,
    remoteAddress: string,
  ) => ReturnType<ForwardedForRule>;
}

const ignore = (): void => {};

interface Peer {
  readonly socket: Socket;
  readonly connection: Connection;
  requests: number;
}

export class H2Front {
  readonly #options: H2Options;
  readonly #server: Http2Server;
  readonly #peers = new WeakMap<object, Peer>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #running: Set<H2Exchange>;
  /** Replies that the client has not taken yet, with their deadline on the monotonic clock. */
  readonly #writing = new Map<ServerHttp2Stream, number>();
  #adopted: Socket | undefined;
  #closing = false;

  constructor(options: H2Options) {
    this.#options = options;
    this.#running = options.listener.inFlight.open();
    this.#server = this.#createServer();
  }

  /** Takes over a connection that speaks HTTP/2; what was read of it already has been put back. */
  adopt(socket: Socket): void {
    this.#adopted = socket;
    this.#server.emit('connection', socket);
    this.#adopted = undefined;
  }

  /** No more requests; what runs may finish. */
  close(): void {
    this.#closing = true;
    for (const session of this.#sessions) session.close();
  }

  /** Ends what takes too long. */
  sweep(nowMs: number): void {
    const { requestDurationMs, readTimeoutMs } = this.#options.limits;
    for (const exchange of this.#running) {
      const ageMs = nowMs - exchange.startMonotonicMs;
      if (ageMs >= requestDurationMs) {
        exchange.abort();
        this.#reply(exchange, this.#options.facade.refuse(503, 'request took too long'));
      } else if (ageMs >= readTimeoutMs && exchange.hasBody && !exchange.stream.readableEnded) {
        exchange.stream.close(constants.NGHTTP2_CANCEL);
      }
    }
    for (const [stream, deadlineMs] of this.#writing) {
      if (nowMs >= deadlineMs) stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  #createServer(): Http2Server {
    const { limits, listener } = this.#options;
    const server = createServer({
      maxHeaderListPairs: limits.headersMax,
      maxOutstandingPings: OUTSTANDING_PINGS_MAX,
      settings: {
        maxConcurrentStreams: STREAMS_MAX,
        maxHeaderListSize: limits.headerBytesMax,
        enablePush: false,
      },
    });
    server.on('session', (session) => this.#open(session));
    server.on('sessionError', (error) => {
      listener.log.debug('an HTTP/2 connection failed', { error: error.message });
    });
    server.on('stream', (stream, headers, flags, rawHeaders) =>
      this.#begin(stream as ServerHttp2Stream, headers, flags, rawHeaders),
    );
    return server;
  }

  #open(session: ServerHttp2Session): void {
    const socket = this.#adopted;
    if (socket === undefined || this.#closing) {
      session.destroy();
      return;
    }
    this.#peers.set(session, { socket, connection: new PeerConnection(socket), requests: 0 });
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    session.setTimeout(this.#options.limits.idleTimeoutMs, () => session.close());
  }

  #begin(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: readonly string[],
  ): void {
    const { facade, limits, listener, forwarded } = this.#options;
    stream.on('error', ignore);
    const peer = stream.session === undefined ? undefined : this.#peers.get(stream.session);
    if (peer === undefined) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    const { requestsPerConnectionMax } = limits;
    if (++peer.requests === requestsPerConnectionMax) stream.session?.close();
    const source = forwarded(headers, peer.connection.remoteAddress);
    const exchange = new H2Exchange({
      stream,
      headers,
      rawHeaders,
      flags,
      connection:
        source !== undefined && 'address' in source
          ? new PeerConnection(peer.socket, source.address)
          : peer.connection,
      startMonotonicMs: listener.clock.monotonicMs(),
    });
    this.#running.add(exchange);
    stream.on('close', () => {
      this.#writing.delete(stream);
      // Nobody waits any more; the facade's work is told to stop.
      if (this.#running.delete(exchange)) exchange.abort();
    });
    if (exchange.method === 'CONNECT' || exchange.target === '') {
      return this.#reply(exchange, facade.refuse(405, 'unsupported operation'));
    }
    if (source !== undefined && 'refusal' in source) {
      return this.#reply(exchange, facade.refuse(400, source.refusal));
    }
    facade.handle(exchange).then(
      (reply) => this.#reply(exchange, reply),
      (error: unknown) => {
        listener.log.error('a facade failed', {
          error: error instanceof Error ? error.name : 'unknown',
        });
        this.#reply(exchange, facade.refuse(500, 'internal error'));
      },
    );
  }

  #reply(exchange: H2Exchange, reply: WireReply): void {
    const { stream } = exchange;
    const { limits, listener, customHeaders } = this.#options;
    if (!this.#running.delete(exchange) || stream.destroyed || stream.headersSent) {
      reply.stream?.destroy();
      return;
    }
    try {
      exchange.send(reply, customHeaders(reply.status));
    } catch (error) {
      listener.log.error('a reply could not be written', {
        error: error instanceof Error ? error.message : 'unknown',
      });
      reply.stream?.destroy();
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    // The rest of a body that nobody reads is thrown away, so that the connection's window does not stay taken.
    if (!stream.readableEnded) stream.resume();
    const timeoutMs = limits.writeTimeoutMs > 0 ? limits.writeTimeoutMs : limits.requestDurationMs;
    this.#writing.set(stream, listener.clock.monotonicMs() + timeoutMs);
  }
}
