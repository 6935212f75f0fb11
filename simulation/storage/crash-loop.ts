/**
 * Usage: crash-loop.ts [CYCLES=25] [SEED=1]. Kills the ledger writer with SIGKILL after a random number of
 * acknowledgements, again and again on the same store, and checks the store against the ledger each time. Then the
 * control: a writer that acknowledges before its commit is durable must be caught.
 * Exits with 1 when an acknowledged item was lost, the store was damaged, or the control was not caught.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CYCLES = 25;
const CONTROL_CYCLES = 5;
/** The writer is killed after at most this many bytes of new acknowledgements. */
const LEDGER_BYTES_MAX = 4000;
const POLL_MS = 2;

/** A small generator (mulberry32), so that a seed gives the same kills at the same acknowledgements. */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Outcome {
  readonly bad: number;
  readonly last: string;
}

async function runCycles(
  cycles: number,
  random: (below: number) => number,
  flags: readonly string[],
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-crash-'));
  const store = join(folder, 'store');
  const ledger = join(folder, 'ledger');
  mkdirSync(store, { mode: 0o700 });
  writeFileSync(ledger, '');
  let bad = 0;
  let last = '';
  try {
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      const bytes = statSync(ledger).size + 1 + random(LEDGER_BYTES_MAX);
      await killAfter(bytes, store, ledger, flags);
      const check = spawnSync(process.execPath, [program('ledger-check.ts'), store, ledger], {
        encoding: 'utf8',
      });
      last = check.stdout.trim();
      if (check.status !== 0) {
        bad += 1;
        console.log(`cycle ${cycle}: ${last} ${check.stderr}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { bad, last };
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

const [cycles = String(CYCLES), seed = '1'] = process.argv.slice(2);
const random = createRandom(Number(seed));
const outcome = await runCycles(Number(cycles), random, []);
console.log(`${cycles} cycles from seed ${seed}, ${outcome.bad} bad; last: ${outcome.last}`);
const control = await runCycles(CONTROL_CYCLES, random, ['--acknowledge-early']);
console.log(`control: ${control.bad} of ${CONTROL_CYCLES} cycles caught`);
process.exitCode = outcome.bad === 0 && control.bad > 0 ? 0 : 1;
