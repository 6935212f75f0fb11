/** RSA keys: made ahead when they are wanted often, handed out once. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { SlowThreads, WorkQueueFullError } from '../../base/slow-work.ts';
import { hasSoundExponent, makeRsaKey, RsaKeys } from './keys.ts';

const TURNS = 200;

/** Lets everything that waits for nothing outside run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
}

/** Keys of a quick type in the place of primes, each one counted. */
function maker(threads = 2, waitingMax = 100): { readonly keys: RsaKeys; made: () => number } {
  let count = 0;
  const generate = async (): Promise<KeyObject> => {
    count++;
    return generateKeyPairSync('ed25519').privateKey;
  };
  const work = new SlowThreads(threads).queue(waitingMax);
  return { keys: new RsaKeys(work, generate), made: () => count };
}

test('a single key is made without others ahead', async () => {
  const { keys, made } = maker();
  await keys.take(2048);
  await settle();
  assert.equal(made(), 1);
});

test('keys that are asked for again are made ahead, up to a bound', async () => {
  const { keys, made } = maker();
  for (let count = 0; count < 200; count++) await Promise.all([keys.take(2048), keys.take(2048)]);
  await settle();
  const ahead = made() - 400;
  assert.ok(ahead > 0 && ahead <= 64, `${ahead} keys lie ready`);
});

test('no key is handed out twice', async () => {
  const { keys } = maker();
  const all: KeyObject[] = [];
  for (let round = 0; round < 20; round++) {
    all.push(...(await Promise.all(Array.from({ length: 10 }, () => keys.take(2048)))));
    if (round % 3 === 0) await settle();
  }
  const texts = all.map((key) => key.export({ format: 'pem', type: 'pkcs8' }));
  assert.equal(new Set(texts).size, 200);
});

test('sizes that nobody should want often are never made ahead', async () => {
  const { keys, made } = maker();
  for (let count = 0; count < 10; count++) await keys.take(8192);
  await settle();
  assert.equal(made(), 10);
});

test('whoever finds too many waiting is turned away', async () => {
  const { keys } = maker(1, 1);
  const running = [keys.take(2048), keys.take(2048)];
  await assert.rejects(keys.take(2048), WorkQueueFullError);
  await Promise.all(running);
});

test('a real key has the size that was asked for', async () => {
  const key = await makeRsaKey(2048);
  assert.equal(key.asymmetricKeyType, 'rsa');
  assert.equal(key.asymmetricKeyDetails?.modulusLength, 2048);
});

test('an exponent of 1, under which every message is its own signature, is none, nor an even one', () => {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    format: 'jwk',
  });
  for (const [e, sound] of [
    ['AQAB', true],
    ['Aw', true],
    ['AQ', false],
    ['Ag', false],
    ['AQAA', false],
  ] as const) {
    const key = createPublicKey({ key: { ...jwk, e }, format: 'jwk' });
    assert.equal(hasSoundExponent(key), sound, e);
  }
});
