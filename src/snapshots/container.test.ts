/** The signed form of a snapshot: any change of any byte is found, whatever pieces it arrives in. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { ed25519Signer } from '../crypto/signatures/ed25519.ts';
import { SnapshotError, inspectFile, makeHeader, readHeader } from './container.ts';
import { unpack } from './unpack.ts';

const signer = ed25519Signer(Buffer.alloc(32, 7));
const stranger = ed25519Signer(Buffer.alloc(32, 8));
const PAYLOAD = Buffer.from('the copy of the store '.repeat(50));

function header(payload = PAYLOAD, by = signer): Buffer {
  return makeHeader(
    {
      name: 'strongroom-20300101T000000Z-abcd.snapshot',
      cluster_id: 'c',
      cluster_name: 'n',
      created_time: '2030-01-01T00:00:00Z',
      version: '1',
      storage_type: 'sqlite',
      payload_bytes: payload.length,
      payload_sha256: createHash('sha256').update(payload).digest('hex'),
    },
    by,
  );
}

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'strongroom-container-'));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function* pieces(bytes: Buffer, length: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

test('a snapshot comes out as it went in, in pieces of any length', async (context) => {
  const file = join(folder(context), 'copy');
  const whole = Buffer.concat([header(), PAYLOAD]);
  for (const length of [1, 7, 100, whole.length]) {
    const manifest = await unpack(pieces(whole, length), file, signer.publicKey);
    assert.equal(manifest.payload_bytes, PAYLOAD.length);
    assert.ok(readFileSync(file).equals(PAYLOAD));
    rmSync(file);
  }
});

test('a change of any byte is found, and leaves no file', async (context) => {
  const path = folder(context);
  const [file, stored] = [join(path, 'copy'), join(path, 'stored')];
  const whole = Buffer.concat([header(), PAYLOAD]);
  const assertRefused = async (bytes: Buffer): Promise<void> => {
    await assert.rejects(unpack(pieces(bytes, 64), file, signer.publicKey), SnapshotError);
    assert.ok(!existsSync(file));
    writeFileSync(stored, bytes);
    await assert.rejects(inspectFile(stored, signer.publicKey), SnapshotError);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: whole.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, mask) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ mask;
        // Base64 has spare bits that decode to the same signature.
        const { length } = header();
        if (at > length - 6 && at < length) return;
        await assertRefused(changed);
      },
    ),
    { numRuns: 200 },
  );
  await assertRefused(whole.subarray(0, -1));
  await assertRefused(Buffer.concat([whole, Buffer.from('x')]));
  await assertRefused(whole.subarray(0, 10));
  await assertRefused(Buffer.alloc(0));
  await assertRefused(PAYLOAD);
  await assertRefused(Buffer.alloc(200_000, 'strongroom-snapshot 1\n'));
});

test('only the cluster’s own key counts', async (context) => {
  const file = join(folder(context), 'copy');
  const forged = Buffer.concat([header(PAYLOAD, stranger), PAYLOAD]);
  await assert.rejects(unpack(pieces(forged, 64), file, signer.publicKey), /not with/);
  // Without a key to compare with, the signature shows that the file is whole, and by whom it is.
  assert.equal(readHeader(forged).manifest.public_key, stranger.publicKey.toString('base64'));
});

test('a manifest of odd shape is refused, not tripped over', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const bytes = Buffer.from(`strongroom-snapshot 1\n${text}\nAAAA\n`);
      assert.throws(() => readHeader(bytes), SnapshotError);
    }),
  );
});
