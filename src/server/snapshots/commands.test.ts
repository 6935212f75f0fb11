/** The commands about snapshots and about secrets as they were, on a server of their own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../../../rig/vault-server.ts';
import { systemClock } from '../../base/clock.ts';

const FOLDER_SECRETS = 40;

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

test('schedule, status, inspect, load, recover: as the pages tell it', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-commands-'));
  const kept = join(folder, 'kept');
  mkdirSync(kept);
  const server = await startVaultServer(strongroom, {
    folder,
    settings: `snapshot_directory = "${kept}"`,
  });
  context.after(async () => {
    server.api.close();
    await server.child.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const token = server.rootToken;
  const run = (...args: readonly string[]): Promise<Ran> => {
    const env = { ...process.env, VAULT_ADDR: server.api.address, VAULT_TOKEN: token.trim() };
    const child = spawn(strongroom.executable, args, { env });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, output, errors })));
  };
  const good = async (...args: readonly string[]): Promise<string> => {
    const { code, output, errors } = await run(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${output}${errors}`);
    return output;
  };
  const put = (path: string, value: string): Promise<unknown> =>
    server.api.expect('POST', `secret/data/${path}`, { token, body: { data: { value } } });
  await server.api.expect('POST', 'sys/mounts/secret', {
    token,
    body: { type: 'kv', options: { version: '2' } },
  });
  for (let count = 0; count < FOLDER_SECRETS; count++) {
    await put(`shop/f${count % 3}/s${count}`, 'good');
  }

  assert.equal(await good('operator', 'snapshot', 'status'), 'There are no schedules.\n');
  await good('operator', 'snapshot', 'schedule', 'n', 'interval=24h', 'storage_type=local');
  while (!(await run('operator', 'snapshot', 'status')).output.match(/n .*Z .*Z /)) await pause(50);
  assert.match(await good('operator', 'snapshot', 'schedule', 'n'), /interval\s+86400/);
  const [name = ''] = readdirSync(kept);
  assert.match(await good('operator', 'snapshot', 'list', 'n'), new RegExp(name));
  const status = JSON.parse(await good('operator', 'snapshot', 'status', '-format=json')) as {
    public_key: string;
  }[];
  const key = status[0]?.public_key ?? '';
  const file = join(kept, name);
  assert.match(
    await good('operator', 'snapshot', 'inspect', `-public-key=${key}`, file),
    /payload/,
  );
  const wrong = Buffer.alloc(32, 1).toString('base64');
  const refused = await run('operator', 'snapshot', 'inspect', `-public-key=${wrong}`, file);
  assert.notEqual(refused.code, 0);
  const elsewhere = `-data=${join(folder, 'elsewhere')}`;
  const forged = await run(
    'operator',
    'snapshot',
    'restore',
    `-public-key=${wrong}`,
    elsewhere,
    file,
  );
  assert.notEqual(forged.code, 0);
  await good('operator', 'snapshot', 'restore', `-public-key=${key}`, elsewhere, file);

  const then = new Date(systemClock.nowMs()).toISOString();
  await pause(2);
  await put('shop/f0/s0', 'bad');
  await server.api.expect('DELETE', 'secret/metadata/shop/f1/s1', { token });
  await put('shop/later', 'new');
  const plan = await run('recover', `-at=${then}`, 'secret/shop/');
  assert.equal(plan.code, 0);
  assert.match(plan.output, /^recover +secret\/data\/shop\/f0\/s0 +version 1 .*now 2\n$/);
  assert.match(plan.errors, /-apply/);
  const id = (await good('operator', 'snapshot', 'load', '-field=snapshot_id', 'n', name)).trim();
  const past = `-snapshot-id=${id}`;
  const applied = await run('recover', '-apply', past, 'secret/shop/');
  assert.equal(applied.code, 0, applied.errors);
  assert.deepEqual(applied.output.match(/^recovered +\S+/gm), [
    'recovered  secret/data/shop/f0/s0',
    'recovered  secret/data/shop/f1/s1',
  ]);
  assert.match(applied.errors, new RegExp(`${FOLDER_SECRETS - 2} unchanged`));
  const again = await run('recover', '-apply', past, '-all');
  assert.equal(again.output, '');
  assert.match(again.errors, new RegExp(`^${FOLDER_SECRETS} unchanged, 1 absent`));
  const lost = await run('recover', '-at=2020-01-01T00:00:00Z', 'secret/shop/f0/s0');
  assert.match(lost.errors, /1 absent/);
  await good('operator', 'snapshot', 'unload', id);
  assert.notEqual((await run('recover', past, 'secret/shop/f0/s0')).code, 0);
  for (const args of [['secret/x'], [past], [past, '-all', 'secret/x']]) {
    assert.equal((await run('recover', ...args)).code, 1, args.join(' '));
  }
  await good('operator', 'snapshot', 'schedule', '-delete', 'n');
  assert.equal(readdirSync(kept).length, 1);
});
