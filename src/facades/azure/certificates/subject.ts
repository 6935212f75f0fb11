/** Subjects as this API has them: X.500 names as text (`CN=a, O="b, c"`), the last part first in the certificate (RFC 4514). */
import { DER, derOf } from '../../../crypto/der.ts';
import { derOid, derText, STRING_TAGS } from '../../../crypto/der-values.ts';
import { NAME_OIDS } from '../../../crypto/x509/names.ts';
import type { NameAttribute } from '../../../crypto/x509/names.ts';
import { badParameter } from '../wire/errors.ts';

const EMAIL = '1.2.840.113549.1.9.1';
const DOMAIN_COMPONENT = '0.9.2342.19200300.100.1.25';

/** The first name of an attribute is the one that is written. */
const NAMES: readonly (readonly [oid: string, ...names: readonly string[]])[] = [
  [NAME_OIDS.commonName, 'CN'],
  [NAME_OIDS.organization, 'O'],
  [NAME_OIDS.organizationalUnit, 'OU'],
  [NAME_OIDS.locality, 'L'],
  [NAME_OIDS.province, 'S', 'ST'],
  [NAME_OIDS.country, 'C'],
  [NAME_OIDS.streetAddress, 'STREET'],
  [NAME_OIDS.postalCode, 'POSTALCODE'],
  [NAME_OIDS.serialNumber, 'SERIALNUMBER'],
  [NAME_OIDS.userId, 'UID'],
  [EMAIL, 'E', 'EMAIL', 'EMAILADDRESS'],
  [DOMAIN_COMPONENT, 'DC'],
];
const ASCII_ONLY: ReadonlySet<string> = new Set([EMAIL, DOMAIN_COMPONENT]);
const OID_OF: ReadonlyMap<string, string> = new Map(
  NAMES.flatMap(([oid, ...names]) => names.map((name) => [name, oid] as const)),
);
const NAME_OF: ReadonlyMap<string, string> = new Map(
  NAMES.map(([oid, name]) => [oid, name ?? ''] as const),
);
const PARTS_MAX = 32;
const SPECIAL = /[",+;<>=\\#\n]|^\s|\s$/;

export interface Subject {
  /** Name in DER. */
  readonly der: Buffer;
  /** '' without one. */
  readonly commonName: string;
}

function wrong(): never {
  throw badParameter('The property subject is not an X.500 name.');
}

/** Splits at what separates parts, outside quotes; escapes and quotes are taken off. */
function partsOf(text: string): { readonly name: string; readonly value: string }[] {
  const parts: { name: string; value: string }[] = [];
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    if (equals < 0 || parts.length >= PARTS_MAX) wrong();
    const name = text.slice(at, equals).trim().toUpperCase();
    const read = valueAt(text, equals + 1);
    parts.push({ name, value: read.value });
    at = read.end + 1;
  }
  return parts;
}

function valueAt(text: string, start: number): { readonly value: string; readonly end: number } {
  let at = start;
  while (text[at] === ' ') at++;
  let value = '';
  if (text[at] === '"') {
    at++;
    // A quote inside stands twice, or behind a backslash.
    for (; at < text.length; at++) {
      if (text[at] === '"' && text[at + 1] !== '"') break;
      if (text[at] === '"' || text[at] === '\\') at++;
      value += text[at] ?? '';
    }
    if (text[at] !== '"') wrong();
    at++;
    while (text[at] === ' ') at++;
    if (at < text.length && text[at] !== ',' && text[at] !== ';') wrong();
    return { value, end: at };
  }
  for (; at < text.length && text[at] !== ',' && text[at] !== ';'; at++) {
    if (text[at] === '+' || text[at] === '"') wrong();
    if (text[at] === '\\') at++;
    value += text[at] ?? '';
  }
  return { value: value.trimEnd(), end: at };
}

/** @throws {AzureError} */
export function parseSubject(text: string): Subject {
  const parts = partsOf(text).map(({ name, value }) => {
    const oid = OID_OF.get(name);
    if (oid === undefined || value === '') wrong();
    return { oid, value };
  });
  const sets = parts.toReversed().map(({ oid, value }) => {
    const ascii = ASCII_ONLY.has(oid);
    // oxlint-disable-next-line no-control-regex -- an IA5String is all of ASCII
    if (ascii && !/^[\x00-\x7f]*$/.test(value)) wrong();
    const written = ascii ? derOf(STRING_TAGS.ia5, Buffer.from(value)) : derText(value);
    return derOf(DER.set, derOf(DER.sequence, derOid(oid), written));
  });
  return {
    der: derOf(DER.sequence, ...sets),
    commonName: parts.find(({ oid }) => oid === NAME_OIDS.commonName)?.value ?? '',
  };
}

/** The text of a name that was made elsewhere; attributes without a name here are left out. */
export function subjectText(name: readonly NameAttribute[]): string {
  return name
    .toReversed()
    .flatMap(({ oid, value }) => {
      const short = NAME_OF.get(oid);
      if (short === undefined) return [];
      return [`${short}=${SPECIAL.test(value) ? `"${value.replaceAll('"', '""')}"` : value}`];
    })
    .join(', ');
}
