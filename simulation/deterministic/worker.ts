/** Runs seeds one after the other, away from the main thread: every so many, until they are done or the time is over. */
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { CONTROLS } from './controls.ts';
import { makeImage } from './image.ts';
import type { Image } from './image.ts';
import { runSeed } from './run.ts';
import type { Outcome } from './run.ts';

/** What a worker is to do: seeds `from`, `from + step` … below `below`; or to find controls `from`, `from + step` … */
export interface Task {
  readonly what: 'seeds' | 'controls';
  readonly from: number;
  readonly step: number;
  readonly below: number;
  /** It begins no seed after this. */
  readonly secondsMax: number;
}

export interface Failure {
  readonly seed: number;
  readonly problems: readonly string[];
}

export interface Sum extends Omit<Outcome, 'problems' | 'digest'> {
  readonly seeds: number;
  readonly failures: readonly Failure[];
  /** Seeds that were run again, to see whether they do the same. */
  readonly repeated: number;
}

export interface ControlFound {
  readonly name: string;
  /** Seeds that it took; 0 = it was not found. */
  readonly seeds: number;
  readonly problem: string;
}

export type Report =
  | { readonly kind: 'sum'; readonly sum: Sum }
  /** As soon as it is known: a long run may be cut off. */
  | { readonly kind: 'failure'; readonly failure: Failure }
  | { readonly kind: 'control'; readonly found: ControlFound };

/** One seed in this many is run twice. */
const REPEAT_EVERY = 500;
/** A control that this many seeds have not found is not found. */
const CONTROL_SEEDS_MAX = 150;

async function seeds(task: Task, image: Image, tell: (report: Report) => void): Promise<Sum> {
  const end = performance.now() + task.secondsMax * 1000;
  const sum = {
    seeds: 0,
    repeated: 0,
    events: 0,
    asked: 0,
    answers: 0,
    commits: 0,
    starts: 0,
    checks: 0,
    simulatedMs: 0,
  };
  const failures: Failure[] = [];
  for (let seed = task.from; seed < task.below && performance.now() < end; seed += task.step) {
    const outcome = await runSeed({ seed, image });
    const problems = [...outcome.problems];
    if (sum.seeds % REPEAT_EVERY === 0) {
      sum.repeated += 1;
      const again = await runSeed({ seed, image });
      if (again.digest !== outcome.digest) problems.push('the same seed did something else');
    }
    sum.seeds += 1;
    for (const name of ['events', 'asked', 'answers', 'commits', 'starts', 'checks'] as const) {
      sum[name] += outcome[name];
    }
    sum.simulatedMs += outcome.simulatedMs;
    if (problems.length > 0) {
      failures.push({ seed, problems });
      tell({ kind: 'failure', failure: { seed, problems } });
    }
    // Whoever waits for messages of this thread may have its turn.
    await setImmediate();
  }
  return { ...sum, failures };
}

async function control(index: number, image: Image): Promise<ControlFound | undefined> {
  const wanted = CONTROLS[index];
  if (wanted === undefined) return undefined;
  const { name, sabotage, plan, caught } = wanted;
  for (let seed = 1; seed <= CONTROL_SEEDS_MAX; seed++) {
    const { problems } = await runSeed({ seed, image, sabotage, plan, until: caught });
    const problem = problems.find((text) => caught.test(text));
    if (problem !== undefined) return { name, seeds: seed, problem };
  }
  return { name, seeds: 0, problem: '' };
}

async function work(task: Task): Promise<void> {
  const image = await makeImage();
  const tell = (report: Report): void => parentPort?.postMessage(report, []);
  if (task.what === 'seeds') return tell({ kind: 'sum', sum: await seeds(task, image, tell) });
  for (let index = task.from; ; index += task.step) {
    const found = await control(index, image);
    if (found === undefined) return;
    tell({ kind: 'control', found });
    await setImmediate();
  }
}

await work(workerData as Task);
