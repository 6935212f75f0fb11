/** What a dynamic secret becomes: a lease that is looked up, renewed and revoked, each within the caller's unit. */
import type { JsonObject } from '../base/json.ts';
import type { ListPage, Transaction, Unit } from '../model/transaction.ts';
import type { ExpiryQueue } from './expiry-queue.ts';
import type { LeaseGrant } from '../model/reply.ts';

export interface LeaseRecord {
  /** `<mount>/<path>/<random>`, with `.<namespace id>` below root. */
  readonly id: string;
  readonly namespaceId: string;
  readonly mountAccessor: string;
  readonly secretType: string;
  readonly internal: JsonObject;
  readonly issuedMs: number;
  readonly expiresMs: number;
  /** 0 = never renewed. */
  readonly lastRenewalMs: number;
  /** No renewal goes beyond. */
  readonly maxExpiresMs: number;
  readonly renewable: boolean;
  /** Token that asked for it; '' when none did. */
  readonly tokenId: string;
  readonly tokenNamespaceId: string;
  /** Its revocation was asked for, or has begun: nothing renews it any more, or it would go on without its secret. */
  readonly revoking?: true;
  /** Failed revocations so far. */
  readonly attempts: number;
  /** When the next attempt is due; earlier entries of the queue leave it to that one. */
  readonly retryMs?: number;
  /** Gone after the next attempt, whether it works or not. */
  readonly forced?: boolean;
  /** Text of the last failure once the attempts are used up: an operator has to act. */
  readonly irrevocable?: string;
}

const PREFIX = 'core/lease/';

export class LeaseStore {
  readonly #expiry: ExpiryQueue;

  constructor(expiry: ExpiryQueue) {
    this.#expiry = expiry;
  }

  #view(unit: Unit, namespaceId: string): Transaction {
    return unit.view(namespaceId, PREFIX);
  }

  /** Registers a lease; it ends at the latest with `maxTtlSeconds`. */
  register(
    unit: Unit,
    lease: Pick<
      LeaseRecord,
      'id' | 'namespaceId' | 'mountAccessor' | 'tokenId' | 'tokenNamespaceId'
    >,
    grant: LeaseGrant,
    nowMs: number,
  ): LeaseRecord {
    const record: LeaseRecord = {
      ...lease,
      secretType: grant.secretType,
      internal: grant.internal,
      issuedMs: nowMs,
      expiresMs: nowMs + grant.ttlSeconds * 1000,
      lastRenewalMs: 0,
      maxExpiresMs: nowMs + grant.maxTtlSeconds * 1000,
      renewable: grant.renewable,
      attempts: 0,
    };
    this.#view(unit, record.namespaceId).putJsonNew(`id/${record.id}`, record);
    if (record.tokenId !== '') {
      this.#view(unit, record.tokenNamespaceId).putNew(tokenKey(record), '');
    }
    this.#expiry.scheduleNew(
      unit,
      { kind: 'lease', namespaceId: record.namespaceId, id: record.id },
      record.expiresMs,
    );
    return record;
  }

  put(unit: Unit, record: LeaseRecord): void {
    this.#view(unit, record.namespaceId).putJson(`id/${record.id}`, record);
  }

  async get(unit: Unit, namespaceId: string, id: string): Promise<LeaseRecord | undefined> {
    return await this.#view(unit, namespaceId).getJson<LeaseRecord>(`id/${id}`);
  }

  delete(unit: Unit, record: LeaseRecord): void {
    this.#view(unit, record.namespaceId).delete(`id/${record.id}`);
    this.#view(unit, record.namespaceId).delete(irrevocableKey(record));
    if (record.tokenId !== '') this.#view(unit, record.tokenNamespaceId).delete(tokenKey(record));
  }

  /** After a renewal that ends earlier than before: the old entry would come up too late. */
  reschedule(unit: Unit, record: LeaseRecord): void {
    this.#expiry.schedule(
      unit,
      { kind: 'lease', namespaceId: record.namespaceId, id: record.id },
      record.expiresMs,
    );
  }

  /** Before its engine is asked to take the secret back: from here on no renewal comes between. */
  beginRevocation(unit: Unit, record: LeaseRecord): void {
    this.put(unit, { ...record, revoking: true });
  }

  /** Ends a lease now, also one that was given up; with `force` it is gone even if its engine cannot revoke it. */
  expireNow(unit: Unit, record: LeaseRecord, nowMs: number, force: boolean = false): void {
    const { irrevocable, retryMs: _now, ...rest } = record;
    if (irrevocable !== undefined) {
      this.#view(unit, record.namespaceId).delete(irrevocableKey(record));
    }
    const forced = force ? { forced: true } : {};
    this.put(unit, { ...rest, ...forced, revoking: true, attempts: 0, expiresMs: nowMs });
    this.#expiry.schedule(
      unit,
      { kind: 'lease', namespaceId: record.namespaceId, id: record.id },
      nowMs,
    );
  }

  /** Marks a lease whose revocation an operator has to look at. */
  markIrrevocable(unit: Unit, record: LeaseRecord, reason: string): void {
    this.put(unit, { ...record, irrevocable: reason });
    this.#view(unit, record.namespaceId).put(irrevocableKey(record), '');
  }

  /** Names below a prefix, as {@link Transaction.list}. */
  async list(
    unit: Unit,
    namespaceId: string,
    prefix: string,
    page?: ListPage,
  ): Promise<readonly string[]> {
    return await this.#view(unit, namespaceId).list(`id/${prefix}`, page);
  }

  /** Up to `limit` leases that a token holds. */
  async ofToken(
    unit: Unit,
    tokenNamespaceId: string,
    tokenId: string,
    limit: number,
  ): Promise<{ namespaceId: string; id: string }[]> {
    const names = await this.#view(unit, tokenNamespaceId).list(`token/${tokenId}/`, { limit });
    return names.map((name) => {
      const colon = name.indexOf(':');
      return { namespaceId: name.slice(0, colon), id: decodeURIComponent(name.slice(colon + 1)) };
    });
  }

  /** Removes the index entry of a lease that is gone. */
  forget(
    unit: Unit,
    tokenNamespaceId: string,
    tokenId: string,
    lease: { namespaceId: string; id: string },
  ): void {
    this.#view(unit, tokenNamespaceId).delete(
      tokenKey({ tokenId, namespaceId: lease.namespaceId, id: lease.id }),
    );
  }

  /** Ids of the leases of a namespace that could not be revoked, up to `limit`. */
  async irrevocable(unit: Unit, namespaceId: string, limit: number): Promise<string[]> {
    const names = await this.#view(unit, namespaceId).list('irrevocable/', { limit });
    return names.map((name) => decodeURIComponent(name));
  }
}

function tokenKey(lease: Pick<LeaseRecord, 'tokenId' | 'namespaceId' | 'id'>): string {
  return `token/${lease.tokenId}/${lease.namespaceId}:${encodeURIComponent(lease.id)}`;
}

function irrevocableKey(lease: Pick<LeaseRecord, 'id'>): string {
  return `irrevocable/${encodeURIComponent(lease.id)}`;
}
