/** JSON Web Signatures: what verifies, and everything that must not. */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { claimsOf, parseJwks, parseJws, signJws, verifyJws, verifyWithAny } from './jws.ts';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const ed = generateKeyPairSync('ed25519');
const PAIRS: readonly (readonly [string, Pair])[] = [
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', p256],
  ['ES384', p384],
  ['ES512', p521],
  ['EdDSA', ed],
];

async function signed(algorithm: string, pair: Pair): Promise<string> {
  return await signJws({ sub: 'bob' }, { algorithm, key: pair.privateKey, keyId: 'k1' });
}

async function verifies(token: string, key: KeyObject): Promise<boolean> {
  const jws = parseJws(token);
  return jws !== undefined && (await verifyJws(jws, key));
}

suite('signatures', () => {
  for (const [algorithm, pair] of PAIRS) {
    test(`${algorithm} is verified with its own key only`, async () => {
      const token = await signed(algorithm, pair);
      assert.equal(await verifies(token, pair.publicKey), true);
      for (const other of [rsa, p256, p384, p521, ed]) {
        if (other !== pair) assert.equal(await verifies(token, other.publicKey), false);
      }
      const jws = parseJws(token);
      assert.deepEqual(jws && { ...claimsOf(jws) }, { sub: 'bob' });
      assert.equal(jws?.keyId, 'k1');
    });
  }

  test('RFC 8037 appendix A.4', async () => {
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
      format: 'jwk',
    });
    const token =
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.' +
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg';
    assert.equal(await verifies(token, key), true);
    assert.equal(await verifies(token.replace('RXhh', 'RXhi'), key), false);
  });

  test('any change of any character breaks it', async () => {
    const token = await signed('ES256', p256);
    const position = fc.nat({ max: token.length - 1 });
    const letter = fc.constantFrom(
      ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'.split(''),
    );
    await fc.assert(
      fc.asyncProperty(position, letter, async (at, char) => {
        const changed = token.slice(0, at) + char + token.slice(at + 1);
        assert.equal(await verifies(changed, p256.publicKey), changed === token);
      }),
    );
  });
});

function withHeader(header: object, signature: (input: string) => string): string {
  const input = [header, { sub: 'bob' }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${input}.${signature(input)}`;
}

suite('confusion (RFC 8725 §2.1)', () => {
  test('"none" and HMAC under the public key are no signatures', async () => {
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
    const hmac = (input: string): string =>
      createHmac('sha256', pem).update(input).digest('base64url');
    for (const token of [
      withHeader({ alg: 'none' }, () => ''),
      withHeader({ alg: 'HS256' }, hmac),
      withHeader({ alg: 'RS256' }, hmac),
      withHeader({ alg: 'toString' }, hmac),
      withHeader({ alg: 'RS256' }, () => ''),
    ]) {
      assert.equal(await verifies(token, rsa.publicKey), false);
    }
  });

  test('an algorithm of another hash or padding does not verify', async () => {
    const [, payload = '', signature = ''] = (await signed('RS256', rsa)).split('.');
    for (const alg of ['RS384', 'PS256', 'ES256']) {
      const header = Buffer.from(JSON.stringify({ alg, kid: 'k1' })).toString('base64url');
      assert.equal(await verifies(`${header}.${payload}.${signature}`, rsa.publicKey), false);
    }
  });

  test('a private key does not verify, short RSA keys neither', async () => {
    assert.equal(await verifies(await signed('RS256', rsa), rsa.privateKey), false);
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
    await assert.rejects(signed('RS256', short));
  });

  test('critical extensions and keys in the header are not obeyed', async () => {
    const [, , signature = ''] = (await signed('ES256', p256)).split('.');
    const sign = (header: object): string =>
      withHeader(header, (input) => {
        return input === '' ? '' : signature;
      });
    assert.equal(parseJws(sign({ alg: 'ES256', crit: ['b64'], b64: false })), undefined);
    const jwk = p256.publicKey.export({ format: 'jwk' });
    assert.equal(await verifies(sign({ alg: 'ES256', jwk }), p384.publicKey), false);
  });

  test('what is no token is none', () => {
    for (const text of [
      '',
      '.',
      '..',
      'a.b.c',
      'garbage',
      'e30.e30',
      'e30.e30.e30.e30',
      'e30.e30.!',
    ])
      assert.equal(parseJws(text), undefined, text);
    const deep = Buffer.from(`{"alg":"ES256","x":${'['.repeat(5000)}${']'.repeat(5000)}}`);
    assert.equal(parseJws(`${deep.toString('base64url')}.e30.AA`), undefined);
  });
});

suite('key sets', () => {
  test('the key of the token’s id is used, all of them without one', async () => {
    const jwk = (pair: Pair, kid: string): object => ({
      ...pair.publicKey.export({ format: 'jwk' }),
      kid,
    });
    const keys = parseJwks({
      keys: [jwk(p384, 'k0'), jwk(p256, 'k1'), { kty: 'oct', k: 'AA' }, null],
    });
    assert.equal(keys?.length, 2);
    const jws = parseJws(await signed('ES256', p256));
    assert.ok(jws !== undefined && keys !== undefined);
    assert.equal(await verifyWithAny(jws, keys), true);
    assert.equal(await verifyWithAny({ ...jws, keyId: 'k0' }, keys), false);
    assert.equal(await verifyWithAny({ ...jws, keyId: undefined }, keys), true);
    assert.equal(await verifyWithAny(jws, []), false);
  });

  test('a key serves the algorithm and the purpose that its owner names, and no other', async () => {
    const jwk = p256.publicKey.export({ format: 'jwk' });
    const jws = parseJws(await signed('ES256', p256));
    assert.ok(jws !== undefined);
    for (const [said, serves] of [
      [{}, true],
      [{ use: 'sig', alg: 'ES256', key_ops: ['verify'] }, true],
      [{ alg: 'ES384' }, false],
      [{ use: 'enc' }, false],
      [{ key_ops: ['deriveKey'] }, false],
      // No name of an algorithm says nothing.
      [{ alg: 'ES521' }, true],
    ] as const) {
      const found = parseJwks({ keys: [{ ...jwk, ...said }] }) ?? [];
      assert.equal(await verifyWithAny(jws, found), serves, JSON.stringify(said));
    }
  });

  test('what is no key set is none', () => {
    for (const document of [
      null,
      [],
      {},
      { keys: {} },
      'x',
      { keys: Array.from({ length: 1000 }, () => null) },
    ])
      assert.equal(parseJwks(document), undefined);
  });
});
