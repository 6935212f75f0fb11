/** How values are stored compressed: a byte that no JSON begins with, then gzip. What `sys/raw` reads and writes. */
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { invalidRequest } from '../../model/errors.ts';

const GZIP_MARK = 0x47;
/** What a compressed value may unfold to: as much as a record may hold, with room for text that folds well. */
const PLAIN_BYTES_MAX = 16 * 1024 * 1024;

export type Compression = '' | 'gzip';

/** @throws {RequestError} invalid_request */
export function compressionNamed(name: string): Compression {
  if (name !== '' && name !== 'gzip') throw invalidRequest('invalid compression type');
  return name;
}

/** How `value` is compressed; a value that only begins like a compressed one is not. */
export function compressionOf(value: Buffer): Compression {
  return unfold(value) === undefined ? '' : 'gzip';
}

export function compress(value: Buffer, compression: Compression): Buffer {
  if (compression === '') return value;
  const level = constants.Z_BEST_COMPRESSION;
  return Buffer.concat([Buffer.of(GZIP_MARK), gzipSync(value, { level })]);
}

/** The value without compression, if it has any. */
export function decompress(value: Buffer): Buffer {
  return unfold(value) ?? value;
}

function unfold(value: Buffer): Buffer | undefined {
  if (value[0] !== GZIP_MARK) return undefined;
  try {
    return gunzipSync(value.subarray(1), { maxOutputLength: PLAIN_BYTES_MAX });
  } catch {
    return undefined;
  }
}
