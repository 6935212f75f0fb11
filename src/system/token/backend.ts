/** The `token` auth method, mounted at `auth/token/` in every namespace. */
import type { Backend } from '../../model/backend.ts';
import type { Unit } from '../../model/transaction.ts';
import { tokenCreatePaths } from './create.ts';
import { tokenLookupPaths } from './lookup.ts';
import type { TokenPorts } from './ports.ts';
import { tokenRenewPaths } from './renew.ts';
import { tokenRevokePaths } from './revoke.ts';
import { tokenRolePaths } from './roles.ts';

export function tokenBackend(ports: TokenPorts): Backend<Unit> & { readonly scope: 'unit' } {
  return {
    type: 'token',
    kind: 'system',
    scope: 'unit',
    summary: 'token based credentials',
    paths: [
      ...tokenRolePaths(),
      ...tokenLookupPaths(ports),
      ...tokenCreatePaths(ports),
      ...tokenRenewPaths(ports),
      ...tokenRevokePaths(ports),
    ],
  };
}
