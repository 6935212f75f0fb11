/** A bounded load in a process of its own: rounds of one scenario over kept-alive connections, measured from outside. */
import { Connection } from './connection.ts';
import { GrpcConnection } from './grpc-connection.ts';
import { GRPC_SCENARIO, roundsOf } from './scenarios.ts';
import type { ScenarioInput, ScenarioName } from './scenarios.ts';

export interface LoadOrder {
  readonly scenario: ScenarioName;
  readonly port: number;
  readonly connections: number;
  /** Of all processes together, and where this one's begin. */
  readonly connectionsTotal: number;
  readonly connectionsFrom: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly roundsMax: number;
  readonly input: ScenarioInput;
}

export interface LoadResult {
  readonly rounds: number;
  readonly roundsWithWarmUp: number;
  readonly failures: number;
  readonly elapsedMs: number;
  readonly firstFailure: string | undefined;
  /** Of each round, sorted, in microseconds. */
  readonly latenciesUs: readonly number[];
}

/** Latencies are thinned to this many before they are handed over; percentiles need no more. */
const LATENCIES_MAX = 20_000;

async function run(order: LoadOrder): Promise<LoadResult> {
  const latencies: number[] = [];
  let failures = 0;
  let finished = 0;
  let firstFailure: string | undefined;
  const start = performance.now();
  const measureFrom = start + order.warmUpMs;
  const end = measureFrom + order.durationMs;
  let started = 0;

  async function drive(index: number): Promise<void> {
    const next = roundsOf(order.scenario, order.input, index, order.connectionsTotal);
    const connection =
      order.scenario === GRPC_SCENARIO
        ? new GrpcConnection(order.port, order.input.token)
        : new Connection(order.port);
    while (performance.now() < end && started++ < order.roundsMax) {
      const round = next();
      const began = performance.now();
      let request = round(undefined);
      if (request === undefined) break;
      let good = true;
      while (request !== undefined) {
        const answer = await connection.send(request);
        if (answer.status >= 300) {
          good = false;
          firstFailure ??= answer.bytes.toString('utf8').slice(0, 500);
        }
        request = round(answer);
      }
      finished++;
      if (began < measureFrom) continue;
      if (good) latencies.push(performance.now() - began);
      else failures++;
    }
    connection.close();
  }

  await Promise.all(
    Array.from({ length: order.connections }, (_, index) => drive(order.connectionsFrom + index)),
  );
  const elapsedMs = performance.now() - Math.max(start, measureFrom);
  const sorted = Float64Array.from(latencies, (ms) => Math.round(ms * 1000)).sort();
  const step = Math.max(1, sorted.length / LATENCIES_MAX);
  const kept: number[] = [];
  for (let at = 0; at < sorted.length; at += step) kept.push(sorted[Math.floor(at)] ?? 0);
  return {
    rounds: sorted.length,
    roundsWithWarmUp: finished,
    failures,
    elapsedMs,
    firstFailure,
    latenciesUs: kept,
  };
}

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result, () => process.disconnect?.()),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
      process.disconnect?.();
    },
  );
});
