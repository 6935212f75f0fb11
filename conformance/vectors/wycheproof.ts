/**
 * Holds what the product does with keys, ciphertexts and signatures of others to the collection Wycheproof: answers that are known, and
 * thousands of inputs that were made to be accepted by mistake. Environment: VECTORS (its folder). One line per case, then
 * "N passed, N failed".
 */
import assert from 'node:assert/strict';
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aeadOpen, aeadSeal } from '../../src/crypto/aead.ts';
import type { AeadName } from '../../src/crypto/aead.ts';
import { hkdfExpand, hkdfExtract } from '../../src/crypto/hkdf.ts';
import { HmacKey } from '../../src/crypto/hmac.ts';
import { parseJwks, parseJws, verifyWithAny } from '../../src/crypto/jws.ts';
import { decapsulateWith } from '../../src/crypto/kem-seal.ts';
import { unwrapKey, wrapKey } from '../../src/crypto/key-wrap.ts';
import type { DigestName } from '../../src/crypto/rsa/digest.ts';
import { rsaDecrypt } from '../../src/crypto/jwa.ts';
import { verifyInput } from '../../src/engines/transit/data/signatures.ts';
import type { SignatureOptions } from '../../src/engines/transit/data/signatures.ts';
import { ItemError } from '../../src/engines/transit/failures.ts';
import { checkFits } from '../../src/engines/transit/transfer/imported.ts';
import { KEY_TYPES } from '../../src/engines/transit/keys/key-types.ts';
import type { KeyType } from '../../src/engines/transit/keys/key-types.ts';
import { runCases } from '../cases.ts';

const FOLDER = process.env['VECTORS'] ?? '';

type Fields = Readonly<Record<string, unknown>>;
type Case = Fields & {
  readonly tcId: number;
  readonly result: string;
  readonly flags: readonly string[];
};
type Group = Fields & { readonly tests: readonly Case[] };

function hex(of: Fields, name: string): Buffer {
  return Buffer.from(text(of, name), 'hex');
}

function text(of: Fields, name: string): string {
  const found = of[name];
  assert.ok(typeof found === 'string', `${name} is no text`);
  return found;
}

/**
 * Runs `accepts` on every case of a file: what is valid must be accepted, what is invalid must not; `acceptable` is a matter of taste. What
 * it throws counts as a refusal, but for assertions: a wrong result.
 */
async function judge(
  file: string,
  accepts: (each: Case, group: Group) => boolean | Promise<boolean>,
  wanted: (group: Group) => boolean = () => true,
): Promise<void> {
  const document = JSON.parse(readFileSync(join(FOLDER, `${file}_test.json`), 'utf8')) as {
    readonly testGroups: readonly Group[];
  };
  let count = 0;
  for (const group of document.testGroups.filter(wanted)) {
    for (const each of group.tests) {
      let accepted = false;
      try {
        accepted = await accepts(each, group);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
      }
      if (each.result !== 'acceptable') {
        assert.equal(accepted, each.result === 'valid', `${file}: case ${each.tcId}`);
      }
      count++;
    }
  }
  assert.ok(count > 0, `${file} has no cases that are taken`);
}

async function aead(file: string, name: AeadName, ivSize: number, keySize: number): Promise<void> {
  await judge(
    file,
    (each) => {
      const [key, nonce, aad] = [hex(each, 'key'), hex(each, 'iv'), hex(each, 'aad')];
      const sealed = Buffer.concat([nonce, hex(each, 'ct'), hex(each, 'tag')]);
      const opened = aeadOpen(name, key, sealed, aad);
      assert.ok(opened.equals(hex(each, 'msg')));
      return aeadSeal(name, createSecretKey(key), nonce, opened, aad).equals(sealed);
    },
    (group) =>
      group['ivSize'] === ivSize && group['keySize'] === keySize && group['tagSize'] === 128,
  );
}

async function keyWrap(): Promise<void> {
  await judge('aes_kwp', (each) => {
    const [key, wrapped] = [hex(each, 'key'), hex(each, 'ct')];
    const secret = unwrapKey(key, wrapped);
    assert.ok(each.result !== 'valid' || secret.equals(hex(each, 'msg')));
    return wrapKey(key, secret).equals(wrapped);
  });
}

async function hmac(): Promise<void> {
  await judge('hmac_sha256', (each) => {
    const tag = hex(each, 'tag');
    const made = new HmacKey(hex(each, 'key')).digest(hex(each, 'msg'));
    return made.subarray(0, tag.length).equals(tag);
  });
}

async function hkdf(): Promise<void> {
  await judge('hkdf_sha256', (each) => {
    const key = hkdfExtract(hex(each, 'ikm'), hex(each, 'salt'));
    return hkdfExpand(key, hex(each, 'info'), Number(each['size'])).equals(hex(each, 'okm'));
  });
}

const PLAIN: SignatureOptions = {
  hash: undefined,
  marshaling: 'asn1',
  prehashed: false,
  algorithm: '',
  salt: 'auto',
};

function typeNamed(name: string): KeyType {
  const type = KEY_TYPES.get(name);
  assert.ok(type !== undefined, name);
  return type;
}

/** What transit's `verify` says of a signature; keys are read anew for each group only. */
async function verifies(
  file: string,
  typeName: string,
  options: Partial<SignatureOptions>,
): Promise<void> {
  const type = typeNamed(typeName);
  const keys = new Map<Group, KeyObject>();
  await judge(
    file,
    async (each, group) => {
      const key = keys.get(group) ?? createPublicKey(text(group, 'publicKeyPem'));
      keys.set(group, key);
      const [message, signature] = [hex(each, 'msg'), hex(each, 'sig')];
      try {
        return await verifyInput(type, key, message, signature, { ...PLAIN, ...options });
      } catch (error) {
        assert.ok(error instanceof ItemError, String(error));
        return false;
      }
    },
    (group) => typeof group['publicKeyPem'] === 'string',
  );
}

async function rsa(bits: number, hash: DigestName, bit: number): Promise<void> {
  await verifies(`rsa_signature_${bits}_${hash}`, `rsa-${bits}`, { hash, algorithm: 'pkcs1v15' });
  const salt = bit / 8;
  await verifies(`rsa_pss_${bits}_${hash}_mgf1_${salt}`, `rsa-${bits}`, {
    hash,
    algorithm: 'pss',
    salt,
  });
}

async function oaep(file: string, hash: string): Promise<void> {
  await judge(file, async (each, group) => {
    if (text(each, 'label') !== '') return each.result === 'valid';
    const key = createPrivateKey({
      key: hex(group, 'privateKeyPkcs8'),
      format: 'der',
      type: 'pkcs8',
    });
    const plaintext = await rsaDecrypt(key, hex(each, 'ct'), hash);
    return plaintext.equals(hex(each, 'msg'));
  });
}

async function mlDsa(set: 44 | 65 | 87): Promise<void> {
  const type = typeNamed(`ml-dsa-${set}`);
  const { publicKey } = generateKeyPairSync(type.name as 'ml-dsa-44');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  await judge(`mldsa_${set}_verify`, async (each, group) => {
    // Contexts are none of transit's.
    if (each['ctx'] !== undefined && each['ctx'] !== '') return each.result === 'valid';
    const raw = hex(group, 'publicKey');
    const lengthBytes = { 44: 1312, 65: 1952, 87: 2592 }[set];
    if (raw.length !== lengthBytes) return false;
    const der = Buffer.concat([spki.subarray(0, spki.length - raw.length), raw]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return await verifyInput(type, key, hex(each, 'msg'), hex(each, 'sig'), PLAIN);
  });
}

async function mlKem(): Promise<void> {
  const decapsulates = (group: Group): boolean => group['type'] === 'MLKEMTest';
  await judge(
    'mlkem',
    (each, group) => {
      const type = text(group, 'parameterSet').toLowerCase();
      const { privateKey } = generateKeyPairSync(type as 'ml-kem-512');
      const der = privateKey.export({ format: 'der', type: 'pkcs8' });
      hex(each, 'seed').copy(der, der.length - 64);
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      return decapsulateWith(key, hex(each, 'c')).equals(hex(each, 'K'));
    },
    decapsulates,
  );
}

async function ecdh(curve: string, typeName: string): Promise<void> {
  const type = typeNamed(typeName);
  await judge(`ecdh_${curve}_pem`, (each) => {
    const privateKey = createPrivateKey(text(each, 'private'));
    const publicKey = createPublicKey(text(each, 'public'));
    checkFits(type, publicKey);
    const found = diffieHellman({ privateKey, publicKey }).equals(hex(each, 'shared'));
    // OpenSSL takes parameters that are written out when they are a named curve's, whatever they say of the cofactor.
    return each.flags.includes('UnnamedCurve') ? each.result === 'valid' : found;
  });
}

/** Keys of this library from 2017 whose primes can be guessed, which nobody looks for here; names that are of no algorithm. */
const NOT_REFUSED: ReadonlySet<string> = new Set([
  'jws_rsa_roca_key',
  'wrong_algorithm',
  'invalid_algorithm',
]);

async function jws(): Promise<void> {
  // Groups of symmetric keys are left out: those do not exist here.
  await judge(
    'json_web_signature',
    async (each, group) => {
      const parsed = parseJws(text(each, 'jws'));
      // The keys of RFC 7520 stand here with algorithms other than those of its tokens.
      const alg = String(group['comment']).startsWith('rfc7520') ? { alg: undefined } : {};
      const keys = parseJwks({ keys: [{ ...(group['public'] as object), ...alg }] }) ?? [];
      return parsed !== undefined && (await verifyWithAny(parsed, keys));
    },
    (group) => group['public'] !== undefined,
  );
  await judge(
    'json_web_key',
    async (each, group) => {
      const parsed = parseJws(text(each, 'jws'));
      const keys = parseJwks(group['public']) ?? [];
      return parsed !== undefined && (await verifyWithAny(parsed, keys));
    },
    (group) => group['public'] !== undefined && !NOT_REFUSED.has(text(group, 'comment')),
  );
}

const CURVES = [
  ['secp256r1', 'ecdsa-p256', 'sha256'],
  ['secp384r1', 'ecdsa-p384', 'sha384'],
  ['secp521r1', 'ecdsa-p521', 'sha512'],
] as const;

await runCases('wycheproof', {
  'AES-128-GCM': async () => await aead('aes_gcm', 'aes-128-gcm', 96, 128),
  'AES-256-GCM': async () => await aead('aes_gcm', 'aes-256-gcm', 96, 256),
  'ChaCha20-Poly1305': async () => await aead('chacha20_poly1305', 'chacha20-poly1305', 96, 256),
  'XChaCha20-Poly1305': async () =>
    await aead('xchacha20_poly1305', 'xchacha20-poly1305', 192, 256),
  'AES key wrap with padding': keyWrap,
  'HMAC-SHA-256': hmac,
  'HKDF-SHA-256': hkdf,
  'ECDSA, in DER': async () => {
    for (const [curve, type, hash] of CURVES) {
      await verifies(`ecdsa_${curve}_${hash}`, type, { hash });
    }
  },
  'ECDSA, as JWTs have it': async () => {
    for (const [curve, type, hash] of CURVES) {
      await verifies(`ecdsa_${curve}_${hash}_p1363`, type, { hash, marshaling: 'jws' });
    }
  },
  Ed25519: async () => await verifies('ed25519', 'ed25519', {}),
  'RSA, 2048 bits': async () => await rsa(2048, 'sha256', 256),
  'RSA, 3072 bits': async () => await rsa(3072, 'sha256', 256),
  'RSA, 4096 bits': async () => await rsa(4096, 'sha512', 512),
  'RSA-OAEP': async () => {
    await oaep('rsa_oaep_2048_sha256_mgf1sha256', 'SHA-256');
    await oaep('rsa_oaep_2048_sha1_mgf1sha1', 'SHA-1');
    await oaep('rsa_oaep_3072_sha256_mgf1sha256', 'SHA-256');
    await oaep('rsa_oaep_4096_sha256_mgf1sha256', 'SHA-256');
  },
  'ML-KEM': mlKem,
  'ML-DSA': async () => {
    for (const set of [44, 65, 87] as const) await mlDsa(set);
  },
  ECDH: async () => {
    for (const [curve, type] of CURVES) await ecdh(curve, type);
  },
  'JSON Web Signatures': jws,
});
