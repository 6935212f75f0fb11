/**
 * Headers and checkpoints: the lines that say whose log it is and prove it. A header opens every file and announces the
 * public key in use; a checkpoint is an Ed25519 signature (RFC 8032) over the position of the chain. Before unsealing, a key
 * made for this start of the process signs; the first checkpoint after unsealing endorses it.
 */
import {
  ed25519Signer,
  ed25519Verifier,
  keyId,
  parsePublicKey,
} from '../crypto/signatures/ed25519.ts';
import type { Random } from '../base/random.ts';
import type { ChainPosition } from './chain.ts';

export const LOG_FORMAT = 'strongroom-audit/1';
/** First line of every signed text, so that the key's signatures mean nothing elsewhere. */
const CHECKPOINT_DOMAIN = 'strongroom-audit-checkpoint/1';

const SEED_BYTES = 32;
/** A position of the store. */
const POSITION = /^[1-9]\d{0,19}$/;

/** Signs checkpoints. `log`: the cluster's own key, kept behind the barrier; `boot`: made for one start of the process. */
export interface CheckpointSigner {
  readonly role: 'log' | 'boot';
  /** 32 bytes. */
  readonly publicKey: Buffer;
  sign(message: Buffer): Buffer;
}

/** A key for records that are written before the log's own key can be read. */
export function createBootSigner(random: Random): CheckpointSigner {
  const seed = random.bytes(SEED_BYTES);
  const signer = ed25519Signer(seed);
  seed.fill(0);
  return { role: 'boot', ...signer };
}

/** The log's own key, from its 32-byte seed. The caller may zero the seed afterwards. */
export function createLogSigner(seed: Uint8Array): CheckpointSigner {
  return { role: 'log', ...ed25519Signer(seed) };
}

export { keyId, parsePublicKey } from '../crypto/signatures/ed25519.ts';

export interface Header {
  readonly time: string;
  /** `<cluster>/<node>/<device path>`. */
  readonly origin: string;
  /** The line is the first of its file. */
  readonly opens: boolean;
  readonly signer: Pick<CheckpointSigner, 'role' | 'publicKey'>;
  /** Bytes before this line that a crash left and that are no part of the log. */
  readonly recovered?: TornBytes | undefined;
}

/** Bytes after the last whole line, up to and including a newline. */
export interface TornBytes {
  readonly bytes: number;
  readonly sha256: string;
}

/** Body of a header line, for {@link Chain.append}. */
export function renderHeader(header: Header): string {
  const { role, publicKey } = header.signer;
  const recovered =
    header.recovered === undefined
      ? ''
      : `,"recovered":{"bytes":${header.recovered.bytes},"sha256":"${header.recovered.sha256}"}`;
  const key = `{"role":"${role}","id":"${keyId(publicKey)}","public":"${publicKey.toString('base64')}"}`;
  return `{"time":"${header.time}","type":"header","format":"${LOG_FORMAT}","origin":${JSON.stringify(header.origin)},"opens":${header.opens},"key":${key}${recovered}`;
}

/** Undefined unless the line is byte for byte what {@link renderHeader} writes. */
export function parseHeader(
  fields: Readonly<Record<string, unknown>>,
  line: Buffer,
): Header | undefined {
  const header = headerOf(fields);
  if (header === undefined) return undefined;
  return isWritten(renderHeader(header), fields, line) ? header : undefined;
}

function headerOf(fields: Readonly<Record<string, unknown>>): Header | undefined {
  const { time, format, origin, opens, recovered } = fields;
  if (format !== LOG_FORMAT || typeof time !== 'string') return undefined;
  if (typeof origin !== 'string' || typeof opens !== 'boolean') return undefined;
  const key = objectOf(fields['key']);
  const { role, public: text } = key;
  if ((role !== 'log' && role !== 'boot') || typeof text !== 'string') return undefined;
  const publicKey = parsePublicKey(text);
  if (publicKey === undefined || key['id'] !== keyId(publicKey)) return undefined;
  const signer = { role, publicKey } as const;
  if (recovered === undefined) return { time, origin, opens, signer };
  const { bytes, sha256 } = objectOf(recovered);
  if (typeof bytes !== 'number' || typeof sha256 !== 'string') return undefined;
  return { time, origin, opens, signer, recovered: { bytes, sha256 } };
}

export interface CheckpointFields {
  readonly time: string;
  readonly origin: string;
  /** Records that this best-effort device lost since the log was opened. */
  readonly dropped: number;
  /** Identifiers of boot keys whose checkpoints this one confirms. */
  readonly endorses: readonly string[];
  /** How far the store had come, as a decimal number that rises with each commit; only while it is unsealed. */
  readonly store?: string | undefined;
}

export interface Checkpoint extends CheckpointFields {
  readonly keyId: string;
  readonly signature: Buffer;
}

/** A checkpoint as it stands in a log. */
export interface StoredCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The line before it. */
  readonly before: ChainPosition;
}

/** What is signed: the checkpoint's own number and the hash of the line before it, with all that the line says. */
function signedText(fields: CheckpointFields, before: ChainPosition): Buffer {
  const lines = [
    CHECKPOINT_DOMAIN,
    fields.origin,
    String(before.seq + 1),
    before.hash,
    fields.time,
    String(fields.dropped),
    fields.endorses.join(','),
    ...(fields.store === undefined ? [] : [fields.store]),
  ];
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** Body of a checkpoint line that follows `before`. */
export function renderCheckpoint(
  fields: CheckpointFields,
  before: ChainPosition,
  signer: CheckpointSigner,
): string {
  const signature = signer.sign(signedText(fields, before));
  return renderFields({ ...fields, keyId: keyId(signer.publicKey), signature });
}

function renderFields(checkpoint: Checkpoint): string {
  const { time, origin, dropped, endorses, store, signature } = checkpoint;
  const endorsed = endorses.length === 0 ? '' : `,"endorses":${JSON.stringify(endorses)}`;
  const position = store === undefined ? '' : `,"store":"${store}"`;
  return `{"time":"${time}","type":"checkpoint","origin":${JSON.stringify(origin)},"dropped":${dropped}${endorsed}${position},"key":"${checkpoint.keyId}","signature":"${signature.toString('base64')}"`;
}

/**
 * Undefined unless the line is byte for byte what {@link renderCheckpoint} writes, so that nothing in a checkpoint can be
 * changed without being noticed.
 */
export function parseCheckpoint(
  fields: Readonly<Record<string, unknown>>,
  line: Buffer,
): Checkpoint | undefined {
  const { time, origin, dropped, key, store, signature: text } = fields;
  const endorses = fields['endorses'] ?? [];
  if (typeof time !== 'string' || typeof origin !== 'string') return undefined;
  if (typeof dropped !== 'number' || typeof key !== 'string' || typeof text !== 'string') {
    return undefined;
  }
  if (!Array.isArray(endorses) || !endorses.every((id) => typeof id === 'string')) return undefined;
  if (store !== undefined && (typeof store !== 'string' || !POSITION.test(store))) return undefined;
  const signature = Buffer.from(text, 'base64');
  const checkpoint = { time, origin, dropped, endorses, store, keyId: key, signature };
  return isWritten(renderFields(checkpoint), fields, line) ? checkpoint : undefined;
}

/** JSON allows much that we never write (repeated names, spaces, escapes); none of it is taken. */
function isWritten(body: string, fields: Readonly<Record<string, unknown>>, line: Buffer): boolean {
  const { seq, prev } = fields;
  return line.equals(Buffer.from(`${body},"seq":${String(seq)},"prev":"${String(prev)}"}`));
}

/** Makes a verifier of one public key; importing a key costs more than a verification. */
export function createCheckpointVerifier(
  publicKey: Buffer,
): (checkpoint: Checkpoint, before: ChainPosition) => boolean {
  const holds = ed25519Verifier(publicKey);
  return (checkpoint, before) => holds(signedText(checkpoint, before), checkpoint.signature);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
