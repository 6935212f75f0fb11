/** The Azure engine: passwords of applications, and whole service principals, that live as long as their leases. */
import type { Random } from '../../base/random.ts';
import type { Backend } from '../../model/backend.ts';
import type { SendRequest } from '../../model/outgoing.ts';
import { PASSWORD, passwordSecret } from './passwords.ts';
import { PRINCIPAL, principalSecret } from './principals.ts';
import { configPath } from './config.ts';
import { credsPath } from './creds.ts';
import { rolePaths } from './roles.ts';

export interface AzurePorts {
  readonly random: Random;
  readonly send: SendRequest;
}

export function azureBackend(ports: AzurePorts): Backend {
  return {
    type: 'azure',
    kind: 'secret',
    summary: 'Service principals of Azure, and passwords of applications.',
    paths: [configPath(), credsPath(ports), ...rolePaths()],
    secrets: { [PASSWORD]: passwordSecret(ports), [PRINCIPAL]: principalSecret(ports) },
  };
}
