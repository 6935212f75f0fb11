/** Contract tests of listings and scans: folders, pages, byte order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, puts, withStorage } from './storage-member.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import type { ScannableStorage } from './storage.ts';

/** Names in the order of their UTF-8 bytes; U+FF5E and U+1F511 stand the other way round in UTF-16. */
const NAMES_IN_BYTE_ORDER: readonly string[] = [
  ' ',
  '!',
  '-',
  '0',
  'A',
  'Z',
  'a',
  'a!',
  'a-b',
  'a/',
  'a0',
  'aa',
  'ab/',
  'z',
  '~',
  '\u007f',
  '\u0080',
  'é',
  'é/',
  'ߺ',
  '\u0800',
  '日本',
  '\ud7ff',
  '\ue000',
  '\uff5e',
  '\uffff',
  '\u{10000}',
  '\u{1f511}',
  '\u{1f511}/',
  '\u{10ffff}',
];

/** Registers the listing tests. */
export function listContract(member: StorageMember): void {
  test('a listing gives records and folders once each, in the order of UTF-8 bytes', async () => {
    await withStorage(member, async (storage) => {
      for (const prefix of ['', 'deep/é/']) {
        const keys = NAMES_IN_BYTE_ORDER.flatMap((name) =>
          name.endsWith('/') ? [`${prefix}${name}x`, `${prefix}${name}y/z`] : [prefix + name],
        );
        await storage.commit(puts(...keys.toReversed().map((key) => entry(key))));
        const expected = NAMES_IN_BYTE_ORDER.toSorted((left, right) =>
          Buffer.compare(Buffer.from(left), Buffer.from(right)),
        );
        assert.deepEqual(expected, NAMES_IN_BYTE_ORDER);
        assert.deepEqual(await storage.list(prefix), NAMES_IN_BYTE_ORDER);
        for (let limit = 1; limit <= 5; limit += 1) {
          assert.deepEqual(await allPages(storage, prefix, limit), NAMES_IN_BYTE_ORDER);
        }
        await storage.commit({ checks: [], puts: [], deletes: keys });
      }
    });
  });

  test('a listing stays inside its prefix', async () => {
    await withStorage(member, async (storage) => {
      const keys = ['a', 'a-/x', 'a/b', 'a/c/d', 'a0/x', 'aa/b', 'b/b', '\u{10ffff}/x'];
      await storage.commit(puts(...keys.map((key) => entry(key))));
      assert.deepEqual(await storage.list('a/'), ['b', 'c/']);
      assert.deepEqual(await storage.list('a/c/'), ['d']);
      assert.deepEqual(await storage.list('\u{10ffff}/'), ['x']);
      assert.deepEqual(await storage.list('none/'), []);
      assert.deepEqual(await storage.list('a/b/'), []);
    });
  });

  test('a record and a folder may share a name', async () => {
    await withStorage(member, async (storage) => {
      await storage.commit(puts(entry('foo'), entry('foo/bar'), entry('foo-bar')));
      assert.deepEqual(await storage.list(''), ['foo', 'foo-bar', 'foo/']);
      assert.deepEqual(await storage.list('', { after: 'foo' }), ['foo-bar', 'foo/']);
      assert.deepEqual(await storage.list('', { after: 'foo/' }), []);
      assert.deepEqual(await storage.list('', { after: 'foo-bar', limit: 1 }), ['foo/']);
    });
  });

  test('after need not exist', async () => {
    await withStorage(member, async (storage) => {
      await storage.commit(puts(...['a', 'c/1', 'c/2', 'e'].map((key) => entry(key))));
      assert.deepEqual(await storage.list('', { after: '' }), ['a', 'c/', 'e']);
      assert.deepEqual(await storage.list('', { after: 'b' }), ['c/', 'e']);
      assert.deepEqual(await storage.list('', { after: 'c' }), ['c/', 'e']);
      assert.deepEqual(await storage.list('', { after: 'c/1' }), ['e']);
      assert.deepEqual(await storage.list('', { after: 'b/' }), ['c/', 'e']);
      assert.deepEqual(await storage.list('', { after: 'z' }), []);
    });
  });

  test('a folder is gone with its last record', async () => {
    await withStorage(member, async (storage) => {
      await storage.commit(puts(entry('f/a'), entry('f/b')));
      await storage.commit({ checks: [], puts: [], deletes: ['f/a'] });
      assert.deepEqual(await storage.list(''), ['f/']);
      await storage.commit({ checks: [], puts: [], deletes: ['f/b'] });
      assert.deepEqual(await storage.list(''), []);
    });
  });

  test('a scan walks every record of a prefix in key order, page by page', async () => {
    await withStorage(member, async (storage) => {
      const keys = ['a', 'ab/1', 'ab/2/x', 'ab0', 'b', '\uff5e', '\u{1f511}', '\u{10ffff}a'];
      await storage.commit(puts(...keys.toReversed().map((key) => entry(key))));
      for (const limit of [1, 2, 3, 100]) {
        assert.deepEqual(await scanned(storage, '', limit), keys);
        assert.deepEqual(await scanned(storage, 'ab', limit), ['ab/1', 'ab/2/x', 'ab0']);
        assert.deepEqual(await scanned(storage, 'ab/', limit), ['ab/1', 'ab/2/x']);
        assert.deepEqual(await scanned(storage, '\u{10ffff}', limit), ['\u{10ffff}a']);
        assert.deepEqual(await scanned(storage, 'none', limit), []);
      }
      assert.deepEqual(await storage.scan('b', 'a', 5), [entry('b')]);
      assert.deepEqual(await storage.scan('a', 'b', 5), []);
    });
  });
}

async function allPages(
  storage: ScannableStorage,
  prefix: string,
  limit: number,
): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const after = names.at(-1);
    const page = await storage.list(prefix, after === undefined ? { limit } : { limit, after });
    assert.ok(page.length <= limit);
    names.push(...page);
    if (page.length < limit) return names;
  }
}

async function scanned(
  storage: ScannableStorage,
  prefix: string,
  limit: number,
): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const page = await storage.scan(prefix, keys.at(-1), limit);
    assert.ok(page.length <= limit);
    for (const found of page) {
      assert.deepEqual(found, entry(found.key));
      keys.push(found.key);
    }
    if (page.length < limit) return keys;
  }
}
