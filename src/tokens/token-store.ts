/** Issues, finds, uses and revokes tokens, each within the caller's unit. */
import { after } from '../base/awaitable.ts';
import type { Awaitable } from '../base/awaitable.ts';
import { countAccessors, listAccessors } from './accessor-list.ts';
import type { AccessorRecord } from './accessor-list.ts';
import { base62 } from '../base/random.ts';
import type { World } from '../base/world.ts';
import { invalidRequest, permissionDenied } from '../model/errors.ts';
import type { ListPage, Stored, Transaction, Unit } from '../model/transaction.ts';
import type { ExpiryQueue } from '../leases/expiry-queue.ts';
import type { BatchCodec } from './batch-token.ts';
import {
  ACCESSOR_LENGTH,
  BATCH_PREFIX,
  LINEAGE_MAX,
  METADATA_BYTES_MAX,
  SERVICE_PREFIX,
  TOKEN_RANDOM_LENGTH,
  TOKEN_TEXT_MAX,
  USES_SPENT,
  childKey,
  isExpired,
  isNamespaceId,
  leaseIdOf,
  lineageOf,
} from './token-record.ts';
import type { TokenRecord, TokenRef } from './token-record.ts';
import { forgetTokenLease, listTokenLeases, suffixOf, tokenOfLease } from './token-leases.ts';
import { isSignedText } from './wrapping-text.ts';
import type { WrappingTexts } from './wrapping-text.ts';
import { ROOT_NAMESPACE_ID } from '../model/principal.ts';

/** What a new token is to be; every bound has been checked by the caller. */
export interface TokenSpec extends Omit<
  TokenRecord,
  | 'id'
  | 'accessor'
  | 'lineage'
  | 'usesGiven'
  | 'createdMs'
  | 'creationTtlSeconds'
  | 'expiresMs'
  | 'issuedMs'
  | 'lastRenewalMs'
  | 'orphaning'
> {
  readonly parent: Stored<TokenRecord> | undefined;
  /** A caller's own token text; root and sudo only. */
  readonly customId?: string;
}

export interface IssuedToken {
  readonly record: TokenRecord;
  readonly clientToken: string;
}

/** Under the namespace that a token lives in. */
const PREFIX = 'core/token/';

export interface TokenStorePorts {
  readonly world: World;
  /** HMAC-SHA-256 under the barrier's token key, hex. */
  readonly hash: (text: string) => string;
  readonly batch: BatchCodec;
  readonly wrapping: Pick<WrappingTexts, 'open'>;
  readonly expiry: ExpiryQueue;
}

export class TokenStore {
  readonly #ports: TokenStorePorts;

  constructor(ports: TokenStorePorts) {
    this.#ports = ports;
  }

  #view(unit: Unit, namespaceId: string): Transaction {
    return unit.view(namespaceId, PREFIX);
  }

  /** The storage id of a token text. */
  idOf(token: string): string {
    return this.#ports.hash(token);
  }

  /**
   * Makes a token and everything that goes with it.
   * @throws {RequestError} invalid_request: duplicate id, chain too deep, metadata too large.
   */
  async issue(unit: Unit, spec: TokenSpec, nowMs: number): Promise<IssuedToken> {
    if (spec.metadata !== null && JSON.stringify(spec.metadata).length > METADATA_BYTES_MAX) {
      throw invalidRequest('metadata is too large');
    }
    const { parent, customId, ...rest } = spec;
    const { ttlSeconds } = spec;
    const lineage = lineageOf(parent);
    if (lineage.length > LINEAGE_MAX) throw invalidRequest('too many generations of child tokens');
    const expiresMs = ttlSeconds === 0 ? 0 : nowMs + ttlSeconds * 1000;
    const base = {
      ...rest,
      lineage,
      usesGiven: spec.numUses,
      createdMs: nowMs,
      creationTtlSeconds: ttlSeconds,
      expiresMs,
      issuedMs: nowMs,
      lastRenewalMs: 0,
    };
    const suffix = suffixOf(spec.namespaceId);
    if (spec.type === 'batch') {
      const record: TokenRecord = { ...base, id: '', accessor: '' };
      return { record, clientToken: BATCH_PREFIX + this.#ports.batch.encode(record) + suffix };
    }
    const { random } = this.#ports.world;
    const clientToken = (customId ?? SERVICE_PREFIX + base62(random, TOKEN_RANDOM_LENGTH)) + suffix;
    const id = this.idOf(clientToken);
    const accessor = base62(random, ACCESSOR_LENGTH) + suffix;
    const record: TokenRecord = { ...base, id, accessor };
    const view = this.#view(unit, spec.namespaceId);
    if (customId !== undefined && (await view.get(`id/${id}`)) !== undefined) {
      throw invalidRequest('cannot create a token with a duplicate ID');
    }
    view.putJsonNew(`id/${id}`, record);
    view.putJsonNew(`accessor/${this.#ports.hash(accessor)}`, { id, accessor });
    const ancestor = lineage[0];
    if (ancestor !== undefined) {
      this.#view(unit, ancestor.namespaceId).putNew(childKey(ancestor, record), '');
    }
    view.putJsonNew(`lease/${leaseIdOf(record)}`, { id });
    if (expiresMs !== 0) {
      this.#ports.expiry.scheduleNew(
        unit,
        { kind: 'token', namespaceId: spec.namespaceId, id },
        expiresMs,
      );
    }
    return { record, clientToken };
  }

  /**
   * The live token behind a text; undefined when it is unknown, expired, revoked, or an ancestor of it is.
   * Costs one read per generation.
   */
  lookup(unit: Unit, token: string, nowMs: number): Awaitable<Stored<TokenRecord> | undefined> {
    if (token.length === 0 || token.length > TOKEN_TEXT_MAX) return undefined;
    if (isSignedText(token)) return this.#lookupSigned(unit, token, nowMs);
    const dot = token.lastIndexOf('.');
    const suffixed = dot > SERVICE_PREFIX.length - 1;
    const namespaceId = suffixed ? token.slice(dot + 1) : ROOT_NAMESPACE_ID;
    if (token.startsWith(BATCH_PREFIX)) {
      const record = this.#ports.batch.decode(
        token.slice(BATCH_PREFIX.length, suffixed ? dot : undefined),
      );
      if (record === undefined || record.namespaceId !== namespaceId) return undefined;
      return this.ifAlive(unit, record, nowMs);
    }
    return this.byRef(unit, { id: this.idOf(token), namespaceId }, nowMs);
  }

  async #lookupSigned(
    unit: Unit,
    text: string,
    nowMs: number,
  ): Promise<Stored<TokenRecord> | undefined> {
    const token = this.#ports.wrapping.open(text);
    if (token === undefined || isSignedText(token)) return undefined;
    const record = await this.lookup(unit, token, nowMs);
    return record?.wrapped === undefined ? undefined : record;
  }

  /** As {@link lookup}, by storage id. */
  byRef(unit: Unit, ref: TokenRef, nowMs: number): Awaitable<Stored<TokenRecord> | undefined> {
    if (!isNamespaceId(ref.namespaceId)) return undefined;
    return after(this.raw(unit, ref), (record) =>
      record === undefined || record.orphaning === true
        ? undefined
        : this.ifAlive(unit, record, nowMs),
    );
  }

  /** As {@link lookup}, by accessor, in one namespace. */
  async byAccessor(
    unit: Unit,
    namespaceId: string,
    accessor: string,
    nowMs: number,
  ): Promise<Stored<TokenRecord> | undefined> {
    const key = `accessor/${this.#ports.hash(accessor)}`;
    const entry = await this.#view(unit, namespaceId).getRecord<AccessorRecord>(key);
    return entry === undefined
      ? undefined
      : await this.byRef(unit, { id: entry.id, namespaceId }, nowMs);
  }

  /** A record, if it is of a live token: of a batch token, which is its own record, nothing else tells. */
  ifAlive(
    unit: Unit,
    record: Stored<TokenRecord>,
    nowMs: number,
  ): Awaitable<Stored<TokenRecord> | undefined> {
    if (isExpired(record, nowMs)) return undefined;
    if (record.lineage.length === 0) return record;
    return this.#hasLiveLine(unit, record, nowMs).then((alive) => (alive ? record : undefined));
  }

  async #hasLiveLine(unit: Unit, record: Stored<TokenRecord>, nowMs: number): Promise<boolean> {
    for (const ancestor of record.lineage) {
      const found = await this.raw(unit, ancestor);
      if (found === undefined || isExpired(found, nowMs)) return false;
      if (found.orphaning !== true) continue;
      // A batch token carries its line with it: it cannot become an orphan, so it dies with its parent.
      return record.type !== 'batch' || ancestor !== record.lineage[0];
    }
    return true;
  }

  /** Whether no living parent is left (`orphan` in look-ups). */
  async isOrphan(unit: Unit, record: Stored<TokenRecord>): Promise<boolean> {
    const parent = record.lineage[0];
    if (parent === undefined) return true;
    const found = await this.raw(unit, parent);
    return found === undefined || found.orphaning === true;
  }

  /** Replaces a record after renewal or use. */
  update(unit: Unit, record: TokenRecord): void {
    this.#view(unit, record.namespaceId).putJson(`id/${record.id}`, record);
  }

  /** After a renewal that ends earlier than before: the entry in the expiry queue would come up too late. */
  reschedule(unit: Unit, before: Stored<TokenRecord>, renewed: Stored<TokenRecord>): void {
    if (renewed.expiresMs === 0 || renewed.expiresMs >= before.expiresMs) return;
    this.#ports.expiry.schedule(
      unit,
      { kind: 'token', namespaceId: renewed.namespaceId, id: renewed.id },
      renewed.expiresMs,
    );
  }

  /**
   * Takes one use of a limited token. Returns the record as it now is; at the last use it is {@link USES_SPENT}, and the
   * core revokes it when the request is over.
   * @throws {RequestError} permission_denied: no use was left.
   */
  use(unit: Unit, record: Stored<TokenRecord>): Stored<TokenRecord> {
    if (record.numUses === 0) return record;
    if (record.numUses < 0) throw permissionDenied('no use left');
    const used: TokenRecord = {
      ...record,
      numUses: record.numUses === 1 ? USES_SPENT : record.numUses - 1,
    };
    this.update(unit, used);
    return used;
  }

  /**
   * Ends a token at once: from the commit on, it and its whole line below are dead. What it leaves behind (children's
   * records, leases, cubbyhole) is removed by the clean-up that this schedules in the same commit.
   */
  revoke(unit: Unit, record: Stored<TokenRecord>, nowMs: number): void {
    this.#view(unit, record.namespaceId).delete(`id/${record.id}`);
    this.#forget(unit, record);
    this.#ports.expiry.schedule(
      unit,
      { kind: 'cleanup', namespaceId: record.namespaceId, id: record.id },
      nowMs,
    );
  }

  /** Ends a token but lets its children live on as orphans. */
  revokeOrphan(unit: Unit, record: Stored<TokenRecord>, nowMs: number): void {
    const left: TokenRecord = { ...record, orphaning: true, expiresMs: 0 };
    this.update(unit, left);
    this.#forget(unit, record);
    this.#ports.expiry.schedule(
      unit,
      { kind: 'cleanup-orphaning', namespaceId: record.namespaceId, id: record.id },
      nowMs,
    );
  }

  #forget(unit: Unit, record: Stored<TokenRecord>): void {
    const view = this.#view(unit, record.namespaceId);
    view.delete(`accessor/${this.#ports.hash(record.accessor)}`);
    view.delete(`lease/${leaseIdOf(record)}`);
    const parent = record.lineage[0];
    if (parent !== undefined) this.forgetChild(unit, parent, record);
  }

  /** The record as stored, dead or alive. */
  raw(unit: Unit, ref: TokenRef): Awaitable<Stored<TokenRecord> | undefined> {
    return this.#view(unit, ref.namespaceId).getRecord<TokenRecord>(`id/${ref.id}`);
  }

  deleteRaw(unit: Unit, ref: TokenRef): void {
    this.#view(unit, ref.namespaceId).delete(`id/${ref.id}`);
  }

  /** Up to `limit` direct children. */
  async children(unit: Unit, ref: TokenRef, limit: number): Promise<TokenRef[]> {
    const names = await this.#view(unit, ref.namespaceId).list(`child/${ref.id}/`, { limit });
    return names.map((name) => {
      const dot = name.indexOf('.');
      return { namespaceId: name.slice(0, dot), id: name.slice(dot + 1) };
    });
  }

  /** Removes the child entry of a parent. */
  forgetChild(unit: Unit, parent: TokenRef, child: TokenRef): void {
    this.#view(unit, parent.namespaceId).delete(childKey(parent, child));
  }

  /** Accessors of the live tokens of a namespace, at most `limit` of those that are stored after that of `after`. */
  async accessors(
    unit: Unit,
    namespaceId: string,
    page: { readonly after: string; readonly limit: number; readonly nowMs: number },
  ): Promise<string[]> {
    return await listAccessors(this.#view(unit, namespaceId), {
      after: page.after === '' ? undefined : this.#ports.hash(page.after),
      limit: page.limit,
      isLive: async (id) => (await this.byRef(unit, { id, namespaceId }, page.nowMs)) !== undefined,
    });
  }

  /** How many accessors there are, dead ones that await clean-up included. */
  async count(unit: Unit, namespaceId: string): Promise<number> {
    return await countAccessors(this.#view(unit, namespaceId));
  }

  /** The token behind a lease id such as `auth/userpass/login/u/h…`, dead or alive. */
  async byLeaseId(unit: Unit, namespaceId: string, leaseId: string): Promise<TokenRef | undefined> {
    const id = await tokenOfLease(this.#view(unit, namespaceId), namespaceId, leaseId);
    return id === undefined ? undefined : { id, namespaceId };
  }

  /** Removes the lease entry of a token that is gone. */
  forgetLease(unit: Unit, namespaceId: string, leaseId: string): void {
    forgetTokenLease(this.#view(unit, namespaceId), namespaceId, leaseId);
  }

  /** As {@link listTokenLeases}. */
  listLeases(unit: Unit, id: string, below: string, page?: ListPage): Promise<readonly string[]> {
    return listTokenLeases(this.#view(unit, id), id, below, page);
  }
}
