/**
 * The keyring: every key of the cluster that is not a namespace's own. It is stored as one record under the root key.
 *
 * Terms are the generations of the encryption key: new records take the newest, old ones stay readable until they are
 * encrypted again. The other keys have one purpose each and no generations, because what they compute is compared for years.
 */
import type { Random } from '../../base/random.ts';
import { RequestError } from '../../model/errors.ts';
import { TERM_MAX } from '../record.ts';
import { ownCopy, secretBuffer, wipe } from '../../crypto/secret-bytes.ts';

export const KEY_BYTES: number = 32;
/** Most terms a keyring may hold; older ones must be dropped before more are added. */
const TERMS_MAX = 1024;

/** When a new term is installed without anybody asking (`sys/rotate/config`). */
export interface RotationConfig {
  readonly enabled: boolean;
  /** Encryptions under one term before the next. */
  readonly maxOperations: number;
  /** Age of a term before the next, in seconds; 0 = age does not matter. */
  readonly intervalSeconds: number;
}

/** 2³² less a tenth: what Vault rotates at, and the default here; XAES itself would allow far more. */
export const MAX_OPERATIONS_DEFAULT: number = 3_865_470_566;
export const ROTATION_DEFAULT: RotationConfig = {
  enabled: true,
  maxOperations: MAX_OPERATIONS_DEFAULT,
  intervalSeconds: 0,
};

/** What `sys/key-status` tells. */
export interface KeyStatus {
  readonly term: number;
  readonly installedMs: number;
  readonly encryptions: number;
}

/** Whether the newest term is too old or has encrypted too often. */
export function isRotationDue(config: RotationConfig, status: KeyStatus, nowMs: number): boolean {
  const { enabled, maxOperations, intervalSeconds } = config;
  const ageSeconds = (nowMs - status.installedMs) / 1000;
  const tooOld = intervalSeconds > 0 && ageSeconds >= intervalSeconds;
  return enabled && (tooOld || status.encryptions >= maxOperations);
}

export interface Term {
  readonly number: number;
  readonly installedMs: number;
  readonly key: Buffer;
}

/** Purposes of the keys without generations, in their stored order. */
const PURPOSES = ['tokens', 'audit', 'integrity', 'checkpoints', 'masks'] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface Keyring {
  readonly clusterId: string;
  /** In ascending order, never empty; the last is the one that encrypts. */
  readonly terms: readonly Term[];
  readonly keys: Readonly<Record<Purpose, Buffer>>;
  readonly rotation: RotationConfig;
}

export function newKeyring(clusterId: string, nowMs: number, random: Random): Keyring {
  return {
    clusterId,
    terms: [{ number: 1, installedMs: nowMs, key: random.bytes(KEY_BYTES) }],
    keys: {
      tokens: random.bytes(KEY_BYTES),
      audit: random.bytes(KEY_BYTES),
      integrity: random.bytes(KEY_BYTES),
      checkpoints: random.bytes(KEY_BYTES),
      masks: random.bytes(KEY_BYTES),
    },
    rotation: ROTATION_DEFAULT,
  };
}

export function newestTerm(keyring: Keyring): Term {
  const term = keyring.terms.at(-1);
  if (term === undefined) throw new Error('a keyring has at least one term');
  return term;
}

/** The keyring with a new term, in which the old keys are shared, not copied. @throws {RequestError} it is full. */
export function withNewTerm(keyring: Keyring, nowMs: number, random: Random): Keyring {
  const { number } = newestTerm(keyring);
  if (keyring.terms.length >= TERMS_MAX || number >= TERM_MAX) {
    throw new RequestError('precondition_failed', 'the keyring is full: drop unused terms first');
  }
  const term = { number: number + 1, installedMs: nowMs, key: random.bytes(KEY_BYTES) };
  return { ...keyring, terms: [...keyring.terms, term] };
}

export function wipeKeyring(keyring: Keyring): void {
  for (const term of keyring.terms) wipe(term.key);
  for (const purpose of PURPOSES) wipe(keyring.keys[purpose]);
}

const FORMAT_VERSION = 1;
const ID_BYTES = 36;
const HEAD_BYTES = 1 + ID_BYTES + 1 + 8 + 8;
const TERM_BYTES = 4 + 8 + KEY_BYTES;

/**
 * Binary, because key bytes must never become a string:
 * `version(1) cluster id(36) rotation enabled(1) max operations(8) interval(8) purpose keys(5 × 32) count(2)
 * { number(4) installed(8) key(32) } …`, numbers big-endian.
 * @returns a buffer for the caller to wipe.
 */
export function encodeKeyring(keyring: Keyring): Buffer {
  if (keyring.clusterId.length !== ID_BYTES) throw new RangeError('cluster id must be a UUID');
  const bytes = secretBuffer(
    HEAD_BYTES + PURPOSES.length * KEY_BYTES + 2 + keyring.terms.length * TERM_BYTES,
  );
  let at = bytes.writeUInt8(FORMAT_VERSION, 0);
  at += bytes.write(keyring.clusterId, at, 'latin1');
  at = bytes.writeUInt8(keyring.rotation.enabled ? 1 : 0, at);
  at = bytes.writeBigUInt64BE(BigInt(keyring.rotation.maxOperations), at);
  at = bytes.writeBigUInt64BE(BigInt(keyring.rotation.intervalSeconds), at);
  for (const purpose of PURPOSES) at += keyring.keys[purpose].copy(bytes, at);
  at = bytes.writeUInt16BE(keyring.terms.length, at);
  for (const term of keyring.terms) {
    at = bytes.writeUInt32BE(term.number, at);
    at = bytes.writeBigUInt64BE(BigInt(term.installedMs), at);
    at += term.key.copy(bytes, at);
  }
  return bytes;
}

/** @throws {Error} the bytes are no keyring (they were authentic, so this is a newer format or a defect). */
export function decodeKeyring(bytes: Buffer): Keyring {
  if (bytes[0] !== FORMAT_VERSION) throw new Error('keyring has an unknown format');
  const key = (at: number): Buffer => ownCopy(bytes.subarray(at, at + KEY_BYTES));
  let at = 1 + ID_BYTES;
  const rotation = {
    enabled: bytes[at] === 1,
    maxOperations: Number(bytes.readBigUInt64BE(at + 1)),
    intervalSeconds: Number(bytes.readBigUInt64BE(at + 9)),
  };
  at = HEAD_BYTES;
  const keys = {
    tokens: key(at),
    audit: key(at + KEY_BYTES),
    integrity: key(at + 2 * KEY_BYTES),
    checkpoints: key(at + 3 * KEY_BYTES),
    masks: key(at + 4 * KEY_BYTES),
  };
  at += PURPOSES.length * KEY_BYTES;
  const count = bytes.readUInt16BE(at);
  at += 2;
  if (count === 0 || bytes.length !== at + count * TERM_BYTES) {
    throw new Error('keyring has the wrong length');
  }
  const terms = Array.from({ length: count }, (_, index) => {
    const start = at + index * TERM_BYTES;
    return {
      number: bytes.readUInt32BE(start),
      installedMs: Number(bytes.readBigUInt64BE(start + 4)),
      key: key(start + 12),
    };
  });
  return { clusterId: bytes.toString('latin1', 1, 1 + ID_BYTES), terms, keys, rotation };
}
