/** Whoever is on duty hears once of a value that has become too old, whatever holds its renewal up. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import type { OpenInstance } from '../instance-fixture.ts';
import {
  DAY,
  alarmLog,
  counted,
  now,
  policy,
  put,
  serving,
  status,
  value,
} from './rotation.testkit.ts';

const MINUTE = 60;
const LOST = { url: 'http://127.0.0.1:1/', key: 'a-key-that-is-long-enough' };

function rotating(
  data: JsonObject,
  run: (server: OpenInstance, alarms: readonly string[]) => Promise<void>,
): Promise<void> {
  const alarms: string[] = [];
  return serving(
    async (server) => {
      await put(server, 'app', { password: 'old' });
      await policy(server, 'app', data);
      await run(server, alarms);
    },
    { log: alarmLog(alarms) },
  );
}

suite('a value that is too old', () => {
  test('is told when its target is away for that long', () =>
    rotating(
      { rotator: 'webhook', settings: LOST, period: '1d', max_age: '2d' },
      async (server, alarms) => {
        await server.pass(DAY);
        for (let hour = 0; hour < 22; hour++) await server.pass(60 * MINUTE);
        assert.deepEqual(alarms, ['rotation failed']);
        for (let hour = 0; hour < 24; hour++) await server.pass(60 * MINUTE);
        assert.deepEqual(alarms, ['rotation failed', 'secret is overdue']);
        assert.equal(await counted(server, 'rotation.overdue'), 1);
        assert.equal((await status(server, 'app'))['overdue'], true);
      },
    ));

  test('is told when its rotation is paused, and again when the next value is', () =>
    rotating(
      { rotator: 'random', period: '1d', max_age: '2d', paused: true },
      async (server, alarms) => {
        await server.pass(2 * DAY);
        assert.deepEqual(alarms, []);
        await server.pass(6 * MINUTE);
        await server.pass(2 * DAY);
        assert.deepEqual(alarms, ['secret is overdue']);
        assert.equal((await now(server, 'app')).error, undefined);
        assert.notEqual((await value(server, 'app'))['password'], 'old');
        await server.pass(2 * DAY + 6 * MINUTE);
        assert.equal(alarms.length, 2);
        assert.equal(await counted(server, 'rotation.overdue'), 2);
      },
    ));

  test('is told of none that its greatest age has renewed', () =>
    rotating({ rotator: 'random', period: '1d', max_age: '1d' }, async (server, alarms) => {
      for (let day = 0; day < 3; day++) await server.pass(DAY + 1);
      assert.equal(await counted(server, 'rotation.succeeded'), 3);
      assert.equal(await counted(server, 'rotation.overdue'), 0);
      assert.deepEqual(alarms, []);
    }));
});
