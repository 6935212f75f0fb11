/** LDIF (RFC 2849): entries to add, and changes of entries. Values by reference to a URL are none: nothing here reads files. */
import { decodeBase64 } from '../base/base64.ts';
import type { LdapAttribute, LdapChange } from './connection.ts';

export class LdifError extends Error {
  override readonly name = 'LdifError';
}

/** Changes of one text. */
const CHANGES_MAX = 100;
const DESCRIPTION = /^[A-Za-z0-9.;-]+$/;

interface Line {
  readonly name: string;
  readonly value: string | Buffer;
}

/** @throws {LdifError} */
export function parseLdif(text: string): readonly LdapChange[] {
  const changes = recordsOf(text)
    .map((record) => record.map(lineOf))
    .map((lines, index) => {
      const rest = index === 0 && lines[0]?.name === 'version' ? lines.slice(1) : lines;
      return rest.length === 0 ? undefined : changeOf(rest);
    })
    .filter((change) => change !== undefined);
  if (changes.length > CHANGES_MAX) throw new LdifError(`more than ${CHANGES_MAX} entries`);
  return changes;
}

/** Lines between empty ones, folded lines put together, comments left out. */
function recordsOf(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let comment = false;
  for (const line of text.split(/\r?\n/)) {
    if (line === '') {
      if (record.length > 0) records.push(record);
      record = [];
      comment = false;
    } else if (line.startsWith(' ')) {
      if (comment) continue;
      const last = record.pop();
      if (last === undefined) throw new LdifError('the text begins with a folded line');
      record.push(last + line.slice(1));
    } else {
      comment = line.startsWith('#');
      if (!comment) record.push(line);
    }
  }
  if (record.length > 0) records.push(record);
  return records;
}

function lineOf(line: string): Line {
  if (line === '-') return { name: '-', value: '' };
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!DESCRIPTION.test(name)) throw new LdifError('a line is no attribute');
  const rest = line.slice(colon + 1);
  if (rest.startsWith('<')) throw new LdifError('values by URL are not supported');
  if (!rest.startsWith(':')) return { name, value: rest.replace(/^ +/, '') };
  const bytes = decodeBase64(rest.slice(1).trim());
  if (bytes === undefined) throw new LdifError('a value is not base64');
  return { name, value: bytes };
}

function changeOf(lines: readonly Line[]): LdapChange {
  const [first, ...rest] = lines;
  if (first?.name.toLowerCase() !== 'dn') throw new LdifError('an entry begins with its dn');
  const dn = String(first.value);
  if (dn === '') throw new LdifError('a dn is empty');
  const [next] = rest;
  if (next?.name.toLowerCase() === 'control') throw new LdifError('controls are not supported');
  if (next?.name.toLowerCase() !== 'changetype') return added(dn, rest);
  const after = rest.slice(1);
  switch (String(next.value).trim().toLowerCase()) {
    case 'add':
      return added(dn, after);
    case 'delete':
      if (after.length > 0) throw new LdifError('something follows a deletion');
      return { kind: 'delete', dn };
    case 'modify':
      return { kind: 'modify', dn, changes: modifications(after) };
    default:
      throw new LdifError('the kind of change must be add, delete or modify');
  }
}

function added(dn: string, lines: readonly Line[]): LdapChange {
  const attributes = valuesOf(lines);
  if (attributes.length === 0) throw new LdifError('an entry has no attributes');
  return { kind: 'add', dn, attributes };
}

/** Values by attribute, in order of first appearance. */
function valuesOf(lines: readonly Line[]): LdapAttribute[] {
  const values = new Map<string, (string | Buffer)[]>();
  for (const { name, value } of lines) {
    if (name === '-') throw new LdifError('a dash stands where no change ends');
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return [...values].map(([type, found]) => ({ type, values: found }));
}

type Modification = Extract<LdapChange, { readonly kind: 'modify' }>['changes'][number];

function modifications(lines: readonly Line[]): Modification[] {
  const found: Modification[] = [];
  for (let at = 0; at < lines.length;) {
    const head = lines[at];
    const operation = head?.name.toLowerCase();
    if (operation !== 'add' && operation !== 'delete' && operation !== 'replace') {
      throw new LdifError('a change must add, delete or replace an attribute');
    }
    let end = lines.findIndex(({ name }, index) => index > at && name === '-');
    if (end < 0) end = lines.length;
    const type = String(head?.value).trim();
    const body = lines.slice(at + 1, end);
    if (!DESCRIPTION.test(type) || body.some(({ name }) => !same(name, type))) {
      throw new LdifError('a change names another attribute than it began with');
    }
    found.push({ operation, type, values: body.map(({ value }) => value) });
    at = end + 1;
  }
  if (found.length === 0) throw new LdifError('a modification changes nothing');
  return found;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
