/** What a reference to an issuer or a key means: `default`, an id or a name. */
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader, Stored } from '../../../model/transaction.ts';
import { ISSUERS, readIndex } from './records.ts';
import type { Index, IssuerRecord, StoredIssuer } from './records.ts';

export const DEFAULT_REF = 'default';

/** References are trimmed, and `default` may be written in any case. */
export function canonicalRef(reference: string): string {
  const text = reference.trim();
  return text.toLowerCase() === DEFAULT_REF ? DEFAULT_REF : text;
}

/** The id; undefined when nothing has this name. */
export function findIssuerId(index: Stored<Index>, reference: string): string | undefined {
  if (reference === DEFAULT_REF) return index.defaultIssuer || undefined;
  if (Object.hasOwn(index.issuers, reference)) return reference;
  for (const [id, { name }] of Object.entries(index.issuers)) {
    if (name !== '' && name === reference) return id;
  }
  return undefined;
}

export function findKeyId(index: Stored<Index>, reference: string): string | undefined {
  if (reference === DEFAULT_REF) return index.defaultKey || undefined;
  if (Object.hasOwn(index.keys, reference)) return reference;
  for (const [id, { name }] of Object.entries(index.keys)) {
    if (name !== '' && name === reference) return id;
  }
  return undefined;
}

export function issuerNotFound(reference: string): string {
  return reference === DEFAULT_REF
    ? 'no default issuer currently configured'
    : 'unable to find PKI issuer for reference';
}

export function keyNotFound(reference: string): string {
  return reference === DEFAULT_REF
    ? 'no default key currently configured'
    : 'unable to find PKI key for reference';
}

/** @throws {RequestError} nothing has this name */
export async function resolveIssuer(store: Reader, reference: string): Promise<StoredIssuer> {
  const ref = canonicalRef(reference);
  if (ref === '') throw invalidRequest('missing issuer reference');
  const id = findIssuerId(await readIndex(store), ref);
  if (id === undefined) throw invalidRequest(issuerNotFound(ref));
  return await issuerById(store, id);
}

export async function issuerById(store: Reader, id: string): Promise<StoredIssuer> {
  const record = await store.getRecord<IssuerRecord>(ISSUERS + id);
  if (record === undefined) throw invalidRequest(`pki issuer id ${id} does not exist`);
  return record;
}
