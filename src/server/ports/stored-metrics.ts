/** Counts what happens to the certificates that the PKI engine keeps. */
import type { MetricsRegistry } from '../../base/metrics/metrics.ts';
import type { StoredMetrics } from '../../engines/pki/ports.ts';

export function storedMetrics(registry: MetricsRegistry): StoredMetrics {
  const alerts = registry
    .counter('pki.stored.alert', {
      help: 'Alerts about kept certificates that are about to expire or have expired.',
    })
    .of();
  const renewals = registry.counter('pki.stored.renewal', {
    help: 'Renewals of kept certificates, by outcome.',
    labels: ['outcome'],
  });
  return {
    alert: () => alerts.add(),
    renewal: (outcome) => renewals.of(outcome).add(),
  };
}
