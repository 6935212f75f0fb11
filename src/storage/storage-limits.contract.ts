/** Contract tests of the limits: each is enforced, with nothing written, and its largest allowed case works. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, puts, withStorage } from './storage-member.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import {
  BATCH_MAX,
  COMMIT_BYTES_MAX,
  KEY_BYTES_MAX,
  LIST_PAGE_MAX,
  LimitError,
  VALUE_BYTES_MAX,
} from './storage.ts';
import type { Commit, Storage } from './storage.ts';

/** Keys that are none, each with what is wrong with it. */
const BAD_KEYS: ReadonlyMap<string, string> = new Map([
  ['empty', ''],
  ['too long', 'k'.repeat(KEY_BYTES_MAX + 1)],
  ['too long in bytes only', '日'.repeat(Math.floor(KEY_BYTES_MAX / 3) + 1)],
  ['with NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800b'],
]);

/** Calls that a member must refuse. */
const REFUSED: ReadonlyMap<string, (storage: Storage) => Promise<unknown>> = new Map<
  string,
  (storage: Storage) => Promise<unknown>
>([
  ['a value too large', (storage) => storage.commit(puts(sized('k', VALUE_BYTES_MAX + 1)))],
  ['a commit of too many bytes', (storage) => storage.commit(bytesOver())],
  ['too many records', (storage) => storage.commit(puts(...many(BATCH_MAX + 1)))],
  [
    'too many records with those of amend',
    (storage) =>
      storage.commit({
        ...puts(...many(BATCH_MAX)),
        amend: { keys: [], apply: () => [entry('more')] },
      }),
  ],
  ['too many checks', (storage) => storage.commit({ ...puts(entry('k')), checks: manyChecks() })],
  [
    'too many keys in a read',
    async (storage) => storage.read(many(BATCH_MAX + 1).map(({ key }) => key)),
  ],
  ['a key put twice', (storage) => storage.commit(puts(entry('k'), entry('k', 2)))],
  ['a key put and deleted', (storage) => storage.commit({ ...puts(entry('k')), deletes: ['k'] })],
  [
    'a key put and amended',
    (storage) =>
      storage.commit({
        ...puts(entry('k')),
        amend: { keys: [], apply: () => [entry('k', 2)] },
      }),
  ],
  ['revision 0', (storage) => storage.commit(puts(entry('k', 0)))],
  ['a negative revision', (storage) => storage.commit(puts(entry('k', -1)))],
  ['a fractional revision', (storage) => storage.commit(puts(entry('k', 1.5)))],
  ['an unsafe revision', (storage) => storage.commit(puts(entry('k', 2 ** 53)))],
  ['a page of none', (storage) => storage.list('', { limit: 0 })],
  ['a page too large', (storage) => storage.list('', { limit: LIST_PAGE_MAX + 1 })],
  ['a prefix without its slash', (storage) => storage.list('a')],
  ['a prefix with NUL', (storage) => storage.list('a\0/')],
]);

/** Registers the limit tests. */
export function limitContract(member: StorageMember): void {
  test('what breaks a limit is refused and writes nothing', async () => {
    await withStorage(member, async (storage) => {
      for (const [what, call] of REFUSED) {
        await assert.rejects(call(storage), LimitError, what);
        assert.deepEqual(await storage.scan('', undefined, 1), [], what);
      }
      for (const [what, key] of BAD_KEYS) {
        await assert.rejects(async () => storage.read(['k', key]), LimitError, what);
        await assert.rejects(storage.commit(puts(entry('k'), entry(key))), LimitError, what);
        const commits: readonly Commit[] = [
          { checks: [], puts: [entry('k')], deletes: [key] },
          { checks: [{ key, revision: undefined }], puts: [entry('k')], deletes: [] },
          { ...puts(entry('k')), amend: { keys: [key], apply: () => [] } },
          { ...puts(entry('k')), amend: { keys: [], apply: () => [entry(key)] } },
        ];
        for (const commit of commits)
          await assert.rejects(storage.commit(commit), LimitError, what);
        assert.deepEqual(await storage.scan('', undefined, 1), [], what);
      }
    });
  });

  test('the largest key, value and batch that the limits allow work', async () => {
    await withStorage(member, async (storage) => {
      const key = 'é'.repeat(KEY_BYTES_MAX / 2);
      await storage.commit(puts(sized(key, VALUE_BYTES_MAX)));
      assert.deepEqual(await storage.read([key]), [sized(key, VALUE_BYTES_MAX)]);
      const batch = many(BATCH_MAX);
      await storage.commit(puts(...batch));
      const keys = batch.map((put) => put.key);
      assert.deepEqual(await storage.read(keys), batch);
      await storage.commit({ checks: [], puts: [], deletes: keys });
      assert.deepEqual(await storage.list(''), [key]);
    });
  });
}

function sized(key: string, bytes: number): ReturnType<typeof entry> {
  return { key, revision: 1, value: Buffer.alloc(bytes, 'v') };
}

function bytesOver(): Commit {
  const value = Buffer.alloc(VALUE_BYTES_MAX);
  const count = COMMIT_BYTES_MAX / VALUE_BYTES_MAX + 1;
  return puts(...Array.from({ length: count }, (_, n) => ({ key: `k${n}`, revision: 1, value })));
}

function many(count: number): readonly ReturnType<typeof entry>[] {
  return Array.from({ length: count }, (_, index) => entry(`many/${index}`));
}

function manyChecks(): Commit['checks'] {
  return many(BATCH_MAX + 1).map(({ key }) => ({ key, revision: undefined }));
}
