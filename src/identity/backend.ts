/** `identity/`: entities, aliases, groups and look-ups and identity tokens as paths. */
import type { Backend, Path } from '../model/backend.ts';
import type { Unit } from '../model/transaction.ts';
import type { Identity } from './identity.ts';
import { OidcContext } from './oidc/context.ts';
import type { OidcPorts } from './oidc/context.ts';
import { authorizePaths } from './oidc/authorize-path.ts';
import { clientPaths } from './oidc/client-paths.ts';
import { exchangePaths } from './oidc/exchange-path.ts';
import { grantPaths } from './oidc/grant-paths.ts';
import { keyPaths } from './oidc/key-paths.ts';
import { providerPaths } from './oidc/provider-paths.ts';
import { tokenPaths } from './oidc/token-paths.ts';
import { userInfoPaths } from './oidc/user-info-path.ts';
import { entityPaths } from './paths/entities.ts';
import { entityAliasPaths } from './paths/entity-aliases.ts';
import { groupAliasPaths } from './paths/group-aliases.ts';
import { groupPaths } from './paths/groups.ts';
import { lookupPaths } from './paths/lookup.ts';

export function identityBackend(
  identity: Identity,
  oidc: OidcPorts,
  /** Paths that need more than identity knows. */
  further: readonly Path<Unit>[] = [],
): Backend<Unit> & { readonly scope: 'unit' } {
  const context = new OidcContext(identity, oidc);
  return {
    type: 'identity',
    kind: 'system',
    scope: 'unit',
    summary: 'Entities, aliases and groups: who is behind a login.',
    openPlaces: ['oidc/.well-known/', 'oidc/provider/+/.well-known/'],
    paths: [
      ...entityPaths(identity),
      ...entityAliasPaths(identity),
      ...groupPaths(identity),
      ...groupAliasPaths(identity),
      ...lookupPaths(identity),
      ...keyPaths(context),
      ...tokenPaths(context),
      ...grantPaths(context),
      ...clientPaths(context),
      ...providerPaths(context),
      ...authorizePaths(context),
      ...exchangePaths(context),
      ...userInfoPaths(context),
      ...further,
    ],
  };
}
