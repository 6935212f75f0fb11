/** gRPC over HTTP/2 (PROTOCOL-HTTP2): message framing, status in trailers, deadlines. One message each way: all calls are unary. */
import { MessageError } from './schema.ts';
import { STATUSES } from './status.ts';
import type { StatusError } from './status.ts';

const HEADER_BYTES = 5;

/**
 * The one message of a request body.
 * @throws {MessageError} the frame is compressed, cut off, or not the only one
 */
export function unframe(body: Buffer): Buffer {
  if (body.length < HEADER_BYTES) throw new MessageError('request message is missing');
  if (body[0] !== 0) throw new MessageError('compressed messages are not supported');
  const length = body.readUInt32BE(1);
  if (body.length !== HEADER_BYTES + length) {
    throw new MessageError('expected exactly one whole message');
  }
  return body.subarray(HEADER_BYTES);
}

export function frame(message: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** `grpc-message` is percent-encoded UTF-8: only what is not printable ASCII, and the percent sign itself. */
export function encodeGrpcMessage(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replaceAll(
      /[^\x20-\x24\x26-\x7e]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
}

/** The status fields of a failed call; they travel in the headers, with END_STREAM. */
export function errorTrailers(error: StatusError): Readonly<Record<string, string>> {
  return {
    'grpc-status': String(STATUSES[error.status].grpc),
    'grpc-message': encodeGrpcMessage(error.message),
  };
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1000],
  ['m', 1],
  ['u', 1e-3],
  ['n', 1e-6],
]);

/** `grpc-timeout` in milliseconds; undefined when there is none or it cannot be read. */
export function timeoutMs(header: string | undefined): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header ?? '');
  const unit = UNIT_MS.get(match?.[2] ?? '');
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
