/** What is kept of each revoked certificate, by serial number. */
import { namesBelow } from '../../../model/listing/list-names.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';

export interface RevokedRecord {
  readonly revokedMs: number;
  /** '' when no issuer of this mount made it. */
  readonly issuerId: string;
  readonly notAfterMs: number;
}

export interface Revoked extends RevokedRecord {
  /** As keys have it: `0a-1b-…`. */
  readonly key: string;
}

export const REVOKED = 'revoked/';
/** Revoked since the last complete list: what a delta list holds. */
export const RECENT = 'revoked-since/';
const READ_AT_ONCE = 500;

export async function findRevoked(store: Reader, key: string): Promise<RevokedRecord | undefined> {
  return await store.getJson<RevokedRecord>(REVOKED + key);
}

export function putRevoked(store: Transaction, { key, ...record }: Revoked): void {
  store.putJson(REVOKED + key, record);
}

/** Every revoked certificate, or those below `prefix` whose names are there. */
export async function allRevoked(store: Reader, prefix: string = REVOKED): Promise<Revoked[]> {
  const keys = await namesBelow(store, prefix);
  const found: Revoked[] = [];
  for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
    const some = keys.slice(at, at + READ_AT_ONCE);
    const texts = await store.getMany(some.map((key) => REVOKED + key));
    for (const [index, text] of texts.entries()) {
      if (text === undefined) continue;
      const record = JSON.parse(text.toString('utf8')) as RevokedRecord;
      found.push({ ...record, key: some[index] ?? '' });
    }
  }
  return found;
}
