/**
 * `npm run simulate [-- --ci] [--seed N] [--cycles N] [crash] [corruption] [faults] [storage]`: hurts a real server and compares what it says
 * with what it acknowledged. Ends with "N passed, N failed".
 */
import { parseArgs } from 'node:util';
import { simulateCorruption } from './corruption.ts';
import { simulateCrashes } from './crash.ts';
import { simulateFaults } from './faults.ts';
import { simulateStorageCrashes } from './storage/crash.ts';

/** Doses: what CI has time for, and what a release should see. */
const DOSES = {
  ci: { cycles: 200, corruptions: 60, faultPoints: 6, storageCycles: 15 },
  full: { cycles: 1000, corruptions: 1000, faultPoints: 60, storageCycles: 1000 },
} as const;

const PROBLEMS_SHOWN_MAX = 20;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      ci: { type: 'boolean', default: false },
      seed: { type: 'string' },
      cycles: { type: 'string' },
    },
    allowPositionals: true,
  });
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  const dose = values.ci ? DOSES.ci : DOSES.full;
  const cycles = values.cycles === undefined ? undefined : Number(values.cycles);
  const parts: Readonly<Record<string, () => Promise<string[]>>> = {
    crash: () => simulateCrashes({ cycles: cycles ?? dose.cycles, seed }),
    corruption: () => simulateCorruption({ count: cycles ?? dose.corruptions, seed }),
    faults: () => simulateFaults({ points: cycles ?? dose.faultPoints, seed }),
    storage: () => simulateStorageCrashes({ cycles: cycles ?? dose.storageCycles, seed }),
  };
  console.log(`seed ${seed}`);
  let failed = 0;
  let passed = 0;
  for (const name of positionals.length === 0 ? Object.keys(parts) : positionals) {
    const part = parts[name];
    if (part === undefined)
      throw new Error(`no part ${name}; there are ${Object.keys(parts).join(', ')}`);
    console.log(name);
    const problems = await part();
    if (problems.length === 0) passed++;
    else failed++;
    for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) console.log(`  FAILED ${problem}`);
    if (problems.length > 0)
      console.log(`  again with: npm run simulate -- --seed ${seed} ${name}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
