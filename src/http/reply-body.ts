/** The body of a reply on its way out: text, bytes, or a stream that is read as fast as the client takes it. */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { WireReply } from '../facades/facade.ts';

type Stream = NonNullable<WireReply['stream']>;

/** Longer texts than this are made bytes once; shorter ones go out in one text with their head. */
const TEXT_LENGTH_MAX = 4096;

/** The body as it is best sent: a long text would be put together anew to be measured, and once more with the head before it. */
export function inBytes(reply: WireReply): WireReply {
  const { body } = reply;
  if (typeof body !== 'string' || body.length <= TEXT_LENGTH_MAX) return reply;
  return { ...reply, body: Buffer.from(body) };
}

/** The headers of a reply, its length included where it is known; else HTTP sends it in chunks. */
export function replyHeaders(
  custom: Readonly<Record<string, string>> | undefined,
  reply: WireReply,
): Record<string, string | number> {
  const all: Record<string, string | number> = { ...custom, ...reply.headers };
  const length = lengthOf(reply);
  if (length !== undefined) all['Content-Length'] = length;
  return all;
}

/** What is announced as the length of the body; undefined when it is not known, or there can be none. */
export function lengthOf({ status, body, stream }: WireReply): number | undefined {
  if (status === 204) return undefined;
  return stream === undefined ? Buffer.byteLength(body) : stream.lengthBytes;
}

/** Sends the body. `moved` hears of each piece of a stream that is on its way. */
export function writeBody(response: ServerResponse, reply: WireReply, moved: () => void): void {
  const { body, stream } = reply;
  if (stream === undefined) {
    response.end(body);
    return;
  }
  // A stream without a length may be silent for long: the client learns at once that it has begun.
  if (stream.lengthBytes === undefined) {
    response.flushHeaders();
    // It is not read just now, so nothing else would tell it that the client has gone.
    response.once('close', () => stream.destroy());
  }
  // A head that has promised a length: a stream that ends early must end the connection.
  pipeline(told(stream, moved), response)
    .catch(() => response.destroy())
    .finally(() => stream.destroy());
}

/** @throws {Error} the stream holds fewer bytes than it announced */
export async function* told(stream: Stream, moved: () => void): AsyncGenerator<Uint8Array> {
  let sentBytes = 0;
  for await (const piece of stream) {
    moved();
    sentBytes += piece.length;
    yield piece;
  }
  if (stream.lengthBytes !== undefined && sentBytes !== stream.lengthBytes)
    throw new Error('the body is not as long as announced');
}
