/** Makes a snapshot: a copy of the live store in a working folder, and the signed header that goes before it. */
import { rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { formatTime } from '../base/time-format.ts';
import type { World } from '../base/world.ts';
import { ed25519Signer } from '../crypto/signatures/ed25519.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import { digestOf, makeHeader, readHeader } from './container.ts';
import type { Manifest } from './container.ts';

const PIECE_BYTES: number = 256 * 1024;

/** A snapshot that lies in the working folder, in two parts. */
export interface MadeSnapshot {
  readonly manifest: Manifest;
  readonly header: Buffer;
  /** The file that holds the copy. */
  readonly payload: string;
  readonly bytes: number;
  /** Header and copy, piece by piece. */
  stream(): AsyncIterable<Uint8Array>;
  /** Removes the file. */
  discard(): Promise<void>;
}

export interface Maker {
  readonly world: Pick<World, 'clock'>;
  /** Names a new file for a copy, in a folder that nobody else can enter. */
  readonly workFile: () => string;
  /** Writes a consistent copy of the store to the new file; undefined = the store gives none. */
  readonly copyTo: ((file: string) => Promise<void>) | undefined;
  /** The seed of the signing key, to be wiped by the caller. */
  readonly seed: () => Buffer;
  readonly about: () => Pick<Manifest, 'cluster_id' | 'cluster_name' | 'version' | 'storage_type'>;
}

/** @throws {Error} the store could not be copied, or the working folder is full. */
export async function makeSnapshot(
  { world, workFile, copyTo, seed, about }: Maker,
  name: string,
): Promise<MadeSnapshot> {
  if (copyTo === undefined) throw new Error('this storage keeps nothing that could be copied');
  const payload = workFile();
  const createdMs = world.clock.nowMs();
  try {
    await copyTo(payload);
    const { bytes, sha256 } = await digestOf(payload);
    const bytesOfSeed = seed();
    const signer = ed25519Signer(bytesOfSeed);
    wipe(bytesOfSeed);
    const header = makeHeader(
      {
        name,
        ...about(),
        created_time: formatTime(createdMs),
        payload_bytes: bytes,
        payload_sha256: sha256,
      },
      signer,
    );
    return {
      manifest: readHeader(header).manifest,
      header,
      payload,
      bytes: header.length + bytes,
      async *stream() {
        yield header;
        yield* createReadStream(payload, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>;
      },
      discard: () => rm(payload, { force: true }),
    };
  } catch (error) {
    await rm(payload, { force: true });
    await rm(`${payload}.partial`, { force: true });
    throw error;
  }
}
