/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of values in Google's API. An error detector, no protection. */

const POLYNOMIAL_REVERSED = 0x82f63b78;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_none, index) => {
  let remainder = index;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ POLYNOMIAL_REVERSED : remainder >>> 1;
  }
  return remainder;
});

/** The checksum as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder = (TABLE[(remainder ^ byte) & 0xff] ?? 0) ^ (remainder >>> 8);
  }
  return (remainder ^ 0xffffffff) >>> 0;
}
