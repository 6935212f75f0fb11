/** What a client may know of a user: whether the user may log in to it at all, and the claims of the scopes it asked for. */
import type { JsonObject } from '../../base/json.ts';
import { OauthRefusal } from './oauth-reply.ts';
import type { OidcClient, OidcProvider, ProviderStore } from './provider-store.ts';
import { ALLOW_ALL, OPENID_SCOPE } from './provider-store.ts';
import { TemplateError, fillForNobody, fillTemplate } from './template.ts';
import type { Membership } from '../membership.ts';

/** Longest `scope` parameter. */
const SCOPE_LENGTH_MAX = 4096;

/** An enabled entity that one of the client's assignments names, itself or by a group, inherited ones included. */
export async function isAssigned(
  store: ProviderStore,
  { entity, groups }: Membership,
  client: Pick<OidcClient, 'assignments'>,
): Promise<boolean> {
  if (entity.disabled) return false;
  if (client.assignments.includes(ALLOW_ALL)) return true;
  const groupIds = new Set(groups.map((group) => group.id));
  for (const name of client.assignments) {
    const assignment = await store.assignment(name);
    if (assignment === undefined) continue;
    if (assignment.group_ids.some((id) => groupIds.has(id))) return true;
    if (assignment.entity_ids.includes(entity.id)) return true;
  }
  return false;
}

/** The scopes of a request that the provider has, `openid` aside; others are ignored. @throws {OauthRefusal} */
export function wantedScopes(scope: string, provider: OidcProvider): readonly string[] {
  const asked = scope.length > SCOPE_LENGTH_MAX ? [] : [...new Set(scope.split(' '))].sort();
  if (!asked.includes(OPENID_SCOPE)) {
    throw new OauthRefusal(
      'invalid_request',
      `scope parameter must contain the "${OPENID_SCOPE}" value`,
    );
  }
  return asked.filter((name) => name !== OPENID_SCOPE && provider.scopesSupported.includes(name));
}

/** The claims of scopes for a user, or for a client of its own. @throws {OauthRefusal} when two make the same claim */
export async function scopeClaims(
  store: ProviderStore,
  scopes: readonly string[],
  subject: Membership | undefined,
  nowMs: number,
): Promise<JsonObject> {
  const claims: JsonObject = {};
  const owners = new Map<string, string>();
  for (const name of scopes) {
    const scope = await store.scope(name);
    if (scope === undefined) continue;
    for (const [claim, value] of Object.entries(filled(scope.template, subject, nowMs))) {
      const owner = owners.get(claim);
      if (owner !== undefined) {
        throw new OauthRefusal(
          'invalid_request',
          `found scopes with conflicting top-level claim: claim "${claim}" in scopes "${name}", "${owner}"`,
        );
      }
      owners.set(claim, name);
      Object.defineProperty(claims, claim, { value, enumerable: true });
    }
  }
  return claims;
}

/** A template that cannot be filled for this user makes no claims. */
function filled(template: string, subject: Membership | undefined, nowMs: number): JsonObject {
  try {
    return subject === undefined
      ? fillForNobody(template, nowMs)
      : fillTemplate(template, { ...subject, nowMs });
  } catch (error) {
    if (error instanceof TemplateError) return {};
    throw error;
  }
}
