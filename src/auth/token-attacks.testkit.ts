/** What attackers make of a good token (RFC 8725), and a key set server that serves real keys. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../base/json.ts';
import { foreignJws } from '../crypto/jws.testkit.ts';

export interface TokenIssuer {
  readonly url: string;
  readonly publicKey: KeyObject;
  /** Documents by path; key sets are made of {@link keys}. */
  readonly documents: Map<string, unknown>;
  /** Requests that were answered, by path. */
  readonly requests: string[];
  sign(claims: JsonObject, keyId?: string): string;
  /** From now on another key signs, and the old one is not in the set any more. */
  rotate(): void;
  jwks(): { readonly keys: readonly object[] };
  close(): void;
}

/** An issuer with one ES256 key at a time. Documents are functions of the moment, or values. */
export async function openIssuer(): Promise<TokenIssuer> {
  let generation = 1;
  let pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const documents = new Map<string, unknown>();
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { pathname } = new URL(incoming.url ?? '/', 'http://x');
    requests.push(pathname);
    const found = documents.get(pathname);
    const document = typeof found === 'function' ? (found as () => unknown)() : found;
    outgoing.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify(document ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer: TokenIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get publicKey() {
      return pair.publicKey;
    },
    documents,
    requests,
    sign: (claims, keyId = `k${generation}`) =>
      foreignJws(claims, { algorithm: 'ES256', key: pair.privateKey, keyId }),
    rotate() {
      generation++;
      pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    },
    jwks: () => ({
      keys: [
        {
          ...pair.publicKey.export({ format: 'jwk' }),
          kid: `k${generation}`,
          use: 'sig',
          alg: 'ES256',
        },
      ],
    }),
    close: () => void server.close(),
  };
  documents.set('/keys', () => issuer.jwks());
  documents.set('/.well-known/openid-configuration', () => ({
    issuer: issuer.url,
    jwks_uri: `${issuer.url}/keys`,
  }));
  return issuer;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** Tokens that none may take, made from the claims of one that is good. @param nowMs the clock of the judge */
export function attackTokens(
  issuer: TokenIssuer,
  claims: JsonObject,
  nowMs: number,
): readonly (readonly [string, string])[] {
  const good = issuer.sign(claims);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' });
  const symmetric = `${encoded({ alg: 'HS256', kid: 'k1' })}.${payload}`;
  const embedded = `${encoded({ alg: 'ES256', jwk: foreign.publicKey.export({ format: 'jwk' }) })}.${payload}`;
  const now = Math.floor(nowMs / 1000);
  const forged = (text: string): string => {
    const key = { key: foreign.privateKey, dsaEncoding: 'ieee-p1363' } as const;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  };
  const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
  return [
    ['no algorithm', `${encoded({ alg: 'none' })}.${payload}.`],
    ['no algorithm, in other letters', `${encoded({ alg: 'nOnE', kid: 'k1' })}.${payload}.`],
    ['no signature', `${header}.${payload}.`],
    [
      'the public key as a secret',
      `${symmetric}.${createHmac('sha256', pem).update(symmetric).digest('base64url')}`,
    ],
    ['a key of its own in the header', forged(embedded)],
    ['a foreign key under the known name', forged(`${header}.${payload}`)],
    ['a flipped signature', `${header}.${payload}.${flipped}`],
    ['other claims under the signature', `${header}.${encoded({ ...claims, x: 1 })}.${signature}`],
    ['a key name that is a path', issuerForged(foreign.privateKey, claims, '../../../dev/null')],
    ['another audience', issuer.sign({ ...claims, aud: 'somebody else' })],
    ['a list of other audiences', issuer.sign({ ...claims, aud: ['a', 'b'] })],
    ['an audience that is no text', issuer.sign({ ...claims, aud: { a: 1 } })],
    ['another issuer', issuer.sign({ ...claims, iss: 'https://evil.example' })],
    ['expired', issuer.sign({ ...claims, iat: now - 7200, nbf: now - 7200, exp: now - 3600 })],
    ['not valid yet', issuer.sign({ ...claims, nbf: now + 3600, exp: now + 7200 })],
    ['from the future', issuer.sign({ ...claims, iat: now + 3600, exp: now + 7200 })],
    ['a time that is no number', issuer.sign({ ...claims, exp: 'never' })],
    ['no JSON', `${header}.${Buffer.from('x').toString('base64url')}.${signature}`],
    ['two parts', `${header}.${payload}`],
    ['four parts', `${good}.x`],
    ['nothing', '..'],
  ];
}

function issuerForged(key: KeyObject, claims: JsonObject, keyId: string): string {
  return foreignJws(claims, { algorithm: 'ES256', key, keyId });
}
