/** The reserve on a real file system that fills up. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { contextOf } from '../fixture.ts';
import { isResumable } from '../device.ts';
import { fileDevice } from './file.ts';
import { parseReserve } from './reserve.ts';

const KIB = 1024;

/** Mounts a small file system in memory; undefined where that is not allowed. */
async function smallDisk(): Promise<string | undefined> {
  const directory = await mkdtemp(path.join(tmpdir(), 'audit-reserve-'));
  try {
    const options = ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', directory];
    execFileSync('mount', options, { stdio: 'ignore' });
    return directory;
  } catch {
    await rm(directory, { recursive: true });
    return undefined;
  }
}

test('on a full disk the reserve is given up, and made again when there is room', async (t) => {
  const directory = await smallDisk();
  if (directory === undefined) return t.skip('file systems cannot be mounted here');
  try {
    const filePath = path.join(directory, 'audit.log');
    const reservePath = `${filePath}.reserve`;
    const device = await fileDevice.open({ file_path: filePath, reserve: '64KiB' }, contextOf());
    assert.ok(isResumable(device));
    await device.resume();
    assert.equal((await stat(reservePath)).size, 64 * KIB);
    const filler = path.join(directory, 'filler');
    // Whatever is left is taken by somebody else.
    await assert.rejects(writeFile(filler, Buffer.alloc(512 * KIB)), { code: 'ENOSPC' });
    await device.append(Buffer.alloc(8 * KIB, 'x'));
    await assert.rejects(stat(reservePath), { code: 'ENOENT' });
    // Beyond the reserve the disk is full for the log too.
    await assert.rejects(device.append(Buffer.alloc(128 * KIB, 'x')), { code: 'ENOSPC' });
    await unlink(filler);
    await device.resume();
    assert.equal((await stat(reservePath)).size, 64 * KIB);
    await device.close();
  } finally {
    execFileSync('umount', [directory]);
    await rm(directory, { recursive: true });
  }
});

test('sizes are read with their units', () => {
  assert.equal(parseReserve(undefined), 0);
  assert.equal(parseReserve('0'), 0);
  assert.equal(parseReserve('64MiB'), 64 * KIB * KIB);
  assert.equal(parseReserve('5KB'), 5000);
  for (const bad of ['', '-1', '1GB', '2000MiB', 'x']) {
    assert.throws(() => parseReserve(bad), { code: 'invalid_request' });
  }
});
