/** Spreads a load over processes and sums up what they measured. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadOrder, LoadResult } from './load-process.ts';

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rounds: number;
  readonly roundsWithWarmUp: number;
  readonly failures: number;
  readonly firstFailure: string | undefined;
}

export type Load = Omit<LoadOrder, 'connectionsTotal' | 'connectionsFrom'> & {
  readonly processes: number;
};

const PROGRAM = fileURLToPath(new URL('load-process.ts', import.meta.url));

export async function runLoad(load: Load): Promise<Measured> {
  const each = Math.ceil(load.connections / load.processes);
  const orders = Array.from({ length: load.processes }, (_, index): LoadOrder => {
    const { processes, ...order } = load;
    return {
      ...order,
      connections: Math.min(each, load.connections - index * each),
      connectionsTotal: load.connections,
      connectionsFrom: index * each,
      roundsMax: Math.ceil(load.roundsMax / processes),
    };
  });
  const results = await Promise.all(orders.map(runOne));
  const latencies = Float64Array.from(results.flatMap((result) => result.latenciesUs)).sort();
  const percentile = (share: number): number =>
    (latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0) / 1000;
  return {
    perSecond: results.reduce((sum, one) => sum + one.rounds / (one.elapsedMs / 1000), 0),
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    rounds: results.reduce((sum, one) => sum + one.rounds, 0),
    roundsWithWarmUp: results.reduce((sum, one) => sum + one.roundsWithWarmUp, 0),
    failures: results.reduce((sum, one) => sum + one.failures, 0),
    firstFailure: results.find((one) => one.firstFailure !== undefined)?.firstFailure,
  };
}

function runOne(order: LoadOrder): Promise<LoadResult> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
  const child = fork(PROGRAM, [], { execArgv: ['--disable-warning=ExperimentalWarning'] });
  child.on('message', (result: LoadResult) => resolve(result));
  child.on('error', reject);
  child.on('exit', () => reject(new Error(`the load for ${order.scenario} broke off`)));
  child.send(order);
  return promise;
}
