/** Backup of a live store, and its restore. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { StorageError } from '../storage.ts';
import { restoreSqliteStorage } from './restore.ts';
import { entry, openStore, put, temporaryDirectory } from './store-fixture.ts';

test('a backup made during writes is one snapshot, and restores to a store', async (context) => {
  const directory = temporaryDirectory(context);
  const storage = await openStore(join(directory, 'live'));
  const padding = Buffer.alloc(4000, 'p');
  for (let index = 0; index < 40; index += 1) {
    const puts = Array.from({ length: 100 }, (_, n) => entry(`pad/${index}-${n}`, 1, padding));
    await put(storage, ...puts);
  }
  const state = { writing: true, newest: 0 };
  async function write(): Promise<void> {
    for (let revision = 1; state.writing; revision += 1) {
      // Two records far apart in the file, always equal.
      await put(storage, entry('a', revision), entry('z', revision));
      state.newest = revision;
    }
  }
  const writer = write();
  const fractions: number[] = [];
  const file = join(directory, 'backup.db');
  await storage.backup(file, (fraction) => fractions.push(fraction));
  state.writing = false;
  await writer;
  assert.deepEqual(
    fractions,
    fractions.toSorted((left, right) => left - right),
  );
  assert.equal(fractions[0], 0);
  assert.equal(fractions.at(-1), 1);
  assert.ok(fractions.length > 3, 'no progress between start and end');
  assert.deepEqual(readdirSync(directory).sort(), ['backup.db', 'live']);

  const target = join(directory, 'restored');
  await restoreSqliteStorage({ file, directory: target });
  const restored = await openStore(target);
  const [a, z] = await restored.read(['a', 'z']);
  assert.equal(a?.revision, z?.revision);
  assert.ok((a?.revision ?? 0) <= state.newest);
  assert.equal((await restored.list('pad/')).length, 4000);
  await put(restored, entry('a', 1_000_000));
  await restored.close();
  await storage.close();
});

test('a backup never goes over a file, nor over one under way', async (context) => {
  const directory = temporaryDirectory(context);
  const storage = await openStore(join(directory, 'live'));
  const file = join(directory, 'backup.db');
  writeFileSync(file, 'precious');
  await assert.rejects(storage.backup(file), /exists already/u);
  assert.equal(readFileSync(file, 'utf8'), 'precious');
  const other = join(directory, 'other.db');
  writeFileSync(`${other}.partial`, '');
  await assert.rejects(storage.backup(other), /another backup/u);
  await assert.rejects(storage.backup(join(directory, 'no', 'such', 'folder.db')), StorageError);
  await storage.close();
  await assert.rejects(storage.backup(join(directory, 'late.db')), StorageError);
});

test('a restore refuses a file that is no sound backup, and leaves no trace of it', async (context) => {
  const directory = temporaryDirectory(context);
  const storage = await openStore(join(directory, 'live'));
  const padding = Buffer.alloc(4000, 'p');
  for (let index = 0; index < 30; index += 1) await put(storage, entry(`k${index}`, 1, padding));
  const spoiled: ReadonlyMap<string, readonly [(file: string) => void, RegExp]> = new Map<
    string,
    readonly [(file: string) => void, RegExp]
  >([
    ['garbage', [(file) => writeFileSync(file, 'garbage'.repeat(900)), /no backup of Strongroom/u]],
    ['empty', [(file) => writeFileSync(file, ''), /not one of Strongroom/u]],
    ['torn', [(file) => truncateSync(file, 60_000), /damaged|no backup/u]],
    ['flipped', [flip, /damaged|no backup/u]],
    ['newer', [(file) => execute(file, 'PRAGMA user_version = 99'), /schema version 99/u]],
    ['foreign', [(file) => execute(file, 'PRAGMA application_id = 7'), /not one of/u]],
  ]);
  for (const [what, [spoil, message]] of spoiled) {
    const file = join(directory, `${what}.db`);
    await storage.backup(file);
    spoil(file);
    const target = join(directory, `target-${what}`);
    await assert.rejects(restoreSqliteStorage({ file, directory: target }), message, what);
    assert.deepEqual(readdirSync(target).sort(), ['strongroom.lock', 'strongroom.owner'], what);
  }
  await assert.rejects(
    restoreSqliteStorage({ file: join(directory, 'none.db'), directory }),
    /does not exist/u,
  );
  await storage.close();
});

test('a restore replaces a store only when told, never one in use, and keeps the old one', async (context) => {
  const directory = temporaryDirectory(context);
  const live = join(directory, 'live');
  const file = join(directory, 'backup.db');
  const storage = await openStore(live);
  await put(storage, entry('k', 1));
  await storage.backup(file);
  await put(storage, entry('k', 2));
  const replace = { file, directory: live, replace: true };
  await assert.rejects(restoreSqliteStorage(replace), /in use/u);
  await storage.close();
  await assert.rejects(restoreSqliteStorage({ file, directory: live }), /holds a store already/u);
  await restoreSqliteStorage(replace);
  await restoreSqliteStorage(replace);
  const restored = await openStore(live);
  assert.deepEqual(await restored.read(['k']), [entry('k', 1)]);
  await restored.close();
  const kept = new DatabaseSync(join(live, 'strongroom.db.before-restore-1'), { readOnly: true });
  assert.equal(kept.prepare("SELECT revision FROM kv WHERE key = 'k'").get()?.['revision'], 2);
  kept.close();
  assert.ok(existsSync(join(live, 'strongroom.db.before-restore-2')));
});

test('a restore that a crash has cut off after it was decided is ended by the next start, wherever it was', async (context) => {
  const directory = temporaryDirectory(context);
  const make = async (name: string, revision: number): Promise<string> => {
    const folder = join(directory, name);
    const storage = await openStore(folder);
    await put(storage, entry('k', revision));
    await storage.close();
    return join(folder, 'strongroom.db');
  };
  const [old, wanted] = [await make('old', 1), await make('wanted', 2)];
  /** What each step of the restore leaves, with and without a log of the old database. */
  const states: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
    [
      'not decided',
      [
        ['.restoring', wanted],
        ['', old],
      ],
    ],
    [
      'decided',
      [
        ['.next', wanted],
        ['', old],
      ],
    ],
    [
      'decided, with a log',
      [
        ['.next', wanted],
        ['', old],
        ['-wal', ''],
      ],
    ],
    [
      'the log is kept',
      [
        ['.next', wanted],
        ['', old],
        ['.before-restore-1-wal', ''],
      ],
    ],
    [
      'both are kept',
      [
        ['.next', wanted],
        ['.before-restore-1', old],
      ],
    ],
    [
      'after an earlier one',
      [
        ['.next', wanted],
        ['', old],
        ['.before-restore-1', old],
      ],
    ],
    [
      'in place',
      [
        ['', wanted],
        ['.before-restore-1', old],
      ],
    ],
  ];
  for (const [what, files] of states) {
    const folder = join(directory, what.replaceAll(' ', '-'));
    mkdirSync(folder, { mode: 0o700 });
    for (const [suffix, from] of files) {
      const file = join(folder, `strongroom.db${suffix}`);
      if (from === '') writeFileSync(file, '');
      else copyFileSync(from, file);
    }
    const storage = await openStore(folder);
    const revision = what === 'not decided' ? 1 : 2;
    assert.deepEqual(await storage.read(['k']), [entry('k', revision)], what);
    await storage.close();
    assert.equal(existsSync(join(folder, 'strongroom.db.next')), false, what);
  }
});

function execute(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  for (let page = 2; page * 4096 < bytes.length; page += 3)
    bytes.fill(0xa5, page * 4096, page * 4096 + 8);
  writeFileSync(file, bytes);
}
