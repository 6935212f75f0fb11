/** Which policies a new token gets: never more than its parent, its role or its caller's privileges allow. */
import { invalidRequest } from '../../model/errors.ts';
import type { Stored } from '../../model/transaction.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import { canonicalPolicySet, policyNameProblem } from '../../policy/policy-name.ts';
import { globMatches } from '../../policy/list-glob.ts';
import type { TokenRole } from './roles.ts';

export interface PolicyRequest {
  readonly requested: readonly string[];
  readonly noDefault: boolean;
  readonly sudo: boolean;
  readonly namespaceId: string;
}

/** Made by the server for its own use. */
const NOT_ASSIGNABLE = new Set(['response-wrapping']);
/** Most policies of one token. */
const POLICIES_MAX = 1024;

/** @throws {RequestError} invalid_request, saying which limit the request goes beyond. */
export function grantedPolicies(
  request: PolicyRequest,
  parent: Stored<TokenRecord>,
  role: Stored<TokenRole> | undefined,
): readonly string[] {
  let policies = chosen(request, parent, role);
  if (request.noDefault) policies = policies.filter((name) => name !== 'default');
  if (policies.length > POLICIES_MAX) throw invalidRequest('too many policies');
  for (const name of policies) {
    if (NOT_ASSIGNABLE.has(name)) throw invalidRequest(`cannot assign policy "${name}"`);
    // A policy may have a slash in its name, but not reach a token by it: it would read like one of another namespace
    // (CVE-2026-115365).
    const problem = name.includes('/')
      ? 'policy name must not have a slash'
      : policyNameProblem(name);
    if (problem !== undefined) throw invalidRequest(problem);
  }
  if (policies.includes('root')) {
    if (!parent.policies.includes('root')) {
      throw invalidRequest('root tokens may not be created without parent token being root');
    }
    if (parent.namespaceId !== request.namespaceId) {
      throw invalidRequest('root tokens may not be created from a parent namespace');
    }
  }
  return policies;
}

function chosen(
  request: PolicyRequest,
  parent: Stored<TokenRecord>,
  role: Stored<TokenRole> | undefined,
): readonly string[] {
  const { requested, noDefault, sudo } = request;
  if (role !== undefined && limitsPolicies(role)) return withinRole(request, parent, role);
  if (parent.namespaceId !== request.namespaceId)
    return canonicalPolicySet(requested, { addDefault: !noDefault });
  if (requested.length === 0) return canonicalPolicySet(parent.policies, { addDefault: false });
  if (sudo) return canonicalPolicySet(requested, { addDefault: !noDefault });
  const wanted = canonicalPolicySet(requested, { addDefault: false });
  if (!wanted.every((name) => parent.policies.includes(name))) {
    throw invalidRequest('child policies must be subset of parent');
  }
  return canonicalPolicySet(requested, {
    addDefault: !noDefault && parent.policies.includes('default'),
  });
}

function limitsPolicies(role: Stored<TokenRole>): boolean {
  return (
    role.allowed_policies.length > 0 ||
    role.disallowed_policies.length > 0 ||
    role.allowed_policies_glob.length > 0 ||
    role.disallowed_policies_glob.length > 0
  );
}

function withinRole(
  request: PolicyRequest,
  parent: Stored<TokenRecord>,
  role: Stored<TokenRole>,
): readonly string[] {
  const disallowed = (name: string): boolean =>
    role.disallowed_policies.includes(name) ||
    role.disallowed_policies_glob.some((glob) => globMatches(glob, name));
  const addDefault = !request.noDefault && !role.token_no_default_policy && !disallowed('default');
  let policies =
    request.requested.length > 0 ? canonicalPolicySet(request.requested, { addDefault }) : [];
  if (role.allowed_policies.length > 0 || role.allowed_policies_glob.length > 0) {
    const allowed = canonicalPolicySet(role.allowed_policies, { addDefault });
    if (policies.length === 0) {
      policies = allowed;
    } else {
      const outside = policies.some(
        (name) =>
          !allowed.includes(name) &&
          !role.allowed_policies_glob.some((glob) => globMatches(glob, name)),
      );
      if (outside) {
        throw invalidRequest(
          `token policies (${quoted(policies)}) must be subset of the role's allowed policies (${quoted(allowed)}) or glob policies (${quoted(role.allowed_policies_glob)})`,
        );
      }
    }
  } else if (policies.length === 0) {
    policies = canonicalPolicySet(parent.policies, { addDefault });
  }
  const refused = policies.find((name) => disallowed(name));
  if (refused !== undefined)
    throw invalidRequest(`token policy "${refused}" is disallowed by this role`);
  return policies;
}

function quoted(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;
}
