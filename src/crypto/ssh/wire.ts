/** Data types of the SSH protocol (RFC 4251 §5): strings with their length before them, unsigned integers, multiple-precision integers. */

/** The bytes are not what they should be. */
export class SshFormatError extends Error {
  override readonly name = 'SshFormatError';
}

/** Longest string inside a key or certificate, in bytes. */
const STRING_BYTES_MAX = 64 * 1024;

export class SshReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @throws {SshFormatError} */
  bytes(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new SshFormatError('the data are cut short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** @throws {SshFormatError} */
  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  /** @throws {SshFormatError} */
  uint64(): bigint {
    return this.bytes(8).readBigUInt64BE();
  }

  /** @throws {SshFormatError} */
  string(): Buffer {
    const length = this.uint32();
    if (length > STRING_BYTES_MAX) throw new SshFormatError('a string is too long');
    return this.bytes(length);
  }

  /** @throws {SshFormatError} */
  text(): string {
    return this.string().toString('utf8');
  }

  /** The magnitude of a positive multiple-precision integer, without leading zeros. @throws {SshFormatError} */
  mpint(): Buffer {
    const bytes = this.string();
    if ((bytes[0] ?? 0) >= 0x80) throw new SshFormatError('an integer is negative');
    if (bytes.length > 1 && bytes[0] === 0 && (bytes[1] ?? 0) < 0x80) {
      throw new SshFormatError('an integer is not in its shortest form');
    }
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }

  /** @throws {SshFormatError} when anything is left */
  end(): void {
    if (!this.ended) throw new SshFormatError('something follows the data');
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export function string(value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** A positive integer given by its magnitude. */
export function mpint(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (magnitude[start] === 0) start++;
  const bytes = magnitude.subarray(start);
  return string((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}
