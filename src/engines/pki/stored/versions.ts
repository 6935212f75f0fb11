/** The versions of a kept certificate: the newest lies in its record, those before it lie apart with their keys. */
import type { VersionNotes } from '../../../model/tasks/certificate-task.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { uuid } from '../../../base/random.ts';
import type { Random } from '../../../base/random.ts';
import { nextPem } from '../../../crypto/pem.ts';
import { AWAITED, STORED, thumbprintOf, versionsOf } from './record.ts';
import type { CertificatePart, StoredRecord } from './record.ts';

/** Most versions of one certificate; with the oldest one its key goes. */
const VERSIONS_MAX = 10;
const EARLIER = 'stored-version/';

export type Material = Pick<StoredRecord, 'certificate' | 'chain' | 'privateKey'>;
export type MadePart = CertificatePart & Pick<Material, 'chain' | 'privateKey'>;

function earlierKey(name: string, id: string): string {
  return `${EARLIER}${name}/${id}`;
}

/** The record with a new version in place of the one that it has, which is kept; what else is known of it stays. */
export function succeeded(
  random: Random,
  store: Transaction,
  name: string,
  before: StoredRecord | undefined,
  made: MadePart,
  nowMs: number,
  notes: VersionNotes = {},
): MadePart & Required<Pick<StoredRecord, 'versions'>> {
  if (before?.deletedMs !== undefined) {
    throw invalidRequest('a certificate of that name is deleted, and can be brought back');
  }
  const { certificate, notBeforeMs, notAfterMs } = made;
  const thumbprint = thumbprintOf(nextPem(certificate)?.block.bytes ?? Buffer.alloc(0));
  const id = uuid(random).replaceAll('-', '');
  const fresh = { id, createdMs: nowMs, thumbprint, notBeforeMs, notAfterMs, ...notes };
  if (before === undefined) return { ...made, versions: [fresh] };
  const all = versionsOf(before);
  const { certificate: old, chain, privateKey } = before;
  store.putJson(earlierKey(name, all.at(-1)?.id ?? ''), { certificate: old, chain, privateKey });
  const kept = [...all, fresh].slice(-VERSIONS_MAX);
  for (const gone of all.slice(0, Math.max(0, all.length + 1 - VERSIONS_MAX))) {
    store.delete(earlierKey(name, gone.id));
  }
  return { ...made, versions: kept };
}

/** Certificate, chain and key of a version that the record names. */
export async function materialOf(
  store: Reader,
  name: string,
  record: StoredRecord,
  id: string,
): Promise<Material> {
  if (versionsOf(record).at(-1)?.id === id) return record;
  const material = await store.getJson<Material>(earlierKey(name, id));
  if (material === undefined) throw new Error('a version of a certificate is missing');
  return material;
}

export function putMaterial(store: Transaction, name: string, id: string, kept: Material): void {
  store.putJson(earlierKey(name, id), kept);
}

/** Removes the certificate with all its versions and their keys. */
export function removeStored(store: Transaction, name: string, record: StoredRecord): void {
  for (const { id } of versionsOf(record).slice(0, -1)) store.delete(earlierKey(name, id));
  store.delete(STORED + name);
  store.delete(AWAITED + name);
}
