/** What the token paths need of the core. */
import type { Request } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import type { TokenStore } from '../../tokens/token-store.ts';
import { ttlSeconds } from '../../tokens/token-record.ts';
import type { IssuedAuth } from '../../model/reply.ts';

export interface RenewalBounds {
  readonly wantedSeconds: number;
  readonly periodSeconds: number;
  readonly explicitMaxSeconds: number;
  readonly maxSeconds: number;
  readonly mountDefaultSeconds: number;
  readonly mountMaxSeconds: number;
}

export interface TokenPorts {
  readonly tokens: TokenStore;
  /** Which of these policies do not exist in a namespace. */
  missingPolicies(
    unit: Unit,
    namespaceId: string,
    policies: readonly string[],
  ): Promise<readonly string[]>;
  /** Policies that the token's entity adds now. */
  identityPolicies(unit: Unit, record: Stored<TokenRecord>): Promise<readonly string[]>;
  /** Entity behind an alias of the token mount, made when absent. */
  entityOfAlias(unit: Unit, request: Request, alias: string): Promise<string>;
  /** Asks the auth method that made the token, and gives the bounds of its mount. @throws {RequestError} */
  renewalBounds(
    unit: Unit,
    record: Stored<TokenRecord>,
    request: Request,
    incrementSeconds: number,
  ): Promise<RenewalBounds>;
  /** Path of a namespace, '' for root. */
  namespacePath(unit: Unit, namespaceId: string): Promise<string>;
}

/** A token's `auth` object, after creation or renewal. */
export function issuedAuth(
  record: Stored<TokenRecord>,
  clientToken: string,
  identityPolicies: readonly string[],
  orphan: boolean,
  nowMs: number,
): IssuedAuth {
  return {
    clientToken,
    accessor: record.accessor,
    policies: [...new Set([...record.policies, ...identityPolicies])].sort(),
    tokenPolicies: record.policies,
    identityPolicies: [...identityPolicies].sort(),
    metadata: record.metadata,
    leaseDurationSeconds: ttlSeconds(record, nowMs),
    renewable: record.renewable,
    entityId: record.entityId,
    tokenType: record.type,
    orphan,
    numUses: record.numUses,
  };
}
