/** Programs as rotators: only those of one folder, with nothing of this server's surroundings. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import { SettingsError, TargetError } from '../../targets/database.ts';
import type { RotationContext } from '../rotator.ts';
import { programRotator } from './program.ts';

const PROGRAM = `#!/bin/sh
read line
case "$line" in
  *createSecret*) echo "{\\"next\\": {\\"password\\": \\"made\\", \\"env\\": \\"$SECRET_OF_THE_SERVER-$1\\"}}" ;;
  *setSecret*) exit 3 ;;
  *testSecret*) exit 1 ;;
esac
`;

suite('a program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'programs-'));
  const allowed = join(folder, 'allowed');
  mkdirSync(allowed);
  writeFileSync(join(allowed, 'renew'), PROGRAM, { mode: 0o755 });
  writeFileSync(join(folder, 'outside'), PROGRAM, { mode: 0o755 });
  symlinkSync(join(folder, 'outside'), join(allowed, 'link'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const context: RotationContext = {
    id: 'one',
    current: { password: 'old' },
    next: {},
    random: systemRandom,
    password: async () => '',
  };

  test('answers to its steps, and says whether anything may have changed', async () => {
    process.env['SECRET_OF_THE_SERVER'] = 'leaked';
    const rotation = programRotator(allowed).open({ program: 'renew', arguments: 'x' });
    assert.deepEqual(await rotation.create(context), { password: 'made', env: '-x' });
    await assert.rejects(rotation.install(context), (error: TargetError) => !error.mayHaveChanged);
    await assert.rejects(
      rotation.verify(context, {}),
      (error: TargetError) => error.mayHaveChanged,
    );
    await rotation.retire(context, {});
    delete process.env['SECRET_OF_THE_SERVER'];
  });

  for (const program of ['link', '../outside', 'missing', '', '.', 'renew/../renew', '/bin/sh']) {
    test(`outside of the folder is none: ${JSON.stringify(program)}`, () => {
      assert.throws(() => programRotator(allowed).open({ program }), SettingsError);
      assert.throws(() => programRotator('').open({ program: 'renew' }), SettingsError);
    });
  }
});
