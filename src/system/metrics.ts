/** `sys/metrics`, `sys/in-flight-req`: what the server is doing, for monitoring. */
import type { Clock } from '../base/clock.ts';
import { goMetrics, PROMETHEUS_CONTENT_TYPE, prometheusText } from '../base/metrics/exposition.ts';
import type { MetricsRegistry } from '../base/metrics/metrics.ts';
import { formatTime } from '../base/time-format.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import type { Unit } from '../model/transaction.ts';
import type { Reply } from '../model/reply.ts';

/** A request that is being answered. */
export interface RunningRequestView {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly clientAddress: string;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
}

export interface MonitoringPorts {
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  /** On the monotonic clock. */
  readonly startedMonotonicMs: number;
  /** First part of every metric's name: `vault`. */
  readonly prefix: string;
  /** Whether the Prometheus form is served. */
  readonly prometheus: boolean;
  readonly inFlight: () => readonly RunningRequestView[];
}

/** Metrics in the form that the query or the `Accept` header asks for. */
export function metricsReply(ports: MonitoringPorts, format: string, accept: string): Reply {
  const { registry, clock, prefix, startedMonotonicMs } = ports;
  const wantsPrometheus =
    format === 'prometheus' ||
    (format === '' &&
      (accept.startsWith('application/openmetrics-text') ||
        accept.includes('prometheus/telemetry')));
  if (wantsPrometheus) {
    if (!ports.prometheus) {
      const body = 'prometheus is not enabled';
      return { status: 400, raw: { contentType: 'text/plain', body } };
    }
    const body = prometheusText(registry, prefix);
    return { raw: { contentType: PROMETHEUS_CONTENT_TYPE, body } };
  }
  if (format !== '') {
    return {
      status: 400,
      raw: { contentType: 'text/plain', body: 'metric response format unknown' },
    };
  }
  const seconds = (clock.monotonicMs() - startedMonotonicMs) / 1000;
  const metrics = goMetrics(registry, { prefix, nowMs: clock.nowMs(), seconds });
  return { raw: { contentType: 'application/json', body: JSON.stringify(metrics) } };
}

/** Running requests by id, as the whole body. */
export function inFlightReply(ports: Pick<MonitoringPorts, 'inFlight'>): Reply {
  const data: Record<string, unknown> = {};
  for (const request of ports.inFlight()) {
    data[request.id] = {
      start_time: formatTime(request.startMs),
      client_remote_address: request.clientAddress,
      request_path: request.path,
      request_method: request.method,
      client_id: '',
    };
  }
  return { data, bare: true };
}

const formatField = {
  format: {
    kind: 'string',
    query: true,
    default: '',
    description: 'Form of the metrics: `prometheus`, or empty for JSON.',
  },
} as const;

export function monitoringPaths(ports: MonitoringPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'metrics',
      fields: formatField,
      rootNamespaceOnly: true,
      help: { synopsis: 'Metrics of this server, as JSON or in the Prometheus text format.' },
      operations: {
        read: {
          summary: 'Read the metrics',
          handler: ({ fields, headers }) =>
            metricsReply(ports, fields.format, headers['accept'] ?? ''),
        },
      },
    }),
    defineSystemPath({
      pattern: 'in-flight-req',
      fields: {},
      rootNamespaceOnly: true,
      help: { synopsis: 'Requests that this server is answering right now.' },
      operations: {
        read: { summary: 'Read the running requests', handler: () => inFlightReply(ports) },
      },
    }),
  ];
}
