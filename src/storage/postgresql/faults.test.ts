/** Several processes on one database, and what the network and the database do to them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { startTcpProxy } from '../../../rig/tcp-proxy.ts';
import type { TcpProxy } from '../../../rig/tcp-proxy.ts';
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import { entry, puts } from '../storage-member.contract.ts';
import { ConflictError, StorageError } from '../storage.ts';
import { openPostgresqlStorage } from './postgresql-storage.ts';
import type { PostgresqlStorageOptions } from './options.ts';
import type { PostgresqlStorage } from './postgresql-storage.ts';

if (postgresPrograms() === undefined) {
  test(`left out, PostgreSQL is missing: ${POSTGRESQL_HINT}`, { skip: true }, () => {});
} else {
  tests();
}

function tests(): void {
  let server: Postgres;
  let proxy: TcpProxy;
  let tables = 0;
  const opened: PostgresqlStorage[] = [];
  before(async () => {
    server = await startPostgres();
    proxy = await startTcpProxy(server.port);
  });
  after(async () => {
    for (const storage of opened) await storage.close();
    await proxy.close();
    await server.stop();
  });

  function newTable(): string {
    tables += 1;
    return `faults_${tables}`;
  }

  async function open(
    table: string,
    options: Partial<PostgresqlStorageOptions> = {},
  ): Promise<PostgresqlStorage> {
    const storage = await openPostgresqlStorage({
      connectionUrl: server.url(),
      table,
      clock: systemClock,
      random: systemRandom,
      onFatal: (error) => {
        throw error;
      },
      ...options,
    });
    opened.push(storage);
    return storage;
  }

  const throughProxy = (): string => server.url().replace(`:${server.port}/`, `:${proxy.port}/`);

  /** Adds one to a counter, however often that takes. */
  async function increment(storage: PostgresqlStorage, key: string): Promise<void> {
    for (;;) {
      const [found] = await storage.session().read([key]);
      const revision = (found?.revision ?? 0) + 1;
      try {
        await storage.commit({
          ...puts(entry(key, revision)),
          checks: [{ key, revision: found?.revision }],
        });
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  test('a commit is seen by every process as soon as it resolves', async () => {
    const table = newTable();
    const [one, two] = [await open(table), await open(table)];
    const changed: (readonly string[] | undefined)[] = [];
    two.onChanged((keys) => changed.push(keys));
    assert.deepEqual(await two.read(['k']), [undefined]);
    for (let revision = 1; revision <= 30; revision += 1) {
      await one.commit(puts(entry('k', revision)));
      assert.deepEqual(await two.session().read(['k']), [entry('k', revision)]);
    }
    await one.commit({ checks: [], puts: [], deletes: ['k'] });
    assert.deepEqual(await two.read(['k']), [undefined]);
    assert.ok(changed.length > 0 && changed.every((keys) => keys?.includes('k')));
  });

  test('a session asks once and then answers from what is known', async () => {
    const table = newTable();
    const [one, two] = [await open(table), await open(table)];
    await one.commit(puts(entry('a'), entry('b')));
    await two.read(['a', 'b']);
    const asked = two.statistics().catchUps;
    const session = two.session();
    assert.deepEqual(await session.read(['a']), [entry('a')]);
    await one.commit(puts(entry('b', 2)));
    assert.deepEqual(await session.read(['b', 'a']), [entry('b'), entry('a')]);
    assert.equal(two.statistics().catchUps, asked + 1);
    assert.deepEqual(await two.session().read(['b']), [entry('b', 2)]);
  });

  test('counters that three processes raise lose nothing, and everybody gets on', async () => {
    const table = newTable();
    const all = [await open(table), await open(table), await open(table)];
    await Promise.all(
      all.flatMap((storage, replica) =>
        Array.from({ length: 60 }, async (_, index) => {
          await increment(storage, `own/${replica}/${index}`);
          await increment(storage, 'shared');
        }),
      ),
    );
    for (const storage of all)
      assert.deepEqual(await storage.read(['shared']), [entry('shared', 180)]);
    assert.ok(all.some((storage) => storage.statistics().lostBatches > 0));
  });

  test('running sums of three processes add up', async () => {
    const table = newTable();
    const all = [await open(table), await open(table), await open(table)];
    await Promise.all(
      all.flatMap((storage) =>
        Array.from({ length: 80 }, (_, index) =>
          storage.commit({
            ...puts(entry(`k/${index}`, index + 1)),
            amend: {
              keys: ['sum'],
              apply: ([sum]) => [entry('sum', (sum?.revision ?? 0) + 1)],
            },
          }),
        ),
      ),
    );
    assert.deepEqual(await all[0]?.read(['sum']), [entry('sum', 240)]);
  });

  test('a commit whose answer is lost is settled: it is neither doubled nor denied', async () => {
    const table = newTable();
    const storage = await open(table, { connectionUrl: throughProxy() });
    await storage.commit(puts(entry('k', 1)));
    for (let revision = 2; revision <= 21; revision += 1) {
      const isWrite = (bytes: Buffer): boolean => bytes.includes('marker');
      const cut = revision % 2 === 0 ? proxy.cutAfterRequest(isWrite) : undefined;
      await storage.commit({
        ...puts(entry('k', revision, `marker ${revision}`)),
        checks: [{ key: 'k', revision: revision - 1 }],
      });
      await cut;
    }
    assert.equal((await storage.read(['k']))[0]?.revision, 21);
    assert.equal(storage.statistics().settledBatches, 10);
  });

  test('a statement that arrives after its commit was given up does nothing', async () => {
    const table = newTable();
    const slow = await open(table, { connectionUrl: throughProxy(), deadlineMs: 1000 });
    const [other] = [await open(table)];
    await slow.commit(puts(entry('k', 1)));
    proxy.spoil({ toServer: { delayMs: 1200 } });
    const late = slow.commit({ ...puts(entry('k', 2)), checks: [{ key: 'k', revision: 1 }] });
    const told = late.then(
      () => 'committed',
      (error: unknown) => {
        assert.ok(error instanceof StorageError);
        return 'unknown';
      },
    );
    // Its statement is given up after half a second and arrives later; meanwhile the other process writes.
    await other.commit(puts(entry('j')));
    const fate = await told;
    proxy.heal();
    proxy.cut();
    const [k] = await slow.read(['k']);
    if (fate === 'committed') assert.equal(k?.revision, 2);
    assert.deepEqual(await other.read(['k']), [k]);
  });

  test('a process that stops while it holds the lock holds up the others for a moment only', async () => {
    const table = newTable();
    const [one, two] = [await open(table, { connectionUrl: throughProxy() }), await open(table)];
    // Contention makes them take the lock.
    await Promise.all(
      Array.from({ length: 40 }, () => [increment(one, 'c'), increment(two, 'c')]).flat(),
    );
    proxy.spoil({ toClient: { blackHole: true } });
    const stuck = increment(one, 'c').catch(() => {});
    await increment(two, 'c');
    proxy.heal();
    proxy.cut();
    await stuck;
    assert.deepEqual(await two.read(['c']), await one.read(['c']));
  });

  test('reads and commits outlive a restart of the database', async () => {
    const table = newTable();
    const storage = await open(table);
    await storage.commit(puts(entry('k', 1)));
    const stop = new AbortController();
    const writing = (async (): Promise<number> => {
      let acknowledged = 1;
      while (!stop.signal.aborted) {
        await increment(storage, 'k');
        acknowledged += 1;
      }
      return acknowledged;
    })();
    await server.kill();
    await server.start();
    for (let count = 0; count < 5; count += 1) await increment(storage, 'other');
    stop.abort();
    const acknowledged = await writing;
    assert.equal((await storage.read(['k']))[0]?.revision, acknowledged);
  });

  test('a database that has gone back ends the service', async () => {
    const table = newTable();
    const { promise, resolve } = Promise.withResolvers<StorageError>();
    const storage = await open(table, { onFatal: resolve });
    for (let revision = 1; revision < 5; revision += 1)
      await storage.commit(puts(entry('k', revision)));
    await server.sql(`UPDATE ${table}_sequence SET n = 2; DELETE FROM ${table}_log WHERE n > 2`);
    await assert.rejects(async () => storage.read(['k']), StorageError);
    assert.match((await promise).message, /lost acknowledged commits/);
    await assert.rejects(storage.commit(puts(entry('k', 9))), StorageError);
  });

  test('a history that counts as far but is another is noticed', async () => {
    const table = newTable();
    const { promise, resolve } = Promise.withResolvers<StorageError>();
    const storage = await open(table, { onFatal: resolve });
    await storage.commit(puts(entry('k', 1)));
    await server.sql(
      `UPDATE ${table}_log SET id = 'another'; UPDATE ${table}_sequence SET id = 'another'`,
    );
    await assert.rejects(async () => storage.read(['k']), StorageError);
    await promise;
  });

  test('what is older than the log is forgotten, not trusted', async () => {
    const table = newTable();
    const [one, two] = [await open(table), await open(table)];
    await one.commit(puts(entry('k', 1), entry('other')));
    await two.read(['k', 'other']);
    for (let revision = 2; revision < 6; revision += 1)
      await one.commit(puts(entry('k', revision)));
    await server.sql(`DELETE FROM ${table}_log WHERE n < 5`);
    assert.deepEqual(await two.read(['k', 'other']), [entry('k', 5), entry('other')]);
  });

  test('a database that does not answer fails requests within the deadline', async () => {
    const table = newTable();
    const storage = await open(table, { connectionUrl: throughProxy(), deadlineMs: 600 });
    await storage.commit(puts(entry('k')));
    proxy.spoil({ toServer: { blackHole: true }, toClient: { blackHole: true } });
    try {
      await assert.rejects(async () => storage.read(['k']), StorageError);
      await assert.rejects(storage.list(''), StorageError);
    } finally {
      proxy.heal();
      proxy.cut();
    }
    assert.deepEqual(await storage.read(['k']), [entry('k')]);
  });
}
