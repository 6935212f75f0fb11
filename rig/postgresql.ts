/** A PostgreSQL server of one's own, in a temporary folder on a free port, that ends with the rig; alone, or the standby of another. */
import { execFile, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { Child, freePort } from './child.ts';

/** Where Debian puts the programs, one folder per major version. */
const DEBIAN_FOLDER = '/usr/lib/postgresql';
const USER = 'postgres';
const execFileAsync = promisify(execFile);
const READY_MS_MAX = 30_000;
const POLL_MS = 30;

/** What to tell somebody whose machine has none. */
export const POSTGRESQL_HINT = 'apt-get install postgresql';

export interface PostgresOptions {
  readonly port?: number;
  /** Settings of the server (`-c name=value`). */
  readonly settings?: Readonly<Record<string, string>>;
  /** It begins as a copy of this one, and follows it until it is promoted. */
  readonly standbyOf?: Postgres;
}

export interface Postgres {
  readonly port: number;
  /** Its own folder; files may be put there for it. */
  readonly folder: string;
  /** A URL of the superuser for `database`. */
  url(database?: string): string;
  /** Runs SQL as the superuser and gives the rows. */
  sql(text: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  createDatabase(name: string): Promise<void>;
  /** Sends a signal to the postmaster, or to all of its processes. */
  signal(signal: NodeJS.Signals): void;
  /** Kills every process of it with SIGKILL, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** The folder of its programs; undefined where there are none. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(DEBIAN_FOLDER)) return undefined;
  const versions = readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a));
  const folder = versions
    .map((version) => join(DEBIAN_FOLDER, version, 'bin'))
    .find((path) => existsSync(join(path, 'initdb')));
  return folder;
}

/** The server refuses to run as root. */
function asUser(argv: readonly string[]): string[] {
  return process.getuid?.() === 0
    ? ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', ...argv]
    : [...argv];
}

/** A folder that the server's user owns. */
export function folderForPostgres(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-postgresql-'));
  giveToPostgres(folder);
  return folder;
}

export function giveToPostgres(path: string): void {
  if (process.getuid?.() !== 0) return;
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, USER], { encoding: 'utf8' }).stdout),
  );
  chownSync(path, uid ?? 0, gid ?? 0);
}

function makeData(programs: string, folder: string, data: string): void {
  const [program = '', ...args] = asUser([
    join(programs, 'initdb'),
    `--pgdata=${data}`,
    `--username=${USER}`,
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
    '--data-checksums',
  ]);
  const made = spawnSync(program, args, { encoding: 'utf8', cwd: folder });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  writeFileSync(
    join(data, 'pg_hba.conf'),
    'local all all trust\nhost all all all trust\nhost replication all all trust\n',
  );
}

/** Does not block the process: the lines that lead through it stay open meanwhile. */
async function copyData(
  programs: string,
  folder: string,
  data: string,
  { port }: Postgres,
): Promise<void> {
  const [program = '', ...args] = asUser([
    join(programs, 'pg_basebackup'),
    `--pgdata=${data}`,
    `--dbname=host=127.0.0.1 port=${port} user=${USER} application_name=standby`,
    // Whence to follow is written beside the data.
    '--write-recovery-conf',
    '--checkpoint=fast',
    '--no-sync',
  ]);
  await execFileAsync(program, args, { cwd: folder });
}

/** @throws {Error} there are no programs, or it does not start. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error(`PostgreSQL is not here: ${POSTGRESQL_HINT}`);
  const folder = folderForPostgres();
  const data = join(folder, 'data');
  const port = options.port ?? (await freePort());
  if (options.standbyOf === undefined) makeData(programs, folder, data);
  else await copyData(programs, folder, data, options.standbyOf);
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    max_connections: '200',
    shared_buffers: '128MB',
    // To files: a rig that waits for something else does not read what comes through a pipe, and a full pipe stops the server.
    logging_collector: 'on',
    ...options.settings,
  };
  const server = asUser([
    join(programs, 'postgres'),
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  let child: Child | undefined;

  async function sql(
    text: string,
    database: string = USER,
  ): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: url(database) });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  function url(database: string = USER): string {
    return `postgres://${USER}@127.0.0.1:${port}/${database}?sslmode=disable`;
  }

  async function start(): Promise<void> {
    child = new Child(server, { cwd: folder });
    const started = performance.now();
    for (;;) {
      try {
        await sql('SELECT 1');
        return;
      } catch (error) {
        if (performance.now() - started > READY_MS_MAX) {
          throw new Error(`PostgreSQL does not start:\n${child.output}`, { cause: error });
        }
        await pause(POLL_MS);
        // The processes of one that was killed keep its memory for a moment.
        if (child.exit !== undefined) child = new Child(server, { cwd: folder });
      }
    }
  }

  await start();
  return {
    port,
    folder,
    url,
    sql,
    createDatabase: async (name) => void (await sql(`CREATE DATABASE "${name}"`)),
    signal: (signal) => child?.signal(signal),
    kill: async () => void (await child?.kill()),
    start,
    stop: async () => {
      // SIGINT: a fast shutdown, which ends the sessions.
      child?.signal('SIGINT');
      await child?.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** From now on only the superuser needs no password. */
export async function demandPasswords(server: Postgres): Promise<void> {
  writeFileSync(
    join(server.folder, 'data', 'pg_hba.conf'),
    `local all all trust\nhost all ${USER} all trust\nhost all all all scram-sha-256\n`,
  );
  await server.sql('SELECT pg_reload_conf()');
}
