/**
 * ECDSA over a digest that the caller made (FIPS 186-5 §6.4): OpenSSL through Node signs messages only. Nonces are derived from
 * key and digest, with randomness added to them (RFC 6979 §3.6), so that neither a weak source nor a fault gives the key away.
 * `compact` signatures are r and s, each as long as the curve's order (IEEE P1363).
 */
import { p256, p384, p521 } from '@noble/curves/nist.js';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import { wipe } from '../secret-bytes.ts';

type Curve = typeof p256;

const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['P-256', p256],
  ['P-384', p384],
  ['P-521', p521],
]);

const UNCOMPRESSED = 4;
const EXTRA_ENTROPY_BYTES = 32;

function curveOf(name: string | undefined): Curve {
  const curve = CURVES.get(name ?? '');
  if (curve === undefined) throw new Error('the curve is not known');
  return curve;
}

export type EcdsaFormat = 'compact' | 'der';

export function signDigestEcdsa(
  key: KeyObject,
  digest: Buffer,
  random: Random,
  format: EcdsaFormat = 'compact',
): Buffer {
  const { crv, d = '' } = key.export({ format: 'jwk' });
  const secret = Buffer.from(d, 'base64url');
  try {
    const signature = curveOf(crv).sign(digest, secret, {
      prehash: false,
      lowS: false,
      extraEntropy: random.bytes(EXTRA_ENTROPY_BYTES),
      format,
    });
    return Buffer.from(signature);
  } finally {
    wipe(secret);
  }
}

/** False for whatever is no signature of this digest. */
export function verifyDigestEcdsa(
  key: KeyObject,
  digest: Buffer,
  signature: Buffer,
  format: EcdsaFormat = 'compact',
): boolean {
  const { crv, x = '', y = '' } = key.export({ format: 'jwk' });
  const point = Buffer.concat([
    Buffer.from([UNCOMPRESSED]),
    Buffer.from(x, 'base64url'),
    Buffer.from(y, 'base64url'),
  ]);
  try {
    return curveOf(crv).verify(signature, digest, point, {
      prehash: false,
      lowS: false,
      format,
    });
  } catch {
    return false;
  }
}
