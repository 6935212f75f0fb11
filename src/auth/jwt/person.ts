/** Who claims say it is, and the grant of a login that rests on them. */
import type { JsonObject } from '../../base/json.ts';
import type { Connection } from '../../model/request.ts';
import type { Stored } from '../../model/transaction.ts';
import { grantOf } from '../token-fields.ts';
import { checkBoundClaims, groupsOf, mappedClaims, userOf } from '../claims.ts';
import { filledPolicies } from './policy-templates.ts';
import type { JwtRole } from './role.ts';
import type { AuthGrant } from '../../model/reply.ts';

export interface Person {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  /** Of the role, or filled from the claims. */
  readonly policies: readonly string[];
}

/** Reads what a role wants to know, once issuer, times and audience are judged. @throws {ClaimError} */
export function personOf(claims: JsonObject, role: Stored<JwtRole>): Person {
  checkBoundClaims(claims, (role.bound_claims ?? {}) as JsonObject, role.bound_claims_type);
  const policies = role.settings.token_policies;
  return {
    name: userOf(claims, role.user_claim, role.user_claim_json_pointer),
    metadata: mappedClaims(claims, role.claim_mappings ?? {}),
    groups: role.groups_claim === '' ? [] : groupsOf(claims, role.groups_claim),
    policies: role.token_policies_template_claims ? filledPolicies(policies, claims) : policies,
  };
}

export function grantFor(
  person: Person,
  role: Stored<JwtRole>,
  roleName: string,
  connection: Connection,
): AuthGrant {
  const metadata = { ...person.metadata, role: roleName };
  return {
    ...grantOf(role.settings, connection),
    policies: person.policies,
    displayName: person.name,
    metadata,
    alias: { name: person.name, metadata },
    groupAliases: person.groups,
    internal: { role: roleName.toLowerCase() },
  };
}
