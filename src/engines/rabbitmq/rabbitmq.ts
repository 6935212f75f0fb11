/** The RabbitMQ engine: users of a broker, with permissions in its virtual hosts, that live as long as their leases. */
import type { Random } from '../../base/random.ts';
import type { Backend } from '../../model/backend.ts';
import type { SendRequest } from '../../model/outgoing.ts';
import { connectionPath, leasePath } from './config.ts';
import { CREDS, credsPath, credsSecret } from './creds.ts';
import { rolePaths } from './roles.ts';

export interface RabbitmqPorts {
  readonly random: Random;
  readonly send: SendRequest;
  /** A new password by a policy of the namespace; '' = the usual one. */
  readonly password: (namespaceId: string, policy: string) => Promise<string>;
}

export function rabbitmqBackend(ports: RabbitmqPorts): Backend {
  return {
    type: 'rabbitmq',
    kind: 'secret',
    summary: 'Users of RabbitMQ that live as long as their leases.',
    paths: [connectionPath(ports), leasePath(), ...rolePaths(), credsPath(ports)],
    secrets: { [CREDS]: credsSecret(ports) },
  };
}
