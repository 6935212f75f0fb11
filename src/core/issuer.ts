/** Makes the token of a login and the lease of a dynamic secret, within the bounds of mount and system. */
import { base62 } from '../base/random.ts';
import { formatGoDuration } from '../base/duration.ts';
import { RequestError, invalidRequest } from '../model/errors.ts';
import type { AuthGrant, IssuedAuth, IssuedLease, LeaseGrant } from '../model/request.ts';
import type { World } from '../base/world.ts';
import type { LeaseStore } from '../leases/lease-store.ts';
import type { TokenStore } from '../tokens/token-store.ts';
import type { CoreUnit } from './epoch-cache.ts';
import type { Exchange } from './exchange.ts';
import type { Mount } from './mount-table.ts';

/** What a login's alias becomes. */
export interface LoginIdentity {
  readonly entityId: string;
  readonly identityPolicies: readonly string[];
}

export interface IssuerPorts {
  readonly world: World;
  readonly tokens: TokenStore;
  readonly leases: LeaseStore;
  /** Finds or makes the entity behind an alias, and refreshes its external groups. */
  readonly login: (
    unit: CoreUnit,
    mount: Mount,
    grant: AuthGrant,
    nowMs: number,
  ) => Promise<LoginIdentity>;
}

const LEASE_RANDOM_LENGTH = 24;
/** Policies that no login may ever grant. */
const NEVER_GRANTED = new Set(['root']);

export class Issuer {
  readonly #ports: IssuerPorts;

  constructor(ports: IssuerPorts) {
    this.#ports = ports;
  }

  /** The token of a successful login. @throws {RequestError} */
  async token(exchange: Exchange, grant: AuthGrant): Promise<IssuedAuth> {
    const { mount, unit, nowMs } = exchange;
    if (mount === undefined) throw new RequestError('internal', 'login without a mount');
    const policies = grantedPolicies(grant);
    const type = tokenType(mount, grant);
    const bounds = ttlBounds(mount, grant);
    exchange.warnings.push(...bounds.warnings);
    const identity = await this.#ports.login(unit, mount, grant, nowMs);
    const { record, clientToken } = await this.#ports.tokens.issue(
      unit,
      {
        type,
        namespaceId: exchange.namespace.id,
        parent: undefined,
        policies,
        path: exchange.path,
        displayName: displayName(mount, grant),
        metadata: grant.metadata ?? null,
        ttlSeconds: bounds.ttlSeconds,
        explicitMaxTtlSeconds: grant.explicitMaxTtlSeconds ?? 0,
        periodSeconds: type === 'batch' ? 0 : (grant.periodSeconds ?? 0),
        renewable: type === 'batch' ? false : grant.renewable,
        numUses: type === 'batch' ? 0 : (grant.numUses ?? 0),
        role: '',
        entityId: identity.entityId,
        boundCidrs: grant.boundCidrs ?? [],
        strictlyBindIp: grant.strictlyBindIp ?? false,
        noDefaultPolicy: grant.noDefaultPolicy ?? false,
        internal: grant.internal ?? null,
        mountAccessor: mount.entry.accessor,
        maxTtlSeconds: grant.maxTtlSeconds,
      },
      nowMs,
    );
    return {
      clientToken,
      accessor: record.accessor,
      policies: [...new Set([...policies, ...identity.identityPolicies])].sort(),
      tokenPolicies: policies,
      identityPolicies: identity.identityPolicies,
      metadata: record.metadata,
      leaseDurationSeconds: bounds.ttlSeconds,
      renewable: record.renewable,
      entityId: record.entityId,
      tokenType: type,
      orphan: true,
      numUses: record.numUses,
    };
  }

  /** The lease of a secret that an engine has made. @throws {RequestError} */
  lease(exchange: Exchange, grant: LeaseGrant): IssuedLease {
    const { mount, unit, nowMs, token } = exchange;
    if (mount === undefined) throw new RequestError('internal', 'lease without a mount');
    if (token?.type === 'batch' && token.expiresMs === 0)
      throw invalidRequest('no lease for this token');
    const maxSeconds = Math.min(
      grant.maxTtlSeconds || mount.ref.maxLeaseTtlSeconds,
      mount.ref.maxLeaseTtlSeconds,
    );
    const wanted = grant.ttlSeconds || mount.ref.defaultLeaseTtlSeconds;
    const ttlSeconds = Math.min(wanted, maxSeconds);
    const suffix = exchange.namespace.path === '' ? '' : `.${exchange.namespace.id}`;
    const id = `${exchange.path}/${base62(this.#ports.world.random, LEASE_RANDOM_LENGTH)}${suffix}`;
    this.#ports.leases.register(
      unit,
      {
        id,
        namespaceId: exchange.namespace.id,
        mountAccessor: mount.entry.accessor,
        // A batch token cannot be revoked by itself, but dies with its parent: the lease hangs on that.
        tokenId: token?.id ?? '',
        tokenNamespaceId: token?.namespaceId ?? exchange.namespace.id,
      },
      { ...grant, ttlSeconds, maxTtlSeconds: maxSeconds },
      nowMs,
    );
    return { id, renewable: grant.renewable, durationSeconds: ttlSeconds };
  }
}

function grantedPolicies(grant: AuthGrant): string[] {
  const policies = new Set(
    grant.policies.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''),
  );
  if (grant.noDefaultPolicy !== true) policies.add('default');
  for (const name of policies) {
    if (NEVER_GRANTED.has(name)) throw invalidRequest('auth methods cannot create root tokens');
  }
  return [...policies].sort();
}

function tokenType(mount: Mount, grant: AuthGrant): 'service' | 'batch' {
  const tuned = mount.entry.config.token_type ?? 'default-service';
  if (tuned === 'service' || tuned === 'batch') return tuned;
  if (grant.tokenType === 'service' || grant.tokenType === 'batch') return grant.tokenType;
  return tuned === 'default-batch' ? 'batch' : 'service';
}

function displayName(mount: Mount, grant: AuthGrant): string {
  const source = mount.entry.path.replace(/^auth\//, '').replaceAll('/', '-');
  return grant.displayName === '' ? source.replace(/-$/, '') : source + grant.displayName;
}

export interface TtlBounds {
  readonly ttlSeconds: number;
  readonly warnings: readonly string[];
}

/** The TTL of a login's token: period, else wish within role, mount and explicit maximum. */
export function ttlBounds(
  mount: Pick<Mount, 'ref'>,
  grant: Pick<
    AuthGrant,
    'ttlSeconds' | 'maxTtlSeconds' | 'periodSeconds' | 'explicitMaxTtlSeconds'
  >,
): TtlBounds {
  const warnings: string[] = [];
  const { maxLeaseTtlSeconds, defaultLeaseTtlSeconds } = mount.ref;
  const period = grant.periodSeconds ?? 0;
  const explicit = grant.explicitMaxTtlSeconds ?? 0;
  let max = maxLeaseTtlSeconds;
  if (grant.maxTtlSeconds > 0 && grant.maxTtlSeconds < max) max = grant.maxTtlSeconds;
  let ttlSeconds =
    period > 0 ? Math.min(period, maxLeaseTtlSeconds) : grant.ttlSeconds || defaultLeaseTtlSeconds;
  if (explicit > 0) max = period > 0 ? explicit : Math.min(max, explicit);
  if (period === 0 || explicit > 0) {
    if (ttlSeconds > max) {
      if (grant.ttlSeconds > max) {
        warnings.push(
          `TTL of "${formatGoDuration(ttlSeconds * 1000)}" exceeded the effective max_ttl of "${formatGoDuration(max * 1000)}"; TTL value is capped accordingly`,
        );
      }
      ttlSeconds = max;
    }
  }
  return { ttlSeconds, warnings };
}
