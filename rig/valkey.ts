/** A Valkey or Redis server of one's own on a free port, that ends with the rig. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Child, freePort } from './child.ts';

const SERVERS = ['/usr/bin/valkey-server', '/usr/bin/redis-server'];
const READY_MS_MAX = 15_000;
const POLL_MS = 20;
export const VALKEY_HINT = 'apt-get install valkey-server   (or redis-server)';

/** The account that may do everything, and its password. */
export const VALKEY_ADMIN: { readonly username: string; readonly password: string } = {
  username: 'keeper',
  password: 'keeper-pass',
};

export interface Valkey {
  readonly port: number;
  /** Sends a command as the administrator. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
  stop(): Promise<void>;
}

function serverProgram(): string | undefined {
  return SERVERS.find((path) => existsSync(path));
}

export function valkeyIsHere(): boolean {
  return serverProgram() !== undefined;
}

/** @throws {Error} it is not here, or does not start. */
export async function startValkey(): Promise<Valkey> {
  const program = serverProgram();
  if (program === undefined) throw new Error(`Valkey is not here: ${VALKEY_HINT}`);
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-valkey-'));
  const port = await freePort();
  const { username, password } = VALKEY_ADMIN;
  const users = join(folder, 'users.acl');
  writeFileSync(users, `user default off\nuser ${username} on >${password} ~* &* +@all\n`);
  const child = new Child(
    [program, '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--aclfile', users],
    { cwd: folder },
  );

  async function command(name: string, ...args: readonly string[]): Promise<unknown> {
    const client = new Redis({
      port,
      username,
      password,
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async function stop(): Promise<void> {
    await child.kill();
    rmSync(folder, { recursive: true, force: true });
  }

  const started = performance.now();
  for (;;) {
    try {
      await command('PING');
      return { port, command, stop };
    } catch (error) {
      if (child.exit !== undefined || performance.now() - started > READY_MS_MAX) {
        await stop();
        throw new Error(`Valkey does not start:\n${child.output}`, { cause: error });
      }
      await pause(POLL_MS);
    }
  }
}
