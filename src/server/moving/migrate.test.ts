/** Moving whole stores: between embedded ones here, to and from PostgreSQL where it is at hand. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { startVaultServer, strongroom } from '../../../rig/vault-server.ts';
import type { Program, VaultServer } from '../../../rig/vault-server.ts';
import { run } from '../../cli/run.ts';
import { stubTerminal } from '../../cli/scripts/stub.ts';
import { compareStores, migrate, release } from './migrate.ts';
import type { MoveReport } from './migrate.ts';
import { assertSettled, MOVE_MARKER_KEY, writeMarker } from './move-marker.ts';
import { fill, inStore, makeGround, someRecords } from './moving-fixture.ts';
import { contentsOf } from './walk.ts';

const CUT_OFF = fileURLToPath(new URL('cut-off.ts', import.meta.url));
/** Three commits of a move. */
const RECORDS = 5_000;
const ground = makeGround();
let postgres: Postgres | undefined;

before(async () => {
  if (postgresPrograms() !== undefined) postgres = await startPostgres();
});
after(async () => {
  await postgres?.stop();
  ground.remove();
});

async function move(from: string, to: string, keepSource = false): Promise<MoveReport> {
  return await migrate({
    from: [from],
    to: [to],
    environment: {},
    keepSource,
    quietMs: 50,
  });
}

async function filledStore(name: string, count = RECORDS): Promise<string> {
  const config = ground.embedded(name);
  await inStore(config, (storage) => fill(storage, someRecords(count)));
  return config;
}

/** Runs a move that dies by SIGKILL when `phase` has passed `records`. */
function cutOff(from: string, to: string, phase: string, records: number): void {
  const { signal, stderr } = spawnSync(
    process.execPath,
    [CUT_OFF, from, to, phase, String(records)],
    { encoding: 'utf8' },
  );
  assert.equal(signal, 'SIGKILL', stderr);
}

test('a move carries every record as it is, and no server starts on the old store until it is released', async () => {
  const [from, to] = [await filledStore('plain-a'), ground.embedded('plain-b')];
  const had = await inStore(from, (storage) => contentsOf(storage, () => {}));
  const { contents, changes, resumed } = await move(from, to);
  assert.deepEqual(contents, had);
  assert.equal(contents.records, RECORDS);
  assert.deepEqual([changes.written, resumed], [RECORDS, false]);
  await inStore(to, (storage) => assertSettled(storage));
  await assert.rejects(
    inStore(from, (storage) => assertSettled(storage)),
    /the data was moved to the embedded store at .*plain-b/,
  );
  await assert.rejects(move(from, ground.embedded('plain-c')), /was moved to .*plain-b/);
  assert.match(await release([from], {}), /plain-a/);
  await inStore(from, (storage) => assertSettled(storage));
  const compared = await compareStores({ from: [from], to: [to], environment: {} });
  assert.deepEqual(compared.contents, had);
});

test('a source that is kept may be used and moved again', async () => {
  const from = await filledStore('kept-a', 10);
  await move(from, ground.embedded('kept-b'), true);
  await inStore(from, (storage) => assertSettled(storage));
  await move(from, ground.embedded('kept-c'));
});

test('what cannot be moved is refused, and the target stays as it was', async () => {
  const [from, full] = [await filledStore('no-a', 10), await filledStore('no-full', 3)];
  await assert.rejects(move(from, full), /the target holds data: it must be empty/);
  await assert.rejects(move(from, from), /both are the same store/);
  await assert.rejects(move(ground.embedded('no-such'), full), /does not exist/);
  assert.equal(existsSync(join(ground.folder, 'no-such')), false, 'a source is never made');
  const empty = ground.embedded('no-empty');
  await inStore(empty, async () => {});
  await assert.rejects(move(empty, ground.embedded('no-b')), /holds nothing/);
  await inStore(from, async () => {
    await assert.rejects(move(from, ground.embedded('no-b')), /in use by another process/);
  });
  await inStore(full, async (storage) => {
    assert.equal(await storage.count(), 3);
    await assertSettled(storage);
  });
});

test('a mark that was tampered with is refused, and says nothing of itself', async () => {
  const config = await filledStore('tampered', 1);
  let revision = 0;
  for (const text of ['', '[]', 'null', '{"format":2}', '{"format":1,"state":"S3CRET"}']) {
    await inStore(config, async (storage) => {
      revision += 1;
      const put = { key: MOVE_MARKER_KEY, value: Buffer.from(text), revision };
      await storage.commit({ checks: [], puts: [put], deletes: [] });
      await assert.rejects(
        async () => await assertSettled(storage),
        (error: Error) =>
          /mark of a move|newer version/.test(error.message) && !error.message.includes('S3CRET'),
      );
    });
  }
});

test('stores that differ by one bit are told apart', async () => {
  const [from, to] = [await filledStore('bit-a', 50), ground.embedded('bit-b')];
  await move(from, to, true);
  await inStore(to, async (storage) => {
    const [entry] = await storage.scan('', undefined, 1);
    assert.ok(entry);
    const value = Buffer.from(entry.value.length === 0 ? [1] : entry.value);
    value[0] = (value[0] ?? 0) ^ 1;
    await storage.commit({ checks: [], puts: [{ ...entry, value }], deletes: [] });
  });
  await assert.rejects(
    compareStores({ from: [from], to: [to], environment: {} }),
    /the stores differ: 50 records/,
  );
});

/** Kills a move at several moments, one after the other, and finishes it. */
async function killedEverywhere(from: string, to: string): Promise<void> {
  const had = await inStore(from, (storage) => contentsOf(storage, () => {}));
  cutOff(from, to, 'copying', RECORDS / 2);
  await assert.rejects(
    inStore(to, (storage) => assertSettled(storage)),
    /an unfinished copy/,
  );
  await assert.rejects(release([to], {}), /an unfinished copy, which is of no use/);
  await assert.rejects(move(to, ground.embedded('from-half')), /is an unfinished copy of/);
  cutOff(from, to, 'reading the copy', 1);
  await assert.rejects(
    inStore(to, (storage) => assertSettled(storage)),
    /an unfinished copy/,
  );
  // Between two attempts a server may have gone on with the source.
  await inStore(from, async (storage) => {
    const [first, second] = await storage.scan('', undefined, 2);
    assert.ok(first !== undefined && second !== undefined);
    const value = Buffer.from('changed meanwhile');
    await storage.commit({
      checks: [],
      puts: [{ ...first, value, revision: first.revision + 1 }],
      deletes: [second.key],
    });
  });
  const { contents, changes, resumed } = await move(from, to);
  assert.deepEqual([resumed, changes.written, changes.removed], [true, 1, 1]);
  assert.equal(contents.records, had.records - 1);
  assert.notEqual(contents.digest, had.digest);
  await inStore(to, (storage) => assertSettled(storage));
}

test('a move that is killed anywhere goes on where it was', async () => {
  await killedEverywhere(await filledStore('kill-a'), ground.embedded('kill-b'));
});

if (postgresPrograms() === undefined) {
  test(`left out, PostgreSQL is missing: ${POSTGRESQL_HINT}`, { skip: true }, () => {});
} else {
  const shared = (name: string): string => ground.shared(name, postgres?.url() ?? '');

  test('a move to PostgreSQL that is killed anywhere goes on where it was', async () => {
    await killedEverywhere(await filledStore('pg-kill-a'), shared('pg_kill_b'));
  });

  test('there and back again leaves the same store', async () => {
    const [from, middle, back] = [
      await filledStore('round-a'),
      shared('round_b'),
      ground.embedded('round-c'),
    ];
    const had = await inStore(from, (storage) => contentsOf(storage, () => {}));
    assert.deepEqual((await move(from, middle)).contents, had);
    assert.deepEqual((await move(middle, back)).contents, had);
    await release([from], {});
    const same = await compareStores({ from: [from], to: [back], environment: {} });
    assert.deepEqual(same.contents, had);
    await assert.rejects(
      inStore(middle, (storage) => assertSettled(storage)),
      /the data was moved to the embedded store/,
    );
  });

  test('a database that a server works on is not moved', async () => {
    const [from, to] = [shared('busy_a'), ground.embedded('busy-b')];
    await inStore(from, async (storage) => {
      await fill(storage, someRecords(10));
      let written = 0;
      const moving = migrate({
        from: [from],
        to: [to],
        environment: {},
        keepSource: false,
        quietMs: 200,
        progress: (phase) => {
          if (phase !== 'watching') return;
          written += 1;
          void storage.commit({
            checks: [],
            puts: [{ key: 'core/replica/x', revision: written, value: Buffer.from('beat') }],
            deletes: [],
          });
        },
      });
      await assert.rejects(moving, /a server is working on PostgreSQL at/);
      assert.equal(written, 1);
    });
  });

  test('a server goes on with PostgreSQL and back, with its keys and everything it had', async (context) => {
    const folder = join(ground.folder, 'server');
    const block = `storage "postgresql" {\n connection_url = "${postgres?.url() ?? ''}"\n table = "whole"\n}\n`;
    const onPostgres: Program = { ...strongroom, storage: () => block };
    const embedded: Program = {
      ...strongroom,
      storage: () => `storage "sqlite" { path = "${join(folder, 'data-2')}" }`,
    };
    const start = async (program: Program): Promise<VaultServer> => {
      const server = await startVaultServer(program, { folder });
      context.after(() => server.child.kill());
      return server;
    };
    const first = await start(strongroom);
    const token = first.rootToken;
    const kv = { type: 'kv', options: { version: '2' } };
    await first.api.expect('POST', 'sys/mounts/secret', { token, body: kv });
    for (const number of [1, 2, 3]) {
      await first.api.expect('POST', 'secret/data/app', {
        token,
        body: { data: { number: String(number) } },
      });
    }
    await stop(first);
    const old = ground.embedded('server/data');
    await moveByCommand(old, ground.shared('whole', postgres?.url() ?? ''));
    await assert.rejects(start(strongroom), /the data was moved to PostgreSQL at/);
    const second = await start(onPostgres);
    assert.deepEqual(await versionOf(second, token, 2), { number: '2' });
    await second.api.expect('POST', 'secret/data/app', { token, body: { data: { number: '4' } } });
    assert.equal(
      await run(
        [
          'operator',
          'migrate',
          `-from=${ground.shared('whole', postgres?.url() ?? '')}`,
          `-to=${old}`,
        ],
        stubTerminal(),
      ),
      2,
      'a server works on it',
    );
    // One that was sealed all the time, or cut off, finds the mark and ends.
    const middle = ground.shared('whole', postgres?.url() ?? '');
    const marker = { id: 'x', state: 'moved', other: 'else\u001b[2Jwhere', sinceMs: 1 } as const;
    await inStore(middle, (storage) => writeMarker(storage, undefined, marker));
    const { code } = await second.child.exited;
    second.api.close();
    assert.equal(code, 70);
    assert.match(second.child.output, /the data was moved to else\?\[2Jwhere at 1970/);
    await release([middle], {});
    await moveByCommand(
      ground.shared('whole', postgres?.url() ?? ''),
      ground.embedded('server/data-2'),
    );
    const third = await start(embedded);
    assert.deepEqual(await versionOf(third, token, 1), { number: '1' });
    assert.deepEqual(await versionOf(third, token, 4), { number: '4' });
    await stop(third);
  });
}

async function stop(server: VaultServer): Promise<void> {
  server.api.close();
  await server.child.stop();
}

async function versionOf({ api }: VaultServer, token: string, version: number): Promise<unknown> {
  const { data } = await api.expect('GET', `secret/data/app?version=${version}`, { token });
  return (data as Record<string, unknown>)['data'];
}

async function moveByCommand(from: string, to: string): Promise<void> {
  const terminal = stubTerminal();
  const code = await run(['operator', 'migrate', `-from=${from}`, `-to=${to}`], terminal);
  assert.equal(code, 0, terminal.complaints());
  assert.match(
    terminal.output(),
    /^Success! Moved \d+ records \(\d+\.\d MiB, sha256 [0-9a-f]{64}\)/,
  );
  const compared = stubTerminal();
  const argv = [
    'operator',
    'migrate',
    '-verify-only',
    '-format=json',
    `-from=${from}`,
    `-to=${to}`,
  ];
  assert.equal(await run(argv, compared), 0, compared.complaints());
  const { records, sha256 } = JSON.parse(compared.output()) as Record<string, unknown>;
  assert.ok(terminal.output().includes(`Moved ${String(records)} records`));
  assert.ok(terminal.output().includes(String(sha256)));
}
