/**
 * Checks what transit, the barrier and imports are made of against published vectors (NIST’s CAVP and ACVP, RFCs) of the Python package
 * `cryptography_vectors`. Environment: VECTORS (its folder). One line per case, then "N passed, N failed".
 */
import assert from 'node:assert/strict';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aeadOpen, aeadSeal } from '../../src/crypto/aead.ts';
import type { AeadName } from '../../src/crypto/aead.ts';
import { hkdfExpand, hkdfExtract } from '../../src/crypto/hkdf.ts';
import { decapsulateWith } from '../../src/crypto/kem-seal.ts';
import { unwrapKey, wrapKey } from '../../src/crypto/key-wrap.ts';
import { verifyDigestPkcs1, verifyDigestPss } from '../../src/crypto/rsa/digest.ts';
import type { DigestName } from '../../src/crypto/rsa/digest.ts';
import { verifyDigestEcdsa } from '../../src/crypto/signatures/ecdsa-digest.ts';
import { runCases } from '../cases.ts';
import { bytesOf, recordsIn } from './records.ts';
import type { VectorRecord } from './records.ts';

const FOLDER = process.env['VECTORS'] ?? '';
const NONE = Buffer.alloc(0);
/** No group that proves something has fewer. */
const COUNT_MIN = 3;

/** Runs `check` on every record that `wanted` takes. */
function each(
  path: string,
  first: string,
  check: (record: VectorRecord) => void,
  wanted: (record: VectorRecord) => boolean = () => true,
  heads: readonly string[] = [],
): number {
  let count = 0;
  for (const record of recordsIn(FOLDER, path, first, heads)) {
    if (!wanted(record)) continue;
    check(record);
    count++;
  }
  assert.ok(count >= COUNT_MIN, `${path} has ${count} vectors that are taken`);
  return count;
}

function fails(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}

/** Nonces and tags of other lengths are not used here. */
function isUsual({ section }: VectorRecord): boolean {
  return section.includes('[IVlen = 96]') && section.includes('[Taglen = 128]');
}

function sealed(record: VectorRecord): Buffer {
  return Buffer.concat([bytesOf(record, 'iv'), bytesOf(record, 'ct'), bytesOf(record, 'tag')]);
}

function gcm(aead: AeadName, bits: number): void {
  each(
    `ciphers/AES/GCM/gcmEncryptExtIV${bits}.rsp`,
    'count',
    (record) => {
      const [key, iv, pt, aad] = ['key', 'iv', 'pt', 'aad'].map((name) => bytesOf(record, name));
      const made = aeadSeal(aead, key ?? NONE, iv ?? NONE, pt ?? NONE, aad ?? NONE);
      assert.ok(made.equals(sealed(record)));
    },
    isUsual,
  );
  each(
    `ciphers/AES/GCM/gcmDecrypt${bits}.rsp`,
    'count',
    (record) => {
      const open = (): Buffer =>
        aeadOpen(aead, bytesOf(record, 'key'), sealed(record), bytesOf(record, 'aad'));
      if (Object.hasOwn(record.fields, 'fail')) assert.ok(fails(open));
      else assert.ok(open().equals(bytesOf(record, 'pt')));
    },
    isUsual,
  );
}

function chacha(): void {
  each('ciphers/ChaCha20Poly1305/boringssl.txt', 'count', (record) => {
    const [key, nonce, ad] = ['key', 'nonce', 'ad'].map((name) => bytesOf(record, name));
    const expected = [nonce ?? NONE, bytesOf(record, 'ct'), bytesOf(record, 'tag')];
    const whole = Buffer.concat(expected);
    const plaintext = bytesOf(record, 'in');
    const made = aeadSeal('chacha20-poly1305', key ?? NONE, nonce ?? NONE, plaintext, ad ?? NONE);
    assert.ok(made.equals(whole));
    assert.ok(aeadOpen('chacha20-poly1305', key ?? NONE, whole, ad ?? NONE).equals(plaintext));
  });
}

function keyWrap(bits: number): void {
  each(`keywrap/kwtestvectors/KWP_AE_${bits}.txt`, 'count', (record) => {
    const made = wrapKey(bytesOf(record, 'k'), bytesOf(record, 'p'));
    assert.ok(made.equals(bytesOf(record, 'c')));
  });
  each(`keywrap/kwtestvectors/KWP_AD_${bits}.txt`, 'count', (record) => {
    const open = (): Buffer => unwrapKey(bytesOf(record, 'k'), bytesOf(record, 'c'));
    if (Object.hasOwn(record.fields, 'fail')) assert.ok(fails(open));
    else assert.ok(open().equals(bytesOf(record, 'p')));
  });
}

function hkdf(): void {
  each('KDF/rfc-5869-HKDF-SHA256.txt', 'count', (record) => {
    const root = hkdfExtract(bytesOf(record, 'ikm'), bytesOf(record, 'salt'));
    assert.ok(root.equals(bytesOf(record, 'prk')));
    const made = hkdfExpand(root, bytesOf(record, 'info'), Number(record.fields['l']));
    assert.ok(made.equals(bytesOf(record, 'okm')));
  });
}

function digestOf(record: VectorRecord, name: string): Buffer {
  return createHash(name).update(bytesOf(record, 'msg')).digest();
}

function coded(bytes: Buffer): string {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  return bytes.subarray(at).toString('base64url');
}

function passes({ fields }: VectorRecord): boolean {
  return (fields['result'] ?? '').startsWith('P');
}

/** The modulus stands in the first of the records that it is for. */
function rsa(
  path: string,
  check: (key: KeyObject, hash: DigestName, record: VectorRecord) => boolean,
): void {
  let modulus = '';
  each(
    path,
    'shaalg',
    (record) => {
      const n = coded(Buffer.from(modulus, 'hex'));
      const e = coded(bytesOf(record, 'e'));
      const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n, e } });
      const hash = (record.fields['shaalg'] ?? '').toLowerCase() as DigestName;
      assert.equal(check(key, hash, record), passes(record));
    },
    (record) => {
      modulus = record.fields['n'] ?? modulus;
      return Number(/\d+/.exec(record.section)?.[0]) >= 2048;
    },
    ['n'],
  );
}

function ecdsa(): void {
  const curves = /^\[(P-256|P-384|P-521),SHA-(224|256|384|512)\]$/;
  each(
    'asymmetric/ECDSA/FIPS_186-3/SigVer.rsp',
    'msg',
    (record) => {
      const [, crv = '', bits] = curves.exec(record.section) ?? [];
      const size = Math.ceil(Number(crv.slice(2)) / 8);
      const padded = (name: string): Buffer =>
        Buffer.from((record.fields[name] ?? '').padStart(size * 2, '0'), 'hex');
      const point = {
        x: padded('qx').toString('base64url'),
        y: padded('qy').toString('base64url'),
      };
      const digest = digestOf(record, `sha${bits}`);
      const signature = Buffer.concat([padded('r'), padded('s')]);
      let valid = false;
      try {
        const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv, ...point } });
        valid = verifyDigestEcdsa(key, digest, signature);
      } catch {
        // The point is not on the curve.
      }
      assert.equal(valid, passes(record));
    },
    ({ section }) => curves.test(section),
  );
}

/** PKCS #8 of the seed: what comes before it is the same for every key of a type. */
function fromSeed(
  type: 'ml-kem-768' | 'ml-kem-1024' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87',
  seed: Buffer,
): KeyObject {
  const { privateKey } = generateKeyPairSync(type as 'ml-dsa-44');
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  seed.copy(der, der.length - seed.length);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicHalf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' });
}

/** Of files of many megabytes so many are enough. */
const POST_QUANTUM_MAX = 100;

function mlKem(type: 'ml-kem-768' | 'ml-kem-1024'): void {
  let count = 0;
  each(
    `asymmetric/MLKEM/kat_MLKEM_${type.slice(7)}.rsp`,
    'count',
    (record) => {
      const key = fromSeed(type, Buffer.concat([bytesOf(record, 'd'), bytesOf(record, 'z')]));
      const half = publicHalf(key);
      const expected = bytesOf(record, 'pk');
      assert.ok(half.subarray(half.length - expected.length).equals(expected));
      const found = decapsulateWith(key, bytesOf(record, 'ct'));
      assert.ok(found.equals(bytesOf(record, 'ss')));
      // An encapsulation that was not made for this key gives another secret, and always the same.
      const other = decapsulateWith(key, bytesOf(record, 'ct_n'));
      assert.ok(other.equals(bytesOf(record, 'ss_n')));
    },
    () => count++ < POST_QUANTUM_MAX,
  );
}

function mlDsa(type: 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87'): void {
  let count = 0;
  each(
    `asymmetric/MLDSA/kat_MLDSA_${type.slice(7)}_det_pure.rsp`,
    'count',
    (record) => {
      const privateKey = fromSeed(type, bytesOf(record, 'xi'));
      const half = publicHalf(privateKey);
      const expected = bytesOf(record, 'pk');
      assert.ok(half.subarray(half.length - expected.length).equals(expected));
      const message = bytesOf(record, 'msg');
      const whole = bytesOf(record, 'sm');
      const signature = whole.subarray(0, whole.length - message.length);
      const key = { key: createPublicKey(privateKey), context: bytesOf(record, 'ctx') };
      assert.ok(verify(null, message, key, signature));
      assert.equal(verify(null, Buffer.concat([message, Buffer.of(0)]), key, signature), false);
    },
    () => count++ < POST_QUANTUM_MAX,
  );
}

/** PKCS #8 of an Ed25519 seed up to it (RFC 8410 §7). */
const ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

function ed25519(): void {
  const lines = readFileSync(join(FOLDER, 'asymmetric/Ed25519/sign.input'), 'utf8').split('\n');
  let count = 0;
  for (const line of lines.filter((text) => text !== '')) {
    const [seed = '', , message = '', signed = ''] = line.split(':');
    const der = Buffer.concat([ED25519, Buffer.from(seed, 'hex').subarray(0, 32)]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const made = sign(null, Buffer.from(message, 'hex'), key);
    assert.ok(made.equals(Buffer.from(signed, 'hex').subarray(0, 64)));
    count++;
  }
  assert.ok(count > 1000);
}

await runCases('vectors', {
  'AES-128-GCM': async () => gcm('aes-128-gcm', 128),
  'AES-256-GCM': async () => gcm('aes-256-gcm', 256),
  'ChaCha20-Poly1305': async () => chacha(),
  'AES key wrap with padding, 128': async () => keyWrap(128),
  'AES key wrap with padding, 256': async () => keyWrap(256),
  'HKDF-SHA-256': async () => hkdf(),
  'RSA PKCS #1 v1.5 over digests': async () =>
    rsa('asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp', (key, hash, record) =>
      verifyDigestPkcs1(key, hash, digestOf(record, hash), bytesOf(record, 's')),
    ),
  'RSA PSS over digests': async () =>
    rsa('asymmetric/RSA/FIPS_186-2/SigVerPSS_186-3.rsp', (key, hash, record) => {
      const saltBytes = bytesOf(record, 'saltval').length;
      return verifyDigestPss(key, hash, digestOf(record, hash), bytesOf(record, 's'), saltBytes);
    }),
  'ECDSA over digests': async () => ecdsa(),
  Ed25519: async () => ed25519(),
  'ML-KEM-768': async () => mlKem('ml-kem-768'),
  'ML-KEM-1024': async () => mlKem('ml-kem-1024'),
  'ML-DSA-44': async () => mlDsa('ml-dsa-44'),
  'ML-DSA-65': async () => mlDsa('ml-dsa-65'),
  'ML-DSA-87': async () => mlDsa('ml-dsa-87'),
});
