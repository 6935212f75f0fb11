/** Counts and times audit records under Vault's metric names. */
import type { AuditMetrics } from '../audit/broker.ts';
import type { MetricsRegistry } from '../base/metrics/metrics.ts';

export function auditMetrics(registry: MetricsRegistry): AuditMetrics {
  const summary = (name: string, what: string): { observe(value: number): void } =>
    registry.summary(name, { help: `Time until ${what} was recorded, in milliseconds.` }).of();
  const times = {
    request: summary('audit.log_request', 'a request'),
    response: summary('audit.log_response', 'a reply'),
  };
  const counter = (name: string, what: string): { add(amount?: number): void } =>
    registry.counter(name, { help: `${what} that an audit device did not take.` }).of();
  const failures = {
    request: counter('audit.log_request_failure', 'Requests'),
    response: counter('audit.log_response_failure', 'Replies'),
  };
  const byDevice = registry.counter('audit.device.failure', {
    help: 'Records that an audit device did not take.',
    labels: ['device'],
  });
  return {
    written(_device, counts, elapsedMs) {
      for (let count = 0; count < counts.request; count++) times.request.observe(elapsedMs);
      for (let count = 0; count < counts.response; count++) times.response.observe(elapsedMs);
    },
    failed(device, counts) {
      if (counts.request > 0) failures.request.add(counts.request);
      if (counts.response > 0) failures.response.add(counts.response);
      byDevice.of(device).add(counts.request + counts.response);
    },
  };
}
