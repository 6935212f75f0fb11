/** ECDSA over digests, with Node's own signatures over messages as the oracle. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import { signDigestEcdsa, verifyDigestEcdsa } from './ecdsa-digest.ts';

const ROWS = [
  ['P-256', 'sha256', 64],
  ['P-384', 'sha384', 96],
  ['P-521', 'sha512', 132],
] as const;

test('signs what Node verifies, and verifies what Node signs', () => {
  for (const [namedCurve, hash, bytes] of ROWS) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
    for (let round = 0; round < 8; round++) {
      const message = systemRandom.bytes(round * 7);
      const digest = createHash(hash).update(message).digest();
      const ours = signDigestEcdsa(privateKey, digest, systemRandom);
      assert.equal(ours.length, bytes);
      const dsaEncoding = 'ieee-p1363';
      assert.ok(verify(hash, message, { key: publicKey, dsaEncoding }, ours));
      const theirs = sign(hash, message, { key: privateKey, dsaEncoding });
      assert.ok(verifyDigestEcdsa(publicKey, digest, theirs));
      theirs[round] = (theirs[round] ?? 0) ^ 1;
      assert.ok(!verifyDigestEcdsa(publicKey, digest, theirs));
      assert.ok(!verifyDigestEcdsa(publicKey, digest, ours.subarray(1)));
      assert.ok(!verifyDigestEcdsa(publicKey, digest, Buffer.alloc(bytes)));
    }
  }
});

test('two signatures of one digest differ', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const digest = Buffer.alloc(32, 1);
  const [first, second] = [1, 2].map(() => signDigestEcdsa(privateKey, digest, systemRandom));
  assert.notDeepEqual(first, second);
});
