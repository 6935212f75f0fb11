/** Takes a snapshot apart on its way in: checks the header, writes the copy to a file, checks that. */
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { HEADER_BYTES_MAX, SnapshotError, assertDigest, readHeader } from './container.ts';
import type { Header, Manifest } from './container.ts';

const FILE_MODE = 0o600;

/**
 * Writes the copy of the store that the snapshot holds to the new file `file`.
 * @param trusted the public key of the cluster; undefined = any that fits.
 * @throws {SnapshotError} it is not as it was made; no file is left then.
 */
export async function unpack(
  pieces: AsyncIterable<Uint8Array>,
  file: string,
  trusted: Uint8Array | undefined,
): Promise<Manifest> {
  const handle = await open(file, 'wx', FILE_MODE);
  try {
    const header = await writeCopy(pieces, handle, trusted);
    return header.manifest;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function writeCopy(
  pieces: AsyncIterable<Uint8Array>,
  handle: FileHandle,
  trusted: Uint8Array | undefined,
): Promise<Header> {
  const hash = createHash('sha256');
  let start: Buffer = Buffer.alloc(0);
  let header: Header | undefined;
  let bytes = 0;
  const take = async (copy: Uint8Array): Promise<void> => {
    bytes += copy.length;
    if (header !== undefined && bytes > header.manifest.payload_bytes) {
      throw new SnapshotError('it is longer than what was signed');
    }
    hash.update(copy);
    await handle.writeFile(copy);
  };
  for await (const piece of pieces) {
    if (header !== undefined) {
      await take(piece);
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (lineFeeds(start) < 3 && start.length < HEADER_BYTES_MAX) continue;
    header = readHeader(start, trusted);
    await take(start.subarray(header.length));
  }
  header ??= readHeader(start, trusted);
  assertDigest(header, { bytes, sha256: hash.digest('hex') });
  return header;
}

/** How many there are, up to three: magic, manifest and signature each end in one. */
function lineFeeds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0 && count < 3; at = bytes.indexOf(0x0a, at + 1)) {
    count += 1;
  }
  return count;
}
