/** What the server tells about itself while it runs: metrics, running requests, log levels. */
import { uuid } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import type { World } from '../base/world.ts';
import type { Handle } from '../core/call.ts';
import { unsupportedOperation } from '../model/errors.ts';
import { MetricsRegistry } from '../base/metrics/metrics.ts';
import { watchRuntime } from '../base/metrics/runtime-metrics.ts';
import type { OpenPath } from '../facades/vault/vault-facade.ts';
import { InFlightRegistry } from '../http/in-flight.ts';
import type { LogLevels } from '../system/loggers.ts';
import type { LogFeed } from '../base/log.ts';
import { openProfiles } from '../system/watch/pprof.ts';
import type { PprofPorts } from '../system/watch/pprof.ts';
import { runtimeProfiler } from '../system/watch/profiler.ts';
import { inFlightReply, metricsReply } from '../system/metrics.ts';
import type { MonitoringPorts } from '../system/metrics.ts';
import type { ListenerConfig } from './config/listener-keys.ts';

const METRICS_PATH = 'sys/metrics';

export interface Monitoring extends MonitoringPorts {
  readonly requests: InFlightRegistry;
  readonly logs: LogLevels;
  readonly feed: LogFeed;
  readonly profiling: PprofPorts;
  readonly stop: () => void;
}

export interface MonitoringOptions {
  readonly world: Pick<World, 'clock' | 'random'>;
  readonly logs: LogLevels;
  readonly feed: LogFeed;
  readonly prefix: string;
  /** Whether `sys/metrics` has a Prometheus form; default true. */
  readonly prometheus?: boolean;
  readonly sealed: () => boolean;
}

export function startMonitoring(options: MonitoringOptions): Monitoring {
  const { world, logs, feed, prefix, sealed } = options;
  const registry = new MetricsRegistry();
  const requests = new InFlightRegistry(world);
  const unsealed = registry.gauge('core.unsealed', { help: '1 when unsealed.' }).of();
  const active = registry.gauge('core.active', { help: '1 when requests are served.' }).of();
  const running = registry
    .gauge('core.in_flight_requests', { help: 'Requests that are being answered.' })
    .of();
  registry.onCollect(() => {
    unsealed.set(sealed() ? 0 : 1);
    active.set(sealed() ? 0 : 1);
    running.set(requests.list().length);
  });
  return {
    registry,
    requests,
    logs,
    feed,
    profiling: {
      profiler: runtimeProfiler(world.clock),
      nowMs: () => world.clock.nowMs(),
      commandLine: process.argv,
      activeResources: () => process.getActiveResourcesInfo(),
    },
    prefix,
    prometheus: options.prometheus ?? true,
    clock: world.clock,
    startedMonotonicMs: world.clock.monotonicMs(),
    inFlight: () => requests.list(),
    stop: watchRuntime(registry),
  };
}

/** The paths that a listener serves without a token, as its configuration says. */
export function openPaths(
  config: Pick<
    ListenerConfig,
    | 'unauthenticatedMetrics'
    | 'disallowMetrics'
    | 'unauthenticatedInFlightRequests'
    | 'unauthenticatedPprof'
  >,
  monitoring: Monitoring,
): ReadonlyMap<string, OpenPath> {
  const open = new Map<string, OpenPath>();
  if (config.unauthenticatedMetrics && !config.disallowMetrics) {
    open.set(METRICS_PATH, (query, headers) =>
      metricsReply(monitoring, textOf(query['format']), textOf(headers['accept'])),
    );
  }
  if (config.unauthenticatedInFlightRequests) {
    open.set('sys/in-flight-req', () => inFlightReply(monitoring));
  }
  if (config.unauthenticatedPprof) {
    for (const [path, profile] of openProfiles(monitoring.profiling)) open.set(path, profile);
  }
  return open;
}

/** What a listener passes on: everything, everything but metrics, or nothing but metrics. */
export function passedOn(
  config: Pick<ListenerConfig, 'metricsOnly' | 'disallowMetrics'>,
  handle: Handle,
  random: Random,
): Handle {
  if (!config.metricsOnly && !config.disallowMetrics) return handle;
  return async function handleOnListener(call) {
    const served = call.path === METRICS_PATH ? !config.disallowMetrics : !config.metricsOnly;
    if (served) return await handle(call);
    const error = unsupportedOperation('not served on this listener');
    return { requestId: uuid(random), namespacePath: '', error };
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
