/**
 * Certificates that are kept with their keys under a name: those that roles make, which are renewed before they end, and those
 * from elsewhere, whose end is told in time.
 */
import type { JsonObject } from '../../../base/json.ts';
import { formatTimeSeconds } from '../../../base/time-format.ts';
import { pemOf } from '../../../crypto/pem.ts';
import { altNamesOf, serialText } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { commonNameOf, nameText, readName } from '../../../crypto/x509/names.ts';
import type { Reader } from '../../../model/transaction.ts';
import type { LeafValues } from '../making/issue.ts';

/** How a certificate is made anew. */
export interface Wish {
  readonly role: string;
  /** '' for the issuer of the role. */
  readonly issuerRef: string;
  readonly keyType: string | undefined;
  readonly keyBits: number | undefined;
  readonly values: LeafValues;
  /** Bounds of the mount when it was asked for. */
  readonly defaultLeaseTtlSeconds: number;
  readonly maxLeaseTtlSeconds: number;
}

export interface StoredRecord {
  /** The one task that is about this record as it is. */
  readonly generation: string;
  readonly certificate: string;
  readonly chain: readonly string[];
  /** '' when it was not handed in. */
  readonly privateKey: string;
  readonly serial: string;
  readonly subject: string;
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Undefined for a certificate from elsewhere. */
  readonly wish?: Wish;
  readonly autoRenew: boolean;
  /** 0: a third of the lifetime. */
  readonly renewBeforeSeconds: number;
  readonly alertBeforeSeconds: readonly number[];
  /** How long before the end the last alert was due; undefined before the first. */
  readonly alertedSeconds?: number;
  readonly renewals: number;
  readonly renewedMs?: number;
  /** Why the last renewal failed. */
  readonly problem?: string;
}

export const STORED = 'stored/';
const DAY_SECONDS = 86_400;
export const ALERTS: readonly string[] = ['720h', '168h', '24h'];
export const ALERTS_MAX = 10;

export async function findStored(store: Reader, name: string): Promise<StoredRecord | undefined> {
  return await store.getJson<StoredRecord>(STORED + name);
}

type CertificatePart = Pick<
  StoredRecord,
  'certificate' | 'serial' | 'subject' | 'names' | 'notBeforeMs' | 'notAfterMs'
>;

/** What of a record follows from its certificate. */
export function partOf(certificate: Certificate): CertificatePart {
  const { dnsNames, emails, uris } = altNamesOf(certificate);
  const subject = readName(certificate.subject);
  return {
    certificate: pemOf(certificate.der, 'CERTIFICATE'),
    serial: serialText(certificate.serial),
    subject: commonNameOf(subject) || nameText(subject),
    names: [...dnsNames, ...emails, ...uris],
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
  };
}

/** When a certificate is renewed; undefined when it is not. */
export function renewalMs(record: StoredRecord): number | undefined {
  if (record.wish === undefined || !record.autoRenew) return undefined;
  const { notBeforeMs, notAfterMs, renewBeforeSeconds } = record;
  const lifetimeMs = notAfterMs - notBeforeMs;
  const beforeMs = renewBeforeSeconds * 1000 || lifetimeMs / 3;
  // Never before half of the lifetime is over, or a short one would be renewed without end.
  return Math.floor(notAfterMs - Math.min(beforeMs, lifetimeMs / 2));
}

/** How long before the end alerts are due, the first one first, the end itself last. */
export function alertsOf(record: StoredRecord): number[] {
  const dueMs = renewalMs(record);
  // While a certificate is renewed in time, its end is no news.
  const leadMs = dueMs === undefined ? Infinity : record.notAfterMs - dueMs;
  const before = record.alertBeforeSeconds.filter((each) => each * 1000 < leadMs);
  return [...new Set([...before, 0])].sort((a, b) => b - a);
}

export function daysLeft({ notAfterMs }: StoredRecord, nowMs: number): number {
  return Math.floor((notAfterMs - nowMs) / 1000 / DAY_SECONDS);
}

/** What may be shown to who may not see the key. */
export function storedInfo(record: StoredRecord, nowMs: number): JsonObject {
  const dueMs = renewalMs(record);
  return {
    serial_number: record.serial,
    subject: record.subject,
    names: [...record.names],
    not_before: formatTimeSeconds(record.notBeforeMs),
    not_after: formatTimeSeconds(record.notAfterMs),
    days_left: daysLeft(record, nowMs),
    expired: record.notAfterMs <= nowMs,
    source: record.wish === undefined ? 'imported' : 'issued',
    role: record.wish?.role ?? '',
    auto_renew: record.autoRenew,
    renew_before: record.renewBeforeSeconds,
    renew_at: dueMs === undefined ? null : formatTimeSeconds(dueMs),
    renewals: record.renewals,
    last_renewed: record.renewedMs === undefined ? null : formatTimeSeconds(record.renewedMs),
    last_error: record.problem ?? null,
    alert_before: [...record.alertBeforeSeconds],
    has_private_key: record.privateKey !== '',
  };
}
