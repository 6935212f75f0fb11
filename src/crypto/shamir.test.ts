/** Shamir's sharing: any threshold of shares gives the secret back, in the layout that Vault's own shares have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import * as published from 'shamir-secret-sharing';
import { systemRandom } from '../base/random.ts';
import { combineShares, splitSecret } from './shamir.ts';

/** All unseal keys of a throw-away OpenBao 2.5.5, made with five shares and a threshold of three. */
const RECORDED_SHARES: readonly string[] = [
  '0e0da1109341c75517e3b111207e58968a0e80d960f7f6eaa55018f59162521c79',
  '25f6426627c522a22d3c6eae00bb3449845d34fd3cccd540571c9fcacbd76bff43',
  '3578e1f26555b03e933450d00eda82e0219569824a32b5c77c5117e6c4d7479da9',
  '251dacf8c1b2d99994b04bb9914904136375363ffa58f5e05d5f0d489f8f3fc9ce',
  '099116d97a42d32389d4e8d020ba4a51d00b4bb74b6168e6b1b8a07a78044cb8ed',
];

const sharing = fc
  .integer({ min: 2, max: 12 })
  .chain((shares) =>
    fc.record({ shares: fc.constant(shares), threshold: fc.integer({ min: 2, max: shares }) }),
  );
const secrets = fc.uint8Array({ minLength: 1, maxLength: 48 });

test('any threshold of the shares gives the secret back', () => {
  fc.assert(
    fc.property(secrets, sharing, fc.infiniteStream(fc.nat()), (secret, counts, order) => {
      const shares = splitSecret(secret, counts, systemRandom);
      assert.equal(shares.length, counts.shares);
      const chosen = shares
        .map((share) => ({ share, rank: order.next().value ?? 0 }))
        .sort((a, b) => a.rank - b.rank)
        .slice(0, counts.threshold)
        .map(({ share }) => share);
      assert.deepEqual(combineShares(chosen), Buffer.from(secret));
      assert.deepEqual(combineShares(shares), Buffer.from(secret));
    }),
  );
});

test('one share fewer gives something else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 32 }), (secret) => {
      const shares = splitSecret(secret, { shares: 5, threshold: 4 }, systemRandom);
      assert.notDeepEqual(combineShares(shares.slice(0, 3)), Buffer.from(secret));
    }),
  );
});

test('the audited package reads our shares and we read its shares', async () => {
  await fc.assert(
    fc.asyncProperty(secrets, sharing, async (secret, { shares, threshold }) => {
      const own = splitSecret(secret, { shares, threshold }, systemRandom);
      const ownCopies = own.slice(0, threshold).map((share) => new Uint8Array(share));
      assert.deepEqual(await published.combine(ownCopies), new Uint8Array(secret));
      const theirs = await published.split(new Uint8Array(secret), shares, threshold);
      assert.deepEqual(combineShares(theirs.slice(-threshold)), Buffer.from(secret));
    }),
    { numRuns: 50 },
  );
});

test('shares made by OpenBao join to one key', () => {
  // A threshold of three: every three of the five must agree.
  const shares = RECORDED_SHARES.map((text) => Buffer.from(text, 'hex'));
  const joined = new Set<string>();
  for (let a = 0; a < shares.length; a++) {
    for (let b = a + 1; b < shares.length; b++) {
      for (let c = b + 1; c < shares.length; c++) {
        const three = [shares[a], shares[b], shares[c]].filter((share) => share !== undefined);
        joined.add(combineShares(three).toString('hex'));
      }
    }
  }
  assert.equal(joined.size, 1);
});

test('refuses impossible counts and unusable shares', () => {
  const secret = Buffer.alloc(32, 1);
  for (const counts of [
    { shares: 1, threshold: 1 },
    { shares: 5, threshold: 1 },
    { shares: 2, threshold: 3 },
    { shares: 256, threshold: 3 },
    { shares: 3.5, threshold: 2 },
    { shares: 3, threshold: Number.NaN },
  ]) {
    assert.throws(() => splitSecret(secret, counts, systemRandom), RangeError);
  }
  const [first, second] = splitSecret(secret, { shares: 2, threshold: 2 }, systemRandom);
  assert.ok(first !== undefined && second !== undefined);
  assert.throws(() => combineShares([first]), RangeError);
  assert.throws(() => combineShares([first, first]), /distinct/);
  assert.throws(() => combineShares([first, second.subarray(1)]), RangeError);
  const zero = Buffer.from(second);
  zero[zero.length - 1] = 0;
  assert.throws(() => combineShares([first, zero]), /distinct/);
});
