/** One listening address: HTTP/1.1 over TCP or a Unix socket, with or without TLS, in front of one facade. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Server as TlsServer } from 'node:tls';
import type { WireReply } from '../facades/facade.ts';
import { EndlessReplies } from './endless-replies.ts';
import { H2Front } from './h2/h2-front.ts';
import { announcesBody, HttpExchange } from './exchange.ts';
import { forwardedForRule, forwardedOf } from './forwarded-for.ts';
import type { ForwardedForRule } from './forwarded-for.ts';
import { DEFAULT_LISTENER_LIMITS } from './limits.ts';
import type { ListenerLimits } from './limits.ts';
import type { ListenerOptions } from './listener-options.ts';
import { newPeer, PeerConnection } from './peer.ts';
import type { Peer } from './peer.ts';
import { inBytes, replyHeaders, writeBody } from './reply-body.ts';
import { customHeaders } from './response-headers.ts';
import type { HeadersForStatus } from './response-headers.ts';
import { divert, isProperRequest, makeServer } from './http-server.ts';
import { secureContext } from './tls.ts';
import { listenOnSocket } from './unix-socket.ts';
import {
  refusalOf,
  resumeHandle,
  takeOver,
  takeOverForH2,
  writeAndClose,
} from './parser-failure.ts';
import type { ParserError } from './parser-failure.ts';
import { VerbConnection } from './verb-connection.ts';

export class Listener {
  readonly #options: ListenerOptions;
  readonly #limits: ListenerLimits;
  readonly #server: Server;
  readonly #peers = new WeakMap<Duplex, Peer>();
  readonly #sockets = new Set<Socket>();
  readonly #running: Set<HttpExchange>;
  /** Replies that the client has not taken yet, with their deadline on the monotonic clock. */
  readonly #writing = new Map<ServerResponse, number>();
  readonly #endless = new EndlessReplies();
  readonly #forwardedFor: ForwardedForRule | undefined;
  readonly #customHeaders: HeadersForStatus;
  readonly #h2: H2Front;
  #stopSweep: () => void = () => {};
  #closing = false;

  /** @throws {RangeError} for addresses or headers that cannot be; and whatever reading the certificate throws */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LISTENER_LIMITS, ...options.limits };
    this.#forwardedFor =
      options.forwardedFor === undefined ? undefined : forwardedForRule(options.forwardedFor);
    this.#customHeaders = customHeaders(options.customHeaders ?? {}, options.hostname);
    this.#running = options.inFlight.open();
    this.#h2 = new H2Front({
      facade: options.facade,
      listener: options,
      limits: this.#limits,
      customHeaders: this.#customHeaders,
      forwarded: (headers, address) => forwardedOf(this.#forwardedFor, headers, address),
    });
    this.#server = this.#createServer();
  }

  /** Begins to accept connections. Gives the address to show: `http://127.0.0.1:8200`, `unix:///run/strongroom.sock`. */
  async listen(): Promise<string> {
    const { place } = this.#options;
    const server = this.#server;
    if ('socketPath' in place) {
      await listenOnSocket(server, place);
    } else {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: place.host, port: place.port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
    }
    // Accepting can fail later (no file descriptors left); the listener outlives that.
    server.on('error', (error) =>
      this.#options.log.warn('listener error', { error: error.message }),
    );
    this.#scheduleSweep();
    return this.address;
  }

  get address(): string {
    const { place, tls } = this.#options;
    if ('socketPath' in place) return `unix://${place.socketPath}`;
    const bound = this.#server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : place.port;
    const host = place.host.includes(':') ? `[${place.host}]` : place.host;
    return `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  }

  /** Reads certificate and key again; new connections get the new ones. @throws what reading throws; then nothing changes */
  reload(): void {
    const { tls } = this.#options;
    if (tls === undefined) return;
    (this.#server as unknown as TlsServer).setSecureContext(secureContext(tls));
  }

  /** Stops accepting, lets running requests finish within `graceMs`, then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    this.#h2.close();
    this.#endless.end();
    const disarm = this.#options.clock.after(graceMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await closed;
    disarm();
    this.#stopSweep();
  }

  #createServer(): Server {
    const { tls } = this.#options;
    const server = makeServer(tls, this.#limits);
    if (tls !== undefined) {
      divert(
        server,
        (socket) => this.#h2.adopt(socket),
        (socket) => this.#meet(socket),
      );
    }
    server.on('connection', (socket: Socket) => this.#track(socket));
    if (tls === undefined) server.on('connection', (socket: Socket) => this.#meet(socket));
    server.on('request', (request, response) => this.#begin(request, response, false));
    server.on('checkContinue', (request, response) => this.#begin(request, response, true));
    server.on('connect', (_request, socket: Duplex) =>
      this.#refuse(socket, 405, 'unsupported operation'),
    );
    server.on('clientError', (error: ParserError, socket: Duplex) =>
      this.#parserFailed(error, socket),
    );
    server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      this.#options.log.debug('TLS handshake failed', { error: error.message });
      socket.destroy();
    });
    return server;
  }

  /** Notes the other end of a new connection. */
  #meet(socket: Socket): void {
    if (!this.#peers.has(socket)) this.#peers.set(socket, newPeer(socket));
  }

  #track(socket: Duplex): void {
    if (socket instanceof VerbConnection) return;
    const inner = socket as Socket;
    this.#sockets.add(inner);
    inner.once('close', () => this.#sockets.delete(inner));
  }

  #begin(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const peer = this.#peers.get(request.socket);
    if (peer === undefined) {
      request.socket.destroy();
      return;
    }
    let method = request.method ?? '';
    let last = false;
    if (peer.verbs !== undefined) {
      ({ method, last } = peer.verbs.begin(method, announcesBody(request)));
    }
    const forwarded = forwardedOf(
      this.#forwardedFor,
      request.headers,
      peer.connection.remoteAddress,
    );
    const { facade, clock } = this.#options;
    const exchange = new HttpExchange({
      request,
      response,
      method,
      connection:
        forwarded !== undefined && 'address' in forwarded
          ? new PeerConnection(peer.socket, forwarded.address)
          : peer.connection,
      startMonotonicMs: clock.monotonicMs(),
      expectsContinue,
    });
    if (++peer.busy === this.#limits.pipelinedMax) this.#stopReading(peer);
    this.#running.add(exchange);
    if (!isProperRequest(request)) {
      this.#reply(exchange, peer, facade.refuse(400, 'bad request'), true);
      return;
    }
    if (forwarded !== undefined && 'refusal' in forwarded) {
      this.#reply(exchange, peer, facade.refuse(400, forwarded.refusal), last);
      return;
    }
    facade.handle(exchange).then(
      (reply) => this.#reply(exchange, peer, inBytes(reply), last),
      (error: unknown) => {
        this.#options.log.error('a facade failed', {
          error: error instanceof Error ? error.name : 'unknown',
        });
        this.#reply(exchange, peer, facade.refuse(500, 'internal error'), true);
      },
    );
  }

  /** Too many requests of a connection wait: until some are answered, nothing more is read from it. */
  #stopReading(peer: Peer): void {
    // Later, since the parser resumes the socket at the end of each message of this read.
    process.nextTick(() => {
      if (peer.busy >= this.#limits.pipelinedMax) peer.socket.pause();
    });
  }

  #reply(exchange: HttpExchange, peer: Peer, reply: WireReply, last: boolean): void {
    if (!this.#running.delete(exchange)) return reply.stream?.destroy();
    if (exchange.hasBody && !exchange.request.complete && !exchange.awaitsContinue) {
      const { drainBytesMax, drainTimeoutMs } = this.#limits;
      const arm = (action: () => void): (() => void) =>
        this.#options.clock.after(drainTimeoutMs, action);
      exchange.drain(drainBytesMax, arm, (whole) =>
        this.#send(exchange, peer, reply, last || !whole),
      );
      return;
    }
    this.#send(exchange, peer, reply, last || exchange.awaitsContinue);
  }

  #send(exchange: HttpExchange, peer: Peer, reply: WireReply, last: boolean): void {
    if (peer.busy-- === this.#limits.pipelinedMax) peer.socket.resume();
    const { response } = exchange;
    if (response.destroyed || response.headersSent) return reply.stream?.destroy();
    const headers = replyHeaders(this.#customHeaders(reply.status), reply);
    peer.lastResponse = response;
    if (last || peer.failed || this.#closing) headers['Connection'] = 'close';
    try {
      response.writeHead(reply.status, headers);
      this.#endless.note(response, reply.stream);
      writeBody(response, reply, () => this.#watch(response));
    } catch (error) {
      // A status or header that HTTP cannot carry; nothing has been written yet.
      this.#options.log.error('a reply could not be written', {
        error: error instanceof Error ? error.message : 'unknown',
      });
      response.destroy();
      return reply.stream?.destroy();
    }
    if (peer.verbs !== undefined) response.once('close', () => peer.verbs?.finish());
    if (response.writableLength > 0) this.#watch(response);
  }

  /** A client that does not take its reply must not hold it for ever. */
  #watch(response: ServerResponse): void {
    const { writeTimeoutMs, requestDurationMs } = this.#limits;
    const timeoutMs = writeTimeoutMs > 0 ? writeTimeoutMs : requestDurationMs;
    if (!this.#writing.has(response)) {
      response.once('close', () => this.#writing.delete(response));
    }
    this.#writing.set(response, this.#options.clock.monotonicMs() + timeoutMs);
  }

  #scheduleSweep(): void {
    this.#stopSweep = this.#options.clock.after(this.#limits.sweepIntervalMs, () => {
      this.#sweep();
      this.#scheduleSweep();
    });
  }

  /** Ends what takes too long: requests get a 503 (their work is told to stop), slow readers are cut off. */
  #sweep(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { requestDurationMs } = this.#limits;
    for (const exchange of this.#running) {
      if (nowMs - exchange.startMonotonicMs < requestDurationMs) continue;
      const peer = this.#peers.get(exchange.request.socket);
      exchange.abort();
      const reply = this.#options.facade.refuse(503, 'request took too long');
      if (peer !== undefined) this.#reply(exchange, peer, reply, true);
    }
    this.#h2.sweep(nowMs);
    for (const [response, deadlineMs] of this.#writing) {
      if (nowMs >= deadlineMs && !this.#endless.waitsForNews(response)) response.destroy();
    }
  }

  #parserFailed(error: ParserError, socket: Duplex): void {
    const peer = this.#peers.get(socket);
    if (error.code === 'ECONNRESET' || !socket.writable || peer === undefined) {
      socket.destroy();
      return;
    }
    if (error.code === 'HPE_INVALID_METHOD' && this.#understandVerbs(error, peer)) return;
    if (error.code === 'HPE_PAUSED_H2_UPGRADE' && this.#upgrade(error, peer)) return;
    if (peer.failed) return;
    peer.failed = true;
    const { status, message } = refusalOf(error);
    for (const exchange of this.#running) {
      // Its body will never be complete: this is its reply, and the end for whoever waits for the rest.
      if (exchange.request.socket === socket && !exchange.request.complete) {
        exchange.abort();
        this.#running.delete(exchange);
        exchange.response.once('close', () => exchange.request.destroy());
        this.#send(exchange, peer, this.#options.facade.refuse(status, message), true);
        return;
      }
    }
    if (peer.busy > 0) return;
    const refuse = (): void => this.#refuse(socket, status, message);
    const { lastResponse } = peer;
    if (lastResponse === undefined || lastResponse.writableFinished) refuse();
    else lastResponse.once('finish', refuse);
  }

  /** Gives the connection to a parser that knows LIST and SCAN, if one of them is what this one failed at. */
  #understandVerbs(error: ParserError, peer: Peer): boolean {
    // A pipelined LIST behind an unanswered request is refused: clients that send it do not pipeline.
    if (peer.verbs !== undefined || peer.failed || peer.busy > 0) return false;
    const verbs = takeOver(peer.socket, error);
    if (verbs === undefined) return false;
    peer.verbs = verbs;
    this.#peers.set(verbs, peer);
    this.#server.emit(peer.socket instanceof TLSSocket ? 'secureConnection' : 'connection', verbs);
    return true;
  }

  /** Cleartext HTTP/2 with prior knowledge: the preface is the first thing on the connection. */
  #upgrade(error: ParserError, peer: Peer): boolean {
    const unused = peer.verbs === undefined && peer.lastResponse === undefined && peer.busy === 0;
    if (this.#options.tls !== undefined || !unused) return false;
    const rest = takeOverForH2(peer.socket, error);
    if (rest === undefined) return false;
    peer.socket.unshift(rest);
    this.#h2.adopt(peer.socket);
    resumeHandle(peer.socket);
    return true;
  }

  #refuse(socket: Duplex, status: number, message: string): void {
    const reply = this.#options.facade.refuse(status, message);
    writeAndClose(socket, {
      ...reply,
      headers: { ...this.#customHeaders(status), ...reply.headers },
    });
  }
}
