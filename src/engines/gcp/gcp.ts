/** The Google Cloud engine: access tokens and keys of service accounts. */
import type { Backend } from '../../model/backend.ts';
import { accountPaths } from './accounts.ts';
import { configPath } from './config.ts';
import { ACCOUNT_KEY, keyPath, keySecret } from './keys.ts';
import {
  ADOPT_KEY,
  ROTATE_ROOT,
  adoptKeyTask,
  rotateRootIntent,
  rotateRootPath,
} from './rotate-root.ts';
import { tokenPaths } from './tokens.ts';
import type { GcpPorts } from './ports.ts';

export function gcpBackend(ports: GcpPorts): Backend {
  return {
    type: 'gcp',
    kind: 'secret',
    summary: 'Access tokens and keys of Google Cloud service accounts.',
    paths: [
      configPath(),
      rotateRootPath(ports),
      ...tokenPaths(ports),
      keyPath(ports),
      ...accountPaths(),
    ],
    secrets: { [ACCOUNT_KEY]: keySecret(ports) },
    intents: { [ROTATE_ROOT]: rotateRootIntent(ports) },
    tasks: { [ADOPT_KEY]: adoptKeyTask(ports) },
  };
}
