/** AppRole: machines that log in with a role id, which is no secret, and a secret id, which is. */
import { definePath } from '../../model/backend.ts';
import type { Backend } from '../../model/backend.ts';
import { unsupportedOperation } from '../../model/errors.ts';
import { login, missingRoleId, renewAuth } from './login.ts';
import { rolePaths } from './role-paths.ts';
import type { ApprolePorts } from './role-paths.ts';
import { secretIdPaths } from './secret-id-paths.ts';

export function approleBackend(ports: ApprolePorts): Backend {
  return {
    type: 'approle',
    kind: 'auth',
    summary: 'Machines that log in with a role id and a secret id.',
    paths: [
      ...rolePaths(ports),
      ...secretIdPaths(ports),
      definePath({
        pattern: 'login',
        fields: {
          role_id: { kind: 'string', description: 'Id of the role.' },
          secret_id: { kind: 'string', description: 'Secret id of the role.', sensitive: true },
        },
        help: { synopsis: 'Logs in with a role id and a secret id.' },
        unauthenticated: true,
        login: true,
        operations: {
          update: {
            summary: 'Log in',
            handler: (request, store) => login(request, store, ports.hash),
          },
          read: {
            summary: 'Refused: a login is a write',
            handler: (request) => {
              throw request.fields.role_id === undefined ? missingRoleId() : unsupportedOperation();
            },
          },
        },
      }),
    ],
    renewAuth,
    loginName: (request) => (request.fields['role_id'] as string | undefined)?.trim(),
  };
}
