/** A MariaDB server of one's own, in a temporary folder on a free port, that ends with the rig. */
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { Child, freePort } from './child.ts';

const SERVER = '/usr/sbin/mariadbd';
const INSTALLER = '/usr/bin/mariadb-install-db';
const READY_MS_MAX = 30_000;
const POLL_MS = 50;
export const MARIADB_HINT = 'apt-get install mariadb-server';

/** An account that may do everything, and its password. */
export const MARIADB_ADMIN: { readonly username: string; readonly password: string } = {
  username: 'keeper',
  password: 'keeper-pass',
};

export interface Mariadb {
  readonly port: number;
  /** Runs SQL as the administrator and gives the rows. */
  sql(text: string): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export function mariadbIsHere(): boolean {
  return existsSync(SERVER) && existsSync(INSTALLER);
}

/** @throws {Error} it is not here, or does not start. */
export async function startMariadb(): Promise<Mariadb> {
  if (!mariadbIsHere()) throw new Error(`MariaDB is not here: ${MARIADB_HINT}`);
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-mariadb-'));
  const root = process.getuid?.() === 0;
  const user = root ? ['--user=mysql'] : [];
  if (root) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, 'mysql'], { encoding: 'utf8' }).stdout),
    );
    chownSync(folder, uid ?? 0, gid ?? 0);
  }
  const data = join(folder, 'data');
  const made = spawnSync(
    INSTALLER,
    [
      '--no-defaults',
      ...user,
      `--datadir=${data}`,
      '--skip-test-db',
      '--auth-root-authentication-method=normal',
    ],
    { encoding: 'utf8', cwd: folder },
  );
  if (made.status !== 0) throw new Error(`mariadb-install-db: ${made.stderr}${made.stdout}`);
  const { username, password } = MARIADB_ADMIN;
  const init = join(folder, 'init.sql');
  writeFileSync(
    init,
    `CREATE USER IF NOT EXISTS '${username}'@'%' IDENTIFIED BY '${password}';
GRANT ALL PRIVILEGES ON *.* TO '${username}'@'%' WITH GRANT OPTION;\n`,
    { mode: 0o644 },
  );
  const port = await freePort();
  const child = new Child(
    [
      SERVER,
      '--no-defaults',
      ...user,
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--init-file=${init}`,
      '--skip-name-resolve',
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-buffer-pool-size=16M',
    ],
    { cwd: folder },
  );

  async function sql(text: string): Promise<readonly Record<string, unknown>[]> {
    const connection = await createConnection({
      host: '127.0.0.1',
      port,
      user: username,
      password,
    });
    try {
      const [rows] = await connection.query(text);
      return rows as Record<string, unknown>[];
    } finally {
      connection.destroy();
    }
  }

  async function stop(): Promise<void> {
    await child.kill();
    rmSync(folder, { recursive: true, force: true });
  }

  const started = performance.now();
  for (;;) {
    try {
      await sql('SELECT 1');
      return { port, sql, stop };
    } catch (error) {
      if (child.exit !== undefined || performance.now() - started > READY_MS_MAX) {
        await stop();
        throw new Error(`MariaDB does not start:\n${child.output}`, { cause: error });
      }
      await pause(POLL_MS);
    }
  }
}
