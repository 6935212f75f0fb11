/** Demands a live token that may be used from here, takes one of its uses, and says who that is. */
import { RequestError, invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Principal } from '../../model/request.ts';
import type { Stored } from '../../model/transaction.ts';
import { cidrsContain } from '../../base/cidr.ts';
import { USES_SPENT, ttlSeconds } from '../../tokens/token-record.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export async function authenticate(parts: Parts, exchange: Exchange): Promise<void> {
  if (exchange.token === undefined) throw await refusal(exchange);
  if (!mayComeFrom(exchange.token, exchange)) {
    throw permissionDenied('the address is not one that the token is bound to');
  }
  exchange.token = parts.tokens.use(exchange.unit, exchange.token);
  exchange.principal = await principalOf(parts, exchange, exchange.token);
  if (exchange.principal === undefined) throw permissionDenied('the entity is disabled');
  if (exchange.token.numUses === USES_SPENT) {
    const spent = exchange.token;
    exchange.atEnd.push(() => parts.tokens.revoke(exchange.unit, spent, exchange.nowMs));
  }
}

/** These are called with the wrapping token itself: one that is spent is no caller, but no intruder either. */
const WRAPPING_PATHS = new Set(['sys/wrapping/unwrap', 'sys/wrapping/rewrap']);

/** Facades whose protocol tells "who are you" from "you may not" do so by the reason. */
function unknownToken(): RequestError {
  return new RequestError('permission_denied', 'permission denied', { reason: 'no_token' });
}

async function refusal(exchange: Exchange): Promise<RequestError> {
  const { call, path } = exchange;
  if (!WRAPPING_PATHS.has(path) || call.token === undefined || call.operation !== 'write')
    return unknownToken();
  if (!exchange.bodyRead) exchange.data = await call.readBody();
  exchange.bodyRead = true;
  const named = exchange.data['token'];
  if (named !== undefined && named !== '') return unknownToken();
  return invalidRequest('wrapping token is not valid or does not exist');
}

/** On open paths a valid token is welcome but not needed, and costs no use. */
export async function recognise(parts: Parts, exchange: Exchange): Promise<void> {
  if (exchange.token === undefined || !mayComeFrom(exchange.token, exchange)) return;
  exchange.principal = await principalOf(parts, exchange, exchange.token);
}

function mayComeFrom(token: Stored<TokenRecord>, exchange: Exchange): boolean {
  const { boundCidrs } = token;
  return (
    boundCidrs.length === 0 || cidrsContain(boundCidrs, exchange.call.connection.remoteAddress)
  );
}

/** Undefined when the token's entity is disabled or gone. */
export async function principalOf(
  parts: Pick<Parts, 'identity'>,
  exchange: Pick<Exchange, 'unit' | 'routing' | 'nowMs'>,
  token: Stored<TokenRecord>,
): Promise<Principal | undefined> {
  const namespace = exchange.routing?.namespacesById.get(token.namespaceId);
  if (namespace === undefined) return undefined;
  const ofIdentity =
    token.entityId === ''
      ? []
      : await parts.identity.policies(exchange.unit, token.namespaceId, token.entityId);
  if (ofIdentity === undefined) return undefined;
  const identityPolicies = token.noIdentityPolicies === true ? [] : ofIdentity;
  const policies =
    identityPolicies.length === 0
      ? token.policies
      : [...new Set([...token.policies, ...identityPolicies])].sort();
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
    ttlSeconds: ttlSeconds(token, exchange.nowMs),
    ...(token.inlinePolicy !== undefined && { inlinePolicy: token.inlinePolicy }),
  };
}
