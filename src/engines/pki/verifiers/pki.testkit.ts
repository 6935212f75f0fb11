/** Test kit: a PKI mount to call, and other people's programs to judge what it makes. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import type { JsonObject } from '../../../base/json.ts';
import { silentLog } from '../../../base/log.ts';
import type { Log } from '../../../base/log.ts';
import { systemRandom } from '../../../base/random.ts';
import { openBench } from '../../../core/backend-bench.contract.ts';
import type { Bench } from '../../../core/backend-bench.contract.ts';
import type { Schedule, TaskOutcome } from '../../../model/outside.ts';
import type { Storage } from '../../../storage/storage.ts';
import { pkiBackend } from '../pki.ts';

export type Data = Readonly<Record<string, unknown>>;

export interface Mount {
  readonly bench: Bench;
  /** Data of the answer to a write. */
  readonly write: (path: string, body?: JsonObject) => Promise<Data>;
  readonly read: (path: string) => Promise<Data>;
  /** Body of a raw answer. */
  readonly raw: (path: string) => Promise<Buffer>;
  /** Lets time pass, and does what the calendar has due then, each task once. */
  readonly pass: (ms: number) => Promise<void>;
}

/** Now is now: programs from elsewhere look at the clock. */
export async function openMount(log: Log = silentLog, storage?: Storage): Promise<Mount> {
  const backend = pkiBackend({
    random: systemRandom,
    log,
    fillTemplate: () => Promise.resolve(undefined),
  });
  const bench = await openBench(backend, storage);
  bench.nowMs = systemClock.nowMs();
  return {
    bench,
    write: async (path, body = {}) => (await bench.call('write', path, body))?.data ?? {},
    read: async (path) => (await bench.call('read', path))?.data ?? {},
    raw: async (path) =>
      Buffer.from((await bench.call('read', path))?.raw?.body ?? Buffer.alloc(0)),
    async pass(ms) {
      bench.nowMs += ms;
      const { nowMs, scheduled } = bench;
      const due = scheduled.filter((each) => each.atMs <= nowMs);
      scheduled.splice(0, Infinity, ...scheduled.filter((each) => each.atMs > nowMs));
      for (const { task, name } of due) {
        const schedule: Schedule = (...entry) => {
          scheduled.push({ task: entry[0], name: entry[1], atMs: entry[2] });
        };
        const type = backend.tasks?.[task];
        if (type === undefined) throw new Error(`no task ${task}`);
        const record = async () => ({ failed: (): void => {} });
        const context = { name, namespaceId: 'root', nowMs, schedule, record };
        let outcome: TaskOutcome | undefined = 'again';
        while (outcome === 'again') {
          outcome = await bench.store(async (store) => await type.run(context, store));
        }
        if (typeof outcome === 'number') scheduled.push({ task, name, atMs: outcome });
      }
    },
  };
}

export interface Ran {
  readonly status: number;
  readonly output: string;
}

/** Runs a program to its end; undefined when there is no such program here. */
export async function runProgram(
  program: string,
  args: readonly string[],
  cwd?: string,
): Promise<Ran | undefined> {
  return await new Promise((resolve) => {
    execFile(program, args, { cwd, encoding: 'utf8', maxBuffer: 1e7 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (status === 'ENOENT') resolve(undefined);
      else resolve({ status: typeof status === 'number' ? status : 1, output: stdout + stderr });
    });
  });
}

/** A folder that goes with the test. */
export async function folderFor(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pki-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** @returns the path of the file. */
export async function put(folder: string, name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, Buffer.isBuffer(content) ? content : String(content));
  return path;
}
