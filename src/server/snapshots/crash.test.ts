/** A server that is killed while it makes snapshots: every name that is there stands for a whole snapshot, and the next start cleans up. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../../../rig/vault-server.ts';
import type { VaultServer } from '../../../rig/vault-server.ts';
import { inspectFile } from '../../snapshots/container.ts';
import { AUTO } from './snapshots-fixture.ts';

const SECRETS = 20;
const SECRET_BYTES = 200_000;
/** Into the copy or the delivery. */
const KILLS_AFTER_MS = [100];

test('killed at any moment it leaves no half snapshot, and goes on after a start', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-crash-'));
  const kept = join(folder, 'kept');
  mkdirSync(kept);
  const start = (): Promise<VaultServer> =>
    startVaultServer(strongroom, { folder, settings: `snapshot_directory = "${kept}"` });
  let server = await start();
  context.after(async () => {
    server.api.close();
    await server.child.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const token = server.rootToken;
  const ask = (method: string, path: string, body?: object): Promise<unknown> =>
    server.api.expect(method, path, { token, ...(body === undefined ? {} : { body }) });
  await ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  const value = 'x'.repeat(SECRET_BYTES);
  for (let count = 0; count < SECRETS; count++) {
    await ask('POST', `secret/data/s${count}`, { data: { value } });
  }
  await ask('POST', `${AUTO}/config/a`, { interval: '1h', storage_type: 'local', retain: 3 });
  const status = async (): Promise<Record<string, unknown>> =>
    ((await ask('GET', `${AUTO}/status/a`)) as { data: Record<string, unknown> }).data;
  for (const ms of KILLS_AFTER_MS) {
    while ((await status())['snapshot_name'] === '') await pause(5);
    await pause(ms);
    await server.child.kill();
    server.api.close();
    for (const name of readdirSync(kept)) {
      if (name.endsWith('.snapshot')) await inspectFile(join(kept, name));
    }
    server = await start();
    assert.deepEqual(
      readdirSync(join(folder, 'data')).filter((name) => name.startsWith('snapshot-work')),
      [],
      'what the crash left is gone',
    );
  }
  // The run that was cut off is made up for at once.
  while ((await status())['last_success'] === '' || (await status())['snapshot_name'] !== '') {
    await pause(50);
  }
  const { last_snapshot_error: error, snapshots } = await status();
  assert.equal(error, '');
  assert.ok(Number(snapshots) >= 1);
});
