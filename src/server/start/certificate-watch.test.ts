/** Certificates that others renew, as files and as the moving links of mounted secrets. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ManualClock } from '../../base/clock-fixture.ts';
import { LogRegistry } from '../../base/log-lines.ts';
import { CERTIFICATE_CHECK_MS, watchCertificates } from './certificate-watch.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function watching(files: readonly string[], reload: () => void): Watching {
  const clock = new ManualClock();
  const lines: string[] = [];
  const { root: log } = new LogRegistry({
    clock,
    format: 'standard',
    level: 'info',
    write: (line) => lines.push(line),
  });
  const stop = watchCertificates({ clock, log }, [{ files, reload }]);
  return { check: () => clock.advance(CERTIFICATE_CHECK_MS), lines, stop };
}

interface Watching {
  readonly check: () => void;
  readonly lines: readonly string[];
  readonly stop: () => void;
}

test('a changed file is read once; what cannot be read is told and tried again when it changes', (t) => {
  const folder = folderOf(t);
  const files = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  for (const file of files) writeFileSync(file, 'old');
  let loads = 0;
  let fits = true;
  const { check, lines, stop } = watching(files, () => {
    loads += 1;
    if (!fits) throw new Error('key values mismatch');
  });
  check();
  assert.equal(loads, 0);
  fits = false;
  writeFileSync(files[0] ?? '', 'new certificate');
  check();
  check();
  assert.equal(loads, 1);
  assert.match(lines.join(''), /is not used.*key values mismatch/);
  fits = true;
  writeFileSync(files[1] ?? '', 'new private key');
  check();
  assert.equal(loads, 2);
  assert.match(lines.at(-1) ?? '', /renewed certificate/);
  stop();
  writeFileSync(files[1] ?? '', 'newer');
  check();
  assert.equal(loads, 2);
});

test('a link that moves is a change, and so is a file that goes and comes', (t) => {
  const folder = folderOf(t);
  // As a kubelet mounts a secret: file → ..data/file, ..data → a folder with the time in its name.
  for (const name of ['first', 'second']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'tls.crt'), 'same length');
  }
  symlinkSync('first', join(folder, '..data'));
  symlinkSync('..data/tls.crt', join(folder, 'tls.crt'));
  let loads = 0;
  const { check } = watching([join(folder, 'tls.crt')], () => (loads += 1));
  symlinkSync('second', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  check();
  assert.equal(loads, 1);
  rmSync(join(folder, 'second', 'tls.crt'));
  check();
  assert.equal(loads, 2);
});
