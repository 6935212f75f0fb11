/** The UserInfo endpoint (OpenID Connect Core 1.0 §5.3): a client asks, with an access token, who its user is. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { OauthRefusal, answered, userInfoError } from './oauth-reply.ts';
import { allowsClient } from './provider-paths.ts';
import { isAssigned, scopeClaims } from './scope-claims.ts';
import type { Reply } from '../../model/reply.ts';

type UserInfoRequest = Request<{ readonly name?: string | undefined }>;

function refuse(error: string, description: string): never {
  throw new OauthRefusal(error, description);
}

export function userInfoPaths(context: OidcContext): readonly Path<Unit>[] {
  async function claims(request: UserInfoRequest, unit: Unit): Promise<Reply> {
    const { fields, namespace, nowMs, clientToken = '' } = request;
    const store = context.provided(request, unit);
    const provider = await store.provider(fields.name ?? '');
    if (provider === undefined) return refuse('invalid_request', 'provider not found');
    if (request.bearer !== true)
      refuse('invalid_token', 'access token must be sent as a Bearer token');
    const token = await context.ports.accessToken(unit, clientToken, nowMs);
    if (token === undefined) return refuse('invalid_token', 'access token is expired');
    if (token === null) return refuse('invalid_token', 'access token is malformed or invalid');
    const client = await store.clientById(token.clientId);
    if (client === undefined) return refuse('access_denied', 'client not found');
    const user = await context.identity.membership(unit, namespace.id, token.entityId);
    if (user === undefined) {
      return refuse('access_denied', 'identity entity associated with the request not found');
    }
    if (!(await isAssigned(store, user, client)))
      refuse('access_denied', 'identity entity not authorized by client assignment');
    if (!allowsClient(provider, token.clientId))
      refuse('access_denied', 'client is not authorized to use the provider');
    const scopes = token.scopes.filter((scope) => provider.scopesSupported.includes(scope));
    const ofScopes = await scopeClaims(store, scopes, user, nowMs);
    return { bare: true, data: { ...ofScopes, sub: user.entity.id } };
  }

  const handler = async (request: UserInfoRequest, unit: Unit): Promise<Reply> =>
    await answered(() => claims(request, unit), userInfoError);

  return [
    defineSystemPath({
      pattern: 'oidc/provider/{name}/userinfo',
      fields: { name: { kind: 'string', description: 'Name of the provider.' } },
      bearerErrors: true,
      help: { synopsis: 'Tells the claims of the user that an access token is for.' },
      operations: {
        read: { summary: 'Read the claims of the user', handler },
        update: { summary: 'Read the claims of the user', handler },
      },
    }),
  ];
}
