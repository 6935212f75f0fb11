/** Rate limits and lease counts at work: the rules in force, and what they say of a request. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import type { Clock } from '../../base/clock.ts';
import { RequestError } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import { EpochCache } from '../epoch-cache.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import type { Exchange } from '../exchange.ts';
import type { Routing } from '../mounts/mount-table.ts';
import { QUOTA_SCOPE, quotaRules, quotaSettings, ROLE_PARAMETERS } from './records.ts';
import type { LeaseCountRecord, QuotaScope, QuotaSettings, RateLimitRecord } from './records.ts';
import { QuotaRules } from './rules.ts';
import type { QuotaSubject } from './rules.ts';
import { RateWindows } from './rate-windows.ts';

export interface QuotaWorld {
  readonly clock: Clock;
  readonly begin: () => CoreUnit;
  /** Counts a refusal under the name of its rule. */
  readonly refused?: (kind: 'rate-limit' | 'lease-count', rule: string) => void;
  /** Names of leases below a path of a namespace; for lease-count quotas. */
  readonly countLeases: (
    unit: Unit,
    namespaceId: string,
    prefix: string,
    max: number,
  ) => Promise<number>;
}

interface InForce {
  readonly settings: QuotaSettings;
  readonly rates: QuotaRules<RateLimitRecord>;
  readonly leases: QuotaRules<LeaseCountRecord>;
}

/** Most that a login's role parameter may measure before it counts as none. */
const ROLE_LENGTH_MAX = 512;
/** How long a count of leases is believed; leases made meanwhile are added to it. */
const LEASE_COUNT_AGE_MS = 5_000;

interface LeaseCount {
  readonly countedMs: number;
  readonly counted: Promise<number>;
  /** Requests that were let through since. One that runs again after a conflict makes no second lease. */
  readonly made: Set<string>;
}

export class QuotaKeeper {
  readonly #world: QuotaWorld;
  readonly #cache: EpochCache<InForce>;
  /** By id of the rule, which is new whenever the rule changes. */
  readonly #windows = new Map<string, RateWindows>();
  readonly #leaseCounts = new Map<string, LeaseCount>();

  constructor(world: QuotaWorld) {
    this.#world = world;
    this.#cache = new EpochCache(QUOTA_SCOPE, world.begin, (unit) => this.#load(unit));
  }

  clear(): void {
    this.#cache.clear();
  }

  /**
   * Applies the rate limit that a request comes under, before its body is read (CVE-2025-12044). Only a login of a mount
   * that has rules for roles is read earlier, since the role stands in its body.
   * @throws {RequestError} rate_limited
   */
  admit(exchange: Exchange): Awaitable<void> {
    const { routing } = exchange;
    // Sealed: rules cannot be read, and what answers then must answer.
    if (routing === undefined) return;
    return after(this.#cache.get(exchange.unit), ({ settings, rates }) =>
      rates.size === 0 || isExempt(settings, exchange)
        ? undefined
        : this.#limit(exchange, routing, settings, rates),
    );
  }

  async #limit(
    exchange: Exchange,
    routing: Routing,
    settings: QuotaSettings,
    rates: InForce['rates'],
  ): Promise<void> {
    const rule = rates.find(await subjectOf(exchange, routing, rates));
    if (rule === undefined) return;
    const { remoteAddress } = exchange.call.connection;
    const window = this.#windowsOf(rule).take(remoteAddress, this.#world.clock.monotonicMs());
    if (settings.responseHeaders) {
      exchange.headers['X-Ratelimit-Limit'] = String(window.limit);
      exchange.headers['X-Ratelimit-Remaining'] = String(window.remaining);
      exchange.headers['X-Ratelimit-Reset'] = String(window.resetSeconds);
      if (!window.allowed) exchange.headers['Retry-After'] = String(window.resetSeconds);
    }
    if (window.allowed) return;
    this.#world.refused?.('rate-limit', rule.name);
    throw new RequestError(
      'rate_limited',
      `request path "${exchange.call.path}": rate limit quota exceeded`,
    );
  }

  /** True when a request that a rate limit refused belongs in the audit log. */
  async auditsRejections(unit: CoreUnit): Promise<boolean> {
    return (await this.#cache.get(unit)).settings.auditRejections;
  }

  /**
   * Asks whether one more lease may be made by this request; to be called just before it is registered. The count is taken
   * from the leases themselves and believed for some seconds, so that several replicas may go beyond it by what they make
   * in that time.
   * @throws {RequestError} lease_count_exceeded
   */
  async admitLease(exchange: Exchange): Promise<void> {
    const { routing } = exchange;
    if (routing === undefined) return;
    const { leases } = await this.#cache.get(exchange.unit);
    if (leases.size === 0) return;
    const rule = leases.find(await subjectOf(exchange, routing, leases));
    if (rule === undefined) return;
    const { counted, made } = this.#leaseCount(exchange.unit, routing, rule);
    const before = await counted;
    if (made.has(exchange.id)) return;
    if (before + made.size >= rule.maxLeases) {
      this.#world.refused?.('lease-count', rule.name);
      throw new RequestError(
        'lease_count_exceeded',
        `request path "${exchange.call.path}": lease count quota exceeded`,
      );
    }
    made.add(exchange.id);
  }

  async #load(unit: CoreUnit): Promise<InForce> {
    const [settings, rates, leases] = await Promise.all([
      quotaSettings(unit),
      quotaRules(unit, 'rate-limit'),
      quotaRules(unit, 'lease-count'),
    ]);
    const alive = new Set([...rates, ...leases].map((rule) => rule.id));
    for (const id of this.#windows.keys()) if (!alive.has(id)) this.#windows.delete(id);
    for (const id of this.#leaseCounts.keys()) if (!alive.has(id)) this.#leaseCounts.delete(id);
    return { settings, rates: new QuotaRules(rates), leases: new QuotaRules(leases) };
  }

  #windowsOf(rule: RateLimitRecord): RateWindows {
    let windows = this.#windows.get(rule.id);
    if (windows === undefined) {
      windows = new RateWindows({
        // Half a request cannot be made; less than one would refuse everything.
        limit: Math.max(1, Math.round(rule.rate)),
        windowMs: rule.intervalSeconds * 1000,
        blockMs: rule.blockIntervalSeconds * 1000,
      });
      this.#windows.set(rule.id, windows);
    }
    return windows;
  }

  #leaseCount(unit: CoreUnit, routing: Routing, rule: LeaseCountRecord): LeaseCount {
    const nowMs = this.#world.clock.monotonicMs();
    const known = this.#leaseCounts.get(rule.id);
    if (known !== undefined && nowMs - known.countedMs < LEASE_COUNT_AGE_MS) return known;
    // Those who come while it is counted wait for the same count, so that they count one another.
    const counted = countOf(this.#world, unit, routing, rule, rule.maxLeases);
    const fresh: LeaseCount = { countedMs: nowMs, counted, made: new Set() };
    this.#leaseCounts.set(rule.id, fresh);
    counted.catch(() => this.#leaseCounts.delete(rule.id));
    return fresh;
  }
}

function isExempt(settings: QuotaSettings, exchange: Exchange): boolean {
  return settings.rateLimitExemptPaths.some((path) => exchange.path.startsWith(path));
}

async function subjectOf<R extends QuotaScope>(
  exchange: Exchange,
  routing: Routing,
  rules: QuotaRules<R>,
): Promise<QuotaSubject> {
  const { mount } = exchange;
  return {
    namespaceIds: namespaceLine(routing, exchange.namespace.path),
    mountAccessor: mount?.entry.accessor,
    pathBelowMount: exchange.pathBelowMount,
    role:
      mount !== undefined && rules.needsRole(mount.entry.accessor) ? await roleOf(exchange) : '',
  };
}

/** Ids of a namespace and of those above it. */
function namespaceLine(routing: Routing, path: string): string[] {
  const ids: string[] = [];
  for (let end = path.length; end >= 0; end = end === 0 ? -1 : path.lastIndexOf('/', end - 2) + 1) {
    const id = routing.namespaces.get(path.slice(0, end))?.id;
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

async function roleOf(exchange: Exchange): Promise<string> {
  const parameter = ROLE_PARAMETERS.get(exchange.mount?.entry.type ?? '');
  if (parameter === undefined || exchange.class !== 'login') return '';
  if (!exchange.bodyRead && exchange.call.operation === 'write') {
    exchange.data = await exchange.call.readBody();
    exchange.bodyRead = true;
  }
  const role = exchange.data[parameter];
  return typeof role === 'string' && role.length <= ROLE_LENGTH_MAX ? role : '';
}

/** Leases below what a rule names. */
export async function countOf(
  world: Pick<QuotaWorld, 'countLeases'>,
  unit: Unit,
  routing: Routing,
  scope: QuotaScope,
  max: number,
): Promise<number> {
  const mount = routing.mountsByAccessor.get(scope.mountAccessor);
  const prefix = (mount?.entry.path ?? '') + scope.suffix.replace(/\*$/, '');
  return await world.countLeases(unit, scope.namespaceId, prefix, max);
}
