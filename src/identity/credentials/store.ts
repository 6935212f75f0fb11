/** Credentials of one namespace, as one unit sees them. Secrets lie in records of their own, read only when one is checked. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import type { Stored, Transaction, Unit } from '../../model/transaction.ts';
import type { CredentialRecord, TokenName } from './record.ts';

const RECORD = 'credential/';
const SECRET = 'credential-secret/';
const TOKEN = 'credential-token/';
const OF_ENTITY = 'credential-of/';
const PRESENT = '1';
/** Ids are ours; whatever else a caller sends must not become part of a key. */
const ID = /^[A-Za-z0-9]{8,64}$/;

export class CredentialStore {
  readonly #view: Transaction;

  constructor(unit: Unit, namespaceId: string) {
    this.#view = unit.view(namespaceId, 'identity/');
  }

  async find(id: string): Promise<Stored<CredentialRecord> | undefined> {
    return ID.test(id) ? await this.#view.getRecord<CredentialRecord>(RECORD + id) : undefined;
  }

  /** Record and token in one round trip. */
  findWithToken(
    id: string,
  ): Awaitable<readonly [Stored<CredentialRecord> | undefined, Stored<TokenName> | undefined]> {
    if (!ID.test(id)) return [undefined, undefined];
    return after(this.#view.getRecords<unknown>([RECORD + id, TOKEN + id]), ([record, token]) => [
      record as Stored<CredentialRecord> | undefined,
      token as Stored<TokenName> | undefined,
    ]);
  }

  /** The secret of an access key, or the hash of a client secret. The buffer is the caller's, to be wiped. */
  async secret(id: string): Promise<Buffer | undefined> {
    return await this.#view.get(SECRET + id);
  }

  add(record: CredentialRecord, secret: Buffer | undefined): void {
    this.#view.putJsonNew(RECORD + record.id, record);
    this.#view.put(`${OF_ENTITY}${record.entityId}/${record.id}`, PRESENT);
    if (secret !== undefined) this.#view.putNew(SECRET + record.id, secret);
  }

  put(record: Stored<CredentialRecord>): void {
    this.#view.putJson(RECORD + record.id, record);
  }

  putToken(id: string, token: TokenName): void {
    this.#view.putJson(TOKEN + id, token);
  }

  async remove(record: Stored<CredentialRecord>): Promise<void> {
    this.#view.delete(RECORD + record.id);
    this.#view.delete(`${OF_ENTITY}${record.entityId}/${record.id}`);
    for (const key of [SECRET + record.id, TOKEN + record.id]) {
      if ((await this.#view.get(key)) !== undefined) this.#view.delete(key);
    }
  }

  async idsOf(entityId: string, limit: number): Promise<readonly string[]> {
    return await this.#view.list(`${OF_ENTITY}${entityId}/`, { limit });
  }

  async ids(last: string, limit: number): Promise<readonly string[]> {
    return await this.#view.list(RECORD, last === '' ? { limit } : { after: last, limit });
  }
}
