/** The tour of the README is pasted into a shell and must work as it stands. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, freePort } from './child.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const READY_MS_MAX = 30_000;

function run(script: string, cwd: string): Promise<{ output: string; failed: boolean }> {
  return new Promise((resolve) => {
    execFile('bash', ['-e', '-c', script], { cwd }, (error, stdout, stderr) => {
      resolve({ output: stdout + stderr, failed: error !== null });
    });
  });
}

test('the tour of the README works when it is pasted', async (t) => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const script = /```sh\n(?<script>[\s\S]*?)```/.exec(readme)?.groups?.['script'] ?? '';
  assert.match(script, /127\.0\.0\.1:8200/);
  const folder = mkdtempSync(join(tmpdir(), 'tour-'));
  symlinkSync(join(ROOT, 'bin'), join(folder, 'bin'));
  const port = await freePort();
  const server = new Child(['bin/strongroom', 'start', `-listen=127.0.0.1:${port}`], {
    cwd: folder,
  });
  t.after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const deadline = performance.now() + READY_MS_MAX;
  while (!server.output.includes('serves on') && performance.now() < deadline) await delay(20);
  assert.match(server.output, /serves on/);

  const { output, failed } = await run(script.replaceAll(':8200', `:${port}`), folder);
  assert.equal(failed, false, output);
  assert.match(output, /Sealed\s+false/);
  assert.match(output, /password\s+second/);
  assert.match(output, /^first/m);
  assert.match(output, /permission denied/);
  assert.match(output, /It may read, not write:/);
  assert.match(output, /"password":"second"/);
  assert.match(output, /No record was changed/);
});
