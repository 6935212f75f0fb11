/**
 * Kills a writer of the embedded store with SIGKILL after a random number of acknowledgements, again and again on the
 * same store, and checks the store against the writer's ledger each time. Then the control: a writer that acknowledges
 * before its commit is durable must be caught.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Seeded } from '../seeded.ts';

export interface StorageCrashOptions {
  readonly cycles: number;
  readonly seed: number;
}

/** A control cycle can pass by luck: the kill must fall between acknowledgement and commit. */
const CONTROL_CYCLES = 6;
/** The writer is killed after at most this many bytes of new acknowledgements. */
const LEDGER_BYTES_MAX = 4000;
const POLL_MS = 2;
const PROBLEMS_MAX = 20;

/** Returns what went wrong; nothing when the store kept every promise and the control was caught. */
export async function simulateStorageCrashes(options: StorageCrashOptions): Promise<string[]> {
  const seeded = new Seeded(options.seed);
  const outcome = await runCycles(options.cycles, seeded, []);
  console.log(`  ${options.cycles} cycles, last: ${outcome.last}`);
  const control = await runCycles(CONTROL_CYCLES, seeded, ['--acknowledge-early']);
  console.log(`  control caught in ${control.problems.length} of ${CONTROL_CYCLES} cycles`);
  if (control.problems.length === 0) {
    outcome.problems.push('the control acknowledged early and was not caught');
  }
  return outcome.problems;
}

interface Outcome {
  readonly problems: string[];
  readonly last: string;
}

async function runCycles(
  cycles: number,
  seeded: Seeded,
  flags: readonly string[],
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-crash-'));
  const store = join(folder, 'store');
  const ledger = join(folder, 'ledger');
  mkdirSync(store, { mode: 0o700 });
  writeFileSync(ledger, '');
  const problems: string[] = [];
  let last = '';
  try {
    for (let cycle = 1; cycle <= cycles && problems.length < PROBLEMS_MAX; cycle += 1) {
      const bytes = statSync(ledger).size + 1 + seeded.between(0, LEDGER_BYTES_MAX);
      await killAfter(bytes, store, ledger, flags);
      const check = spawnSync(process.execPath, [program('ledger-check.ts'), store, ledger], {
        encoding: 'utf8',
      });
      last = check.stdout.trim();
      if (check.status !== 0) problems.push(`cycle ${cycle}: ${last} ${check.stderr.trim()}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { problems, last };
}

/** Runs the writer until the ledger has `bytes` bytes, then kills it. */
async function killAfter(
  bytes: number,
  store: string,
  ledger: string,
  flags: readonly string[],
): Promise<void> {
  const writer = spawn(process.execPath, [program('ledger-writer.ts'), store, ledger, ...flags], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exited = once(writer, 'exit');
  while (writer.exitCode === null && statSync(ledger).size < bytes) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  writer.kill('SIGKILL');
  await exited;
}

function program(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
