/** PFX files: what is written is read again, here and by OpenSSL, and what OpenSSL writes is read here. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { KeyObject, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { DerError } from '../der.ts';
import { PfxPasswordError, readPfx, writePfx } from './pfx.ts';
import type { PfxContent } from './pfx.ts';
import { makeCertificate } from '../x509/certificates-fixture.ts';

const run = promisify(execFile);
const NOW_MS = Date.UTC(2026, 0, 1);

async function content(): Promise<PfxContent> {
  const root = await makeCertificate(NOW_MS, { name: 'CN=Root', isCa: true });
  const leaf = await makeCertificate(NOW_MS, { name: 'CN=leaf.example.com', issuer: root });
  return {
    certificates: [leaf.der, root.der],
    privateKey: KeyObject.from(leaf.keys.privateKey).export({ format: 'der', type: 'pkcs8' }),
  };
}

const options = (password: string) => ({ password, friendlyName: 'näme', draw: randomBytes });

test('what is written is read again, by the password alone', async () => {
  const made = await content();
  for (const password of ['', 'pass', 'pässwörd ✓']) {
    const pfx = writePfx(made, options(password));
    assert.deepEqual(readPfx(pfx, password), made);
    assert.throws(() => readPfx(pfx, `${password}x`), PfxPasswordError);
    // The runtime, which is OpenSSL, takes it as an identity.
    createSecureContext({ pfx, passphrase: password });
  }
});

test('OpenSSL’s files are read, whatever it encrypts with, and ours by it', async (context) => {
  const made = await content();
  const folder = await mkdtemp(join(tmpdir(), 'pfx-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  await writeFile(at('ours.pfx'), writePfx(made, options('secret')));
  try {
    await run('openssl', ['version']);
  } catch {
    context.skip('there is no openssl here');
    return;
  }
  const { stdout } = await run('openssl', [
    'pkcs12',
    '-in',
    at('ours.pfx'),
    '-passin',
    'pass:secret',
    '-nodes',
    '-out',
    at('all.pem'),
  ]);
  assert.equal(stdout, '');
  const ways: readonly (readonly string[])[] = [
    [],
    ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
    ['-certpbe', 'NONE', '-keypbe', 'AES-128-CBC', '-macalg', 'sha512'],
    ['-keypbe', 'NONE', '-certpbe', 'AES-192-CBC'],
  ];
  for (const [index, way] of ways.entries()) {
    for (const password of ['', 'secret']) {
      const file = at(`${index}${password}.pfx`);
      await run('openssl', [
        'pkcs12',
        '-export',
        '-in',
        at('all.pem'),
        '-out',
        file,
        '-passout',
        `pass:${password}`,
        ...way,
      ]);
      const found = readPfx(await readFile(file), password);
      assert.deepEqual(found.privateKey, made.privateKey, way.join(' '));
      assert.deepEqual(found.certificates.length, 2);
    }
  }
});

test('a changed PFX says nothing else than before, and bytes that are none are refused', async () => {
  const made = await content();
  const pfx = writePfx(made, options('p'));
  const version = Buffer.of(2, 1, 3);
  const empty = Buffer.from(pfx);
  empty[pfx.indexOf(version) + 1] = 0;
  assert.throws(() => readPfx(empty, 'p'), DerError);
  fc.assert(
    fc.property(fc.nat(pfx.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bad = Buffer.from(pfx);
      bad[at] = (bad[at] ?? 0) ^ change;
      try {
        assert.deepEqual(readPfx(bad, 'p'), made);
      } catch (error) {
        assert.ok(error instanceof DerError || error instanceof PfxPasswordError, String(error));
      }
    }),
    { numRuns: 100 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(() => readPfx(Buffer.from(bytes), ''), DerError);
    }),
  );
});
