/** Several servers on one database, as their callers see them: what one has acknowledged binds all. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiAnswer } from '../../../rig/api.ts';
import { textAt } from '../../../rig/api.ts';
import { startCluster } from '../../../rig/cluster.ts';
import type { Cluster } from '../../../rig/cluster.ts';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { startTcpProxy } from '../../../rig/tcp-proxy.ts';
import type { TcpProxy } from '../../../rig/tcp-proxy.ts';

if (postgresPrograms() === undefined) {
  test(`left out, PostgreSQL is missing: ${POSTGRESQL_HINT}`, { skip: true }, () => {});
} else {
  tests();
}

const SERVERS = 3;
const ROUNDS = 12;

function tests(): void {
  let postgres: Postgres | undefined;
  /** Between the second server and the database. */
  let line: TcpProxy;
  let cluster: Cluster;
  let started: Cluster | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-replicas-'));
  before(async () => {
    const server = (postgres = await startPostgres());
    line = await startTcpProxy(server.port);
    const spoilt = server.url().replace(`:${server.port}/`, `:${line.port}/`);
    cluster = started = await startCluster({
      folder,
      urls: [server.url(), spoilt, server.url()],
      storage: 'deadline = "2s"',
      settings: 'unsafe_allow_api_audit_creation = true',
    });
    await expectFrom(0, 'POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  });
  after(async () => {
    await started?.stop();
    await line?.close();
    await postgres?.stop();
    rmSync(folder, { recursive: true });
  });

  /** Asks one of the servers, counted round. */
  async function ask(
    server: number,
    method: string,
    path: string,
    body?: unknown,
    token: string = cluster.rootToken,
  ): Promise<ApiAnswer> {
    const api = cluster.servers[server % SERVERS]?.api;
    assert.ok(api);
    return await api.call(method, path, { token, ...(body === undefined ? {} : { body }) });
  }

  async function expectFrom(...call: Parameters<typeof ask>): Promise<unknown> {
    const { status, body } = await ask(...call);
    assert.ok(status < 300, `${call[1]} ${call[2]}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  async function tokenWith(server: number, body: unknown): Promise<string> {
    return textAt(
      await expectFrom(server, 'POST', 'auth/token/create', body),
      'auth',
      'client_token',
    );
  }

  test('each says that it is active, and lists all', async () => {
    for (let server = 0; server < SERVERS; server += 1) {
      const { status, body } = await ask(server, 'GET', 'sys/health');
      assert.equal(status, 200);
      assert.deepEqual((body as { standby: boolean }).standby, false);
      const leader = (await ask(server, 'GET', 'sys/leader')).body as Record<string, unknown>;
      assert.equal(leader['ha_enabled'], true);
      assert.equal(leader['is_self'], true);
      assert.equal(leader['leader_address'], cluster.servers[server]?.api.address);
      const { nodes } = (await expectFrom(server, 'GET', 'sys/ha-status')) as {
        nodes: { api_address: string; active_node: boolean }[];
      };
      assert.deepEqual(
        nodes.map((node) => node.api_address).toSorted(),
        cluster.servers.map(({ api }) => api.address).toSorted(),
      );
      assert.ok(nodes.every((node) => node.active_node));
    }
  });

  test('a write on one is read on another', async () => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      await expectFrom(round, 'POST', 'secret/data/seen', { data: { round } });
      const read = (await expectFrom(round + 1, 'GET', 'secret/data/seen')) as {
        data: { data: { round: number }; metadata: { version: number } };
      };
      assert.equal(read.data.data.round, round);
      assert.equal(read.data.metadata.version, round);
    }
  });

  test('check-and-set holds across servers: of racing writers one wins', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: SERVERS }, (_, server) =>
          ask(server, 'POST', `secret/data/cas-${round}`, {
            options: { cas: 0 },
            data: { server },
          }),
        ),
      );
      assert.deepEqual(
        answers.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 400, 400],
      );
    }
  });

  test('a revoked token is refused everywhere, with its children', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const token = await tokenWith(round, { policies: ['root'] });
      const child = textAt(
        await expectFrom(round + 1, 'POST', 'auth/token/create', { policies: ['default'] }, token),
        'auth',
        'client_token',
      );
      await expectFrom(round + 2, 'GET', 'auth/token/lookup-self', undefined, child);
      await expectFrom(round, 'POST', 'auth/token/revoke', { token });
      for (const each of [token, child]) {
        const { status } = await ask(round + 1, 'GET', 'auth/token/lookup-self', undefined, each);
        assert.equal(status, 403);
      }
    }
  });

  test('a change of a policy binds the next request on every server', async () => {
    await expectFrom(0, 'POST', 'secret/data/guarded', { data: { v: 1 } });
    const rule = (capability: string): unknown => ({
      policy: `path "secret/data/guarded" { capabilities = ["${capability}"] }`,
    });
    await expectFrom(0, 'POST', 'sys/policies/acl/guard', rule('deny'));
    const token = await tokenWith(1, { policies: ['guard'] });
    for (let round = 0; round < ROUNDS; round += 1) {
      const allowed = round % 2 === 0;
      await expectFrom(round, 'POST', 'sys/policies/acl/guard', rule(allowed ? 'read' : 'deny'));
      const { status } = await ask(round + 1, 'GET', 'secret/data/guarded', undefined, token);
      assert.equal(status, allowed ? 200 : 403);
    }
  });

  test('mounts, and their removal, are known everywhere at once', async () => {
    for (let round = 0; round < ROUNDS / 2; round += 1) {
      const path = `kv-${round}`;
      await expectFrom(round, 'POST', `sys/mounts/${path}`, { type: 'kv' });
      await expectFrom(round + 1, 'POST', `${path}/k`, { v: round });
      await expectFrom(round + 2, 'DELETE', `sys/mounts/${path}`);
      assert.equal((await ask(round, 'GET', `${path}/k`)).status, 404);
    }
  });

  test('a token of few uses is used exactly as often, wherever', async () => {
    for (const uses of [1, 5]) {
      const token = await tokenWith(0, { policies: ['default'], num_uses: uses });
      const answers = await Promise.all(
        Array.from({ length: 4 * SERVERS }, (_, server) =>
          ask(server, 'GET', 'auth/token/lookup-self', undefined, token),
        ),
      );
      assert.equal(answers.filter(({ status }) => status === 200).length, uses);
    }
  });

  test('a wrapped answer is opened once, wherever', async () => {
    const api = cluster.servers[0]?.api;
    assert.ok(api);
    for (let round = 0; round < 4; round += 1) {
      const wrapped = await api.call('GET', 'secret/data/guarded', {
        token: cluster.rootToken,
        headers: { 'x-vault-wrap-ttl': '60' },
      });
      const token = textAt(wrapped.body, 'wrap_info', 'token');
      const answers = await Promise.all(
        Array.from({ length: SERVERS }, (_, server) =>
          ask(server, 'POST', 'sys/wrapping/unwrap', undefined, token),
        ),
      );
      assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    }
  });

  test('after a rotation every server encrypts under the new key, and reads what it wrote before', async () => {
    await expectFrom(0, 'POST', 'secret/data/before', { data: { v: 1 } });
    const term = async (server: number): Promise<number> =>
      ((await expectFrom(server, 'GET', 'sys/key-status')) as { data: { term: number } }).data.term;
    const old = await term(1);
    await expectFrom(0, 'POST', 'sys/rotate');
    for (let server = 0; server < SERVERS; server += 1) {
      await expectFrom(server, 'POST', `secret/data/after-${server}`, { data: { v: 1 } });
      assert.equal(await term(server), old + 1);
      await expectFrom(server + 1, 'GET', `secret/data/after-${server}`);
      await expectFrom(server, 'GET', 'secret/data/before');
    }
  });

  test('failed logins count together: a name is locked after as many as one server would take', async () => {
    await expectFrom(0, 'POST', 'sys/auth/userpass', { type: 'userpass' });
    await expectFrom(0, 'POST', 'auth/userpass/users/eve', { password: 'right-password' });
    const login = async (server: number, password: string): Promise<number> =>
      (await ask(server, 'POST', 'auth/userpass/login/eve', { password }, '')).status;
    for (let round = 0; round < 5; round += 1) assert.equal(await login(round, 'wrong'), 400);
    for (let server = 0; server < SERVERS; server += 1) {
      assert.equal(await login(server, 'right-password'), 403);
    }
  });

  test('audit devices that one enables are taken over by the others', async () => {
    const file = join(folder, 'second-audit.log');
    await expectFrom(0, 'POST', 'sys/audit/second', { type: 'file', options: { file_path: file } });
    let listed: string[] = [];
    while (!listed.includes('second/')) {
      await pause(20);
      listed = Object.keys((await expectFrom(1, 'GET', 'sys/audit')) as object);
    }
    await expectFrom(1, 'DELETE', 'sys/audit/second');
  });

  test('tokens end everywhere when their time is over', async () => {
    const lent = async (server: number): Promise<string> =>
      await tokenWith(server, { policies: ['default'], ttl: '1s' });
    for (const token of [await lent(0), await lent(1), await lent(2)]) {
      let status = 200;
      while (status !== 403) {
        ({ status } = await ask(1, 'GET', 'auth/token/lookup-self', undefined, token));
        await pause(50);
      }
    }
  });

  test('a server that is cut off from the database says so, and answers again afterwards', async () => {
    line.spoil({ toServer: { blackHole: true }, toClient: { blackHole: true } });
    try {
      const { status } = await ask(1, 'GET', 'secret/data/before');
      assert.equal(status, 503);
      const api = cluster.servers[1]?.api;
      assert.ok(api);
      // As a balancer asks, without a token.
      let health = await api.call('GET', 'sys/health');
      while (health.status !== 429) health = await api.call('GET', 'sys/health');
      assert.equal((health.body as { standby: boolean }).standby, true);
      await expectFrom(0, 'GET', 'secret/data/before');
    } finally {
      line.heal();
      line.cut();
    }
    await expectFrom(1, 'GET', 'secret/data/before');
    while ((await ask(1, 'GET', 'sys/health')).status !== 200) await pause(20);
  });

  test('one server sealed by hand stays sealed; the others serve', async () => {
    await expectFrom(2, 'POST', 'sys/seal');
    assert.equal((await ask(2, 'GET', 'sys/health')).status, 503);
    const leader = (await ask(2, 'GET', 'sys/leader')).body as Record<string, unknown>;
    assert.equal(leader['is_self'], false);
    await expectFrom(0, 'GET', 'secret/data/before');
    const others = cluster.servers.slice(0, 2).map(({ api }) => api.address);
    let nodes: { api_address: string }[] = [];
    while (nodes.length !== others.length) {
      ({ nodes } = (await expectFrom(0, 'GET', 'sys/ha-status')) as {
        nodes: { api_address: string }[];
      });
      await pause(100);
    }
    assert.deepEqual(nodes.map((node) => node.api_address).toSorted(), others.toSorted());
    await cluster.servers[2]?.child.stop();
    await cluster.restart(2);
    await expectFrom(2, 'GET', 'secret/data/before');
  });

  test('when the server that acts for all dies, another takes over', async () => {
    const dead = cluster.servers[0];
    await dead?.child.kill();
    const token = await tokenWith(1, { policies: ['default'], ttl: '1s' });
    // The record itself is removed by whoever has the duty.
    const accessors = async (): Promise<number> =>
      ((await expectFrom(2, 'LIST', 'auth/token/accessors')) as { data: { keys: string[] } }).data
        .keys.length;
    const { status } = await ask(2, 'GET', 'auth/token/lookup-self', undefined, token);
    assert.equal(status, 200);
    const alive = await accessors();
    while ((await accessors()) >= alive) await pause(200);
  });
}
