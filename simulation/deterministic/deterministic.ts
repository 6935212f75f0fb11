/**
 * The whole core in one process, on a clock, a store, a network, disks and a target that are simulated: every choice comes from a seed, so
 * whatever goes wrong goes wrong again. Then the controls: servers that are broken on purpose, each of which must be found.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CONTROLS } from './controls.ts';
import { makeImage } from './image.ts';
import { runSeed } from './run.ts';
import type { ControlFound, Report, Sum, Task } from './worker.ts';

export interface DeterministicOptions {
  readonly seeds: number;
  readonly from: number;
  /** Seeds that have not begun by then are left out, and told. */
  readonly secondsMax: number;
}

const FAILURES_SHOWN_MAX = 10;
/** Characters of a failure that is told while the run goes on. */
const SHOWN_AT_ONCE_MAX = 300;
/** Room for what a run leaves behind: little of it outlives the run, so it is better dropped than moved. */
const YOUNG_MIB = 128;
const MS_PER_HOUR = 3_600_000;

export async function simulateDeterministic(options: DeterministicOptions): Promise<string[]> {
  const { seeds, from, secondsMax } = options;
  const workers = availableParallelism();
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  const sums: Sum[] = [];
  const task = { what: 'seeds', step: workers, below: from + seeds, secondsMax } as const;
  await inWorkers(
    workers,
    (index) => ({ ...task, from: from + index }),
    (report) => {
      if (report.kind === 'sum') sums.push(report.sum);
      if (report.kind === 'failure') {
        const { seed, problems: found } = report.failure;
        console.log(`  seed ${seed} failed: ${found.join('; ').slice(0, SHOWN_AT_ONCE_MAX)}`);
      }
    },
  );
  const { user, system } = process.cpuUsage(cpuBefore);
  const spent = { seconds: (performance.now() - began) / 1000, cpuMs: (user + system) / 1000 };
  const problems = told(sums, seeds, spent, workers);
  problems.push(...(await findControls(workers)));
  return problems;
}

interface Spent {
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuMs: number;
}

function told(
  sums: readonly Sum[],
  wanted: number,
  { seconds, cpuMs }: Spent,
  workers: number,
): string[] {
  const total = (name: Exclude<keyof Sum, 'failures'>): number =>
    sums.reduce((sum, each) => sum + each[name], 0);
  const done = total('seeds');
  const failures = sums.flatMap((sum) => sum.failures).toSorted((a, b) => a.seed - b.seed);
  console.log(
    `  ${done}${done < wanted ? ` of ${wanted}` : ''} seeds in ${seconds.toFixed(0)} s (${(done / seconds).toFixed(0)}/s in ${workers} threads, ${(cpuMs / done).toFixed(0)} ms of CPU each), ${failures.length} failed, ${total('repeated')} run twice: ` +
      `${total('asked')} requests, ${total('commits')} commits, ${total('starts')} starts of servers, ${total('events')} events, ${(total('simulatedMs') / MS_PER_HOUR).toFixed(0)} h of simulated time`,
  );
  return failures
    .slice(0, FAILURES_SHOWN_MAX)
    .map(
      ({ seed, problems }) =>
        `seed ${seed} (again, with all that happens: npm run simulate -- --seed ${seed} deterministic): ${problems.slice(0, 3).join('; ')}`,
    );
}

async function findControls(workers: number): Promise<string[]> {
  const all: ControlFound[] = [];
  const task = { what: 'controls', step: workers, below: 0, secondsMax: 0 } as const;
  await inWorkers(
    workers,
    (from) => ({ ...task, from }),
    (report) => {
      if (report.kind === 'control') all.push(report.found);
    },
  );
  for (const { name, seeds, problem } of all) {
    console.log(`  control "${name}": found by seed ${seeds}: ${problem.slice(0, 120)}`);
  }
  const found = new Set(all.filter(({ seeds }) => seeds > 0).map(({ name }) => name));
  return CONTROLS.filter(({ name }) => !found.has(name)).map(
    ({ name }) => `the control was not found: ${name}`,
  );
}

async function inWorkers(
  count: number,
  taskOf: (index: number) => Task,
  take: (report: Report) => void,
): Promise<void> {
  const all = Array.from({ length: count }, async (_, index) => {
    const file = new URL('worker.ts', import.meta.url);
    const worker = new Worker(file, {
      workerData: taskOf(index),
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    worker.on('message', take);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    await promise;
  });
  await Promise.all(all);
}

/** Runs one seed and tells everything that happens. */
export async function replaySeed(seed: number): Promise<string[]> {
  const { problems, digest } = await runSeed({
    seed,
    image: await makeImage(),
    trace: (line) => console.log(line.replace(/[^\x20-\x7e]/g, '.')),
  });
  console.log(`  digest ${digest}`);
  return [...problems];
}
