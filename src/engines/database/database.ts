/** The database engine: accounts that live as long as their leases, and accounts whose credentials it keeps and changes. */
import type { Backend } from '../../model/backend.ts';
import { configPaths } from './config.ts';
import { CREDS, credsPath, credsSecret } from './creds.ts';
import { OpenDatabases } from './open-databases.ts';
import type { DatabasePorts } from './ports.ts';
import { rolePaths } from './role.ts';
import { ROTATE_ROOT, rotateRootIntent, rotateRootPath } from './rotate-root.ts';
import { staticRolePaths } from './static/paths.ts';
import { ROTATE, rotateRoleIntent, rotateRoleTask } from './static/rotation.ts';

export function databaseBackend(options: Omit<DatabasePorts, 'open'>): Backend {
  const ports: DatabasePorts = { ...options, open: new OpenDatabases(options.random) };
  return {
    type: 'database',
    kind: 'secret',
    summary: 'Accounts of databases, made for a lease or kept and rotated.',
    paths: [
      ...configPaths(ports),
      ...rolePaths(),
      ...staticRolePaths(ports),
      credsPath(ports),
      rotateRootPath(ports),
    ],
    secrets: { [CREDS]: credsSecret(ports) },
    intents: { [ROTATE_ROOT]: rotateRootIntent(ports), [ROTATE]: rotateRoleIntent(ports) },
    tasks: { [ROTATE]: rotateRoleTask(ports) },
    stop: () => ports.open.closeAll(),
  };
}
