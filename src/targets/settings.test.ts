/** Settings of connections are judged as clients know them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettingsError } from './database.ts';
import { poolSize } from './settings.ts';

test('a lifetime of connections is a duration, although none is kept to it', () => {
  for (const lifetime of [null, 0, '1h', '5', -1]) {
    assert.equal(poolSize({ max_open_connections: 2, max_connection_lifetime: lifetime }), 2);
  }
  for (const lifetime of ['x', true, ['1h'], {}]) {
    assert.throws(() => poolSize({ max_connection_lifetime: lifetime }), SettingsError);
  }
});
