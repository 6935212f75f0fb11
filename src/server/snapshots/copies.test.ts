/** The folder that copies lie in: what processes left that ended is removed, what others use is not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import { privateDirectory, workDirectory } from './copies.ts';

/** The number of a process that has ended. */
function endedPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

test('a folder of the configuration is swept at the start', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-copies-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const ended = endedPid();
  const kept = [`snapshot-work-${process.ppid}-a`, 'snapshot-work-x', 'other'];
  for (const name of [...kept, `snapshot-work-${ended}-a`, `snapshot-work-${process.pid}-a`]) {
    writeFileSync(join(folder, name), '');
  }
  const { file } = workDirectory(folder, systemRandom);
  assert.deepEqual(readdirSync(folder).sort(), kept.sort());
  assert.equal(dirname(file()), folder);
  assert.notEqual(file(), file());
});

test('without one it is a folder of this process alone, and those of ended ones go', () => {
  const left = join(tmpdir(), `strongroom-work-${endedPid()}-left`);
  const foreign = join(tmpdir(), `strongroom-work-${process.ppid}-used`);
  mkdirSync(left, { mode: 0o700 });
  mkdirSync(foreign, { mode: 0o700 });
  const work = workDirectory(undefined, systemRandom);
  try {
    const folder = dirname(work.file());
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const names = readdirSync(tmpdir());
    assert.ok(names.includes(basename(foreign)) && !names.includes(basename(left)));
    work.remove();
    assert.ok(!readdirSync(tmpdir()).includes(basename(folder)));
  } finally {
    rmSync(foreign, { recursive: true });
    work.remove();
  }
});

test('a folder that others can enter is refused', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-copies-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const open = join(folder, 'open');
  mkdirSync(open, { mode: 0o755 });
  assert.throws(() => privateDirectory(open), /can be entered/);
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => privateDirectory(join(folder, 'file')), Error);
  const made = privateDirectory(join(folder, 'a', 'b'));
  assert.equal(statSync(made).mode & 0o777, 0o700);
});
