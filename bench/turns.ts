/**
 * The servers take turns: in each round every scenario meets every server, one server at a time and none before all have come to rest.
 * A machine's minutes differ by more than two programs do; what is compared is therefore measured within the same minutes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { runLoad } from './load.ts';
import type { Load, Measured } from './load.ts';
import { GRPC_SCENARIO, SCENARIOS } from './scenarios.ts';
import type { ScenarioName } from './scenarios.ts';
import type { Target } from './targets.ts';

export interface ScenarioReport extends Measured {
  /** Processor time of the server per round, which other load on the machine changes little. */
  readonly cpuUs: number;
}

export interface TargetReport {
  readonly name: string;
  readonly firstAnswerMs: number | undefined;
  readonly readyMs: number | undefined;
  readonly scenarios: Readonly<Record<string, ScenarioReport>>;
  readonly residentMib: number | undefined;
  readonly peakMib: number | undefined;
}

export interface Settings {
  /** Per scenario, over all rounds. */
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  readonly processes: number;
  readonly stored: number;
  readonly grow: number | undefined;
  readonly scenarios: readonly ScenarioName[];
}

const ROUNDS_MAX = 5_000_000;
/** Before the first measurement as many rounds as compilers need, before others what caches need, or what comes of them within a time; neither is counted. */
const FIRST_WARM_UP_ROUNDS = 4_000;
const WARM_UP_ROUNDS = 500;
const WARM_UP_MS_MAX = 4_000;
const BULK_LOAD_MS_MAX = 3_600_000;
/** At rest is who used less than this of one processor for that long; it is not waited for for ever. */
const REST_MS = 250;
const REST_CPU_MS_MAX = 20;
const REST_WAIT_MS_MAX = 15_000;

/** One scenario as it is told: the same requests may be asked for twice, of few secrets and of many. */
interface Title {
  readonly name: ScenarioName;
  readonly title: string;
  readonly stored: number;
}

class Participant {
  readonly target: Target;
  readonly #settings: Settings;
  readonly #figures = new Map<string, ScenarioReport[]>();

  constructor(target: Target, settings: Settings) {
    this.target = target;
    this.#settings = settings;
  }

  #load(scenario: ScenarioName, stored: number): Load {
    const { connections, processes, seconds, rounds } = this.#settings;
    const { target } = this;
    return {
      scenario,
      port: (scenario === GRPC_SCENARIO ? target.grpcPort : undefined) ?? target.port,
      connections,
      processes,
      warmUpMs: 0,
      durationMs: (seconds * 1000) / rounds,
      roundsMax: ROUNDS_MAX,
      input: { ...target.input, stored },
    };
  }

  async store(from: number, to: number): Promise<void> {
    const start = performance.now();
    const load = this.#load('bulk load', to);
    const measured = await runLoad({
      ...load,
      durationMs: BULK_LOAD_MS_MAX,
      input: { ...load.input, from },
    });
    if (measured.failures > 0) throw new Error(`cannot store: ${measured.firstFailure ?? ''}`);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.error(`  ${this.target.name}: stored ${to - from} secrets in ${seconds} s`);
  }

  async measure({ name, title, stored }: Title): Promise<void> {
    const load = this.#load(name, stored);
    const figures = this.#figures.get(title) ?? [];
    this.#figures.set(title, figures);
    const roundsMax = figures.length === 0 ? FIRST_WARM_UP_ROUNDS : WARM_UP_ROUNDS;
    await runLoad({ ...load, durationMs: WARM_UP_MS_MAX, roundsMax });
    const before = this.target.child?.cpuMs() ?? Number.NaN;
    const measured = await runLoad(load);
    const cpuMs = (this.target.child?.cpuMs() ?? Number.NaN) - before;
    figures.push({ ...measured, cpuUs: (cpuMs * 1000) / measured.roundsWithWarmUp });
    const failures = measured.failures === 0 ? '' : `, ${measured.failures} FAILED`;
    console.error(`  ${this.target.name}: ${title} ${measured.perSecond.toFixed(0)}/s${failures}`);
    if (measured.firstFailure !== undefined) console.error(measured.firstFailure);
  }

  /** Waits until what the last requests left to do behind their answers is done. */
  async rest(): Promise<void> {
    const { child } = this.target;
    const until = performance.now() + REST_WAIT_MS_MAX;
    let before = child?.cpuMs() ?? 0;
    while (performance.now() < until) {
      await delay(REST_MS);
      const now = child?.cpuMs() ?? 0;
      if (now - before <= REST_CPU_MS_MAX) return;
      before = now;
    }
  }

  report(): TargetReport {
    const { name, child, firstAnswerMs, readyMs } = this.target;
    const memory = child?.memory();
    const scenarios = Object.fromEntries(
      [...this.#figures].map(([title, figures]) => [title, together(figures)]),
    );
    const { residentMib, peakMib } = memory ?? {};
    return { name, firstAnswerMs, readyMs, scenarios, residentMib, peakMib };
  }
}

/** The rounds of one scenario at one server as one figure each; of the percentiles the worst. */
function together(figures: readonly ScenarioReport[]): ScenarioReport {
  const sum = (of: (one: ScenarioReport) => number): number =>
    figures.reduce((total, one) => total + of(one), 0);
  const roundsWithWarmUp = sum((one) => one.roundsWithWarmUp);
  return {
    perSecond: sum((one) => one.perSecond) / figures.length,
    p50Ms: Math.max(...figures.map((one) => one.p50Ms)),
    p99Ms: Math.max(...figures.map((one) => one.p99Ms)),
    rounds: sum((one) => one.rounds),
    roundsWithWarmUp,
    failures: sum((one) => one.failures),
    firstFailure: figures.find((one) => one.firstFailure !== undefined)?.firstFailure,
    cpuUs: sum((one) => one.cpuUs * one.roundsWithWarmUp) / roundsWithWarmUp,
  };
}

export async function takeTurns(
  targets: readonly Target[],
  settings: Settings,
): Promise<readonly TargetReport[]> {
  const participants = targets.map((target) => new Participant(target, settings));
  const { stored, grow } = settings;
  const full = participants.filter((one) => one.target.keepsBulk);
  for (const one of full) await one.store(0, stored);

  const titles = (['hello', ...SCENARIOS] as const)
    .filter((name) => name === 'hello' || settings.scenarios.includes(name))
    .map((name): Title => ({ name, title: name, stored }));
  await play(participants, settings.rounds, titles);

  if (grow !== undefined) {
    for (const one of full) await one.store(stored, grow);
    await play(full, settings.rounds, [
      { name: 'kv read', title: `kv read of ${grow}`, stored: grow },
      { name: 'kv read', title: `kv read of ${stored} among ${grow}`, stored },
    ]);
  }
  return participants.map((one) => one.report());
}

async function play(
  participants: readonly Participant[],
  rounds: number,
  titles: readonly Title[],
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const title of titles) {
      // Who goes first changes.
      for (const one of round % 2 === 0 ? participants : participants.toReversed()) {
        if (!one.target.serves(title.name)) continue;
        await Promise.all(participants.map((other) => other.rest()));
        await one.measure(title);
      }
    }
  }
}
