/** What makes folders makes them, and gives up where there can be none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { makeFolder } from './make-folder.ts';

suite('makeFolder', () => {
  const root = mkdtempSync(join(tmpdir(), 'make-folder-'));
  after(() => rmSync(root, { recursive: true, force: true }));

  test('makes what is missing above, and takes what is there', () => {
    const folder = join(root, 'a', 'b', 'c');
    makeFolder(folder, 0o700);
    makeFolder(folder, 0o700);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  test('fails below a file', () => {
    assert.throws(() => makeFolder('/dev/null/x', 0o700), { code: 'ENOTDIR' });
  });

  test(
    'fails where the system takes no folders, instead of trying for ever',
    {
      skip: process.platform !== 'linux' && 'needs /proc',
    },
    () => {
      assert.throws(() => makeFolder('/proc/x/y', 0o700), { code: 'ENOENT' });
    },
  );
});
