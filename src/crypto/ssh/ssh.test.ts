/** SSH keys and certificates, checked against the real ssh-keygen, and against bytes that are none. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../../base/random.ts';
import { readCertificate, signCertificate } from './certificate.ts';
import type { CertificateSpec } from './certificate.ts';
import { generateSshKey, keySpecOf, parsePrivateKey } from './private-key.ts';
import { formatPublicKey, parsePublicKey, publicKeyOf, readPublicKey } from './public-key.ts';
import { SshFormatError, SshReader, mpint, string, uint64 } from './wire.ts';

const KEYGEN = '/usr/bin/ssh-keygen';
const skip = existsSync(KEYGEN) ? false : 'needs ssh-keygen: apt-get install openssh-client';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ssh-'));
});
after(() => rmSync(folder, { recursive: true }));

function keygen(...options: string[]): string {
  return execFileSync(KEYGEN, options, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

const KINDS = [
  ['rsa', 2048],
  ['ecdsa', 256],
  ['ecdsa', 384],
  ['ecdsa', 521],
  ['ed25519', 0],
] as const;

suite('keys of ssh-keygen', { skip }, () => {
  for (const [kind, bits] of KINDS) {
    for (const form of kind === 'ed25519' ? ['RFC4716'] : ['RFC4716', 'PEM', 'PKCS8']) {
      test(`${kind} ${bits} in the form ${form} is read whole`, () => {
        const file = join(folder, `${kind}-${bits}-${form}`);
        keygen(
          '-q',
          '-t',
          kind,
          ...(bits === 0 ? [] : ['-b', `${bits}`]),
          '-N',
          '',
          '-m',
          form,
          '-f',
          file,
        );
        const key = parsePrivateKey(readFileSync(file, 'utf8'));
        const known = parsePublicKey(readFileSync(`${file}.pub`, 'utf8').trim());
        assert.deepEqual(publicKeyOf(createPublicKey(key)), known);
        assert.deepEqual([known.kind, known.bits], [kind, bits]);
      });
    }
  }

  test('one with a passphrase is refused', () => {
    const file = join(folder, 'protected');
    keygen('-q', '-t', 'ed25519', '-N', 'secret', '-f', file);
    assert.throws(() => parsePrivateKey(readFileSync(file, 'utf8')), SshFormatError);
  });
});

suite('keys made here', { skip }, () => {
  for (const [type, bits] of [
    ['rsa', 2048],
    ['ec', 0],
    ['ec', 521],
    ['ecdsa-sha2-nistp384', 0],
    ['ed25519', 0],
  ] as const) {
    test(`${type} ${bits}: ssh-keygen finds the same public key in the private one`, async () => {
      const made = await generateSshKey(keySpecOf(type, bits), systemRandom);
      const file = join(folder, `made-${type}-${bits}`);
      writeFileSync(file, made.privateKey, { mode: 0o600 });
      const [algorithm = '', encoded = ''] = keygen('-y', '-f', file).split(/\s/);
      assert.equal(formatPublicKey(made.publicKey), `${algorithm} ${encoded}\n`);
      assert.deepEqual(
        publicKeyOf(createPublicKey(parsePrivateKey(made.privateKey))),
        made.publicKey,
      );
    });
  }

  test('weak, huge and unknown ones are not made', () => {
    for (const [type, bits] of [
      ['rsa', 1024],
      ['rsa', 100_000],
      ['ec', 224],
      ['dsa', 0],
      ['bogus', 0],
    ] as const) {
      assert.throws(() => keySpecOf(type, bits), SshFormatError);
    }
  });
});

const subject = publicKeyOf(generateKeyPairSync('ed25519').publicKey);

function specOf(rest: Partial<CertificateSpec> = {}): CertificateSpec {
  return {
    publicKey: subject,
    kind: 'user',
    serial: 0xfedcba9876543210n,
    keyId: 'a key id',
    principals: ['alice', 'bob'],
    validAfter: 1_800_000_000,
    validBefore: 1_800_003_600,
    criticalOptions: new Map([
      ['source-address', '10.0.0.0/8'],
      ['force-command', '/bin/true'],
    ]),
    extensions: new Map([
      ['permit-pty', ''],
      ['note@example.com', 'text'],
    ]),
    nonce: Buffer.alloc(32, 1),
    ...rest,
  };
}

suite('certificates', { skip }, () => {
  const authorities = [
    ['rsa', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['ed25519', generateKeyPairSync('ed25519').privateKey],
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
  ] as const;
  for (const [name, authority] of authorities) {
    for (const algorithm of name === 'rsa' ? ['default', 'rsa-sha2-512'] : ['default']) {
      test(`signed by ${name} (${algorithm}) say to ssh-keygen what they should`, async () => {
        const line = await signCertificate(specOf(), authority, algorithm);
        const file = join(folder, `${name}-${algorithm}-cert.pub`);
        writeFileSync(file, line);
        // It refuses a certificate whose signature is wrong.
        const text = execFileSync(KEYGEN, ['-L', '-f', file], { env: { TZ: 'UTC' } }).toString();
        const used = algorithm === 'default' && name === 'rsa' ? 'rsa-sha2-256' : algorithm;
        if (name === 'rsa') assert.ok(text.includes(`(using ${used})`), text);
        for (const part of [
          'Type: ssh-ed25519-cert-v01@openssh.com user certificate',
          'Serial: 18364758544493064720',
          'Key ID: "a key id"',
          'from 2027-01-15T08:00:00 to 2027-01-15T09:00:00',
          'alice',
          'force-command /bin/true',
          'source-address 10.0.0.0/8',
          'permit-pty',
        ]) {
          assert.ok(text.includes(part), `${part}\n${text}`);
        }
      });
    }
  }

  test('of every kind of key, and for hosts', async () => {
    const [, [, authority]] = authorities;
    for (const [kind, bits] of KINDS) {
      const file = join(folder, `subject-${kind}-${bits}`);
      keygen('-q', '-t', kind, ...(bits === 0 ? [] : ['-b', `${bits}`]), '-N', '', '-f', file);
      const publicKey = parsePublicKey(readFileSync(`${file}.pub`, 'utf8').trim());
      writeFileSync(
        `${file}-cert.pub`,
        await signCertificate(specOf({ publicKey, kind: 'host' }), authority, 'default'),
      );
      assert.match(keygen('-L', '-f', `${file}-cert.pub`), /host certificate/);
    }
    // A security key cannot be made without one.
    const handmade = Buffer.concat([
      string('sk-ssh-ed25519@openssh.com'),
      string(subject.parts.subarray(4)),
      string('ssh:'),
    ]);
    const file = join(folder, 'sk-cert.pub');
    writeFileSync(
      file,
      await signCertificate(specOf({ publicKey: readPublicKey(handmade) }), authority, 'default'),
    );
    assert.match(keygen('-L', '-f', file), /sk-ssh-ed25519-cert-v01@openssh\.com user certificate/);
  });

  test('an algorithm that does not fit the key of the authority is refused', async () => {
    const [, [, ed25519]] = authorities;
    await assert.rejects(signCertificate(specOf(), ed25519, 'rsa-sha2-256'), SshFormatError);
  });

  test('whatever is put into one is read from it', async () => {
    const [, [, authority]] = authorities;
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    const options = fc.array(fc.tuple(text, text), { maxLength: 5 }).map((pairs) => new Map(pairs));
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 5 }),
        text,
        options,
        options,
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        async (principals, keyId, criticalOptions, extensions, serial) => {
          const spec = specOf({ principals, keyId, criticalOptions, extensions, serial });
          const read = readCertificate(await signCertificate(spec, authority, 'default'));
          const sorted = (map: ReadonlyMap<string, string>): [string, string][] =>
            [...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          assert.deepEqual(read.principals, principals);
          assert.equal(read.keyId, keyId);
          assert.equal(read.serial, serial);
          assert.deepEqual([...read.criticalOptions], sorted(criticalOptions));
          assert.deepEqual([...read.extensions], sorted(extensions));
        },
      ),
      { numRuns: 50 },
    );
  });
});

suite('bytes that are no key', () => {
  test('are refused, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.throws(() => readPublicKey(Buffer.from(bytes)), SshFormatError);
      }),
    );
    for (const text of ['', 'garbage', 'ssh-rsa', 'ssh-rsa ####', 'x'.repeat(1_000_000)]) {
      assert.throws(() => parsePublicKey(text), SshFormatError);
      assert.throws(() => parsePrivateKey(text), SshFormatError);
    }
  });

  test('a key with one bit changed is another key or none, never a crash', () => {
    const { blob } = publicKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const changed = Buffer.from(blob);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => readPublicKey(changed), SshFormatError);
    }
  });

  test('points that are on no curve, exponents that are no use, and what follows a key', () => {
    const curve = (x: number, y: number): Buffer =>
      Buffer.concat([
        string('ecdsa-sha2-nistp256'),
        string('nistp256'),
        string(Buffer.concat([Buffer.of(4), Buffer.alloc(32, x), Buffer.alloc(32, y)])),
      ]);
    assert.throws(() => readPublicKey(curve(1, 1)), SshFormatError);
    assert.throws(() => readPublicKey(curve(0, 0)), SshFormatError);
    const rsa = (exponent: number): Buffer =>
      Buffer.concat([
        string('ssh-rsa'),
        mpint(Buffer.of(exponent)),
        mpint(Buffer.alloc(256, 0xff)),
      ]);
    for (const exponent of [0, 1, 2]) {
      assert.throws(() => readPublicKey(rsa(exponent)), SshFormatError);
    }
    assert.throws(() => readPublicKey(Buffer.concat([subject.blob, Buffer.of(0)])), SshFormatError);
  });
});

test('integers and strings come back from their wire form', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 300n }), fc.string(), (number, text) => {
      const hex = number.toString(16);
      const magnitude = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
      const reader = new SshReader(
        Buffer.concat([mpint(magnitude), string(text), uint64(number % 2n ** 64n)]),
      );
      assert.equal(BigInt(`0x0${reader.mpint().toString('hex')}`), number);
      assert.equal(reader.text(), Buffer.from(text).toString());
      assert.equal(reader.uint64(), number % 2n ** 64n);
      reader.end();
    }),
  );
});
