/** Snapshots of a store on PostgreSQL that several servers work on: consistent, made by one, restored to an embedded store. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startCluster } from '../../../rig/cluster.ts';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import { openSqliteCopy } from '../../storage/sqlite/copy.ts';
import { openPostgresqlStorage } from '../../storage/postgresql/postgresql-storage.ts';
import { restoreBackup } from '../restore.ts';
import { copierOf } from './copies.ts';
import { AUTO } from './snapshots-fixture.ts';

const PAIRS = 300;
const WAIT_MS_MAX = 60_000;

if (postgresPrograms() === undefined) {
  test(`left out, PostgreSQL is missing: ${POSTGRESQL_HINT}`, { skip: true }, () => {});
} else {
  let postgres: Postgres;
  before(async () => {
    postgres = await startPostgres();
    await postgres.createDatabase('walk');
  });
  after(() => postgres.stop());

  test('a copy during writes is one state of the database', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-walk-'));
    const storage = await openPostgresqlStorage({
      connectionUrl: postgres.url('walk'),
      clock: systemClock,
      random: systemRandom,
      onFatal: (error) => {
        throw error;
      },
    });
    context.after(async () => {
      await storage.close();
      rmSync(folder, { recursive: true });
    });
    const put = async (revision: number, ...keys: string[]): Promise<void> => {
      const puts = keys.map((key) => ({ key, revision, value: Buffer.alloc(2000, key) }));
      await storage.commit({ checks: [], puts, deletes: [] });
    };
    for (let n = 0; n < PAIRS; n++) await put(1, `pad/${n}`);
    const state = { writing: true, newest: 0 };
    const writer = (async () => {
      // Two records far apart, always of one revision.
      for (let revision = 1; state.writing; revision++) {
        await put(revision, 'a', 'z');
        state.newest = revision;
      }
    })();
    while (state.newest < 3) await pause(1);
    const file = join(folder, 'copy.db');
    const copyTo = copierOf(storage);
    await copyTo?.(file);
    state.writing = false;
    await writer;
    const copy = openSqliteCopy(file);
    const [a, z] = await copy.read(['a', 'z']);
    assert.ok(a !== undefined && a.revision >= 3);
    assert.equal(a.revision, z?.revision);
    assert.equal((await copy.list('pad/')).length, PAIRS);
    await copy.close();
  });

  test('one of two servers makes the snapshots; when it leaves the other goes on; they restore to an embedded store', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-cluster-'));
    const kept = join(folder, 'kept');
    mkdirSync(kept);
    const cluster = await startCluster({
      folder,
      urls: [postgres.url(), postgres.url()],
      settings: `snapshot_directory = "${kept}"`,
    });
    context.after(async () => {
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const token = cluster.rootToken;
    const ask = async (server: number, method: string, path: string, body?: unknown) =>
      await cluster.servers[server]?.api.call(method, path, {
        token,
        ...(body === undefined ? {} : { body }),
      });
    const until = async (server: number, count: number): Promise<void> => {
      const deadline = systemClock.monotonicMs() + WAIT_MS_MAX;
      for (;;) {
        const answer = await ask(server, 'GET', `${AUTO}/status/all`);
        const data = (answer?.body as { data?: Record<string, unknown> } | undefined)?.data;
        if (data?.['snapshots'] === count && data['snapshot_name'] === '') {
          assert.equal(data['last_snapshot_error'], '');
          assert.ok(Number(data['last_verified_records']) > 10);
          return;
        }
        assert.ok(systemClock.monotonicMs() < deadline, JSON.stringify(answer));
        await pause(100);
      }
    };
    const schedule = { interval: '24h', storage_type: 'local' };
    assert.equal((await ask(1, 'POST', `${AUTO}/config/all`, schedule))?.status, 204);
    await until(0, 1);
    assert.equal(readdirSync(kept).length, 1, 'one server made one');
    assert.equal((await ask(1, 'GET', 'sys/storage/raft/snapshot'))?.status, 200);
    // The first has started first, and has the duty, which it hands over.
    await cluster.servers[0]?.child.stop();
    assert.equal((await ask(1, 'POST', `${AUTO}/run/all`, {}))?.status, 204);
    await until(1, 2);
    const [first = ''] = readdirSync(kept).sort();
    const directory = join(folder, 'restored');
    const restored = await restoreBackup({
      file: join(kept, first),
      configPaths: [],
      directory,
      replace: false,
      environment: {},
      publicKey: '',
    });
    assert.equal(restored.header?.manifest.name, first);
  });
}
