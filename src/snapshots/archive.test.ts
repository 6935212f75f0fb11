/** The archive around a snapshot: what goes in comes out, and other tools read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { archiveOf, isArchive, snapshotIn } from './archive.ts';
import { SnapshotError } from './container.ts';
import type { MadeSnapshot } from './make.ts';

function made(content: Buffer, piece: number): MadeSnapshot {
  return {
    manifest: { name: 'a-1.snapshot', created_time: '2026-11-22T00:00:00Z' } as never,
    header: content.subarray(0, 10),
    payload: '',
    bytes: content.length,
    async *stream() {
      for (let at = 0; at < content.length; at += piece) yield content.subarray(at, at + piece);
    },
    discard: async () => {},
  };
}

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of pieces) parts.push(part);
  return Buffer.concat(parts);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('what is put into an archive comes out of it, however it is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 10, maxLength: 3000 }),
      fc.integer({ min: 1, max: 70_000 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 60 }),
      async (seed, out, back, times) => {
        const content = Buffer.concat(Array.from({ length: times }, () => seed));
        const archive = archiveOf(made(content, out));
        const bytes = await collected(archive.stream());
        assert.equal(bytes.length, archive.bytes);
        assert.ok(isArchive(bytes));
        assert.deepEqual(await collected(snapshotIn(inPieces(bytes, back))), content);
        assert.ok(gunzipSync(bytes).subarray(257).toString('latin1').startsWith('ustar'));
      },
    ),
    { numRuns: 40 },
  );
});

test('what is no archive passes through as it is', async () => {
  for (const text of ['', 's', 'strongroom-snapshot 1\n']) {
    assert.equal(String(await collected(snapshotIn(inPieces(Buffer.from(text), 3)))), text);
  }
});

test('an archive that is cut off or altered is refused, or leaves the snapshot to be judged', async () => {
  const content = Buffer.alloc(100_000, 'x');
  const bytes = await collected(archiveOf(made(content, 4096)).stream());
  for (const end of [3, 100, 600, 50_000, 99_000]) {
    await assert.rejects(
      collected(snapshotIn(inPieces(bytes.subarray(0, end), 999))),
      SnapshotError,
    );
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ by;
      try {
        await collected(snapshotIn(inPieces(altered, 8192)));
      } catch (error) {
        assert.ok(error instanceof SnapshotError, String(error));
      }
    }),
    { numRuns: 60 },
  );
});

test('an upload that breaks off ends the reading of it', async () => {
  const bytes = await collected(archiveOf(made(Buffer.alloc(100_000, 'x'), 4096)).stream());
  async function* broken(end: number): AsyncGenerator<Uint8Array> {
    yield* inPieces(bytes.subarray(0, end), 999);
    throw new Error('the line went dead');
  }
  for (const end of [0, 1, 3, 100, 50_000]) {
    await assert.rejects(collected(snapshotIn(broken(end))));
  }
});
