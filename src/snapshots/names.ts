/** What snapshots are called where they are kept: prefix, time to the second, four random letters. */
import { base62 } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import type { Dated } from './retention.ts';

export const SUFFIX = '.snapshot';
/** Of prefixes: a name must be safe as part of a path and of a URL, everywhere. */
export const PREFIX_FORM: RegExp = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const NAME_FORM = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63})-(\d{8}T\d{6}Z)-[A-Za-z0-9]{4}\.snapshot$/;
const RANDOM_LENGTH = 4;
/** What a file may be called to be taken for a snapshot: one segment of a path, whoever made it. */
const ANY_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function isSnapshotName(name: string): boolean {
  return ANY_NAME.test(name) && name.endsWith(SUFFIX);
}

export function snapshotName(prefix: string, nowMs: number, random: Random): string {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${prefix}-${time}-${base62(random, RANDOM_LENGTH)}${SUFFIX}`;
}

/** Undefined for what is no snapshot with this prefix. */
export function datedName(name: string, prefix: string): Dated | undefined {
  const match = NAME_FORM.exec(name);
  if (match?.[1] !== prefix) return undefined;
  const [, , text = ''] = match;
  const iso = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 11)}:${text.slice(11, 13)}:${text.slice(13)}`;
  const createdMs = Date.parse(iso);
  return Number.isNaN(createdMs) ? undefined : { name, createdMs };
}
