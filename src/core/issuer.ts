/** Makes the token of a login and the lease of a dynamic secret, within the bounds of mount and system. */
import { plainAddress } from '../base/cidr.ts';
import { base62 } from '../base/random.ts';
import { RequestError, invalidRequest, permissionDenied } from '../model/errors.ts';
import type { World } from '../base/world.ts';
import type { LeaseStore } from '../leases/lease-store.ts';
import type { Stored } from '../model/transaction.ts';
import type { TokenRecord, TokenRef } from '../tokens/token-record.ts';
import type { TokenStore } from '../tokens/token-store.ts';
import { effectiveTtl } from '../tokens/ttl.ts';
import type { CoreUnit } from './epoch-cache.ts';
import type { Exchange } from './exchange.ts';
import type { Mount } from './mounts/mount-table.ts';
import type {
  AuthGrant,
  CompletedLogin,
  IssuedAuth,
  IssuedLease,
  LeaseGrant,
  MfaRequirement,
} from '../model/reply.ts';

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
  /**
   * What a login has to show beside its first factor, if anything; it waits for that.
   * @throws {RequestError} permission_denied when what it shows is wrong
   */
  readonly secondFactor: (
    exchange: Exchange,
    mount: Mount,
    entityId: string,
    login: CompletedLogin,
  ) => Promise<MfaRequirement | undefined>;
}

const LEASE_RANDOM_LENGTH = 24;
/** Policies that no login may ever grant. */
const NEVER_GRANTED = new Set(['root']);

export class Issuer {
  readonly #ports: IssuerPorts;

  constructor(ports: IssuerPorts) {
    this.#ports = ports;
  }

  /** The token of a successful login, unless a second factor is wanted. @throws {RequestError} */
  async token(exchange: Exchange, grant: AuthGrant): Promise<IssuedAuth> {
    const { mount, unit, nowMs, path } = exchange;
    if (mount === undefined) throw new RequestError('internal', 'login without a mount');
    const identity = await this.#ports.login(unit, mount, grant, nowMs);
    const login = { mountAccessor: mount.entry.accessor, path, grant };
    const { secondFactor } = this.#ports;
    const requirement = await secondFactor(exchange, mount, identity.entityId, login);
    if (requirement !== undefined) return waiting(identity, requirement);
    return await this.#issue(exchange, { mount, path, grant, identity });
  }

  /** The token of a login that waited for its second factor and has shown it. @throws {RequestError} */
  async finish(exchange: Exchange, login: CompletedLogin): Promise<IssuedAuth> {
    const { unit, nowMs, routing } = exchange;
    const mount = routing?.mountsByAccessor.get(login.mountAccessor);
    if (mount === undefined || mount.entry.tainted) throw permissionDenied('the mount is gone');
    const { path, grant } = login;
    const identity = await this.#ports.login(unit, mount, grant, nowMs);
    return await this.#issue(exchange, { mount, path, grant, identity });
  }

  async #issue(exchange: Exchange, { mount, path, grant, identity }: Issuing): Promise<IssuedAuth> {
    const { unit, nowMs } = exchange;
    const policies = grantedPolicies(grant);
    const type = tokenType(mount, grant);
    const ttl = effectiveTtl({
      wantedSeconds: grant.ttlSeconds,
      periodSeconds: grant.periodSeconds ?? 0,
      explicitMaxSeconds: grant.explicitMaxTtlSeconds ?? 0,
      maxSeconds: grant.maxTtlSeconds,
      mountDefaultSeconds: mount.ref.defaultLeaseTtlSeconds,
      mountMaxSeconds: mount.ref.maxLeaseTtlSeconds,
      ageSeconds: 0,
    });
    exchange.warnings.push(...ttl.warnings);
    const { record, clientToken } = await this.#ports.tokens.issue(
      unit,
      {
        type,
        namespaceId: exchange.namespace.id,
        parent: undefined,
        policies,
        path,
        displayName: displayName(exchange.namespace.path, mount, grant),
        metadata: grant.metadata ?? null,
        ttlSeconds: ttl.seconds,
        explicitMaxTtlSeconds: grant.explicitMaxTtlSeconds ?? 0,
        periodSeconds: type === 'batch' ? 0 : (grant.periodSeconds ?? 0),
        renewable: type === 'batch' ? false : grant.renewable,
        numUses: type === 'batch' ? 0 : (grant.numUses ?? 0),
        role: '',
        entityId: identity.entityId,
        boundCidrs: boundCidrs(grant, exchange),
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
      identityPolicies: [...identity.identityPolicies].sort(),
      metadata: record.metadata,
      leaseDurationSeconds: ttl.seconds,
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
    const maxSeconds = Math.min(
      grant.maxTtlSeconds || mount.ref.maxLeaseTtlSeconds,
      mount.ref.maxLeaseTtlSeconds,
      batchSecondsLeft(token, nowMs),
    );
    if (maxSeconds < 1) throw invalidRequest('the token expires too soon for a lease');
    const holder = holderOf(token);
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
        tokenId: holder?.id ?? '',
        tokenNamespaceId: holder?.namespaceId ?? exchange.namespace.id,
      },
      { ...grant, ttlSeconds, maxTtlSeconds: maxSeconds },
      nowMs,
    );
    return { id, renewable: grant.renewable, durationSeconds: ttlSeconds };
  }
}

/** All that a login's token is made of. */
interface Issuing {
  readonly mount: Mount;
  readonly path: string;
  readonly grant: AuthGrant;
  readonly identity: LoginIdentity;
}

/** No token yet. */
function waiting({ entityId }: LoginIdentity, mfaRequirement: MfaRequirement): IssuedAuth {
  return {
    clientToken: '',
    accessor: '',
    policies: [],
    tokenPolicies: [],
    identityPolicies: [],
    metadata: null,
    leaseDurationSeconds: 0,
    renewable: false,
    entityId,
    tokenType: 'service',
    orphan: false,
    numUses: 0,
    mfaRequirement,
  };
}

/** Where the token may be used from: the ranges of the method, or only the very address that it was issued to. */
function boundCidrs(grant: AuthGrant, exchange: Exchange): readonly string[] {
  if (grant.strictlyBindIp !== true) return grant.boundCidrs ?? [];
  return [plainAddress(exchange.call.connection.remoteAddress)];
}

/** Nothing notices the end of a batch token, so its leases must not outlive it. */
function batchSecondsLeft(token: Stored<TokenRecord> | undefined, nowMs: number): number {
  if (token?.type !== 'batch' || token.expiresMs === 0) return Number.POSITIVE_INFINITY;
  return Math.floor((token.expiresMs - nowMs) / 1000);
}

/** The token whose end is the end of the lease. A batch token cannot be revoked, but dies with its parent. */
function holderOf(token: Stored<TokenRecord> | undefined): Stored<TokenRef> | undefined {
  return token?.type === 'batch' ? token.lineage[0] : token;
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

/** Where a login was made, and by whom; below the root namespace the whole path. */
function displayName(namespacePath: string, mount: Mount, grant: AuthGrant): string {
  const source = `${namespacePath}${mount.entry.path}`.replace(/^auth\//, '').replaceAll('/', '-');
  return grant.displayName === '' ? source.replace(/-$/, '') : source + grant.displayName;
}
