/**
 * Certificates that are kept with their keys under a name: those that roles make, which are renewed before they end, and those
 * from elsewhere, whose end is told in time.
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { JsonObject } from '../../../base/json.ts';
import { formatTimeSeconds } from '../../../base/time-format.ts';
import { pemOf } from '../../../crypto/pem.ts';
import { altNamesOf, serialText } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { commonNameOf, nameText, readName } from '../../../crypto/x509/names.ts';
import type { CertificatePlan, KeptVersion } from '../../../model/tasks/certificate-task.ts';
import type { Reader } from '../../../model/transaction.ts';
import type { LeafValues } from '../making/issue.ts';
import type { LeaseBounds } from '../making/validity.ts';

/** How a certificate is made anew, in the words of `issue`. */
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
  /** Undefined for a certificate from elsewhere, and where there is a plan. */
  readonly wish?: Wish;
  /** How it is made anew where a facade has said so, within the bounds of the mount as they were then. */
  readonly plan?: CertificatePlan;
  readonly bounds?: LeaseBounds;
  readonly autoRenew: boolean;
  /** 0: a third of the lifetime. */
  readonly renewBeforeSeconds: number;
  /** Instead: how much of the lifetime is over when it is renewed. */
  readonly renewAtPercent?: number;
  readonly alertBeforeSeconds: readonly number[];
  /** How long before the end the last alert was due; undefined before the first. */
  readonly alertedSeconds?: number;
  readonly renewals: number;
  readonly renewedMs?: number;
  /** Why the last renewal failed. */
  readonly problem?: string;
  /** Oldest first, the last one is that of this record; absent: there was never another. */
  readonly versions?: readonly KeptVersion[];
  /** What other APIs keep of it. */
  readonly attributes?: Readonly<JsonObject>;
  /** Out of use since then, until it is brought back. */
  readonly deletedMs?: number;
  /** From then on it does not exist any more. */
  readonly purgeMs?: number;
}

/** Field of the paths about one of them. */
export const STORED_NAME = {
  kind: 'string',
  description: 'Name that the certificate is kept under.',
  default: '',
} as const;

export const STORED = 'stored/';
/** Keys whose certificate is awaited from elsewhere. */
export const AWAITED = 'stored-request/';
const DAY_SECONDS = 86_400;
export const ALERTS: readonly string[] = ['720h', '168h', '24h'];
export const ALERTS_MAX = 10;

/** The record that is in use. */
export async function findStored(store: Reader, name: string): Promise<StoredRecord | undefined> {
  const record = await store.getJson<StoredRecord>(STORED + name);
  return record?.deletedMs === undefined ? record : undefined;
}

/** True when it can be made anew without anybody handing something in. */
export function isMadeHere(record: Pick<StoredRecord, 'wish' | 'plan'>): boolean {
  return record.wish !== undefined || record.plan !== undefined;
}

const ID_DIGITS = 32;

export function thumbprintOf(der: Buffer): string {
  return createHash('sha1').update(der).digest('hex');
}

export function versionsOf(record: StoredRecord): readonly KeptVersion[] {
  if (record.versions !== undefined) return record.versions;
  const { notBeforeMs, notAfterMs } = record;
  const { raw } = new X509Certificate(record.certificate);
  const id = createHash('sha256').update(raw).digest('hex').slice(0, ID_DIGITS);
  const thumbprint = thumbprintOf(raw);
  return [{ id, createdMs: record.renewedMs ?? notBeforeMs, thumbprint, notBeforeMs, notAfterMs }];
}

export type CertificatePart = Pick<
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
  if (!isMadeHere(record) || !record.autoRenew) return undefined;
  const { notBeforeMs, notAfterMs, renewBeforeSeconds, renewAtPercent = 0 } = record;
  const lifetimeMs = notAfterMs - notBeforeMs;
  const beforeMs =
    renewAtPercent > 0
      ? (lifetimeMs * (100 - renewAtPercent)) / 100
      : renewBeforeSeconds * 1000 || lifetimeMs / 3;
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
    source: isMadeHere(record) ? 'issued' : 'imported',
    role: record.plan?.role ?? record.wish?.role ?? '',
    auto_renew: record.autoRenew,
    renew_before: record.renewBeforeSeconds,
    renew_at: dueMs === undefined ? null : formatTimeSeconds(dueMs),
    renewals: record.renewals,
    last_renewed: record.renewedMs === undefined ? null : formatTimeSeconds(record.renewedMs),
    last_error: record.problem ?? null,
    alert_before: [...record.alertBeforeSeconds],
    has_private_key: record.privateKey !== '',
    versions: versionsOf(record).map(({ id }) => id),
  };
}
