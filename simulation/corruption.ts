/**
 * Alters the database file while the server is stopped, one record at a time: flipped bits, swapped, replayed, moved, cut and deleted
 * records. The server must never give a wrong secret, and must say that something is wrong: at start, in an answer, or in its log.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { at } from '../rig/api.ts';
import { startVaultServer, strongroom } from '../rig/vault-server.ts';
import { Seeded } from './seeded.ts';
import { mountSecrets } from './server-under-test.ts';
import type { VaultServer } from '../rig/vault-server.ts';

export interface CorruptionOptions {
  readonly count: number;
  readonly seed: number;
}

const SECRETS = 24;
const DATABASE = join('data', 'strongroom.db');
const NOTICE_MS_MAX = 5_000;
const CONTROL_MS = 2_000;
/** What the server calls it. */
const NOTICE =
  /failed authentication|integrity|deleted, inserted or replaced|rolled back|does not open|seal configuration|sealed under a static key/i;

/** Read before there is any key, so nothing vouches for these records: an alteration is refused or has no effect. */
const CLEAR_PREFIX = 'core/seal/';
const UNNOTICED = 'nobody was told';

interface Row {
  readonly key: string;
  readonly revision: number;
  readonly value: Uint8Array;
}

interface Store {
  readonly database: DatabaseSync;
  readonly rows: readonly Row[];
  /** The same records as they were before they were written again. */
  readonly older: ReadonlyMap<string, Row>;
  readonly seeded: Seeded;
}

function put({ database }: Store, key: string, revision: number, value: Uint8Array): void {
  database.prepare('UPDATE kv SET revision = ?, value = ? WHERE key = ?').run(revision, value, key);
}

/** Each alters one thing and says what it did. */
const ALTERATIONS: Readonly<Record<string, (store: Store) => string>> = {
  flip: (store) => {
    const row = store.seeded.pick(store.rows);
    const value = Uint8Array.from(row.value);
    const bit = store.seeded.between(0, value.length * 8 - 1);
    value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    put(store, row.key, row.revision, value);
    return `bit ${bit} of ${row.key}`;
  },
  swap: (store) => {
    const one = store.seeded.pick(store.rows);
    const other = store.seeded.pick(store.rows.filter((row) => row !== one));
    const withRevision = store.seeded.between(0, 1) === 1;
    put(store, one.key, withRevision ? other.revision : one.revision, other.value);
    put(store, other.key, withRevision ? one.revision : other.revision, one.value);
    return `${one.key} with ${other.key}${withRevision ? ', revisions too' : ''}`;
  },
  replay: (store) => {
    const changed = store.rows.filter((row) => {
      const before = store.older.get(row.key);
      return before !== undefined && before.revision !== row.revision;
    });
    const row = store.seeded.pick(changed);
    const before = store.older.get(row.key) ?? row;
    put(store, row.key, before.revision, before.value);
    return `${row.key} as it was at revision ${before.revision}, not ${row.revision}`;
  },
  revision: (store) => {
    const row = store.seeded.pick(store.rows);
    put(store, row.key, row.revision + 1, row.value);
    return `the revision of ${row.key}`;
  },
  delete: (store) => {
    const row = store.seeded.pick(store.rows);
    store.database.prepare('DELETE FROM kv WHERE key = ?').run(row.key);
    return row.key;
  },
  move: (store) => {
    const row = store.seeded.pick(store.rows);
    store.database.prepare('UPDATE kv SET key = ? WHERE key = ?').run(`${row.key}x`, row.key);
    return `${row.key} to ${row.key}x`;
  },
  cut: (store) => {
    const row = store.seeded.pick(store.rows);
    const length = store.seeded.between(0, row.value.length - 1);
    put(store, row.key, row.revision, row.value.subarray(0, length));
    return `${row.key} to ${length} bytes`;
  },
};

function secretOf(index: number, round: number): string {
  return `canary ${index} of round ${round}`;
}

/** A store whose secrets were written twice, and its records before the second time. */
async function prepare(folder: string): Promise<Map<string, Row>> {
  let older = new Map<string, Row>();
  for (const round of [1, 2]) {
    const server = await startVaultServer(strongroom, { folder });
    if (round === 1) await mountSecrets(server);
    for (let index = 0; index < SECRETS; index++) {
      const body = { data: { value: secretOf(index, round) } };
      await server.api.expect('POST', `secret/data/c/${index}`, { token: server.rootToken, body });
    }
    server.api.close();
    await server.child.stop();
    if (round === 1) older = new Map(readRows(join(folder, DATABASE)).map((row) => [row.key, row]));
  }
  return older;
}

function readRows(file: string): Row[] {
  const database = new DatabaseSync(file);
  try {
    return database
      .prepare('SELECT key, revision, value FROM kv ORDER BY key')
      .all() as unknown as Row[];
  } finally {
    database.close();
  }
}

export async function simulateCorruption({ count, seed }: CorruptionOptions): Promise<string[]> {
  const seeded = new Seeded(seed);
  const scratch = mkdtempSync(join(tmpdir(), 'simulation-damage-'));
  const original = join(scratch, 'original');
  const problems: string[] = [];
  const noticed = new Map<string, number>();
  try {
    const older = await prepare(original);
    // The control: without an alteration nothing may be noticed, or what follows proves nothing.
    const control = await examine(original, CONTROL_MS);
    if ('noticed' in control) problems.push(`without any alteration: ${control.noticed}`);
    const kinds = Object.keys(ALTERATIONS);
    for (let index = 0; index < count; index++) {
      const folder = join(scratch, String(index));
      cpSync(original, folder, { recursive: true });
      const kind = kinds[index % kinds.length] ?? '';
      const database = new DatabaseSync(join(folder, DATABASE));
      const rows = readRows(join(folder, DATABASE));
      const done = ALTERATIONS[kind]?.({ database, rows, older, seeded }) ?? '';
      database.close();
      const found = await examine(folder, NOTICE_MS_MAX);
      const harmless =
        'problem' in found && found.problem === UNNOTICED && done.includes(CLEAR_PREFIX);
      const outcome = 'noticed' in found ? found.noticed : harmless ? 'no effect' : 'problem';
      noticed.set(`${kind}: ${outcome}`, (noticed.get(`${kind}: ${outcome}`) ?? 0) + 1);
      if ('problem' in found && !harmless) problems.push(`${kind} ${done}: ${found.problem}`);
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  for (const [what, times] of noticed) console.log(`  ${what} ${times} ×`);
  return problems;
}

type Examined = { readonly noticed: string } | { readonly problem: string };

async function examine(folder: string, noticeMs: number): Promise<Examined> {
  let server: VaultServer;
  try {
    server = await startVaultServer(strongroom, { folder, evenIfSealed: true });
  } catch (error) {
    return NOTICE.test(String(error))
      ? { noticed: 'refused to start' }
      : { problem: `ended without saying why: ${String(error).slice(-500)}` };
  }
  try {
    return await examineRunning(server, noticeMs);
  } finally {
    server.api.close();
    await server.child.kill();
  }
}

async function examineRunning(
  { api, child, rootToken }: VaultServer,
  noticeMs: number,
): Promise<Examined> {
  const deadline = performance.now() + noticeMs;
  let refusals = 0;
  let asked = false;
  while (performance.now() < deadline) {
    const health = await api.call('GET', 'sys/health').catch(() => undefined);
    if (!asked && health?.status === 200) {
      asked = true;
      for (let index = 0; index < SECRETS; index++) {
        const answer = await api
          .call('GET', `secret/data/c/${index}`, { token: rootToken })
          .catch(() => ({ status: 0, body: undefined }));
        if (answer.status !== 200) {
          refusals += answer.status >= 500 ? 1 : 0;
          continue;
        }
        const value = at(answer.body, 'data', 'data', 'value');
        if (value !== secretOf(index, 2)) return { problem: `gave ${String(value)} for ${index}` };
      }
    }
    if (refusals > 0) return { noticed: 'an error in the answer' };
    if (NOTICE.test(child.output)) return { noticed: asked ? 'in the log' : 'did not unseal' };
    if (child.exit !== undefined)
      return { problem: `ended without saying why: ${child.output.slice(-500)}` };
    await delay(20);
  }
  return { problem: asked ? UNNOTICED : 'neither served nor said why' };
}
