/** Reads the body of a request, of whichever version of HTTP, up to a limit. */
import type { Readable } from 'node:stream';
import { BodyError } from '../facades/facade.ts';

const EMPTY = Buffer.alloc(0);
const ignore = (): void => {};

/** True when a body says of itself that it is too long, so that not a byte of it need be read. */
export function announcesTooMuch(
  contentLength: string | readonly string[] | undefined,
  bytesMax: number,
): boolean {
  return Number(contentLength ?? 0) > bytesMax;
}

/**
 * The whole body.
 * @throws {BodyError} `too_large`, with the stream paused and the rest unread; `aborted` when it ends before its end.
 */
export function readWhole(stream: Readable, bytesMax: number): Promise<Buffer> {
  // An empty body may have ended, and its sender have gone, before anybody asked for it.
  if (stream.readableEnded) return Promise.resolve(EMPTY);
  if (stream.destroyed) return Promise.reject(new BodyError('aborted'));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    // Listeners stay: to take them off costs more than to have them called once more for nothing.
    let over = false;
    // An aborted request reports an error as well as its close; without a listener that would end the process.
    stream.on('error', ignore);
    stream.on('data', (chunk: Buffer) => {
      if (over) return;
      length += chunk.length;
      chunks.push(chunk);
      if (length <= bytesMax) return;
      over = true;
      chunks.length = 0;
      stream.pause();
      reject(new BodyError('too_large'));
    });
    stream.on('end', () => {
      if (over) return;
      over = true;
      resolve(chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks, length));
    });
    stream.on('close', () => {
      if (over) return;
      over = true;
      reject(new BodyError('aborted'));
    });
  });
}

/** The body as it comes. Whoever stops in between leaves the rest unread. @throws {BodyError} `aborted` */
export async function* piecesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  if (stream.readableEnded) return;
  try {
    for await (const piece of stream.iterator({ destroyOnReturn: false })) yield piece as Buffer;
  } catch {
    throw new BodyError('aborted');
  }
}
