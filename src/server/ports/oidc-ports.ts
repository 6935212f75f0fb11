/** Connects the OpenID provider to the tokens: its access tokens are batch tokens that one path takes. */
import type { OidcPorts } from '../../identity/oidc/context.ts';
import type { Services } from '../services.ts';

const CLIENT_ID = 'oidc_client_id';
const SCOPES = 'oidc_scopes';

export function oidcPorts(
  { tokens }: Pick<Services, 'tokens'>,
  apiAddress: () => string,
): OidcPorts {
  return {
    apiAddress,
    async issueAccessToken(unit, wish, nowMs) {
      const { clientToken } = await tokens.issue(
        unit,
        {
          type: 'batch',
          namespaceId: wish.namespaceId,
          parent: undefined,
          policies: [],
          path: wish.madeAt,
          displayName: '',
          metadata: { oidc_token_type: 'access token' },
          ttlSeconds: wish.ttlSeconds,
          explicitMaxTtlSeconds: 0,
          periodSeconds: 0,
          renewable: false,
          numUses: 0,
          role: '',
          entityId: wish.entityId,
          boundCidrs: [],
          strictlyBindIp: false,
          noDefaultPolicy: true,
          internal: { [CLIENT_ID]: wish.clientId, [SCOPES]: wish.scopes },
          mountAccessor: '',
          maxTtlSeconds: 0,
          inlinePolicy: `path ${JSON.stringify(wish.usedAt)} { capabilities = ["read", "update"] }`,
          noIdentityPolicies: true,
        },
        nowMs,
      );
      return clientToken;
    },
    async accessToken(unit, token, nowMs) {
      const record = await tokens.lookup(unit, token, nowMs);
      if (record === undefined) return undefined;
      const clientId = record.internal?.[CLIENT_ID];
      const scopes = record.internal?.[SCOPES];
      if (record.type !== 'batch' || typeof clientId !== 'string' || !Array.isArray(scopes))
        return null;
      return { entityId: record.entityId, clientId, scopes: scopes.map(String) };
    },
    async loggedInAt(unit, token, nowMs) {
      const record = await tokens.lookup(unit, token, nowMs);
      return record === undefined ? undefined : Math.floor(record.createdMs / 1000);
    },
  };
}
