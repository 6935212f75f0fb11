/** Two servers with Shamir seals on one PostgreSQL get the state of a cluster with other keys, by force; and snapshots that one of them was given. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { strongroomOn } from '../../../rig/cluster.ts';
import { POSTGRESQL_HINT, postgresPrograms, startPostgres } from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { startVaultServer, strongroom } from '../../../rig/vault-server.ts';
import type { Program, VaultServer } from '../../../rig/vault-server.ts';

const RAFT = 'sys/storage/raft';
const WAIT_MS_MAX = 30_000;

interface Keys {
  readonly token: string;
  readonly shares: readonly string[];
}

suite(
  'a snapshot of another cluster',
  { skip: postgresPrograms() === undefined && POSTGRESQL_HINT },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-foreign-'));
    const servers: VaultServer[] = [];
    let postgres: Postgres;
    before(async () => {
      postgres = await startPostgres();
    });
    after(async () => {
      for (const { api, child } of servers) {
        api.close();
        await child.kill();
      }
      await postgres?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    async function started(program: Program, name: string): Promise<VaultServer> {
      const server = await startVaultServer(program, {
        folder: join(folder, name),
        seal: 'shamir',
      });
      servers.push(server);
      return server;
    }

    async function initialized(
      { api }: VaultServer,
      shares: number,
      threshold: number,
    ): Promise<Keys> {
      const body = { secret_shares: shares, secret_threshold: threshold };
      const made = await api.expect('PUT', 'sys/init', { body });
      return { token: String(made['root_token']), shares: made['keys_base64'] as string[] };
    }

    async function submitted({ api }: VaultServer, shares: readonly string[]): Promise<boolean> {
      let open = false;
      for (const key of shares) {
        const { body } = await api.call('PUT', 'sys/unseal', { body: { key } });
        open = (body as { sealed?: boolean }).sealed === false;
      }
      return open;
    }

    async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
      const endMs = performance.now() + WAIT_MS_MAX;
      while (!(await holds())) {
        assert.ok(performance.now() < endMs, what);
        await pause(50);
      }
    }

    /** The value, or the status of the refusal. */
    async function read({ api }: VaultServer, token: string): Promise<unknown> {
      const { status, body } = await api.call('GET', 'secret/data/x', { token });
      return status === 200 ? (body as { data: { data: { v: unknown } } }).data.data.v : status;
    }

    const write = async ({ api }: VaultServer, token: string, v: string): Promise<void> => {
      await api.expect('POST', 'secret/data/x', { token, body: { data: { v } } });
    };

    async function furnished(server: VaultServer, { token }: Keys, v: string): Promise<void> {
      const body = { type: 'kv', options: { version: '2' } };
      await server.api.expect('POST', 'sys/mounts/secret', { token, body });
      await write(server, token, v);
    }

    async function saved({ api }: VaultServer, { token }: Keys): Promise<Uint8Array<ArrayBuffer>> {
      const headers = { 'x-vault-token': token };
      const answer = await fetch(`${api.address}/v1/${RAFT}/snapshot`, { headers });
      return new Uint8Array(await answer.arrayBuffer());
    }

    async function sent(
      { api }: VaultServer,
      { token }: Keys,
      path: string,
      body: Uint8Array<ArrayBuffer>,
    ): Promise<[number, string]> {
      const answer = await fetch(`${api.address}/v1/${RAFT}/${path}`, {
        method: 'POST',
        headers: { 'x-vault-token': token },
        body,
      });
      return [answer.status, await answer.text()];
    }

    const reading = async (
      { api }: VaultServer,
      { token }: Keys,
      id: string,
    ): Promise<[number, string]> => {
      const { status, body } = await api.call('GET', `secret/data/x?read_snapshot_id=${id}`, {
        token,
      });
      return [status, JSON.stringify(body)];
    };

    test('goes to every server by force; each is then opened with the shares of its time, and serves', async () => {
      const elsewhere = await started(strongroom, 'elsewhere');
      const theirs = await initialized(elsewhere, 3, 2);
      assert.ok(await submitted(elsewhere, theirs.shares.slice(0, 2)));
      await furnished(elsewhere, theirs, 'theirs');
      const bytes = await saved(elsewhere, theirs);

      const [one, two] = [
        await started(strongroomOn(postgres.url()), 'one'),
        await started(strongroomOn(postgres.url()), 'two'),
      ];
      const ours = await initialized(one, 1, 1);
      for (const server of [one, two]) assert.ok(await submitted(server, ours.shares));
      await furnished(one, ours, 'ours');
      await until('both serve', async () => (await read(two, ours.token)) === 'ours');

      // Brought to one of them, a snapshot of their own is read there; elsewhere it is said where.
      const [status, text] = await sent(one, ours, 'snapshot-load', await saved(two, ours));
      assert.equal(status, 200, text);
      const id = (JSON.parse(text) as { data: { snapshot_id: string } }).data.snapshot_id;
      assert.equal((await reading(one, ours, id))[0], 200);
      const [refused, why] = await reading(two, ours, id);
      assert.equal(refused, 400);
      assert.ok(
        why.includes('can be read through that one only') && why.includes(one.api.address),
        why,
      );

      assert.equal((await sent(one, ours, 'snapshot', bytes))[0], 400);
      assert.equal(await read(two, ours.token), 'ours');
      assert.equal((await sent(one, ours, 'snapshot-force', bytes))[0], 204);
      for (const server of [one, two]) {
        await until('both are sealed', async () => (await read(server, ours.token)) === 503);
        assert.equal(await submitted(server, ours.shares), false);
        await server.api.call('PUT', 'sys/unseal', { body: { reset: true } });
        assert.ok(await submitted(server, theirs.shares.slice(1)));
      }
      for (const server of [one, two]) {
        await until(
          'their secret is there',
          async () => (await read(server, theirs.token)) === 'theirs',
        );
        assert.equal(await read(server, ours.token), 403);
      }
      await write(one, theirs.token, 'of one');
      assert.equal(await read(two, theirs.token), 'of one');
      await write(two, theirs.token, 'of two');
      assert.equal(await read(one, theirs.token), 'of two');
      // What has happened is told, and nothing that looks like tampering.
      for (const { child } of [one, two]) {
        assert.match(child.output, /unseal this server with the keys of the time of the snapshot/u);
        assert.doesNotMatch(child.output, /failed authentication|put back to an older state/u);
      }
    });

    test('that a server was given is gone with it, and no longer counts', async () => {
      const alone = await started(strongroom, 'alone');
      const keys = await initialized(alone, 1, 1);
      assert.ok(await submitted(alone, keys.shares));
      await furnished(alone, keys, 'mine');
      const bytes = await saved(alone, keys);
      const [, text] = await sent(alone, keys, 'snapshot-load', bytes);
      const id = (JSON.parse(text) as { data: { snapshot_id: string } }).data.snapshot_id;
      alone.api.close();
      await alone.child.kill();
      const again = await started(strongroom, 'alone');
      assert.ok(await submitted(again, keys.shares));
      await until('it serves', async () => (await read(again, keys.token)) === 'mine');
      const [status, why] = await reading(again, keys, id);
      assert.equal(status, 400);
      assert.match(why, /load it again/u);
      assert.equal((await sent(again, keys, 'snapshot-load', bytes))[0], 200);
      const listed = await again.api.call('LIST', `${RAFT}/snapshot-load`, { token: keys.token });
      assert.equal((listed.body as { data: { keys: string[] } }).data.keys.length, 1);
    });
  },
);
