/** The AWS engine: access keys of IAM users that live as long as their leases, and temporary credentials of STS. */
import type { Backend } from '../../model/backend.ts';
import { leaseConfigPath, rootConfigPath } from './config.ts';
import { ACCESS_KEYS, credsPaths, credsSecret } from './creds.ts';
import {
  RETIRE_KEY,
  ROTATE_ROOT,
  retireKeyTask,
  rotateRootIntent,
  rotateRootPath,
} from './rotate-root.ts';
import { rolePaths } from './roles.ts';
import type { AwsPorts } from './ports.ts';

export function awsBackend(ports: AwsPorts): Backend {
  return {
    type: 'aws',
    kind: 'secret',
    summary: 'Access keys and temporary credentials of AWS.',
    paths: [
      rootConfigPath(),
      leaseConfigPath(),
      rotateRootPath(ports),
      ...rolePaths(),
      ...credsPaths(ports),
    ],
    secrets: { [ACCESS_KEYS]: credsSecret(ports) },
    intents: { [ROTATE_ROOT]: rotateRootIntent(ports) },
    tasks: { [RETIRE_KEY]: retireKeyTask(ports) },
  };
}
