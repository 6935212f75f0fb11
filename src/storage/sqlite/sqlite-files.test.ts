/** The embedded store's files: permissions, ownership, and everything that must not be opened. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { StorageError } from '../storage.ts';
import { assertLocal } from './data-directory.ts';
import { assertSqliteVersion } from './database.ts';
import { entry, openStore, put, temporaryDirectory } from './store-fixture.ts';

const STORAGE_MODULE: string = new URL('sqlite-storage.ts', import.meta.url).href;
const LARGE = Buffer.alloc(3000, 'x');

for (const umask of [0o000, 0o777]) {
  test(`files are 0600 and directories 0700 under umask ${umask.toString(8)}`, async (context) => {
    if (process.platform === 'win32') return context.skip('no permission bits');
    const directory = join(temporaryDirectory(context), 'new', 'store');
    const before = process.umask(umask);
    try {
      const storage = await openStore(directory);
      await put(storage, entry('k'));
      const names = readdirSync(directory);
      assert.ok(names.includes('strongroom.db-wal') && names.includes('strongroom.db-shm'));
      for (const name of names) {
        assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name);
      }
      for (const made of [directory, join(directory, '..')]) {
        assert.equal(statSync(made).mode & 0o777, 0o700, made);
      }
      const backup = join(directory, 'backup.db');
      await storage.backup(backup);
      assert.equal(statSync(backup).mode & 0o777, 0o600);
      await storage.close();
    } finally {
      process.umask(before);
    }
  });
}

test('a clean close leaves one database file, which opens again', async (context) => {
  const directory = temporaryDirectory(context);
  const storage = await openStore(directory);
  await put(storage, entry('k', 3), entry('folder/k'));
  await storage.close();
  assert.deepEqual(readdirSync(directory).sort(), [
    'strongroom.db',
    'strongroom.lock',
    'strongroom.owner',
  ]);
  const again = await openStore(directory);
  assert.deepEqual(await again.read(['k', 'folder/k']), [entry('k', 3), entry('folder/k')]);
  await put(again, entry('k', 4));
  await again.close();
});

test('a second owner in the same process is refused, and leaves the first alone', async (context) => {
  const directory = temporaryDirectory(context);
  const storage = await openStore(directory);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await assert.rejects(openStore(directory), /in use by another process \(process \d+ on .*\)/u);
    await put(storage, entry('k', attempt));
  }
  await storage.close();
  const next = await openStore(directory);
  assert.deepEqual(await next.read(['k']), [entry('k', 2)]);
  await next.close();
});

test('an owner in another process is respected until it dies, by whatever death', async (context) => {
  const directory = temporaryDirectory(context);
  const program = `
    const { openSqliteStorage } = await import(${JSON.stringify(STORAGE_MODULE)});
    const storage = await openSqliteStorage({ directory: process.argv[1], onFatal: () => process.exit(3) });
    await storage.commit({ checks: [], puts: [{ key: 'k', revision: 9, value: Buffer.from('v') }], deletes: [] });
    console.log('open');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const [greeting] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  assert.equal(String(greeting), 'open\n');
  await assert.rejects(openStore(directory), (error) => {
    assert.ok(error instanceof StorageError);
    assert.match(
      error.message,
      new RegExp(`in use by another process \\(process ${child.pid} on`, 'u'),
    );
    return true;
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const storage = await openStore(directory);
  assert.deepEqual(await storage.read(['k']), [entry('k', 9, Buffer.from('v'))]);
  await storage.close();
});

/** Ways to spoil a closed store's database, with what the refusal must say. */
const SPOILED: ReadonlyMap<string, readonly [(file: string) => void, RegExp]> = new Map<
  string,
  readonly [(file: string) => void, RegExp]
>([
  [
    'garbage',
    [(file) => writeFileSync(file, Buffer.alloc(8192, 'garbage')), /cannot be opened.*backup/u],
  ],
  ['a torn file', [(file) => truncateSync(file, statSync(file).size - 6000), /damaged|malformed/u]],
  ['overwritten pages', [(file) => overwrite(file), /damaged|malformed/u]],
  [
    'the database of another program',
    [
      (file) => {
        writeFileSync(file, '');
        execute(file, 'CREATE TABLE notes (text TEXT)');
      },
      /not one of Strongroom/u,
    ],
  ],
  ['a newer schema', [(file) => execute(file, 'PRAGMA user_version = 2'), /schema version 2/u]],
  [
    'a lost database beside its log',
    [
      (file) => {
        writeFileSync(`${file}-wal`, 'frames');
        renameSync(file, `${file}.away`);
      },
      /missing or empty, but its log/u,
    ],
  ],
]);

for (const [what, [spoil, message]] of SPOILED) {
  test(`${what} is refused with a message and left as it is`, async (context) => {
    const directory = temporaryDirectory(context);
    const file = join(directory, 'strongroom.db');
    const storage = await openStore(directory);
    for (let index = 0; index < 20; index += 1) await put(storage, entry(`k${index}`, 1, LARGE));
    await storage.close();
    spoil(file);
    await assert.rejects(openStore(directory), (error) => {
      assert.ok(error instanceof StorageError, String(error));
      assert.match(error.message, message);
      return true;
    });
    // The lock is free again: the second attempt fails for the same reason.
    await assert.rejects(openStore(directory), message);
  });
}

test('an empty database file is a new store', async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, 'strongroom.db'), '');
  const storage = await openStore(directory);
  assert.deepEqual(await storage.list(''), []);
  await storage.close();
});

test('an error of the database is final: no commit succeeds after it, reads go on', async (context) => {
  const directory = temporaryDirectory(context);
  const failures: StorageError[] = [];
  const storage = await openStore(directory, { onFatal: (error) => failures.push(error) });
  await put(storage, entry('k'));
  // A real fault from outside: the table refuses what the writer does.
  execute(
    join(directory, 'strongroom.db'),
    "CREATE TRIGGER fault BEFORE INSERT ON kv BEGIN SELECT raise(FAIL, 'fault'); END",
  );
  const commits = ['a', 'b', 'c'].map((key) => put(storage, entry(key)));
  for (const commit of commits) await assert.rejects(commit, StorageError);
  execute(join(directory, 'strongroom.db'), 'DROP TRIGGER fault');
  await assert.rejects(put(storage, entry('late')), StorageError);
  await assert.rejects(storage.commit({ checks: [], puts: [], deletes: [] }), StorageError);
  assert.equal(failures.length, 1);
  assert.deepEqual(await storage.read(['k']), [entry('k')]);
  await storage.close();
  const again = await openStore(directory);
  assert.deepEqual(await again.read(['k', 'late']), [entry('k'), undefined]);
  await again.close();
});

test('a disk that is full ends all service, and loses nothing that was acknowledged', async (context) => {
  if (process.platform === 'win32') return context.skip('needs a shell that limits file sizes');
  const directory = temporaryDirectory(context);
  const program = `
    const { openSqliteStorage } = await import(${JSON.stringify(STORAGE_MODULE)});
    const storage = await openSqliteStorage({ directory: process.argv[1], onFatal: () => console.log('fatal') });
    const put = (n) => storage.commit({ checks: [], deletes: [],
      puts: [{ key: 'k' + n, revision: 1, value: Buffer.alloc(3000, 'x') }] });
    for (let n = 1; ; n += 1) {
      try { await put(n); } catch (error) { console.log(error.name); break; }
      console.log(n);
    }
    for (let n = 0; n < 3; n += 1) await put('late').catch((error) => console.log(error.name));
    process.exit(3);
  `;
  // Files stop growing at 1 MiB (or half, where a shell counts smaller blocks): writes fail with EFBIG.
  const child = spawn(
    'sh',
    [
      '-c',
      `trap '' XFSZ; ulimit -f 1024; exec "$0" --input-type=module -e "$1" "$2"`,
      process.execPath,
      program,
      directory,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const output: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => output.push(data));
  const [code] = await once(child, 'close');
  assert.equal(code, 3);
  const lines = Buffer.concat(output).toString().trim().split('\n');
  const acknowledged = lines.filter((line) => /^\d+$/u.test(line));
  assert.ok(acknowledged.length > 20);
  const failed = ['fatal', 'StorageError', 'StorageError', 'StorageError', 'StorageError'];
  assert.deepEqual(lines.slice(acknowledged.length), failed);
  const storage = await openStore(directory);
  for (const number of acknowledged) {
    const [found] = await storage.read([`k${number}`]);
    assert.deepEqual(found?.value, Buffer.alloc(3000, 'x'), number);
  }
  await put(storage, entry('room again'));
  await storage.close();
});

test('file systems on a network are refused by their type', () => {
  for (const type of [0x6969, 0xff534d42, 0xff534d42 | 0, 0xfe534d42, 0x01021997]) {
    assert.throws(() => assertLocal(type, '/data', silentLog), /network file system/u);
  }
  for (const type of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x65735546]) {
    assertLocal(type, '/data', silentLog);
  }
});

test('a SQLite with the log-reset bug is refused', () => {
  for (const version of ['3.51.2', '3.7.0', '2.99.99', '3.50.99', '0']) {
    assert.throws(() => assertSqliteVersion(version), StorageError, version);
  }
  for (const version of ['3.51.3', '3.53.4', '3.52.0', '4.0.0']) assertSqliteVersion(version);
});

function execute(file: string, sql: string): void {
  const database = new DatabaseSync(file, { timeout: 5000 });
  database.exec(sql);
  database.close();
}

function overwrite(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 8192, bytes.length - 4096);
  writeFileSync(file, bytes);
}
