/** The LDAP engine: passwords of accounts that exist, accounts that live as long as their leases, and accounts to borrow. */
import type { Backend } from '../../model/backend.ts';
import { CHECK_OUT, checkOutPaths, checkOutSecret } from './check-outs.ts';
import { configPath } from './config.ts';
import { CREDS, credsPath, credsSecret } from './creds.ts';
import { dynamicRolePaths } from './dynamic-roles.ts';
import { libraryPaths } from './library.ts';
import { ROTATE_ROLE, rotateRoleIntent, rotateRolePath, rotateRoleTask } from './rotate-role.ts';
import { ROTATE_ROOT, rotateRootIntent, rotateRootPath } from './rotate-root.ts';
import { staticRolePaths } from './static-roles.ts';
import type { LdapPorts } from './ports.ts';

export function ldapBackend(ports: LdapPorts): Backend {
  return {
    type: 'ldap',
    kind: 'secret',
    summary: 'Accounts of a directory: kept, lent and shared.',
    paths: [
      configPath(),
      rotateRootPath(ports),
      ...staticRolePaths(ports),
      rotateRolePath(ports),
      ...dynamicRolePaths(),
      credsPath(ports),
      ...checkOutPaths(ports),
      ...libraryPaths(ports),
    ],
    secrets: { [CREDS]: credsSecret(), [CHECK_OUT]: checkOutSecret(ports) },
    intents: { [ROTATE_ROOT]: rotateRootIntent(), [ROTATE_ROLE]: rotateRoleIntent() },
    tasks: { [ROTATE_ROLE]: rotateRoleTask(ports) },
  };
}
