/** Which policies a new token gets: never more than its parent, its role or its caller's privileges allow. */
import { invalidRequest } from '../../model/errors.ts';
import type { Stored } from '../../model/transaction.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import { globMatches } from '../../policy/list-glob.ts';
import type { TokenRole } from './roles.ts';

export interface PolicyRequest {
  readonly requested: readonly string[];
  readonly noDefault: boolean;
  readonly sudo: boolean;
  readonly namespaceId: string;
}

/** Made by the server for its own use. */
const NOT_ASSIGNABLE = new Set(['response-wrapping', 'control-group']);
/** Most policies of one token. */
const POLICIES_MAX = 1024;

export function sanitizePolicies(names: readonly string[], addDefault: boolean): string[] {
  const found = new Set<string>();
  for (const name of names) {
    const clean = name.trim().toLowerCase();
    if (clean !== '') found.add(clean);
  }
  // Root alone, whatever else was asked for.
  if (found.has('root')) return ['root'];
  if (addDefault) found.add('default');
  return [...found].sort();
}

/** @throws {RequestError} invalid_request, saying which limit the request goes beyond. */
export function grantedPolicies(
  request: PolicyRequest,
  parent: Stored<TokenRecord>,
  role: Stored<TokenRole> | undefined,
): string[] {
  let policies = chosen(request, parent, role);
  if (request.noDefault) policies = policies.filter((name) => name !== 'default');
  if (policies.length > POLICIES_MAX) throw invalidRequest('too many policies');
  for (const name of policies) {
    if (NOT_ASSIGNABLE.has(name)) throw invalidRequest(`cannot assign policy "${name}"`);
    if (!isPolicyName(name)) {
      throw invalidRequest('a policy name contains characters that no policy can have');
    }
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
): string[] {
  const { requested, noDefault, sudo } = request;
  if (role !== undefined && limitsPolicies(role)) return withinRole(request, parent, role);
  if (parent.namespaceId !== request.namespaceId) return sanitizePolicies(requested, !noDefault);
  if (requested.length === 0) return sanitizePolicies(parent.policies, false);
  if (sudo) return sanitizePolicies(requested, !noDefault);
  const wanted = sanitizePolicies(requested, false);
  if (!wanted.every((name) => parent.policies.includes(name))) {
    throw invalidRequest('child policies must be subset of parent');
  }
  return sanitizePolicies(requested, !noDefault && parent.policies.includes('default'));
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
): string[] {
  const disallowed = (name: string): boolean =>
    role.disallowed_policies.includes(name) ||
    role.disallowed_policies_glob.some((glob) => globMatches(glob, name));
  const addDefault = !request.noDefault && !role.token_no_default_policy && !disallowed('default');
  let policies =
    request.requested.length > 0 ? sanitizePolicies(request.requested, addDefault) : [];
  if (role.allowed_policies.length > 0 || role.allowed_policies_glob.length > 0) {
    const allowed = sanitizePolicies(role.allowed_policies, addDefault);
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
    policies = sanitizePolicies(parent.policies, addDefault);
  }
  const refused = policies.find((name) => disallowed(name));
  if (refused !== undefined)
    throw invalidRequest(`token policy "${refused}" is disallowed by this role`);
  return policies;
}

function quoted(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;
}

/** A name that is no path (CVE-2026-115365): it ends up in cache keys and storage keys. */
function isPolicyName(name: string): boolean {
  for (const char of name) {
    if (char === '/' || char < ' ' || char === '\u007f') return false;
  }
  return !name.includes('..');
}
