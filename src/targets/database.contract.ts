/** What every member must do at a real server: the accounts that it makes open, and those that it removes do not. */
import assert from 'node:assert/strict';
import { systemRandom } from '../base/random.ts';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import { SettingsError, TargetError } from './database.ts';
import type { Database, DatabaseMember } from './database.ts';

export interface Server {
  /** Settings of the account that manages the others. */
  readonly settings: JsonObject;
  stop(): Promise<void>;
}

export interface Tested {
  readonly member: DatabaseMember;
  readonly start: () => Promise<Server>;
  /** Why it cannot run here; '' when it can. */
  readonly missing: string;
  readonly creation: readonly string[];
  /** Statements that fail; with a good one before it when the database has no transactions for this. */
  readonly failing: readonly string[];
  /** Settings that cannot be used at all. */
  readonly unusable: readonly JsonObject[];
}

const LATER_MS = Date.UTC(2040, 0, 1);
/** Everything that means something between quotes. */
const AWKWARD = `it's a "test" \\ of \`quotes\` $$ -- {{name}} %s;`;

async function refused(act: Promise<unknown>): Promise<TargetError> {
  try {
    await act;
  } catch (error) {
    if (error instanceof TargetError) return error;
    throw error;
  }
  throw new Error('it was expected to fail');
}

export function testDatabase(tested: Tested): void {
  const { member, creation } = tested;
  const [title = ''] = member.names;
  const skip = tested.missing === '' ? false : tested.missing;

  suite(title, { skip }, () => {
    let server: Server;
    let database: Database;
    before(async () => {
      server = await tested.start();
      database = member.open(server.settings, systemRandom);
    });
    after(async () => {
      await database?.close();
      await server?.stop();
    });

    const account = (username: string, password: string, statements = creation) => ({
      username,
      credential: { kind: 'password' as const, password },
      expiresMs: LATER_MS,
      statements,
      rollbackStatements: [],
    });

    test('answers to the account that manages the others', async () => {
      await database.verify();
      const other = member.open({ ...server.settings, password: 'wrong-password-0' }, systemRandom);
      const error = await refused(other.verify());
      assert.equal(error.mayHaveChanged, false);
      assert.ok(!error.message.includes('wrong-password-0'));
      await other.close();
    });

    test('says so when nobody is there', async () => {
      const away = member.open(elsewhere(server.settings), systemRandom);
      assert.equal((await refused(away.verify())).message, 'connection refused');
      await away.close();
    });

    test('an account opens from its creation to its removal', async () => {
      assert.equal(await database.exists('made_once'), false);
      assert.equal(await database.accepts('made_once', 'first-password'), false);
      await database.create(account('made_once', 'first-password'));
      assert.equal(await database.exists('made_once'), true);
      assert.equal(await database.accepts('made_once', 'first-password'), true);
      assert.equal(await database.accepts('made_once', 'other-password'), false);
      await database.extend('made_once', LATER_MS + 1000, []);
      await database.change('made_once', { kind: 'password', password: 'other-password' }, []);
      assert.equal(await database.accepts('made_once', 'first-password'), false);
      assert.equal(await database.accepts('made_once', 'other-password'), true);
      await database.drop('made_once', []);
      assert.equal(await database.exists('made_once'), false);
      assert.equal(await database.accepts('made_once', 'other-password'), false);
    });

    test('changes of one account at once all come about', async () => {
      await database.create(account('much_asked', 'first-password'));
      await Promise.all(
        Array.from({ length: 12 }, async (_, at) => {
          if (at % 2 === 0) await database.extend('much_asked', LATER_MS + at * 1000, []);
          else
            await database.change(
              'much_asked',
              { kind: 'password', password: `password-${at}` },
              [],
            );
        }),
      );
      await Promise.all([database.drop('much_asked', []), database.drop('much_asked', [])]);
      assert.equal(await database.exists('much_asked'), false);
    });

    test('an account that is not there is removed without a word', async () => {
      await database.drop('never_made', []);
    });

    test('an account that is not there gets no password', async () => {
      await refused(
        database.change('never_made', { kind: 'password', password: 'some-password' }, []),
      );
    });

    test('no character of a password means anything', async () => {
      // A blank ends a rule of an access control list; no client can send one there.
      const password = title.startsWith('valkey') ? AWKWARD.replaceAll(' ', '_') : AWKWARD;
      await database.create(account('awkward', password));
      assert.equal(await database.accepts('awkward', password), true);
      await database.change('awkward', { kind: 'password', password: `${password}2` }, []);
      assert.equal(await database.accepts('awkward', `${password}2`), true);
      await database.drop('awkward', []);
    });

    test('a creation that fails leaves no account, or says that it may', async () => {
      const error = await refused(
        database.create(account('failed', 'a-new-password', tested.failing)),
      );
      assert.ok(!error.message.includes('a-new-password'), error.message);
      if (error.mayHaveChanged) await database.drop('failed', []);
      assert.equal(await database.exists('failed'), false);
    });

    test('settings that cannot be used are refused before anything is opened', () => {
      for (const settings of tested.unusable) {
        assert.throws(
          () => member.open(settings, systemRandom),
          SettingsError,
          JSON.stringify(settings),
        );
      }
    });
  });
}

/** The same settings for a port on which nobody listens. */
function elsewhere(settings: JsonObject): JsonObject {
  const { connection_url: url } = settings;
  if (typeof url === 'string')
    return { ...settings, connection_url: url.replace(/:\d+([)/])/, ':1$1') };
  return { ...settings, port: 1 };
}
