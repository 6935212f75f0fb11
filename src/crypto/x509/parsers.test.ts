/**
 * Readers of DER and PEM on input that nobody has checked: they give what was written, or throw the one error that they declare, and
 * never take long, whatever comes.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { DER, DerError, derElements, derOf, derSequence, isDerEcdsaSignature } from '../der.ts';
import type { DerElement } from '../der.ts';
import {
  bitsOf,
  derBitString,
  derInteger,
  derOctets,
  derOid,
  derText,
  derTime,
  derUnsigned,
  octetsOf,
  oidOf,
  STRING_TAGS,
  textOf,
  timeOf,
  TIME_TAGS,
  withoutLeadingZeros,
} from '../der-values.ts';
import { nextPem, pemOf } from '../pem.ts';
import { algorithmFor } from './algorithms.ts';
import {
  altNamesOf,
  authorityKeyIdOf,
  basicConstraintsOf,
  extendedUsagesOf,
  hasFurtherNames,
  isSignedBy,
  keyUsageOf,
  permittedDnsDomainsOf,
  readCertificate,
  readExtensions,
  subjectKeyIdOf,
} from './certificate.ts';
import type { Certificate } from './certificate.ts';
import {
  authorityInfoAccess,
  authorityKeyId,
  basicConstraints,
  certificatePolicies,
  crlNumber,
  distributionPoints,
  encodeExtension,
  extendedKeyUsage,
  EXTENSION_OIDS,
  keyUsage,
  permittedDnsDomains,
  subjectAltName,
  subjectKeyId,
} from './extensions.ts';
import { keyIdOf, makePrivateKey, publicKeyInfoOf } from './keys.ts';
import { makeCertificate } from './make-certificate.ts';
import { encodeSubject, flatName, nameText, readName } from './names.ts';
import { judgeStatusResponse, makeStatusRequest, OcspError } from './ocsp-client.ts';
import { makeStatusResponse, readStatusRequest } from './ocsp.ts';
import { makeRequest, readRequest } from './request.ts';
import { makeRevocationList, readRevocationList } from './revocation-list.ts';

const RUNS = { numRuns: 1500 };
const NOW_MS = Date.UTC(2030, 0, 1);
const NONCE = Buffer.alloc(16, 7);

const key = await makePrivateKey('ec', 256);
const publicKeyInfo = publicKeyInfoOf(key);
const algorithm = algorithmFor(key);
const subject = encodeSubject({ commonName: 'Ünï', organization: ['A', 'B'], userIds: ['u'] });
const altNames = {
  dnsNames: ['a.test', '*.b.test'],
  emails: ['x@a.test'],
  ipAddresses: [Buffer.from([192, 0, 2, 1])],
  uris: ['spiffe://a/b'],
  others: [{ oid: '1.3.6.1.4.1.311.20.2.3', value: 'upn@a.test' }],
};
const extensions = [
  keyUsage(0x61),
  extendedKeyUsage(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.9']),
  basicConstraints(true, 3),
  subjectKeyId(keyIdOf(publicKeyInfo)),
  authorityKeyId(keyIdOf(publicKeyInfo)),
  authorityInfoAccess(['http://o.test'], ['http://i.test']),
  subjectAltName(altNames, false),
  certificatePolicies([{ oid: '2.23.140.1.2.1', cps: 'http://c.test', notice: 'n' }]),
  permittedDnsDomains(['a.test']),
  distributionPoints(['http://l.test'], EXTENSION_OIDS.crlDistributionPoints),
];
const template = {
  serial: Buffer.from('0102030405', 'hex'),
  issuer: subject,
  subject,
  notBeforeMs: NOW_MS - 1000,
  notAfterMs: NOW_MS + 1_000_000,
  publicKeyInfo,
  extensions,
};
const der = {
  certificate: await makeCertificate(template, algorithm, key),
  request: await makeRequest({ subject, publicKeyInfo, extensions }, algorithm, key),
  list: await makeRevocationList(
    {
      issuer: subject,
      thisUpdateMs: NOW_MS,
      nextUpdateMs: NOW_MS + 1000,
      revoked: [{ serial: Buffer.of(1), revokedMs: NOW_MS }],
      extensions: [crlNumber(9)],
    },
    algorithm,
    key,
  ),
};
const certificate = readCertificate(der.certificate);
const statusRequest = makeStatusRequest(certificate, certificate, NONCE);
const statusResponse = await makeStatusResponse(
  {
    request: readStatusRequest(statusRequest),
    status: { state: 'good' },
    producedMs: NOW_MS,
    nextUpdateMs: NOW_MS + 60_000,
  },
  certificate,
  algorithm,
  key,
);
const question = { certificate, issuer: certificate, nonce: NONCE, trusted: [], nowMs: NOW_MS };

/** Everything that is read of a certificate. */
function readAll(read: Certificate): void {
  const readers = [
    altNamesOf,
    authorityKeyIdOf,
    basicConstraintsOf,
    extendedUsagesOf,
    hasFurtherNames,
    keyUsageOf,
    permittedDnsDomainsOf,
    subjectKeyIdOf,
  ];
  for (const reader of readers) declared(() => reader(read));
  declared(() => nameText(readName(read.subject)));
  declared(() => flatName(readName(read.issuer)));
  declared(() => isSignedBy(read, certificate));
  declared(() => isSignedBy(certificate, read));
}

/** What each reader does with bytes; one that throws anything but its declared error fails. */
const READERS: Readonly<Record<string, (bytes: Buffer) => void>> = {
  certificate: (bytes) => readAll(readCertificate(bytes)),
  request: (bytes) => {
    const read = readRequest(bytes);
    declared(() => nameText(readName(read.subject)));
    declared(() => altNamesOf(read));
    declared(() => basicConstraintsOf(read));
  },
  'revocation list': (bytes) => {
    const read = readRevocationList(bytes);
    read.isSignedBy(publicKeyInfo);
    declared(() => readName(read.issuer));
  },
  'status request': (bytes) => void readStatusRequest(bytes),
  'status response': (bytes) => void judgeStatusResponse(bytes, question),
  name: (bytes) => void nameText(readName(bytes)),
  extensions: (bytes) => void readExtensions(bytes),
};
const VALID: Readonly<Record<string, Buffer>> = {
  certificate: der.certificate,
  request: der.request,
  'revocation list': der.list,
  'status request': statusRequest,
  'status response': statusResponse,
  name: subject,
  extensions: derOf(DER.sequence, ...extensions.map(encodeExtension)),
};

function declared(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (error instanceof DerError || error instanceof OcspError) return;
    throw error;
  }
}

type Change = readonly [kind: 'set' | 'insert' | 'remove' | 'cut' | 'copy', at: number, by: number];

const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom('set', 'insert', 'remove', 'cut', 'copy'),
  fc.nat(4000),
  // Tags and lengths that mean something come more often than others.
  fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 0x0c, 0x17, 0x1e, 0x30, 0x31, 0x80, 0x84, 0xa0, 0xff),
    fc.nat(255),
  ),
);

function changed(bytes: Buffer, changes: readonly Change[]): Buffer {
  let result = Buffer.from(bytes);
  for (const [kind, position, by] of changes) {
    const at = position % Math.max(1, result.length);
    const [before, after] = [result.subarray(0, at), result.subarray(at)];
    if (kind === 'set') result[at] = by;
    else if (kind === 'insert') result = Buffer.concat([before, Buffer.of(by), after]);
    else if (kind === 'remove') result = Buffer.concat([before, after.subarray(by % 32)]);
    else if (kind === 'copy') result = Buffer.concat([before, result.subarray(0, by), after]);
    else result = Buffer.from(before);
  }
  return result;
}

const nested = fc.letrec<{ node: Buffer; leaf: Buffer }>((tie) => ({
  leaf: fc
    .tuple(
      fc.constantFrom(1, 2, 3, 4, 5, 6, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x80, 0x82),
      fc.uint8Array({ maxLength: 20 }),
    )
    .map(([tag, content]) => derOf(tag, content)),
  node: fc.oneof(
    { maxDepth: 6 },
    tie('leaf'),
    fc
      .tuple(
        fc.constantFrom(0x30, 0x30, 0x31, 0xa0, 0xa1, 0xa2, 0xa3, 0x04),
        fc.array(tie('node'), { maxLength: 6 }),
      )
      .map(([tag, parts]) => derOf(tag, ...parts)),
  ),
})).node;

suite('readers of DER throw nothing but what they declare', () => {
  for (const [name, read] of Object.entries(READERS)) {
    const valid = VALID[name] ?? Buffer.alloc(0);
    test(`${name}: as it was written`, () => {
      read(valid);
    });
    test(`${name}: changed anywhere`, () => {
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
          declared(() => read(changed(valid, changes)));
        }),
        RUNS,
      );
    });
    test(`${name}: cut anywhere`, () => {
      for (let at = 0; at < valid.length; at++) {
        assert.throws(() => read(valid.subarray(0, at)), /DerError|OcspError|no OCSP|DER/);
      }
    });
    test(`${name}: any bytes, and any elements`, () => {
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), nested), (bytes) => {
          declared(() => read(Buffer.from(bytes)));
        }),
        RUNS,
      );
    });
  }
});

const first = (bytes: Buffer): DerElement | undefined => derElements(bytes)[0];

suite('values come back as they were written', () => {
  const round = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void =>
    fc.assert(fc.property(arbitrary, check), RUNS);

  test('elements of any length', () => {
    const sizes = fc.constantFrom(0, 1, 127, 128, 255, 256, 65_535, 65_536);
    round(sizes, (size) => {
      const content = Buffer.alloc(size, 1);
      const whole = derOf(4, content);
      assert.ok(first(whole)?.content.equals(content));
      assert.equal(derElements(Buffer.concat([whole, whole])).length, 2);
    });
  });

  test('integers, bits, octets', () => {
    round(fc.bigInt({ min: 0n, max: 1n << 200n }), (value) => {
      const hex = value.toString(16);
      const magnitude = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
      const read = withoutLeadingZeros(first(derUnsigned(magnitude))?.content ?? Buffer.alloc(0));
      assert.equal(BigInt(`0x0${read.toString('hex')}`), value);
    });
    round(fc.nat(), (value) => {
      const { content } = first(derInteger(value)) ?? { content: Buffer.alloc(0) };
      assert.equal(Number(`0x${content.toString('hex')}`), value);
    });
    round(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.ok(bitsOf(first(derBitString(bytes))).equals(bytes));
      assert.ok(octetsOf(first(derOctets(bytes))).equals(bytes));
    });
  });

  test('object identifiers', () => {
    const arcs = fc.array(fc.bigInt({ min: 0n, max: 1n << 60n }), { maxLength: 20 });
    const heads = fc.oneof(
      fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
      fc.tuple(fc.constant(2n), fc.bigInt({ min: 0n, max: 1n << 40n })),
    );
    round(fc.tuple(heads, arcs), ([head, rest]) => {
      const text = [...head, ...rest].join('.');
      assert.equal(oidOf(first(derOid(text))), text);
    });
    for (const hex of ['0600', '060180', '06028001', '06032a8001', '060288']) {
      assert.throws(() => oidOf(first(Buffer.from(hex, 'hex'))), DerError, hex);
    }
  });

  test('texts and names', () => {
    round(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
      assert.equal(textOf(first(derText(text))), text);
    });
    const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), {
      maxLength: 3,
    });
    round(fc.tuple(texts, texts), ([organization, country]) => {
      const name = readName(encodeSubject({ organization, country, commonName: 'x' }));
      const written = [...organization, ...country, 'x'].sort();
      assert.deepEqual(name.map(({ value }) => value).sort(), written);
    });
    assert.throws(() => textOf(first(derOf(STRING_TAGS.bmp, Buffer.alloc(3)))), DerError);
  });

  test('times, to the second, and no others', () => {
    const years = fc.date({
      min: new Date('1950-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    round(years, (date) => {
      const ms = Math.floor(date.getTime() / 1000) * 1000;
      assert.equal(timeOf(first(derTime(ms))), ms);
    });
    for (const text of ['300230120000Z', '301301000000Z', '300101250000Z', '300101006000Z']) {
      assert.throws(() => timeOf(first(derOf(TIME_TAGS.utc, Buffer.from(text)))), DerError, text);
    }
    assert.throws(() => derTime(Date.UTC(10_000, 0, 1)), DerError);
  });

  test('PEM of any bytes, among any text', () => {
    const noise = fc.string({ maxLength: 80 }).filter((text) => !text.includes('-----'));
    const label = fc.constantFrom('CERTIFICATE', 'RSA PRIVATE KEY', 'X509 CRL');
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
    round(fc.tuple(noise, label, bytes, noise), ([before, name, content, after]) => {
      const text = `${before}\n${pemOf(Buffer.from(content), name)}\r\n${after}`;
      const found = nextPem(text);
      assert.ok(found?.block.bytes.equals(content));
      assert.equal(found?.block.label, name);
    });
    round(fc.string({ maxLength: 300 }), (text) => void nextPem(text));
    const parts = ['-----BEGIN ', '-----END ', 'A', 'B', '-----', '\n', '\n\n', 'QUJD', ':'];
    round(fc.array(fc.constantFrom(...parts), { maxLength: 60 }), (pieces) => {
      void nextPem(pieces.join(''));
    });
    assert.equal(isDerEcdsaSignature(Buffer.from('3006020101020102', 'hex')), true);
  });
});

suite('a megabyte of nothing good is soon done with', () => {
  const MANY = 20_000;
  const MEGABYTE = 1_000_000;

  test('an endless object identifier', () => {
    const oid = derOf(DER.objectId, Buffer.alloc(MEGABYTE, 0x81));
    assert.throws(() => oidOf(first(oid)), DerError);
  });

  test('extensions without end', () => {
    const one = (index: number): Buffer =>
      derOf(DER.sequence, derOid(`1.2.${index}`), derOctets(Buffer.alloc(0)));
    const all = Buffer.concat(Array.from({ length: MANY }, (_, index) => one(index)));
    const many = derOf(DER.sequence, all);
    assert.throws(() => readExtensions(many), DerError);
  });

  test('elements in elements in elements', () => {
    let deep: Buffer = derInteger(1);
    for (let depth = 0; depth < 2000; depth++) deep = derOf(DER.sequence, deep);
    for (const read of Object.values(READERS)) declared(() => read(deep));
  });

  test('beginnings without ends, alike and different', () => {
    assert.equal(nextPem('-----BEGIN A-----'.repeat(60_000)), undefined);
    const labels = Array.from(
      { length: 20_000 },
      (_, index) => `-----BEGIN ${'A'.repeat(50)}${index}-----`,
    );
    assert.equal(nextPem(labels.join('')), undefined);
    assert.equal(nextPem('-----BEGIN A-----\n-----END B-----'.repeat(30_000)), undefined);
  });

  test('empty elements', () => {
    const bytes = derOf(DER.sequence, Buffer.alloc(MEGABYTE, Buffer.from('0500', 'hex')));
    assert.throws(() => derSequence(bytes), DerError);
    for (const read of Object.values(READERS)) declared(() => read(bytes));
  });
});
