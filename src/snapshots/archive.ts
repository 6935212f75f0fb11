/**
 * A snapshot in the archive that tools for Vault and OpenBao expect: a gzipped tar with `meta.json`, `state.bin`, `SHA256SUMS` and, last,
 * `SHA256SUMS.sealed`, which shows them that nothing is missing. Here `state.bin` is the snapshot itself, signature and all; the rest is
 * for them. The copy is ciphertext, so the gzip stores it as it is (RFC 1951 §3.2.4), and its length is known beforehand.
 */
import { createHash } from 'node:crypto';
import { crc32, createGunzip } from 'node:zlib';
import { Readable, pipeline } from 'node:stream';
import { SnapshotError } from './container.ts';
import type { MadeSnapshot } from './make.ts';

const STATE = 'state.bin';
const BLOCK = 512;
/** The end of a tar: two empty blocks. */
const TAR_END: number = 2 * BLOCK;
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const GZIP_TAIL_BYTES = 8;
const STORED_MAX = 65_535;
const STORED_HEAD_BYTES = 5;
const HEX_SHA256 = 64;
/** Largest file beside the snapshot that is read past. */
const OTHER_BYTES_MAX: number = 1024 * 1024;

export interface Archive {
  readonly bytes: number;
  stream(): AsyncIterable<Uint8Array>;
}

export function archiveOf(made: MadeSnapshot): Archive {
  const { manifest, header, bytes } = made;
  const meta = Buffer.from(
    `${JSON.stringify({ Version: 1, ID: manifest.name, Time: manifest.created_time, Size: bytes })}\n`,
  );
  const sumsBytes = 2 * (HEX_SHA256 + 3) + 'meta.json'.length + STATE.length;
  const tarBytes = sizes(meta.length, bytes, sumsBytes, header.length) + TAR_END;
  async function* tar(): AsyncGenerator<Uint8Array> {
    yield* file('meta.json', meta);
    yield tarHeader(STATE, bytes);
    const hash = createHash('sha256');
    for await (const piece of made.stream()) {
      hash.update(piece);
      yield piece;
    }
    yield padding(bytes);
    const sums = [
      [createHash('sha256').update(meta).digest('hex'), 'meta.json'],
      [hash.digest('hex'), STATE],
    ];
    yield* file('SHA256SUMS', Buffer.from(sums.map((line) => `${line.join('  ')}\n`).join('')));
    yield* file('SHA256SUMS.sealed', header);
    yield Buffer.alloc(TAR_END);
  }
  const blocks = Math.ceil(tarBytes / STORED_MAX);
  return {
    bytes: GZIP_HEAD.length + tarBytes + blocks * STORED_HEAD_BYTES + GZIP_TAIL_BYTES,
    stream: () => stored(tar(), tarBytes),
  };
}

function sizes(...lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + BLOCK + Math.ceil(length / BLOCK) * BLOCK, 0);
}

function* file(name: string, content: Buffer): Generator<Uint8Array> {
  yield tarHeader(name, content.length);
  yield content;
  yield padding(content.length);
}

function padding(length: number): Buffer {
  return Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK);
}

/** POSIX ustar; a size that its octal digits cannot say is binary, as GNU tar and Go have it. */
function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write('0000600\x000000000\x000000000\x00', 100);
  if (size < 8 ** 11) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write('00000000000\0' + ' '.repeat(8) + '0', 136);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A gzip of `total` bytes whose blocks are stored as they are. */
async function* stored(pieces: AsyncIterable<Uint8Array>, total: number): AsyncGenerator<Buffer> {
  yield GZIP_HEAD;
  let crc = 0;
  let seen = 0;
  let waiting: Buffer = Buffer.alloc(0);
  const block = (content: Buffer): Buffer => {
    seen += content.length;
    crc = crc32(content, crc);
    const head = Buffer.alloc(STORED_HEAD_BYTES);
    head[0] = seen === total ? 1 : 0;
    head.writeUInt16LE(content.length, 1);
    head.writeUInt16LE(~content.length & 0xff_ff, 3);
    return Buffer.concat([head, content]);
  };
  for await (const piece of pieces) {
    waiting = Buffer.concat([waiting, piece]);
    while (waiting.length >= STORED_MAX) {
      yield block(waiting.subarray(0, STORED_MAX));
      waiting = waiting.subarray(STORED_MAX);
    }
  }
  if (waiting.length > 0) yield block(waiting);
  const tail = Buffer.alloc(GZIP_TAIL_BYTES);
  tail.writeUInt32LE(crc, 0);
  tail.writeUInt32LE(total % 2 ** 32, 4);
  yield tail;
}

/** Whether a file that begins with `bytes` is gzipped. */
export function isArchive(bytes: Uint8Array): boolean {
  return bytes[0] === GZIP_HEAD[0] && bytes[1] === GZIP_HEAD[1];
}

/** The snapshot in `pieces`, whether that is one itself or an archive with one in it. @throws {SnapshotError} */
export async function* snapshotIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = pieces[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  let done = false;
  while (start.length < 2 && !done) {
    const next = await source.next();
    done = next.done === true;
    if (next.done !== true) start = Buffer.concat([start, next.value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield start;
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      yield next.value;
    }
  }
  if (!isArchive(start)) {
    yield* all();
    return;
  }
  const unzipped = createGunzip();
  // An upload that breaks off must end whoever reads what is in it.
  pipeline(Readable.from(all()), unzipped, () => {});
  try {
    yield* stateOf(unzipped as AsyncIterable<Buffer>);
  } catch (error) {
    if (error instanceof SnapshotError) throw error;
    throw new SnapshotError('it is no whole archive', { cause: error });
  } finally {
    unzipped.destroy();
  }
}

/** What `state.bin` holds. */
async function* stateOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  let waiting: Buffer = Buffer.alloc(0);
  /** Bytes of the present file, and of its padding, that are still to come. */
  let content = 0;
  let skipped = 0;
  let wanted = false;
  let found = false;
  for await (const piece of pieces) {
    waiting = waiting.length === 0 ? piece : Buffer.concat([waiting, piece]);
    for (;;) {
      if (content > 0 && waiting.length > 0) {
        const part = waiting.subarray(0, content);
        waiting = waiting.subarray(part.length);
        content -= part.length;
        if (wanted) yield part;
      } else if (skipped > 0 && waiting.length > 0) {
        const part = Math.min(skipped, waiting.length);
        waiting = waiting.subarray(part);
        skipped -= part;
      } else if (content === 0 && skipped === 0 && waiting.length >= BLOCK) {
        const header = waiting.subarray(0, BLOCK);
        waiting = waiting.subarray(BLOCK);
        const name = textOf(header.subarray(0, 100));
        // The rest need not be read: the snapshot tells by itself that it is whole.
        if (found || name === '') {
          if (!found) throw new SnapshotError(`the archive has no ${STATE}`);
          return;
        }
        content = sizeIn(header);
        skipped = (BLOCK - (content % BLOCK)) % BLOCK;
        wanted = found = name === STATE;
        if (!wanted && content > OTHER_BYTES_MAX) throw new SnapshotError('it is no snapshot');
      } else break;
    }
  }
  if (!found || content > 0) throw new SnapshotError('the archive is cut off');
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end < 0 ? field.length : end);
}

function sizeIn(header: Buffer): number {
  const size =
    header[124] === 0x80
      ? Number(header.readBigUInt64BE(128))
      : Number.parseInt(textOf(header.subarray(124, 136)), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw new SnapshotError('the archive is malformed');
  return size;
}
