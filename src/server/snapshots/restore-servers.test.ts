/** Restores of real servers: one on the embedded store and several on PostgreSQL, killed in the middle, and while none runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startCluster } from '../../../rig/cluster.ts';
import type { Cluster } from '../../../rig/cluster.ts';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { startVaultServer, strongroom } from '../../../rig/vault-server.ts';
import type { VaultServer } from '../../../rig/vault-server.ts';

const SNAPSHOT = 'sys/storage/raft/snapshot';
const WAIT_MS_MAX = 30_000;
/** Into the checks, and into the replacement. */
const KILLS_AFTER_MS = [80, 250];
const SECRETS = 30;
const VALUE = 'x'.repeat(50_000);

function workFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-restore-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function write(
  server: VaultServer,
  token: string,
  name: string,
  value: string,
): Promise<void> {
  await server.api.expect('POST', `secret/data/${name}`, { token, body: { data: { value } } });
}

/** The value, or the status of the refusal. */
async function read(server: VaultServer, token: string, name: string): Promise<unknown> {
  const { status, body } = await server.api.call('GET', `secret/data/${name}`, { token });
  if (status !== 200) return status;
  return (body as { data: { data: { value: unknown } } }).data.data.value;
}

async function until(
  server: VaultServer,
  token: string,
  name: string,
  value: unknown,
): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = await read(server, token, name);
    if (found === value) return;
    assert.ok(performance.now() < endMs, `${name}: ${String(found)}`);
    await pause(50);
  }
}

async function saved(server: VaultServer, token: string): Promise<Buffer> {
  const url = `${server.api.address}/v1/${SNAPSHOT}`;
  const answer = await fetch(url, { headers: { 'x-vault-token': token } });
  assert.equal(answer.status, 200);
  return Buffer.from(await answer.arrayBuffer());
}

async function restore(server: VaultServer, token: string, bytes: Buffer): Promise<number> {
  const answer = await fetch(`${server.api.address}/v1/${SNAPSHOT}`, {
    method: 'POST',
    headers: { 'x-vault-token': token },
    body: new Uint8Array(bytes),
  });
  await answer.text();
  return answer.status;
}

/** Secrets of then, a snapshot of them, and what was written since. */
async function scene(server: VaultServer, token: string): Promise<Buffer> {
  await server.api.expect('POST', 'sys/mounts/secret', {
    token,
    body: { type: 'kv', options: { version: '2' } },
  });
  for (let n = 0; n < SECRETS; n++) await write(server, token, `s${n}`, VALUE);
  await write(server, token, 'app', 'then');
  const bytes = await saved(server, token);
  await change(server, token);
  return bytes;
}

async function change(server: VaultServer, token: string): Promise<void> {
  await write(server, token, 'app', 'now');
  await write(server, token, 'later', 'now');
}

/** All of the one state or all of the other. */
async function assertOneState(server: VaultServer, token: string): Promise<'then' | 'now'> {
  const [app, later] = [await read(server, token, 'app'), await read(server, token, 'later')];
  assert.ok(
    (app === 'then' && later === 404) || (app === 'now' && later === 'now'),
    `${String(app)}, ${String(later)}`,
  );
  assert.equal(await read(server, token, 's7'), VALUE);
  return app;
}

test('a server on the embedded store that is killed in the middle has the old state or the new one', async (context) => {
  const folder = workFolder(context);
  let server = await startVaultServer(strongroom, { folder });
  context.after(async () => {
    server.api.close();
    await server.child.kill();
  });
  const token = server.rootToken;
  const bytes = await scene(server, token);
  for (const ms of KILLS_AFTER_MS) {
    const answer = restore(server, token, bytes).catch(() => 0);
    await pause(ms);
    await server.child.kill();
    const status = await answer;
    server.api.close();
    server = await startVaultServer(strongroom, { folder });
    const state = await assertOneState(server, token);
    if (status === 204) assert.equal(state, 'then', 'what was acknowledged is there');
    if (state === 'then') await change(server, token);
  }
  assert.equal(await restore(server, token, bytes), 204);
  assert.equal(await assertOneState(server, token), 'then');
  // An announced restore is no rollback to the audit log, at the next start either.
  await server.child.stop();
  server.api.close();
  server = await startVaultServer(strongroom, { folder });
  assert.doesNotMatch(server.child.output, /put back to an older state/u);
  assert.equal(await assertOneState(server, token), 'then');
});

describe('on PostgreSQL', { skip: postgresPrograms() === undefined && POSTGRESQL_HINT }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-restore-'));
  let postgres: Postgres;
  let it: Cluster;
  let token = '';
  let bytes: Buffer;
  before(async () => {
    postgres = await startPostgres();
    const url = postgres.url();
    it = await startCluster({ folder, urls: [url, url, url] });
    token = it.rootToken;
    bytes = await scene(at(it, 0), token);
  });
  after(async () => {
    await it.stop();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const at = ({ servers }: Cluster, index: number): VaultServer => {
    const server = servers[index];
    assert.ok(server !== undefined);
    return server;
  };

  test('all servers go over to what one of them restores, and serve on', async () => {
    const [one, two, three] = [at(it, 0), at(it, 1), at(it, 2)];
    await until(three, token, 'app', 'now');
    let acknowledged = 0;
    const state = { writing: true };
    const writer = (async () => {
      for (let n = 0; state.writing; n++) {
        const body = { data: { value: String(n) } };
        const { status } = await two.api.call('POST', `secret/data/busy`, { token, body });
        if (status === 200) acknowledged = n;
      }
    })();
    assert.equal(await restore(one, token, bytes), 204);
    for (const server of [one, two, three]) {
      await until(server, token, 'app', 'then');
      assert.equal(await read(server, token, 'later'), 404);
    }
    await pause(200);
    state.writing = false;
    await writer;
    // Whatever was acknowledged last was written to the restored state.
    for (const server of [one, two, three]) {
      assert.equal(await read(server, token, 'busy'), String(acknowledged));
    }
    await write(two, token, 'app', 'again');
    assert.equal(await read(three, token, 'app'), 'again');
    await write(three, token, 'app', 'and again');
    assert.equal(await read(one, token, 'app'), 'and again');
    for (const { child } of [one, two, three]) {
      assert.match(
        child.output,
        /the store was replaced by a restore; this server goes over to it/u,
      );
      assert.doesNotMatch(child.output, /put back to an older state|failed authentication/u);
    }
  });

  test('the server that restores is killed: all servers have the old state or the new one', async () => {
    await change(at(it, 0), token);
    for (const ms of KILLS_AFTER_MS) {
      const answer = restore(at(it, 0), token, bytes).catch(() => 0);
      await pause(ms);
      await at(it, 0).child.kill();
      await answer;
      await it.restart(0);
      // Every answer is of one state, and they agree.
      const state = await assertOneState(at(it, 0), token);
      for (const index of [1, 2]) await until(at(it, index), token, 'app', state);
      if (state === 'then') await change(at(it, 1), token);
    }
  });

  test('from the command line: into a database that no server uses, over one that is used, and by the running server', async () => {
    await postgres.createDatabase('empty');
    const server = at(it, 0);
    await change(server, token);
    const file = join(server.folder, 'file.snapshot');
    writeFileSync(file, bytes);
    const strongroomSays = (...args: readonly string[]): string => {
      const { stdout, stderr, status } = spawnSync(strongroom.executable, ['operator', ...args], {
        encoding: 'utf8',
        env: { ...process.env, VAULT_ADDR: server.api.address, VAULT_TOKEN: token },
      });
      return `${status} ${stdout}${stderr}`;
    };
    const empty = join(server.folder, 'empty.hcl');
    writeFileSync(empty, `storage "postgresql" { connection_url = "${postgres.url('empty')}" }\n`);
    const used = join(server.folder, 'used.hcl');
    writeFileSync(used, `storage "postgresql" { connection_url = "${postgres.url()}" }\n`);
    assert.match(strongroomSays('restore', `-config=${empty}`, file), /^0 Success! Restored/u);
    assert.match(strongroomSays('restore', `-config=${empty}`, file), /^2 .*holds data already/su);
    assert.match(strongroomSays('restore', `-config=${used}`, file), /holds data already/u);
    assert.equal(await read(server, token, 'app'), 'now');
    assert.match(strongroomSays('restore', file), /^0 Success! Restored/u);
    for (const index of [1, 2]) await until(at(it, index), token, 'app', 'then');
    await change(at(it, 1), token);
    assert.match(strongroomSays('raft', 'snapshot', 'restore', file), /^0 Success/u);
    for (const index of [1, 2]) await until(at(it, index), token, 'app', 'then');
    await change(at(it, 1), token);
    // Without the servers' knowledge: they go over to it, and say that nobody with the keys has announced it.
    assert.match(strongroomSays('restore', '-force', `-config=${used}`, file), /^0 Success/u);
    for (const index of [0, 1, 2]) {
      await until(at(it, index), token, 'app', 'then');
      const { child } = at(it, index);
      while (!/put back to an older state/u.test(child.output)) await pause(50);
    }
    assert.match(strongroomSays('snapshot', 'inspect', file), /^0 .*cluster_id/su);
  });
});
