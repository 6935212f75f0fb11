/** The policies that every namespace has: `default` (stored, editable), `response-wrapping` and `root` (fixed). */
import { parsePolicy } from './parse.ts';
import { ROOT_POLICY_NAME } from './policy-name.ts';
import type { Policy } from './policy.ts';

export const RESPONSE_WRAPPING_POLICY_NAME = 'response-wrapping';

/** Policies that cannot be written or deleted. */
export const FIXED_POLICY_NAMES: readonly string[] = [
  ROOT_POLICY_NAME,
  RESPONSE_WRAPPING_POLICY_NAME,
];

export const ROOT_POLICY: Policy = {
  name: ROOT_POLICY_NAME,
  isRoot: true,
  rules: [],
  templated: false,
};

/** What a wrapping token may do: fetch the one answer that it stands for. */
export const RESPONSE_WRAPPING_POLICY_TEXT = `
path "cubbyhole/response" {
    capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}
`;

export const RESPONSE_WRAPPING_POLICY: Policy = parsePolicy(
  RESPONSE_WRAPPING_POLICY_TEXT,
  RESPONSE_WRAPPING_POLICY_NAME,
);

/** What every token may do unless it was made without the policy `default`. Clients count on each of these. */
export const DEFAULT_POLICY_TEXT = `# A token may ask about itself, prolong itself and end itself.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# It may learn what it is allowed to do.
path "sys/capabilities-self" {
  capabilities = ["update"]
}

path "sys/policies/explain" {
  capabilities = ["update"]
}

path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# It may read the entity that it belongs to.
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}

path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Who holds a lease id may look the lease up and renew it.
path "sys/leases/lookup" {
  capabilities = ["update"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
}

# Its cubbyhole is its own.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Anyone may wrap a value, and look at or open a wrapping token that they hold.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}

path "sys/wrapping/lookup" {
  capabilities = ["update"]
}

path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Who asked for something that needs approvals may see how it stands.
path "sys/control-group/request" {
  capabilities = ["update"]
}

# What waits for the caller, and what the caller waits for; to approve or deny is another thing.
path "sys/approvals" {
  capabilities = ["list"]
}
path "sys/approvals/+" {
  capabilities = ["read"]
}

# Roles that the caller may activate; to activate one is another thing, to end an own activation is not.
path "identity/eligible" {
  capabilities = ["list"]
}
path "identity/role/+/deactivate" {
  capabilities = ["update"]
}

# Hashing keeps nothing and reveals nothing.
path "sys/tools/hash" {
  capabilities = ["update"]
}

path "sys/tools/hash/*" {
  capabilities = ["update"]
}

# Signing in to an application through the OpenID Connect provider.
path "identity/oidc/provider/+/authorize" {
  capabilities = ["read", "update"]
}
`;
