/** Which types and sizes of keys there are, and which hashes go with them. */
import { invalidRequest } from '../../../model/errors.ts';

const BITS: Readonly<
  Record<string, { readonly usual: number; readonly sizes: readonly number[] }>
> = {
  rsa: { usual: 2048, sizes: [2048, 3072, 4096, 8192] },
  ec: { usual: 256, sizes: [224, 256, 384, 521] },
};
export const RSA_BITS_MIN = 2048;

export interface KeyRules {
  readonly bits: number;
  readonly hashBits: number;
}

/** Zeros filled in. @throws {RequestError} */
export function keyRules(type: string, bits: number, hashBits: number): KeyRules {
  const known = Object.hasOwn(BITS, type) ? BITS[type] : undefined;
  const size = bits === 0 ? (known?.usual ?? 0) : bits;
  if (type === 'rsa' && size < RSA_BITS_MIN) {
    throw invalidRequest(
      `RSA keys < ${RSA_BITS_MIN} bits are unsafe and not supported: got ${size}`,
    );
  }
  if (known !== undefined && !known.sizes.includes(size)) {
    throw invalidRequest(`unsupported bit length for ${type.toUpperCase()} key: ${size}`);
  }
  if (known === undefined && type !== 'any' && type !== 'ed25519') {
    throw invalidRequest('unknown key type');
  }
  if (type === 'ed25519' || type === 'any') return { bits: size, hashBits: 0 };
  if (type === 'ec') return { bits: size, hashBits };
  const hash = hashBits === 0 ? 256 : hashBits;
  if (![256, 384, 512].includes(hash)) {
    throw invalidRequest(`unsupported hash signature algorithm: ${hash}`);
  }
  return { bits: size, hashBits: hash };
}
