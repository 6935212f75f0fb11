/** Base32 (RFC 4648 §6), upper and lower case alike, padding optional. */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BITS = 5;
const BYTE_BITS = 8;
const BYTE = 0xff;

/** Upper case, without padding, as `otpauth` addresses want it. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << BYTE_BITS) | byte) & 0xfff;
    bits += BYTE_BITS;
    while (bits >= BITS) {
      bits -= BITS;
      text += DIGITS[(held >>> bits) & 31] ?? '';
    }
  }
  return bits === 0 ? text : text + (DIGITS[(held << (BITS - bits)) & 31] ?? '');
}

/** The bytes of `text`; undefined when it is not base32. */
export function decodeBase32(text: string): Buffer | undefined {
  const digits = /^([A-Za-z2-7]*)={0,6}$/.exec(text)?.[1]?.toUpperCase();
  // 1, 3 or 6 characters of a group of eight hold no whole byte of their own.
  if (digits === undefined || [1, 3, 6].includes(digits.length % BYTE_BITS)) return undefined;
  const bytes = Buffer.alloc(Math.floor((digits.length * BITS) / BYTE_BITS));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const digit of digits) {
    held = ((held << BITS) | DIGITS.indexOf(digit)) & 0xfff;
    bits += BITS;
    if (bits >= BYTE_BITS) {
      bits -= BYTE_BITS;
      bytes[at++] = (held >>> bits) & BYTE;
    }
  }
  return bytes;
}
