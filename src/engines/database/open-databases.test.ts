/** Which databases stay open: one for each connection, for as long as somebody is at work on it. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { systemRandom } from '../../base/random.ts';
import type { Database, DatabaseMember } from '../../targets/database.ts';
import { textSetting } from '../../targets/settings.ts';
import { OpenDatabases } from './open-databases.ts';

/** What is done with the databases that a member opens. */
function watched(): {
  readonly member: DatabaseMember;
  readonly closed: string[];
  readonly busy: PromiseWithResolvers<void>;
} {
  const closed: string[] = [];
  const busy = Promise.withResolvers<void>();
  const nothing = async (): Promise<void> => {};
  const member: DatabaseMember = {
    names: ['watched'],
    defaultUsernameTemplate: '',
    credentials: ['password'],
    needsCreationStatements: false,
    open: (settings): Database => ({
      verify: nothing,
      create: nothing,
      change: () => busy.promise,
      extend: nothing,
      drop: nothing,
      exists: async () => true,
      accepts: async () => true,
      close: async () => {
        closed.push(textSetting(settings, 'name'));
      },
    }),
  };
  return { member, closed, busy };
}

suite('open databases', () => {
  test('of a connection the one of the last configuration stays open', async () => {
    const { member, closed } = watched();
    const open = new OpenDatabases(systemRandom);
    const first = open.get('at', 'id-1', member, { name: 'first' });
    assert.equal(open.get('at', 'id-1', member, { name: 'again' }), first);
    open.get('other', 'id-2', member, { name: 'other' });
    for (let n = 0; n < 5; n++) open.get('at', `id-${n + 3}`, member, { name: String(n) });
    assert.deepEqual(closed, ['first', '0', '1', '2', '3']);
    await open.closeAll();
    assert.deepEqual(closed.slice(5).sort(), ['4', 'other']);
  });

  test('whoever is at work on one comes to an end first, and who comes late is served', async () => {
    const { member, closed, busy } = watched();
    const open = new OpenDatabases(systemRandom);
    const database = open.get('at', 'id-1', member, { name: 'first' });
    const work = database.change('a', { kind: 'password', password: 'b' }, []);
    open.close('at');
    assert.equal(await database.exists('a'), true);
    assert.deepEqual(closed, []);
    busy.resolve();
    await work;
    assert.deepEqual(closed, ['first']);
    await database.verify();
    assert.deepEqual(closed, ['first', 'first'], 'what it opened is closed again');
  });
});
