/** Deliveries to a folder: whole and durable under their name, or not there. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { DestinationError } from '../destination.ts';
import type { MadeSnapshot } from '../make.ts';
import { directoryDestination } from './directory.ts';

const NAME = 'strongroom-20300101T000000Z-abcd.snapshot';
const never = new AbortController().signal;

function made(stream: MadeSnapshot['stream'], bytes = 6): MadeSnapshot {
  const manifest = {} as MadeSnapshot['manifest'];
  return { manifest, header: Buffer.alloc(0), payload: '', bytes, stream, discard: async () => {} };
}

const whole = made(async function* () {
  yield Buffer.from('abc');
  yield Buffer.from('def');
});

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'strongroom-directory-'));
  context.after(() => rmSync(path, { recursive: true }));
  return join(path, 'a', 'b');
}

test('what is delivered is there, and its folder with it', async (context) => {
  const directory = folder(context);
  const destination = directoryDestination({ directory, spaceBytesMax: 0 });
  assert.deepEqual(await destination.list(), []);
  await destination.put(NAME, whole, never);
  assert.equal(readFileSync(join(directory, NAME), 'utf8'), 'abcdef');
  assert.deepEqual(await destination.list(), [{ name: NAME, bytes: 6 }]);
  await destination.remove(NAME);
  await destination.remove(NAME);
  assert.deepEqual(readdirSync(directory), []);
});

test('a delivery that fails or is ended leaves nothing', async (context) => {
  const directory = folder(context);
  const destination = directoryDestination({ directory, spaceBytesMax: 0 });
  const broken = made(async function* () {
    yield Buffer.from('abc');
    throw new Error('the disk is gone');
  });
  await assert.rejects(destination.put(NAME, broken, never), /cannot be written: the disk is gone/);
  assert.deepEqual(readdirSync(directory), []);
  const abort = new AbortController();
  const ended = made(async function* () {
    yield Buffer.from('abc');
    abort.abort(new Error('sealed'));
    yield Buffer.from('def');
  });
  await assert.rejects(destination.put(NAME, ended, abort.signal), /sealed/);
  assert.deepEqual(readdirSync(directory), []);
  const huge = made(() => whole.stream(), 2 ** 52);
  await assert.rejects(destination.put(NAME, huge, never), DestinationError);
  assert.deepEqual(readdirSync(directory), []);
});

test('what a crash left is swept when it is old; folders, links and other files are not snapshots', async (context) => {
  const directory = folder(context);
  const destination = directoryDestination({ directory, spaceBytesMax: 0 });
  mkdirSync(join(directory, NAME), { recursive: true });
  symlinkSync('/etc/hostname', join(directory, 'link.snapshot'));
  for (const name of ['old.snapshot.partial', 'new.snapshot.partial', 'x.partial', 'y']) {
    writeFileSync(join(directory, name), 'x');
  }
  const now = Date.UTC(2040, 0, 1);
  utimesSync(join(directory, 'new.snapshot.partial'), now / 1000, now / 1000);
  await destination.sweep(now);
  assert.deepEqual(await destination.list(), []);
  assert.deepEqual(readdirSync(directory).sort(), [
    'link.snapshot',
    'new.snapshot.partial',
    NAME,
    'x.partial',
    'y',
  ]);
});
