/**
 * The stored form of a record: `suite(1) term(4) nonce(24) ciphertext tag(16)`, numbers big-endian.
 *
 * The additional data bind the ciphertext to the one place it belongs to: format, suite, term, cluster, namespace, storage
 * key and revision, each with its length before it. A record that was moved, copied, renamed or replayed under another
 * revision does not open. There is one suite; none without additional data will ever be read.
 */
import { AuthenticationError, XAES_NONCE_BYTES, XAES_TAG_BYTES, XaesKey } from '../crypto/xaes.ts';
import type { NonceSource } from './nonce-source.ts';

/** XAES-256-GCM with the additional data above. */
const SUITE_XAES = 1;
const NONCE_AT = 5;
/** How much longer a stored record is than its plaintext, in bytes. */
export const RECORD_OVERHEAD_BYTES: number = NONCE_AT + XAES_NONCE_BYTES + XAES_TAG_BYTES;
export const TAG_BYTES: number = XAES_TAG_BYTES;
/** The term of the keyring's own record: it is encrypted under the root key, not under a term. */
export const ROOT_TERM = 0;
/** Highest term: it has four bytes. */
export const TERM_MAX: number = 0xffff_ffff;

const FORMAT = 'strongroom-record-1';
const LENGTH_BYTES = 2;
const REVISION_BYTES = 8;
/** Storage keys up to this long, in bytes, fit into the additional data without growing the buffer. */
const COMMON_KEY_BYTES = 200;
const UTF8_BYTES_PER_UNIT_MAX = 3;

export interface RecordScope {
  readonly term: number;
  readonly clusterId: string;
  /** Empty for the barrier's own records. */
  readonly namespaceId: string;
}

/** The term under which `record` was written. */
export function termOf(record: Buffer): number {
  return record.length < RECORD_OVERHEAD_BYTES ? -1 : record.readUInt32BE(1);
}

/** Encrypts and decrypts the records of one namespace under one term. */
export class RecordKey {
  readonly term: number;
  readonly #aead: XaesKey;
  /** Additional data: the constant fields, then room for storage key and revision. */
  #additional: Buffer;
  readonly #fieldsEnd: number;

  /** @param key 32 bytes, used now and not kept. */
  constructor(key: Uint8Array, scope: RecordScope) {
    this.term = scope.term;
    this.#aead = new XaesKey(key);
    const term = Buffer.alloc(4);
    term.writeUInt32BE(scope.term);
    const fields = [
      Buffer.from(FORMAT),
      Buffer.from([SUITE_XAES]),
      term,
      Buffer.from(scope.clusterId),
      Buffer.from(scope.namespaceId),
    ].flatMap((field) => [Buffer.from([field.length >> 8, field.length & 0xff]), field]);
    this.#fieldsEnd = fields.reduce((sum, field) => sum + field.length, 0);
    this.#additional = Buffer.alloc(
      this.#fieldsEnd + LENGTH_BYTES + COMMON_KEY_BYTES + REVISION_BYTES,
    );
    this.#additional.set(Buffer.concat(fields));
  }

  encrypt(key: string, revision: number, plaintext: Uint8Array, nonces: NonceSource): Buffer {
    const record = Buffer.allocUnsafe(RECORD_OVERHEAD_BYTES + plaintext.length);
    record[0] = SUITE_XAES;
    record.writeUInt32BE(this.term, 1);
    nonces.write(record, NONCE_AT);
    this.#aead.seal(record, NONCE_AT, plaintext, this.#bind(key, revision));
    return record;
  }

  /** @throws {AuthenticationError} the record is not what this key wrote under `key` and `revision`. */
  decrypt(key: string, revision: number, record: Buffer): Buffer {
    if (record[0] !== SUITE_XAES || termOf(record) !== this.term) {
      throw new AuthenticationError('unknown suite or term');
    }
    return this.#aead.open(record, NONCE_AT, this.#bind(key, revision));
  }

  destroy(): void {
    this.#aead.destroy();
  }

  #bind(key: string, revision: number): Buffer {
    const keyAt = this.#fieldsEnd + LENGTH_BYTES;
    const most = keyAt + key.length * UTF8_BYTES_PER_UNIT_MAX + REVISION_BYTES;
    if (most > this.#additional.length) {
      const larger = Buffer.alloc(most);
      larger.set(this.#additional);
      this.#additional = larger;
    }
    const additional = this.#additional;
    const length = additional.write(key, keyAt, 'utf8');
    additional.writeUInt16BE(length, this.#fieldsEnd);
    const revisionAt = keyAt + length;
    additional.writeUInt32BE(Math.floor(revision / 0x1_0000_0000), revisionAt);
    additional.writeUInt32BE(revision >>> 0, revisionAt + 4);
    return additional.subarray(0, revisionAt + REVISION_BYTES);
  }
}
