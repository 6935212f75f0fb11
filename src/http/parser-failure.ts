/** What is left to do with a connection on which the HTTP parser failed. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { http } from '../base/node-http.ts';
import type { WireReply } from '../facades/facade.ts';
import { PREFACE } from './h2/h2-front.ts';
import { listingStart, VerbConnection } from './verb-connection.ts';

/** What `clientError` carries. */
export interface ParserError extends Error {
  readonly code?: string;
  /** How much of {@link rawPacket} was parsed before the failure. */
  readonly bytesParsed?: number;
  readonly rawPacket?: Buffer;
}

/** A request line as it must be but for its method (RFC 9112 §3), whose token (RFC 9110 §5.6.2) no path knows. */
const UNKNOWN_METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40} \/[\x21-\x7e]{0,8000} HTTP\/1\.[01]\r\n/;
const REQUEST_LINE_MAX = 8_100;

function isUnknownMethod(error: ParserError): boolean {
  if (error.code !== 'HPE_INVALID_METHOD' || error.rawPacket === undefined) return false;
  return UNKNOWN_METHOD.test(error.rawPacket.toString('latin1', 0, REQUEST_LINE_MAX));
}

/** Errors of the parser and the server that are not simply a bad request. */
const ERROR_STATUS: ReadonlyMap<string, number> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['HPE_HEADER_OVERFLOW', 431],
]);

/** How a request that could not be parsed is refused. */
export function refusalOf(error: ParserError): {
  readonly status: number;
  readonly message: string;
} {
  if (isUnknownMethod(error)) return { status: 405, message: '' };
  const status = ERROR_STATUS.get(error.code ?? '') ?? 400;
  return { status, message: http.STATUS_CODES[status]?.toLowerCase() ?? '' };
}

/** Takes the connection away from its parser when that failed at a LIST or SCAN; undefined when it failed otherwise. */
export function takeOver(socket: Socket, error: ParserError): VerbConnection | undefined {
  const { rawPacket, bytesParsed } = error;
  if (rawPacket === undefined || bytesParsed === undefined) return undefined;
  const start = listingStart(rawPacket, bytesParsed);
  if (start === undefined) return undefined;
  detachParser(socket);
  return new VerbConnection(socket, rawPacket.subarray(start));
}

/**
 * Takes the connection away from its parser when that stopped behind the preface of HTTP/2; gives what is to be put back, the
 * preface included. Undefined when it stopped elsewhere.
 */
export function takeOverForH2(socket: Socket, error: ParserError): Buffer | undefined {
  const { rawPacket, bytesParsed } = error;
  if (rawPacket === undefined || bytesParsed === undefined) return undefined;
  detachParser(socket);
  // Else the old parser still gets what the socket reads.
  socket.pause();
  return Buffer.concat([PREFACE, rawPacket.subarray(bytesParsed)]);
}

/** The HTTP/2 session reads from the handle itself, which the pause has stopped (not a documented call, as below). */
export function resumeHandle(socket: Socket): void {
  setImmediate(() => {
    const { _handle: handle } = socket as { _handle?: { readStart?: () => void } | null };
    handle?.readStart?.();
  });
}

/**
 * The `close` listener of the old parser stays, since that frees it. A parser that has begun a message would be timed out
 * together with the connection, so it is taken off that list; without this (it is not a documented call) the connection
 * would end early and its client reconnect.
 */
function detachParser(socket: Socket): void {
  for (const event of ['data', 'end', 'drain', 'timeout', 'error']) {
    socket.removeAllListeners(event);
  }
  socket.setTimeout(0);
  (socket as { parser?: { remove?: () => void } }).parser?.remove?.();
}

/** Writes a reply past the parser and ends the connection. */
export function writeAndClose(socket: Duplex, reply: WireReply): void {
  const { status, headers, body } = reply;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n${lines.join('')}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${String(body)}`,
    () => socket.destroy(),
  );
}
