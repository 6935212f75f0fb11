/** Demands a live token that may be used from here, takes one of its uses, and says who that is. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { RequestError, invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Stored } from '../../model/transaction.ts';
import { cidrsContain } from '../../base/cidr.ts';
import { USES_SPENT, ttlSeconds } from '../../tokens/token-record.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import type { Exchange } from '../exchange.ts';
import { withoutConflicts } from '../../identity/roles/exclusions.ts';
import type { Exclusion } from '../../identity/roles/records.ts';
import type { Namespace } from '../mounts/namespaces.ts';
import type { Parts } from '../parts.ts';
import type { Principal } from '../../model/principal.ts';

export function authenticate(parts: Parts, exchange: Exchange): Awaitable<void> {
  if (exchange.token === undefined) return refuse(parts, exchange);
  if (!mayComeFrom(exchange.token, exchange)) {
    throw permissionDenied('the address is not one that the token is bound to');
  }
  // What is made after approvals has taken its use when it was asked for.
  const token =
    exchange.resumed === undefined
      ? parts.tokens.use(exchange.unit, exchange.token)
      : exchange.token;
  exchange.token = token;
  return after(principalOf(parts, exchange, token), (principal) => {
    if (principal === undefined) throw permissionDenied('the entity is disabled');
    exchange.principal = principal;
    if (token.numUses !== USES_SPENT) return;
    exchange.atEnd.push(() => parts.tokens.revoke(exchange.unit, token, exchange.nowMs));
  });
}

async function refuse(parts: Parts, exchange: Exchange): Promise<never> {
  throw await refusal(parts, exchange);
}

/** These are called with the wrapping token itself: one that is spent is no caller, but no intruder either. */
const WRAPPING_PATHS = new Set(['sys/wrapping/unwrap', 'sys/wrapping/rewrap']);

/** Facades whose protocol tells "who are you" from "you may not" do so by the reason. */
function unknownToken(): RequestError {
  return new RequestError('permission_denied', 'permission denied', { reason: 'no_token' });
}

async function refusal(parts: Parts, exchange: Exchange): Promise<RequestError> {
  const { call, path, unit, nowMs } = exchange;
  if (!WRAPPING_PATHS.has(path)) return unknownToken();
  if (!exchange.bodyRead && call.operation === 'write') exchange.data = await call.readBody();
  exchange.bodyRead ||= call.operation === 'write';
  const named = exchange.data['token'] ?? call.token;
  if (typeof named !== 'string' || named === '') return unknownToken();
  // One that is good is not to be opened by nobody.
  const found = named === call.token ? undefined : await parts.tokens.lookup(unit, named, nowMs);
  if (found?.wrapped !== undefined) return unknownToken();
  return invalidRequest('wrapping token is not valid or does not exist');
}

/** On open paths a valid token is welcome but not needed, and costs no use. */
export function recognise(parts: Parts, exchange: Exchange): Awaitable<void> {
  if (exchange.token === undefined || !mayComeFrom(exchange.token, exchange)) return;
  return after(
    principalOf(parts, exchange, exchange.token),
    (principal) => void (exchange.principal = principal),
  );
}

function mayComeFrom(token: Stored<TokenRecord>, exchange: Exchange): boolean {
  const { boundCidrs } = token;
  return (
    boundCidrs.length === 0 || cidrsContain(boundCidrs, exchange.call.connection.remoteAddress)
  );
}

const NO_POLICIES: readonly string[] = [];

/** The principal that a stored token last was, and what it depended on beside the token. */
interface Known {
  readonly principal: Principal;
  readonly namespace: Namespace;
  readonly identityPolicies: readonly string[];
}
/** A record that is read again is the same object as long as it is kept decoded. */
const known = new WeakMap<Stored<TokenRecord>, Known>();

/** What a principal is made from beside its token. */
interface Surroundings {
  readonly namespace: Namespace;
  readonly nowMs: number;
  /** Policies of which nobody may have more than one. */
  readonly exclusions: readonly Exclusion[] | undefined;
}

/** Undefined when the token's entity is disabled or gone. */
export function principalOf(
  parts: Pick<Parts, 'identity'>,
  exchange: Pick<Exchange, 'unit' | 'routing' | 'nowMs'>,
  token: Stored<TokenRecord>,
): Awaitable<Principal | undefined> {
  const { nowMs, routing } = exchange;
  const namespace = routing?.namespacesById.get(token.namespaceId);
  if (namespace === undefined) return undefined;
  const exclusions = routing?.guards.exclusions.get(token.namespaceId);
  const around: Surroundings = { namespace, nowMs, exclusions };
  if (token.entityId === '') return describe(token, NO_POLICIES, around);
  return after(
    parts.identity.policies(exchange.unit, token.namespaceId, token.entityId, nowMs),
    (policies) =>
      policies === undefined
        ? undefined
        : describe(token, token.noIdentityPolicies === true ? NO_POLICIES : policies, around),
  );
}

/** The same object as before while nothing has changed: what others derive from a principal they may keep with it. */
function describe(
  token: Stored<TokenRecord>,
  identityPolicies: readonly string[],
  around: Surroundings,
): Principal {
  const { namespace, nowMs } = around;
  const before = known.get(token);
  if (
    before?.namespace === namespace &&
    before.identityPolicies === identityPolicies &&
    before.principal.ttlSeconds === ttlSeconds(token, nowMs)
  ) {
    return before.principal;
  }
  const principal = newPrincipal(token, identityPolicies, around);
  known.set(token, { principal, namespace, identityPolicies });
  return principal;
}

function newPrincipal(
  token: Stored<TokenRecord>,
  identityPolicies: readonly string[],
  { namespace, nowMs, exclusions }: Surroundings,
): Principal {
  const all =
    identityPolicies.length === 0
      ? token.policies
      : [...new Set([...token.policies, ...identityPolicies])].sort();
  const policies = exclusions === undefined ? all : withoutConflicts(exclusions, all);
  return {
    tokenId: token.id,
    accessor: token.accessor,
    displayName: token.displayName,
    entityId: token.entityId,
    tokenType: token.type,
    tokenNamespace: namespace,
    policies,
    tokenPolicies: token.policies,
    identityPolicies,
    metadata: token.metadata ?? {},
    isRoot: token.policies.includes('root'),
    path: token.path,
    ttlSeconds: ttlSeconds(token, nowMs),
    ...(token.inlinePolicy !== undefined && { inlinePolicy: token.inlinePolicy }),
  };
}
