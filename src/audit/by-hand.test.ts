/** The documentation's recipe for checking a signature with OpenSSL works as it stands. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { fileDevice } from './file/file.ts';
import { keys, requestOf, signer, specOf, worldOf } from './fixture.ts';

const PAGE = new URL('../../docs/audit.md', import.meta.url);

test('a checkpoint is verified with OpenSSL alone, as documented', async (t) => {
  const version = spawnSync('openssl', ['version'], { encoding: 'utf8' });
  if (version.error !== undefined || !version.stdout.startsWith('OpenSSL 3'))
    return t.skip('needs OpenSSL 3');
  const recipe = /```sh\n(?<script>line=[\s\S]*?)```/.exec(await readFile(PAGE, 'utf8'));
  const script = recipe?.groups?.['script'];
  assert.ok(script !== undefined);
  const world = await worldOf(t, [fileDevice]);
  world.broker.unsealed(keys);
  await world.broker.enable(specOf({ options: { file_path: world.file('written') } }));
  await world.broker.request(requestOf());
  const text = await world.text('written');
  await rename(world.file('written'), world.file());
  const run = (): number | null =>
    spawnSync('sh', ['-c', script], {
      cwd: path.dirname(world.file()),
      env: { ...process.env, KEY: signer.publicKey.toString('base64') },
    }).status;
  assert.equal(run(), 0);
  const seq = /"seq":(\d+),[^\n]*\n$/.exec(text)?.[1] ?? '';
  await writeFile(world.file(), text.replace(`"seq":${seq},`, `"seq":${seq}0,`));
  assert.notEqual(run(), 0);
});
