/**
 * Shamir's secret sharing over GF(2^8) with the polynomial x^8+x^4+x^3+x+1, byte by byte, in the share layout of Vault and
 * OpenBao: the y bytes, then one byte x. The field arithmetic has no table and no branch that depends on a secret
 * (CVE-2023-25000): the published packages look products up in logarithm tables, which is why this is ours.
 */
import type { Random } from '../base/random.ts';
import { secretBuffer, wipe } from './secret-bytes.ts';

/** Most shares, and the highest threshold: x is one byte and never 0. */
export const SHARES_MAX: number = 255;
/** Lowest threshold that is sharing at all. */
export const THRESHOLD_MIN: number = 2;
const REDUCTION = 0x1b;

/** Product in the field: eight rounds, every one of them, whatever the operands. */
function multiply(a: number, b: number): number {
  let product = 0;
  let left = a;
  for (let bit = 0; bit < 8; bit++) {
    product ^= left & -((b >>> bit) & 1);
    left = ((left << 1) & 0xff) ^ (REDUCTION & -(left >>> 7));
  }
  return product;
}

/** Inverse in the field, as a^254; 0 gives 0. */
function invert(a: number): number {
  let power = a;
  let result = 1;
  for (let bit = 1; bit < 8; bit++) {
    power = multiply(power, power);
    result = multiply(result, power);
  }
  return result;
}

/**
 * Splits `secret` into `shares` parts of which any `threshold` give it back and fewer say nothing.
 * @returns shares of `secret.length + 1` bytes each, for the caller to wipe.
 * @throws {RangeError} unless 2 ≤ threshold ≤ shares ≤ 255 and the secret is not empty.
 */
export function splitSecret(
  secret: Uint8Array,
  sharing: { readonly shares: number; readonly threshold: number },
  random: Random,
): Buffer[] {
  const { shares, threshold } = sharing;
  if (!Number.isInteger(shares) || !Number.isInteger(threshold)) {
    throw new RangeError('shares and threshold must be integers');
  }
  if (threshold < THRESHOLD_MIN) throw new RangeError('threshold must be at least 2');
  if (threshold > shares) throw new RangeError('threshold cannot exceed shares');
  if (shares > SHARES_MAX) throw new RangeError('shares cannot exceed 255');
  if (secret.length === 0) throw new RangeError('secret must not be empty');

  const degree = threshold - 1;
  const coefficients = random.bytes(degree * secret.length);
  const result = distinctCoordinates(shares, random).map((x) => {
    const share = secretBuffer(secret.length + 1);
    for (let index = 0; index < secret.length; index++) {
      // Horner's rule, from the highest coefficient down to the secret byte.
      let y = 0;
      for (let power = degree - 1; power >= 0; power--) {
        y = multiply(y ^ (coefficients[index * degree + power] ?? 0), x);
      }
      share[index] = y ^ (secret[index] ?? 0);
    }
    share[secret.length] = x;
    return share;
  });
  wipe(coefficients);
  return result;
}

/**
 * Joins shares. With fewer than the threshold, or with a share of another secret, the result is noise of the right length:
 * check it against something that only the secret opens.
 * @throws {RangeError} fewer than two shares, unequal lengths, or one coordinate twice.
 */
export function combineShares(shares: readonly Uint8Array[]): Buffer {
  const length = shares[0]?.length ?? 0;
  if (shares.length < THRESHOLD_MIN) throw new RangeError('at least two shares are needed');
  if (length < 2 || shares.some((share) => share.length !== length)) {
    throw new RangeError('shares must have one length of at least two bytes');
  }
  const coordinates = shares.map((share) => share[length - 1] ?? 0);
  if (new Set(coordinates).size !== coordinates.length || coordinates.includes(0)) {
    throw new RangeError('shares must be distinct');
  }
  const secret = secretBuffer(length - 1);
  shares.forEach((share, own) => {
    // Lagrange's basis at 0: the product of x_j / (x_j − x_i); subtraction is XOR.
    let basis = 1;
    coordinates.forEach((x, other) => {
      if (other === own) return;
      basis = multiply(basis, multiply(x, invert(x ^ (coordinates[own] ?? 0))));
    });
    for (let index = 0; index < secret.length; index++) {
      secret[index] = (secret[index] ?? 0) ^ multiply(share[index] ?? 0, basis);
    }
  });
  return secret;
}

/** `count` different bytes from 1 to 255 in random order. */
function distinctCoordinates(count: number, random: Random): number[] {
  const found = new Set<number>();
  while (found.size < count) {
    for (const byte of random.bytes(SHARES_MAX)) {
      if (byte !== 0 && found.size < count) found.add(byte);
    }
  }
  return [...found];
}
