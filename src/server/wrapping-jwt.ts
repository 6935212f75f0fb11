/**
 * Wrapping tokens in the form of a JSON Web Token (RFC 7519), for those who ask for it: it tells its holder where to unwrap
 * it. The key is derived from the barrier's token key, so every replica has it and nothing is stored.
 */
import { createECDH, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Barrier } from '../barrier/barrier.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import type { WrappingClaims, WrappingTexts } from '../tokens/wrapping-text.ts';

const PURPOSE = 'strongroom wrapping token v1';
/** P-521 (FIPS 186-5), as in the reference; ECDSA over it with SHA-512 is ES512 (RFC 7518 §3.4). */
const CURVE = 'secp521r1';
const COORDINATE_BYTES = 66;
const HASH = 'sha512';
const HEADER = base64url('{"alg":"ES512","typ":"JWT"}');

export function wrappingJwt(barrier: Pick<Barrier, 'tokenHmac'>): WrappingTexts {
  return {
    seal(claims) {
      // In the order of their names, as the reference writes them.
      const { accessor, addr, exp, iat, jti, nbf } = claims;
      const body = base64url(
        JSON.stringify({ accessor, addr, exp, iat, jti, nbf, type: 'wrapping' }),
      );
      const signature = sign(HASH, Buffer.from(`${HEADER}.${body}`), {
        key: privateKey(barrier),
        dsaEncoding: 'ieee-p1363',
      });
      return `${HEADER}.${body}.${signature.toString('base64url')}`;
    },
    open(text) {
      const [header, body = '', signature = '', ...more] = text.split('.');
      // The one header that is written here: no other algorithm is ever looked at.
      if (header !== HEADER || more.length > 0) return undefined;
      const valid = verify(
        HASH,
        Buffer.from(`${header}.${body}`),
        { key: createPublicKey(privateKey(barrier)), dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      );
      if (!valid) return undefined;
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Partial<
        WrappingClaims & { type: string }
      >;
      return claims.type === 'wrapping' ? claims.jti : undefined;
    },
  };
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function privateKey(barrier: Pick<Barrier, 'tokenHmac'>): KeyObject {
  const parts = [1, 2, 3].map((part) => barrier.tokenHmac.digest(`${PURPOSE} ${part}`));
  const scalar = Buffer.concat(parts).subarray(0, COORDINATE_BYTES);
  // 521 bits: of the first byte one counts. That it is beyond the order of the curve has a chance of 2^-260.
  scalar[0] = (scalar[0] ?? 0) & 1;
  const ecdh = createECDH(CURVE);
  ecdh.setPrivateKey(scalar);
  const point = ecdh.getPublicKey();
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-521',
      d: scalar.toString('base64url'),
      x: point.subarray(1, 1 + COORDINATE_BYTES).toString('base64url'),
      y: point.subarray(1 + COORDINATE_BYTES).toString('base64url'),
    },
  });
  for (const bytes of [...parts, scalar]) wipe(bytes);
  return key;
}
