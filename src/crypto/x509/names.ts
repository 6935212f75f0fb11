/** Distinguished names (RFC 5280 §4.1.2.4): written, read, and shown. */
import { DER, DerError, derElements, derOf } from '../der.ts';
import type { DerElement } from '../der.ts';
import { derOid, derText, oidOf, textOf } from '../der-values.ts';

const SET = DER.set;

export const NAME_OIDS = {
  commonName: '2.5.4.3',
  serialNumber: '2.5.4.5',
  country: '2.5.4.6',
  locality: '2.5.4.7',
  province: '2.5.4.8',
  streetAddress: '2.5.4.9',
  organization: '2.5.4.10',
  organizationalUnit: '2.5.4.11',
  postalCode: '2.5.4.17',
  /** RFC 4519 §2.39. */
  userId: '0.9.2342.19200300.100.1.1',
} as const;

/** Order of the parts in a name that is made here. */
const WRITTEN_ORDER = [
  NAME_OIDS.country,
  NAME_OIDS.province,
  NAME_OIDS.locality,
  NAME_OIDS.streetAddress,
  NAME_OIDS.postalCode,
  NAME_OIDS.organization,
  NAME_OIDS.organizationalUnit,
  NAME_OIDS.commonName,
  NAME_OIDS.serialNumber,
] as const;

const SHORT_NAMES: Readonly<Record<string, string>> = {
  [NAME_OIDS.country]: 'C',
  [NAME_OIDS.organization]: 'O',
  [NAME_OIDS.organizationalUnit]: 'OU',
  [NAME_OIDS.commonName]: 'CN',
  [NAME_OIDS.serialNumber]: 'SERIALNUMBER',
  [NAME_OIDS.locality]: 'L',
  [NAME_OIDS.province]: 'ST',
  [NAME_OIDS.streetAddress]: 'STREET',
  [NAME_OIDS.postalCode]: 'POSTALCODE',
};

export interface Subject {
  readonly commonName?: string;
  readonly serialNumber?: string;
  readonly country?: readonly string[];
  readonly province?: readonly string[];
  readonly locality?: readonly string[];
  readonly streetAddress?: readonly string[];
  readonly postalCode?: readonly string[];
  readonly organization?: readonly string[];
  readonly organizationalUnit?: readonly string[];
  readonly userIds?: readonly string[];
}

export interface NameAttribute {
  readonly oid: string;
  readonly value: string;
  /** The value as it was written, tag and all. */
  readonly raw: Buffer;
}

function attribute(oid: string, value: Buffer): Buffer {
  return derOf(DER.sequence, derOid(oid), value);
}

/** One relative name; its attributes in the order that DER wants of a SET OF. */
function relativeName(attributes: readonly Buffer[]): Buffer {
  const sorted = attributes.length > 1 ? [...attributes].sort((a, b) => a.compare(b)) : attributes;
  return derOf(SET, ...sorted);
}

export function encodeSubject(subject: Subject): Buffer {
  const values: Readonly<Record<string, readonly string[]>> = {
    [NAME_OIDS.country]: subject.country ?? [],
    [NAME_OIDS.province]: subject.province ?? [],
    [NAME_OIDS.locality]: subject.locality ?? [],
    [NAME_OIDS.streetAddress]: subject.streetAddress ?? [],
    [NAME_OIDS.postalCode]: subject.postalCode ?? [],
    [NAME_OIDS.organization]: subject.organization ?? [],
    [NAME_OIDS.organizationalUnit]: subject.organizationalUnit ?? [],
    [NAME_OIDS.commonName]: subject.commonName ? [subject.commonName] : [],
    [NAME_OIDS.serialNumber]: subject.serialNumber ? [subject.serialNumber] : [],
  };
  const parts: Buffer[] = [];
  for (const oid of WRITTEN_ORDER) {
    const texts = values[oid] ?? [];
    if (texts.length === 0) continue;
    parts.push(relativeName(texts.map((text) => attribute(oid, derText(text)))));
  }
  for (const userId of subject.userIds ?? []) {
    parts.push(relativeName([attribute(NAME_OIDS.userId, derText(userId))]));
  }
  return derOf(DER.sequence, ...parts);
}

/** The attributes of a name in order. @throws {DerError} */
export function readName(name: Buffer): NameAttribute[] {
  const [sequence] = derElements(name);
  if (sequence?.tag !== DER.sequence) throw new DerError('not a name');
  const found: NameAttribute[] = [];
  for (const set of derElements(sequence.content)) {
    if (set.tag !== SET) throw new DerError('not a relative name');
    for (const element of derElements(set.content)) found.push(readAttribute(element));
  }
  return found;
}

function readAttribute(element: DerElement): NameAttribute {
  const [oid, value] = derElements(element.content);
  if (value === undefined) throw new DerError('not an attribute');
  let text = '';
  try {
    text = textOf(value);
  } catch {
    // A value that is no string is kept as it is.
  }
  return { oid: oidOf(oid), value: text, raw: value.whole };
}

export function valuesOf(name: readonly NameAttribute[], oid: string): string[] {
  return name.filter((each) => each.oid === oid).map((each) => each.value);
}

/** The last common name, as most readers of certificates take it; '' without one. */
export function commonNameOf(name: readonly NameAttribute[]): string {
  return valuesOf(name, NAME_OIDS.commonName).at(-1) ?? '';
}

/** The same attributes, each a relative name of its own. */
export function flatName(name: readonly NameAttribute[]): Buffer {
  const parts = name.map(({ oid, value, raw }) =>
    relativeName([attribute(oid, value === '' ? raw : derText(value))]),
  );
  return derOf(DER.sequence, ...parts);
}

function escaped(value: string): string {
  return Array.from(value)
    .map((character, index, all) => {
      const edge = index === 0 || index === all.length - 1;
      const special =
        ',+"\\<>;'.includes(character) ||
        (character === ' ' && edge) ||
        (character === '#' && index === 0);
      return special ? `\\${character}` : character;
    })
    .join('');
}

/** RFC 2253 text, the parts of the written order first to last from the right, others at the very end. */
export function nameText(name: readonly NameAttribute[]): string {
  const groups: string[] = [];
  const others = name.filter((each) => !Object.hasOwn(SHORT_NAMES, each.oid));
  for (const { oid, raw } of others) groups.push(`${oid}=#${raw.toString('hex')}`);
  for (const oid of WRITTEN_ORDER) {
    const single = oid === NAME_OIDS.commonName || oid === NAME_OIDS.serialNumber;
    const all = valuesOf(name, oid);
    const shown = single ? all.slice(-1) : all;
    if (shown.length === 0) continue;
    groups.push(shown.map((value) => `${SHORT_NAMES[oid]}=${escaped(value)}`).join('+'));
  }
  return groups.toReversed().join(',');
}
