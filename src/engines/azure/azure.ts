/** The Azure engine: passwords of applications, and whole service principals, that live as long as their leases. */
import type { Backend } from '../../model/backend.ts';
import { PASSWORD, passwordSecret } from './passwords.ts';
import { PRINCIPAL, principalSecret } from './principals.ts';
import { configPath } from './config.ts';
import { credsPath } from './creds.ts';
import { KEEP, followRoleTask, keepIntent } from './kept.ts';
import { FOLLOW_ROLE, rolePaths } from './roles.ts';
import {
  ADOPT_PASSWORD,
  ROTATE_ROOT,
  adoptPasswordTask,
  rotateRootIntent,
  rotateRootPath,
} from './rotate-root.ts';
import type { AzurePorts } from './ports.ts';

export function azureBackend(ports: AzurePorts): Backend {
  return {
    type: 'azure',
    kind: 'secret',
    summary: 'Service principals of Azure, and passwords of applications.',
    paths: [configPath(), rotateRootPath(ports), credsPath(ports), ...rolePaths()],
    secrets: { [PASSWORD]: passwordSecret(ports), [PRINCIPAL]: principalSecret(ports) },
    intents: { [ROTATE_ROOT]: rotateRootIntent(ports), [KEEP]: keepIntent(ports) },
    tasks: { [ADOPT_PASSWORD]: adoptPasswordTask(ports), [FOLLOW_ROLE]: followRoleTask(ports) },
  };
}
