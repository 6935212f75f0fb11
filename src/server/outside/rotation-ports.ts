/** The ways in which secrets are renewed, and what their rotation needs of the server. */
import type { MetricsRegistry } from '../../base/metrics/metrics.ts';
import { Slots } from '../../engines/kv/rotation/ports.ts';
import type { RotationAlerts, RotationPorts } from '../../engines/kv/rotation/ports.ts';
import { passwordPort } from './password-ports.ts';
import type { Services } from '../services.ts';

function alertsOf(registry: MetricsRegistry): RotationAlerts {
  const failed = registry
    .counter('rotation.failed', { help: 'Rotations that failed, once for a row of failures.' })
    .of();
  const rotated = registry
    .counter('rotation.succeeded', { help: 'Secrets that were rotated.' })
    .of();
  const overdue = registry
    .counter('rotation.overdue', { help: 'Values that were found beyond their greatest age.' })
    .of();
  return {
    failed: () => failed.add(),
    rotated: () => rotated.add(),
    overdue: () => overdue.add(),
  };
}

/** @param programs the only folder whose programs may be called; '' = none */
export function rotationPorts(
  services: Services,
  registry: MetricsRegistry,
  programs: string,
): RotationPorts {
  const { clock, random, log } = services.world;
  return {
    clock,
    random,
    log: log.named('rotation'),
    rotators: async () => (await import('./rotators.ts')).rotatorsOf({ clock, random, programs }),
    password: passwordPort(services),
    alerts: alertsOf(registry),
    slots: new Slots(),
  };
}
