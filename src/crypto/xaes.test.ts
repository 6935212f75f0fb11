/** XAES-256-GCM against the C2SP vectors and under every one-bit change. */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AuthenticationError, XAES_NONCE_BYTES, XAES_TAG_BYTES, XaesKey } from './xaes.ts';

function sealed(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, aad: Uint8Array): Buffer {
  const record = Buffer.alloc(XAES_NONCE_BYTES + text.length + XAES_TAG_BYTES);
  record.set(nonce);
  new XaesKey(key).seal(record, 0, text, aad);
  return record;
}

/** The two examples of the C2SP specification: key byte, additional data, ciphertext with tag. */
const VECTORS = [
  { keyByte: 1, aad: '', output: 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271' },
  {
    keyByte: 3,
    aad: 'c2sp.org/XAES-256-GCM',
    output: '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d',
  },
];

test('matches the examples of the specification', () => {
  for (const { keyByte, aad, output } of VECTORS) {
    const key = Buffer.alloc(32, keyByte);
    const record = sealed(
      key,
      Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX'),
      Buffer.from('XAES-256-GCM'),
      Buffer.from(aad),
    );
    assert.equal(record.subarray(XAES_NONCE_BYTES).toString('hex'), output);
    assert.equal(new XaesKey(key).open(record, 0, Buffer.from(aad)).toString(), 'XAES-256-GCM');
  }
});

test('equals the derivation written out step by step', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ minLength: 24, maxLength: 24 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ maxLength: 50 }),
      (key, nonce, text, aad) => {
        const record = sealed(key, nonce, text, aad);
        assert.deepEqual(record.subarray(XAES_NONCE_BYTES), stepByStep(key, nonce, text, aad));
        assert.deepEqual(new XaesKey(key).open(record, 0, aad), Buffer.from(text));
      },
    ),
    { numRuns: 200 },
  );
});

test('refuses every one-bit change of record and additional data', () => {
  const key = new XaesKey(Buffer.alloc(32, 7));
  const aad = Buffer.from('where it belongs');
  const record = sealed(Buffer.alloc(32, 7), Buffer.alloc(24, 9), Buffer.from('secret'), aad);
  for (let bit = 0; bit < record.length * 8; bit++) {
    const changed = Buffer.from(record);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => key.open(changed, 0, aad), AuthenticationError);
  }
  for (let bit = 0; bit < aad.length * 8; bit++) {
    const changed = Buffer.from(aad);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => key.open(record, 0, changed), AuthenticationError);
  }
  for (let length = 0; length < record.length; length++) {
    assert.throws(() => key.open(record.subarray(0, length), 0, aad), AuthenticationError);
  }
});

test('a destroyed key neither seals nor opens', () => {
  const record = sealed(
    Buffer.alloc(32, 7),
    Buffer.alloc(24, 9),
    Buffer.from('x'),
    Buffer.alloc(0),
  );
  const key = new XaesKey(Buffer.alloc(32, 7));
  key.destroy();
  assert.throws(() => key.open(record, 0, Buffer.alloc(0)), /wiped/);
  assert.throws(() => key.seal(record, 0, Buffer.from('x'), Buffer.alloc(0)), /wiped/);
});

/** The specification's own steps, with a fresh AES for every block and nothing kept. */
function stepByStep(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, aad: Uint8Array): Buffer {
  const aes = (block: Uint8Array): Buffer =>
    createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(block);
  const l = BigInt(`0x${aes(Buffer.alloc(16)).toString('hex')}`);
  let k1 = (l << 1n) & ((1n << 128n) - 1n);
  if (l >> 127n === 1n) k1 ^= 0x87n;
  const mac = (counter: number): Buffer => {
    const block = Buffer.concat([Buffer.from([0, counter, 0x58, 0]), nonce.subarray(0, 12)]);
    const mixed = BigInt(`0x${block.toString('hex')}`) ^ k1;
    return aes(Buffer.from(mixed.toString(16).padStart(32, '0'), 'hex'));
  };
  const gcm = createCipheriv('aes-256-gcm', Buffer.concat([mac(1), mac(2)]), nonce.subarray(12));
  gcm.setAAD(aad);
  return Buffer.concat([gcm.update(text), gcm.final(), gcm.getAuthTag()]);
}
