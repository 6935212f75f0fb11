/** The agent's own listeners, on the same HTTP server as the real one's. */
import { readFileSync } from 'node:fs';
import { hostPort } from '../../base/config/host-port.ts';
import type { World } from '../../base/world.ts';
import type { Facade } from '../../facades/facade.ts';
import { InFlightRegistry } from '../../http/in-flight.ts';
import { Listener } from '../../http/listener.ts';
import type { AgentListenerConfig } from '../config/agent-config.ts';

export function makeAgentListener(
  config: AgentListenerConfig,
  facade: Facade,
  { clock, random, log }: Pick<World, 'clock' | 'random' | 'log'>,
): Listener {
  const { certFile, keyFile, tlsDisable, kind, socketMode } = config;
  const secure = kind === 'tcp' && !tlsDisable && certFile !== undefined && keyFile !== undefined;
  return new Listener({
    place:
      kind === 'unix'
        ? {
            socketPath: config.address,
            ...(socketMode === undefined ? {} : { mode: socketMode }),
          }
        : hostPort(config.address, config.where),
    facade,
    clock,
    log: log.named('http'),
    inFlight: new InFlightRegistry({ clock, random }),
    ...(secure
      ? {
          tls: {
            load: () => ({ certificate: readFileSync(certFile), key: readFileSync(keyFile) }),
          },
        }
      : {}),
  });
}
