/** The HTTP server of Node.js as the listener sets it up, and what it tells apart by itself. */
import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { http } from '../base/node-http.ts';
import type { ListenerLimits } from './limits.ts';
import { tlsOptions } from './tls.ts';
import type { TlsSettings } from './tls.ts';

export function makeServer(tls: TlsSettings | undefined, limits: ListenerLimits): Server {
  const options: ServerOptions = {
    headersTimeout: Math.min(limits.headerTimeoutMs, limits.readTimeoutMs),
    requestTimeout: limits.readTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: limits.sweepIntervalMs,
    maxHeaderSize: limits.headerBytesMax,
    noDelay: true,
    // Checked below instead, so that the refusal has the facade's shape.
    requireHostHeader: false,
  };
  const server: Server =
    tls === undefined
      ? http.createServer(options)
      : createTlsServer({ ...options, ...tlsOptions(tls, limits.handshakeTimeoutMs) });
  server.maxHeadersCount = limits.headersMax;
  server.maxRequestsPerSocket = limits.requestsPerConnectionMax;
  server.maxConnections = limits.connectionsMax;
  return server;
}

/** Of a TLS server: connections that agreed on HTTP/2 are adopted, all others go to the parser that Node.js put there. */
export function divert(
  server: Server,
  adopt: (socket: Socket) => void,
  meet: (socket: Socket) => void,
): void {
  const parsers = server.listeners('secureConnection');
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: Socket) => {
    if (socket instanceof TLSSocket && socket.alpnProtocol === 'h2') {
      adopt(socket);
      return;
    }
    meet(socket);
    for (const parse of parsers) parse.call(server, socket);
  });
}

/** llhttp also takes a request line without a version (HTTP/0.9), and HTTP/1.1 needs a Host (RFC 9112 §3.2). */
export function isProperRequest(request: IncomingMessage): boolean {
  const { httpVersionMajor, httpVersionMinor, headers } = request;
  return httpVersionMajor === 1 && (httpVersionMinor === 0 || headers.host !== undefined);
}
