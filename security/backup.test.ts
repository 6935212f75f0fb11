/** Backups of a running server: who may take them, what they hold, and that a restored one serves what was committed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { strongroom, startVaultServer } from '../rig/vault-server.ts';
import type { VaultServer } from '../rig/vault-server.ts';
import { textAt } from '../rig/api.ts';

const CANARY = 'canary-in-the-backup';
const OK = 200;

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the command line against `server`, or without any. */
function cli(server: VaultServer | undefined, ...args: readonly string[]): Promise<Ran> {
  const environment =
    server === undefined
      ? {}
      : { VAULT_ADDR: server.api.address, VAULT_TOKEN: server.rootToken.trim() };
  const child = spawn(strongroom.executable, args, { env: { ...process.env, ...environment } });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-backup-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serverIn(context: TestContext, folder: string): Promise<VaultServer> {
  const server = await startVaultServer(strongroom, { folder });
  context.after(async () => {
    await server.child.kill();
    server.api.close();
  });
  return server;
}

async function stop(server: VaultServer): Promise<void> {
  await server.child.stop();
  server.api.close();
}

suite('backup', () => {
  test('one that is taken during writes restores to what was committed, and unseals', async (context) => {
    const folder = folderFor(context);
    const server = await serverIn(context, folder);
    const { api, rootToken: token } = server;
    await api.expect('POST', 'sys/mounts/secret', {
      token,
      body: { type: 'kv', options: { version: '2' } },
    });
    const done = { writes: 0 };
    const writing = { on: true };
    const write = async (): Promise<void> => {
      const body = { data: { number: done.writes + 1, text: CANARY } };
      await api.expect('POST', `secret/data/s${done.writes + 1}`, { token, body });
      done.writes++;
    };
    for (let count = 0; count < 50; count++) await write();
    const before = done.writes;
    const writer = (async () => {
      while (writing.on) await write();
    })();
    const file = join(folder, 'one.backup');
    const saved = await cli(server, 'operator', 'backup', file);
    assert.deepEqual(saved, { code: 0, output: '' });
    const again = await cli(
      server,
      'operator',
      'raft',
      'snapshot',
      'save',
      join(folder, 'two.backup'),
    );
    assert.equal(again.code, 0, again.output);
    writing.on = false;
    await writer;
    assert.ok(done.writes > before, 'nothing was written meanwhile');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!readFileSync(file).includes(CANARY), 'a backup is ciphertext');
    assert.deepEqual(
      readdirSync(join(folder, 'data')).filter((name) => name.startsWith('snapshot-work')),
      [],
      'the copy is gone once it is sent',
    );
    assert.ok(readFileSync(server.auditFile, 'utf8').includes('sys/storage/raft/snapshot'));

    const inUse = await cli(
      undefined,
      'operator',
      'restore',
      `-data=${join(folder, 'data')}`,
      '-force',
      file,
    );
    assert.notEqual(inUse.code, 0, 'a running server’s data is not replaced');
    await stop(server);

    const elsewhere = join(folder, 'elsewhere');
    const restored = await cli(
      undefined,
      'operator',
      'restore',
      `-data=${join(elsewhere, 'data')}`,
      file,
    );
    assert.equal(restored.code, 0, restored.output);
    copyFileSync(join(folder, 'unseal.key'), join(elsewhere, 'unseal.key'));
    writeFileSync(join(elsewhere, 'root-token'), token);
    const second = await serverIn(context, elsewhere);
    for (let number = 1; number <= before; number++) {
      const answer = await second.api.expect('GET', `secret/data/s${number}`, { token });
      assert.equal(textAt(answer, 'data', 'data', 'text'), CANARY);
    }
    // Consistent: a prefix of what was written one after the other, without a hole.
    let found = before;
    for (let number = before + 1; number <= done.writes; number++) {
      const { status } = await second.api.call('GET', `secret/data/s${number}`, { token });
      if (status !== OK) continue;
      assert.equal(number, found + 1, 'a later write is there without an earlier one');
      found = number;
    }
    await stop(second);

    const overwrite = await cli(
      undefined,
      'operator',
      'restore',
      `-config=${join(elsewhere, 'server.hcl')}`,
      file,
    );
    assert.equal(overwrite.code, 2, 'never over a store without -force');
    const forced = await cli(
      undefined,
      'operator',
      'restore',
      '-force',
      `-config=${join(elsewhere, 'server.hcl')}`,
      join(folder, 'two.backup'),
    );
    assert.equal(forced.code, 0, forced.output);
    const third = await serverIn(context, elsewhere);
    await third.api.expect('GET', `secret/data/s${before}`, { token });
    await stop(third);
  });

  test('a damaged or foreign file is refused, and what is there stays', async (context) => {
    const folder = folderFor(context);
    const server = await serverIn(context, folder);
    const file = join(folder, 'good.backup');
    assert.equal((await cli(server, 'operator', 'backup', file)).code, 0);
    const exists = await cli(server, 'operator', 'backup', file);
    assert.notEqual(exists.code, 0, 'a backup never overwrites a file');
    await stop(server);
    const good = readFileSync(file);
    const damaged = Buffer.from(good);
    damaged.fill(0xff, 4096, 8192);
    const files = {
      damaged,
      short: good.subarray(0, good.length - 4096),
      empty: Buffer.alloc(0),
      foreign: Buffer.from('SQLite format 3\0'.padEnd(8192, 'x')),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const bad = join(folder, name);
      writeFileSync(bad, bytes);
      const target = join(folder, `into-${name}`);
      const refused = await cli(undefined, 'operator', 'restore', `-data=${target}`, bad);
      assert.notEqual(refused.code, 0, name);
      assert.ok(!existsSync(join(target, 'strongroom.db')), name);
      const over = await cli(
        undefined,
        'operator',
        'restore',
        '-force',
        `-data=${join(folder, 'data')}`,
        bad,
      );
      assert.notEqual(over.code, 0, name);
    }
    const same = await serverIn(context, folder);
    await same.api.expect('GET', 'sys/mounts', { token: same.rootToken });
  });

  test('it needs sudo, in the root namespace', async (context) => {
    const server = await serverIn(context, folderFor(context));
    const { api, rootToken: token } = server;
    const tokenWith = async (capabilities: string): Promise<string> => {
      const policy = `path "sys/storage/*" { capabilities = [${capabilities}] }`;
      await api.expect('PUT', 'sys/policies/acl/backup', { token, body: { policy } });
      const made = await api.expect('POST', 'auth/token/create', {
        token,
        body: { policies: ['backup'] },
      });
      return textAt(made, 'auth', 'client_token');
    };
    await api.expect('PUT', 'sys/namespaces/ns1', { token });
    for (const path of ['sys/storage/backup', 'sys/storage/raft/snapshot']) {
      const read = await tokenWith('"read"');
      assert.equal((await api.call('GET', path, { token: read })).status, 403);
      assert.equal((await api.call('GET', path)).status, 403);
      assert.equal((await api.call('GET', `ns1/${path}`, { token })).status, 400);
      const sudo = await tokenWith('"read", "sudo"');
      assert.equal((await api.call('GET', path, { token: sudo })).status, OK);
      assert.equal((await api.call('POST', path, { token: sudo, body: {} })).status, 403);
      // No backup is written there; a snapshot is, and this is none.
      const written = path === 'sys/storage/backup' ? 405 : 400;
      assert.equal((await api.call('POST', path, { token, body: {} })).status, written);
    }
  });
});
