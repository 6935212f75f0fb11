/** MongoDB, as far as that can be tried without a server: no Debian package has one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import { SettingsError, TargetError } from '../database.ts';
import { mongodb } from './mongodb.ts';

test('settings that cannot be used are refused before anything is opened', () => {
  for (const settings of [
    {},
    { connection_url: 'http://h' },
    { connection_url: 'mongodb:///' },
    { connection_url: 'mongodb://h/?tlsCAFile=/etc/passwd' },
  ]) {
    assert.throws(
      () => mongodb.open(settings, systemRandom),
      SettingsError,
      JSON.stringify(settings),
    );
  }
});

test('a statement that is no JSON is refused before anything is sent, and a server that is away is told', async () => {
  const database = mongodb.open(
    {
      connection_url:
        'mongodb://{{username}}:{{password}}@127.0.0.1:1/admin?serverSelectionTimeoutMS=300',
      username: 'u@x',
      password: 'a:secret/@',
    },
    systemRandom,
  );
  const account = {
    username: 'x',
    credential: { kind: 'password', password: 'the-new-one' } as const,
    expiresMs: 0,
    rollbackStatements: [],
  };
  await assert.rejects(database.create({ ...account, statements: ['nonsense'] }), /JSON object/);
  const statements = ['{"db": "admin", "roles": [{"role": "read"}]}'];
  await assert.rejects(database.create({ ...account, statements }), (error: TargetError) => {
    assert.equal(error.mayHaveChanged, false);
    assert.ok(!/secret|the-new-one/.test(error.message), error.message);
    return error instanceof TargetError;
  });
});
