/**
 * The form of a snapshot outside the server: a copy of the store behind a signed manifest.
 *
 *   strongroom-snapshot 1\n
 *   manifest, one line of JSON\n
 *   Ed25519 signature of the two lines above, base64\n
 *   the copy: a SQLite database whose records are ciphertext, `payload_bytes` long, with the SHA-256 `payload_sha256`
 *
 * The signing key is derived from the cluster's keyring, so only an unsealed server of the cluster can make a snapshot, and
 * whoever knows its public key can tell a genuine one without any secret. See docs/decisions.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { ed25519Verifier, keyId, parsePublicKey } from '../crypto/signatures/ed25519.ts';
import type { Ed25519Signer } from '../crypto/signatures/ed25519.ts';

const MAGIC = 'strongroom-snapshot 1\n';
/** Longest header: the manifest is a few hundred bytes. */
export const HEADER_BYTES_MAX: number = 64 * 1024;
const LINE_FEED = 0x0a;
const PIECE_BYTES: number = 256 * 1024;

export interface Manifest {
  /** Of the snapshot; a file may be called otherwise. */
  readonly name: string;
  readonly cluster_id: string;
  readonly cluster_name: string;
  /** RFC 3339, by the clock of the server that made it. */
  readonly created_time: string;
  /** Of the program. */
  readonly version: string;
  /** Of the store that was copied. */
  readonly storage_type: string;
  readonly payload_bytes: number;
  /** Hexadecimal. */
  readonly payload_sha256: string;
  /** Of the signature: base64. */
  readonly public_key: string;
}

/** The file is no snapshot, or not as it was made. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

export interface Header {
  readonly manifest: Manifest;
  /** Where the copy begins in the file. */
  readonly length: number;
}

/** The bytes that stand before the copy. */
export function makeHeader(manifest: Omit<Manifest, 'public_key'>, signer: Ed25519Signer): Buffer {
  const signed: Manifest = { ...manifest, public_key: signer.publicKey.toString('base64') };
  const text = Buffer.from(`${MAGIC}${JSON.stringify(signed)}\n`);
  return Buffer.concat([text, Buffer.from(`${signer.sign(text).toString('base64')}\n`)]);
}

/** Whether a file that begins with `bytes` says that it is a snapshot. */
export function isSnapshot(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, MAGIC.length)).equals(Buffer.from(MAGIC));
}

/**
 * Takes the beginning of a snapshot apart and checks the signature.
 * @param trusted the only public key (32 bytes) that counts; without it the signature shows no more than that the file is whole.
 * @throws {SnapshotError}
 */
export function readHeader(bytes: Buffer, trusted?: Uint8Array): Header {
  if (!isSnapshot(bytes)) throw new SnapshotError('it is no snapshot');
  const manifestEnd = bytes.indexOf(LINE_FEED, MAGIC.length);
  const end = manifestEnd < 0 ? -1 : bytes.indexOf(LINE_FEED, manifestEnd + 1);
  if (end < 0) throw new SnapshotError('its header is cut off');
  const manifest = parseManifest(bytes.toString('utf8', MAGIC.length, manifestEnd));
  const publicKey = parsePublicKey(manifest.public_key);
  if (publicKey === undefined) throw new SnapshotError('its manifest has no key');
  const signature = Buffer.from(bytes.toString('latin1', manifestEnd + 1, end), 'base64');
  if (!ed25519Verifier(publicKey)(bytes.subarray(0, manifestEnd + 1), signature)) {
    throw new SnapshotError('its manifest is not what was signed');
  }
  if (trusted !== undefined && !publicKey.equals(trusted)) {
    throw new SnapshotError(
      `it is signed with the key ${keyId(publicKey)}, not with ${keyId(trusted)} of this cluster`,
    );
  }
  return { manifest, length: end + 1 };
}

function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SnapshotError('its manifest is no JSON');
  }
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Partial<Manifest>;
  const { payload_bytes: bytes, created_time: time, ...texts } = fields;
  const named = ['name', 'cluster_id', 'payload_sha256', 'public_key'] as const;
  if (
    !Number.isSafeInteger(bytes) ||
    Number(bytes) < 0 ||
    Number.isNaN(Date.parse(String(time))) ||
    named.some((name) => typeof texts[name] !== 'string')
  ) {
    throw new SnapshotError('its manifest lacks something');
  }
  return value as Manifest;
}

export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Of a file from `start` on. */
export async function digestOf(file: string, start = 0): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(file, { start, highWaterMark: PIECE_BYTES })) {
    hash.update(piece as Buffer);
    bytes += (piece as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** @throws {SnapshotError} the copy is not the one that the manifest was signed for. */
export function assertDigest({ manifest }: Header, digest: Digest): void {
  if (digest.bytes !== manifest.payload_bytes) {
    throw new SnapshotError(
      `its copy has ${digest.bytes} bytes where ${manifest.payload_bytes} were signed`,
    );
  }
  if (digest.sha256 !== manifest.payload_sha256) {
    throw new SnapshotError('its copy is not what was signed');
  }
}

/** The first bytes of a file: enough for {@link readHeader}. */
export async function readStart(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const bytes = Buffer.alloc(HEADER_BYTES_MAX);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Checks a whole snapshot in a file: signature, length, hash. @throws {SnapshotError} */
export async function inspectFile(
  file: string,
  trusted?: Uint8Array,
): Promise<Header & { readonly fileBytes: number }> {
  const header = readHeader(await readStart(file), trusted);
  assertDigest(header, await digestOf(file, header.length));
  return { ...header, fileBytes: (await stat(file)).size };
}
