/** The executable under the names of those it takes the place of. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const EXECUTABLE = fileURLToPath(new URL('../bin/strongroom', import.meta.url));

test('a link called vault or bao leads to the program, which then tells the level of the API', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'names-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const said = (name: string, environment: Record<string, string> = {}): string => {
    const path = name === 'strongroom' ? EXECUTABLE : join(folder, name);
    if (path !== EXECUTABLE) symlinkSync(EXECUTABLE, path);
    const env = { ...process.env, ...environment };
    return execFileSync(path, ['-version'], { encoding: 'utf8', env });
  };
  // Others cut the second word, or the first number with two points, out of this line.
  assert.match(said('vault'), /^Vault v2\.\d+\.\d+ \(as spoken by Strongroom v\d/);
  assert.match(said('bao'), /^OpenBao v2\.\d+\.\d+ \(as spoken by Strongroom v\d/);
  // What another one was called does not stick to what it starts.
  assert.match(said('strongroom', { STRONGROOM_CALLED_AS: 'vault' }), /^Strongroom v\d/);
});
