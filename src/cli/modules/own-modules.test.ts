/** Where the program looks for its own modules is where Node.js finds them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ownModule } from './own-modules.ts';

const MAIN = new URL('../main.ts', import.meta.url).href;

test('a module of the program is where it is said to be', () => {
  for (const specifier of ['./run.ts', '../server/main.ts', './commands/server.ts']) {
    assert.deepEqual(ownModule(specifier, MAIN), {
      url: new URL(specifier, MAIN).href,
      format: 'module-typescript',
    });
  }
});

test('everything else is looked for as ever', () => {
  const elsewhere = new URL('../../../tools/check.ts', import.meta.url).href;
  assert.equal(ownModule('croner', MAIN), undefined);
  assert.equal(ownModule('node:fs', MAIN), undefined);
  assert.equal(ownModule('#inner', MAIN), undefined);
  assert.equal(ownModule('../../package.json', MAIN), undefined);
  assert.equal(ownModule('./run.ts', undefined), undefined);
  assert.equal(ownModule('./layers.ts', elsewhere), undefined);
});

test('a module that is found at once is the one that was imported before', () => {
  const own = JSON.stringify(new URL('own-modules.ts', import.meta.url).href);
  const room = JSON.stringify(new URL('../../base/', import.meta.url).href);
  const program = `
    const { findOwnModulesAtOnce } = await import(${own});
    const before = await import(${room} + 'json.ts');
    findOwnModulesAtOnce();
    const after = await import(${room} + 'json.ts');
    await import(${room} + 'hcl/parse.ts');
    console.log(before === after);`;
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program];
  const output = execFileSync(process.execPath, options, {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  assert.equal(output.toString(), 'true\n');
});
