/**
 * The stored form of a secret: one record with three parts, separated by line feeds (JSON text has none of its own).
 *
 *   line 1  what a read of the served version needs: that version, custom metadata
 *   line 2  everything else: settings and the version table
 *   rest    the value of the served version, as bytes; empty when there is none
 *
 * A read of the served version parses line 1 only, whatever the number of versions. See docs/decisions/0005.
 */
import type { Secret, Version } from './secret.ts';
import { findVersion, servedNumber } from './secret.ts';

/** Of the record's layout; a reader refuses what it does not know. */
const FORMAT = 1;
const LINE_FEED = 0x0a;

/** What a read of the served version gets. */
export interface ServedVersion {
  /** Absent before the first write, and when that version was purged. */
  readonly version: Version | undefined;
  readonly customMetadata: Readonly<Record<string, string>>;
  /** As in {@link Secret}: the whole secret is deleted, or ends. */
  readonly deletedMs?: number | undefined;
  readonly purgeMs?: number | undefined;
  readonly value: Buffer;
}

export interface SecretRecord {
  readonly secret: Secret;
  /** Value of the served version; empty when it has none. */
  readonly value: Buffer;
}

interface FirstLine {
  readonly f: number;
  readonly version?: Version;
  readonly custom?: Readonly<Record<string, string>>;
  readonly deletedMs?: number;
  readonly purgeMs?: number;
}

/** The record is damaged or from a newer program; never the caller's fault. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

export function encodeRecord({ secret, value }: SecretRecord): Buffer {
  const version = findVersion(secret, servedNumber(secret));
  const { customMetadata, deletedMs, purgeMs, ...table } = secret;
  const first: FirstLine = {
    f: FORMAT,
    ...(version === undefined ? {} : { version }),
    ...(Object.keys(customMetadata).length === 0 ? {} : { custom: customMetadata }),
    ...(deletedMs === undefined ? {} : { deletedMs }),
    ...(purgeMs === undefined ? {} : { purgeMs }),
  };
  const lines = `${JSON.stringify(first)}\n${JSON.stringify(table)}\n`;
  return Buffer.concat([Buffer.from(lines), value]);
}

function firstLine(record: Buffer): { readonly line: FirstLine; readonly end: number } {
  const end = record.indexOf(LINE_FEED);
  if (end < 0) throw new RecordError('a secret record has no first line');
  const line = JSON.parse(record.toString('utf8', 0, end)) as FirstLine;
  if (line.f !== FORMAT) throw new RecordError('a secret record has an unknown format');
  return { line, end };
}

function valueStart(record: Buffer, firstEnd: number): number {
  const end = record.indexOf(LINE_FEED, firstEnd + 1);
  if (end < 0) throw new RecordError('a secret record has no version table');
  return end + 1;
}

/** The served version only, at a cost that does not depend on the number of versions. @throws {RecordError} */
export function decodeServed(record: Buffer): ServedVersion {
  const { line, end } = firstLine(record);
  return {
    version: line.version,
    customMetadata: line.custom ?? {},
    deletedMs: line.deletedMs,
    purgeMs: line.purgeMs,
    value: record.subarray(valueStart(record, end)),
  };
}

/** @throws {RecordError} */
export function decodeRecord(record: Buffer): SecretRecord {
  const { line, end } = firstLine(record);
  const start = valueStart(record, end);
  const secret = JSON.parse(record.toString('utf8', end + 1, start - 1)) as {
    -readonly [Name in keyof Secret]: Secret[Name];
  };
  const { custom, deletedMs, purgeMs } = line;
  // The rest of the secret stands in the first line.
  secret.customMetadata = custom ?? {};
  if (deletedMs !== undefined) secret.deletedMs = deletedMs;
  if (purgeMs !== undefined) secret.purgeMs = purgeMs;
  return { secret, value: record.subarray(start) };
}
