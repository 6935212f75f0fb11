/** Tokens that workloads log in with: one for each algorithm, of an issuer whose keys the preparation configures. */
import { generateKeyPairSync } from 'node:crypto';
import { signJws } from '../src/crypto/jws.ts';
import type { Api } from '../rig/api.ts';

export type JwtAlgorithm = 'ES256' | 'RS256';

const PAIRS = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
} as const;
const DAY_SECONDS = 86_400;
const AUDIENCE = 'bench';

export async function prepareJwtLogins(
  api: Api,
  token: string,
): Promise<Readonly<Record<JwtAlgorithm, string>>> {
  const put = async (path: string, body: unknown): Promise<unknown> =>
    await api.expect('POST', path, { token, body });
  await put('sys/auth/jwt', { type: 'jwt' });
  await put('auth/jwt/config', {
    jwt_validation_pubkeys: Object.values(PAIRS).map(({ publicKey }) =>
      publicKey.export({ type: 'spki', format: 'pem' }),
    ),
  });
  const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: [AUDIENCE] };
  await put('auth/jwt/role/bench', { ...role, token_ttl: '1h' });
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: 'bench', aud: AUDIENCE, iat: now, nbf: now, exp: now + DAY_SECONDS };
  const signed = (algorithm: JwtAlgorithm): Promise<string> =>
    signJws(claims, { algorithm, key: PAIRS[algorithm].privateKey, keyId: algorithm });
  return { ES256: await signed('ES256'), RS256: await signed('RS256') };
}
