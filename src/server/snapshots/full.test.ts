/** Disks that are full: the working folder's while a copy is made, and the folder's that snapshots go to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../../../rig/vault-server.ts';
import { AUTO } from './snapshots-fixture.ts';

const SECRETS = 20;
const SECRET_BYTES = 200_000;

/** A mount namespace of one's own takes rights that a sandbox may not give. */
const mayMount = succeeds('unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/mnt');

function succeeds(...argv: readonly string[]): boolean {
  const [program = '', ...args] = argv;
  return spawnSync(program, args).status === 0;
}

test(
  'a full disk fails the snapshot and nothing else, and is over when there is room',
  { skip: mayMount ? false : 'left out: file systems cannot be mounted here' },
  async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'strongroom-full-'));
    const small = join(folder, 'small');
    mkdirSync(small);
    const server = await startVaultServer(strongroom, {
      folder,
      settings: `snapshot_directory = "${small}/kept"\nsnapshot_work_directory = "${small}/work"`,
      wrapper: [
        'unshare',
        '-m',
        'sh',
        '-c',
        'mount -t tmpfs -o size=1m,mode=0700 none "$0" && exec "$@"',
        small,
      ],
    });
    context.after(async () => {
      server.api.close();
      await server.child.kill();
      rmSync(folder, { recursive: true, force: true });
    });
    const token = server.rootToken;
    const ask = (method: string, path: string, body?: object): Promise<unknown> =>
      server.api.expect(method, path, { token, ...(body === undefined ? {} : { body }) });
    const resize = (size: string): void => {
      const into = ['nsenter', '-t', String(server.child.pid), '-m'];
      assert.ok(succeeds(...into, 'mount', '-o', `remount,size=${size}`, small));
    };
    /** Asks for a snapshot and waits until that is over. */
    const outcome = async (errors: number): Promise<string> => {
      await ask('POST', `${AUTO}/run/a`, {});
      for (;;) {
        const { data } = (await ask('GET', `${AUTO}/status/a`)) as {
          data: Record<string, unknown>;
        };
        if (data['consecutive_errors'] === errors && data['snapshot_name'] === '') {
          if (errors > 0 || data['last_success'] !== '') return String(data['last_snapshot_error']);
        }
        await pause(50);
      }
    };
    await ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
    const value = 'x'.repeat(SECRET_BYTES);
    for (let count = 0; count < SECRETS; count++) {
      await ask('POST', `secret/data/s${count}`, { data: { value } });
    }
    const never = { schedule: '0 0 29 2 *', storage_type: 'local' };
    await ask('POST', `${AUTO}/config/a`, never);
    assert.match(await outcome(1), /SQLite 13|full/, 'no room for the copy');
    await ask('POST', 'secret/data/after', { data: { value: 'still written' } });
    // Room for the copy, and none for the snapshot beside it.
    resize('6m');
    assert.match(await outcome(2), /no room|ENOSPC/);
    resize('64m');
    assert.equal(await outcome(0), '');
    assert.equal((await server.api.call('GET', 'sys/health')).status, 200);
  },
);
