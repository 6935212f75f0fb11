/**
 * PFX files (PKCS #12, RFC 7292): certificates and one private key behind a password. Read: what OpenSSL, Java, .NET and Windows
 * write today (PBES2 with AES, and the older 3DES). Written: PBES2 with AES-256 and a MAC by SHA-256.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  pbkdf2Sync,
  timingSafeEqual,
} from 'node:crypto';
import { DER, DerError, derElements, derOf, derSequence } from '../der.ts';
import type { DerElement } from '../der.ts';
import {
  contextTag,
  DER_NULL,
  derInteger,
  derOctets,
  derOid,
  octetsOf,
  oidOf,
  STRING_TAGS,
} from '../der-values.ts';
import { bmpPassword, FOR, pkcs12Key } from './key-derivation.ts';

export interface PfxContent {
  /** DER, in the order of the file. */
  readonly certificates: readonly Buffer[];
  /** PKCS #8 in DER; undefined without one. */
  readonly privateKey: Buffer | undefined;
}

/** The password is another one, or the file was changed. */
export class PfxPasswordError extends Error {
  override readonly name = 'PfxPasswordError';
}

const OIDS = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  sha1With3Des: '1.2.840.113549.1.12.1.3',
  sha1With2KeyDes: '1.2.840.113549.1.12.1.4',
  hmacSha1: '1.2.840.113549.2.7',
  hmacSha256: '1.2.840.113549.2.9',
  aes256: '2.16.840.1.101.3.4.1.42',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

const CIPHERS: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  '2.16.840.1.101.3.4.1.2': ['aes-128-cbc', 16],
  '2.16.840.1.101.3.4.1.22': ['aes-192-cbc', 24],
  [OIDS.aes256]: ['aes-256-cbc', 32],
  '1.2.840.113549.3.7': ['des-ede3-cbc', 24],
};
const PRFS: Readonly<Record<string, string>> = {
  [OIDS.hmacSha1]: 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  [OIDS.hmacSha256]: 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const HASHES: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  [OIDS.sha256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** What all derivations of one file may cost together: they are slow on purpose. */
const ITERATIONS_MAX = 250_000;
const ITERATIONS_WRITTEN = 2048;
const SALT_BYTES = 16;
const DES_BLOCK_BYTES = 8;
/** Versions and iterations. */
const COUNT_BYTES_MAX = 4;

function integerOf(element: DerElement | undefined): number {
  const bytes = element?.tag === DER.integer ? element.content : Buffer.of();
  // X.690 §8.3.1: an integer has one byte at least.
  if (bytes.length === 0 || bytes.length > COUNT_BYTES_MAX) throw new DerError('not a count');
  return bytes.readUIntBE(0, bytes.length);
}

class Reader {
  readonly #password: string;
  readonly #certificates: Buffer[] = [];
  #key: Buffer | undefined;
  #iterations = 0;

  constructor(password: string) {
    this.#password = password;
  }

  read(der: Buffer): PfxContent {
    const [version, authSafe, mac] = derSequence(der);
    if (integerOf(version) !== 3) throw new DerError('not a PFX of version 3');
    const safe = this.#dataOf(authSafe);
    if (mac === undefined) throw new DerError('the PFX has no MAC');
    this.#assertMac(mac, safe);
    for (const info of derSequence(safe)) this.#contents(this.#contentOf(info));
    return { certificates: this.#certificates, privateKey: this.#key };
  }

  #count(iterations: number): number {
    this.#iterations += iterations;
    if (iterations < 1 || this.#iterations > ITERATIONS_MAX) {
      throw new DerError('too many iterations');
    }
    return iterations;
  }

  #dataOf(info: DerElement | undefined): Buffer {
    const [type, content] = derElements(info?.content ?? Buffer.alloc(0));
    if (oidOf(type) !== OIDS.data) throw new DerError('not signed by a password');
    return octetsOf(derElements(content?.content ?? Buffer.alloc(0))[0]);
  }

  #contentOf(info: DerElement): Buffer {
    const [type, content] = derElements(info.content);
    if (oidOf(type) !== OIDS.encryptedData) return this.#dataOf(info);
    const [, inner] = derSequence(content?.content ?? Buffer.alloc(0));
    const [, algorithm, encrypted] = derElements(inner?.content ?? Buffer.alloc(0));
    // `[0] IMPLICIT OCTET STRING`, in one piece or in several.
    const bytes =
      encrypted?.tag === contextTag(0)
        ? encrypted.content
        : Buffer.concat(derElements(encrypted?.content ?? Buffer.alloc(0)).map(octetsOf));
    return this.#decrypt(algorithm, bytes);
  }

  #assertMac(mac: DerElement, safe: Buffer): void {
    const [digestInfo, salt, iterations] = derElements(mac.content);
    const [algorithm, digest] = derElements(digestInfo?.content ?? Buffer.alloc(0));
    const hash = HASHES[oidOf(derElements(algorithm?.content ?? Buffer.alloc(0))[0])];
    if (hash === undefined) throw new DerError('the MAC is by an unknown function');
    const wanted = octetsOf(digest);
    const wantedCount = iterations === undefined ? 1 : integerOf(iterations);
    const passwords = [bmpPassword(this.#password)];
    // Some write no password as no bytes at all.
    if (this.#password === '') passwords.push(Buffer.alloc(0));
    const good = passwords.some((password) => {
      const count = this.#count(wantedCount);
      const derivation = { hash, password, salt: octetsOf(salt), iterations: count };
      const key = pkcs12Key(derivation, FOR.mac, wanted.length);
      const found = createHmac(hash, key).update(safe).digest();
      return found.length === wanted.length && timingSafeEqual(found, wanted);
    });
    if (!good) throw new PfxPasswordError('the password is not that of the PFX');
  }

  #contents(safe: Buffer): void {
    for (const each of derSequence(safe)) {
      const [id, value] = derElements(each.content);
      const [inner] = derElements(value?.content ?? Buffer.alloc(0));
      if (inner === undefined) throw new DerError('an empty bag');
      const kind = oidOf(id);
      if (kind === OIDS.certBag) this.#certificate(inner);
      else if (kind === OIDS.keyBag) this.#take(inner.whole);
      else if (kind === OIDS.shroudedKeyBag) {
        const [algorithm, encrypted] = derElements(inner.content);
        this.#take(this.#decrypt(algorithm, octetsOf(encrypted)));
      }
    }
  }

  #certificate(inner: DerElement): void {
    const [type, value] = derElements(inner.content);
    if (oidOf(type) !== OIDS.x509Certificate) return;
    this.#certificates.push(octetsOf(derElements(value?.content ?? Buffer.alloc(0))[0]));
  }

  #take(key: Buffer): void {
    if (this.#key !== undefined) throw new DerError('more than one private key');
    this.#key = key;
  }

  #decrypt(algorithm: DerElement | undefined, bytes: Buffer): Buffer {
    const [name, parameters] = derElements(algorithm?.content ?? Buffer.alloc(0));
    const fields = derElements(parameters?.content ?? Buffer.alloc(0));
    const oid = oidOf(name);
    const [cipher, key, iv] =
      oid === OIDS.pbes2 ? this.#byPbes2(fields) : this.#byTripleDes(oid, fields);
    try {
      const decipher = createDecipheriv(cipher, key, iv);
      return Buffer.concat([decipher.update(bytes), decipher.final()]);
    } catch {
      throw new PfxPasswordError('the password is not that of the PFX');
    }
  }

  #byPbes2([kdf, scheme]: readonly DerElement[]): [string, Buffer, Buffer] {
    const [kdfName, kdfParameters] = derElements(kdf?.content ?? Buffer.alloc(0));
    const [cipherName, iv] = derElements(scheme?.content ?? Buffer.alloc(0));
    const [cipher, keyBytes] = CIPHERS[oidOf(cipherName)] ?? [];
    if (oidOf(kdfName) !== OIDS.pbkdf2 || cipher === undefined || keyBytes === undefined) {
      throw new DerError('encrypted in a way that is not known here');
    }
    const [salt, iterations, ...rest] = derElements(kdfParameters?.content ?? Buffer.alloc(0));
    const prf = rest.find((each) => each.tag === DER.sequence);
    const hash = prf === undefined ? 'sha1' : PRFS[oidOf(derElements(prf.content)[0])];
    if (hash === undefined) throw new DerError('encrypted in a way that is not known here');
    const key = pbkdf2Sync(
      Buffer.from(this.#password),
      octetsOf(salt),
      this.#count(integerOf(iterations)),
      keyBytes,
      hash,
    );
    return [cipher, key, octetsOf(iv)];
  }

  #byTripleDes(oid: string, [salt, iterations]: readonly DerElement[]): [string, Buffer, Buffer] {
    if (oid !== OIDS.sha1With3Des && oid !== OIDS.sha1With2KeyDes) {
      throw new DerError('encrypted in a way that is not known here');
    }
    const derivation = {
      hash: 'sha1',
      password: bmpPassword(this.#password),
      salt: octetsOf(salt),
      iterations: this.#count(integerOf(iterations)),
    };
    const twoKeys = oid === OIDS.sha1With2KeyDes;
    const derived = pkcs12Key(derivation, FOR.encryption, twoKeys ? 16 : 24);
    const key = twoKeys ? Buffer.concat([derived, derived.subarray(0, 8)]) : derived;
    return ['des-ede3-cbc', key, pkcs12Key(derivation, FOR.initialisation, DES_BLOCK_BYTES)];
  }
}

/** @throws {DerError} it is none, or uses what is not known here. @throws {PfxPasswordError} */
export function readPfx(der: Buffer, password: string): PfxContent {
  return new Reader(password).read(der);
}

function explicit(content: Buffer): Buffer {
  return derOf(contextTag(0, true), content);
}

function attribute(oid: string, value: Buffer): Buffer {
  return derOf(DER.sequence, derOid(oid), derOf(DER.set, value));
}

function bag(kind: string, content: Buffer, attributes: readonly Buffer[]): Buffer {
  const set = attributes.length === 0 ? [] : [derOf(DER.set, ...attributes)];
  return derOf(DER.sequence, derOid(kind), explicit(content), ...set);
}

export interface PfxOptions {
  readonly password: string;
  /** What programs show as its name. */
  readonly friendlyName: string;
  /** Random bytes. */
  readonly draw: (count: number) => Buffer;
}

/** The key shrouded under the password, the certificates in clear, a MAC over both. The first certificate is that of the key. */
export function writePfx(content: PfxContent, options: PfxOptions): Buffer {
  const { password, friendlyName, draw } = options;
  const label = attribute(
    OIDS.friendlyName,
    derOf(STRING_TAGS.bmp, Buffer.from(friendlyName, 'utf16le').swap16()),
  );
  const linked = [attribute(OIDS.localKeyId, derOctets(Buffer.of(1))), label];
  const certificates = content.certificates.map((der, index) =>
    bag(
      OIDS.certBag,
      derOf(DER.sequence, derOid(OIDS.x509Certificate), explicit(derOctets(der))),
      index === 0 && content.privateKey !== undefined ? linked : [],
    ),
  );
  const keys =
    content.privateKey === undefined
      ? []
      : [bag(OIDS.shroudedKeyBag, shrouded(content.privateKey, password, draw), linked)];
  const safes = [certificates, keys]
    .filter((bags) => bags.length > 0)
    .map((bags) => dataInfo(derOf(DER.sequence, ...bags)));
  const safe = derOf(DER.sequence, ...safes);
  const salt = draw(SALT_BYTES);
  const derivation = {
    hash: 'sha256',
    password: bmpPassword(password),
    salt,
    iterations: ITERATIONS_WRITTEN,
  };
  const mac = createHmac('sha256', pkcs12Key(derivation, FOR.mac, 32))
    .update(safe)
    .digest();
  const algorithm = derOf(DER.sequence, derOid(OIDS.sha256), DER_NULL);
  const macData = derOf(
    DER.sequence,
    derOf(DER.sequence, algorithm, derOctets(mac)),
    derOctets(salt),
    derInteger(ITERATIONS_WRITTEN),
  );
  return derOf(DER.sequence, derInteger(3), dataInfo(safe), macData);
}

function dataInfo(content: Buffer): Buffer {
  return derOf(DER.sequence, derOid(OIDS.data), explicit(derOctets(content)));
}

function shrouded(pkcs8: Buffer, password: string, draw: PfxOptions['draw']): Buffer {
  const [salt, iv] = [draw(SALT_BYTES), draw(16)];
  const key = pbkdf2Sync(Buffer.from(password), salt, ITERATIONS_WRITTEN, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const encrypted = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  const prf = derOf(DER.sequence, derOid(OIDS.hmacSha256), DER_NULL);
  const kdf = derOf(DER.sequence, derOctets(salt), derInteger(ITERATIONS_WRITTEN), prf);
  const parameters = derOf(
    DER.sequence,
    derOf(DER.sequence, derOid(OIDS.pbkdf2), kdf),
    derOf(DER.sequence, derOid(OIDS.aes256), derOctets(iv)),
  );
  const algorithm = derOf(DER.sequence, derOid(OIDS.pbes2), parameters);
  return derOf(DER.sequence, algorithm, derOctets(encrypted));
}
