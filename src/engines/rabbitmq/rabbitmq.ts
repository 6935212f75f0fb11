/** The RabbitMQ engine: users of a broker, with permissions in its virtual hosts, that live as long as their leases. */
import type { Backend } from '../../model/backend.ts';
import { connectionPath, leasePath } from './config.ts';
import { CREDS, credsPath, credsSecret } from './creds.ts';
import { rolePaths } from './roles.ts';
import type { RabbitmqPorts } from './ports.ts';

export function rabbitmqBackend(ports: RabbitmqPorts): Backend {
  return {
    type: 'rabbitmq',
    kind: 'secret',
    summary: 'Users of RabbitMQ that live as long as their leases.',
    paths: [connectionPath(ports), leasePath(), ...rolePaths(), credsPath(ports)],
    secrets: { [CREDS]: credsSecret(ports) },
  };
}
