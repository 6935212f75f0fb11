/** Names in directories: what is escaped in a filter and in a distinguished name, and how spellings come to one. */

/** Longest name of a user. */
export const USERNAME_LENGTH_MAX = 256;

/** A value inside a search filter (RFC 4515 §3); another escape than that of names (GHSA-6mwx-4547-5vc9). */
export function escapeFilterValue(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text)) {
    const plain = byte > 0x1f && byte < 0x7f && !'()*\\'.includes(String.fromCharCode(byte));
    escaped += plain ? String.fromCharCode(byte) : `\\${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}

/** A value inside a distinguished name (RFC 4514 §2.4). */
export function escapeDnValue(text: string): string {
  const bytes = Buffer.from(text);
  let escaped = '';
  for (const [index, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    const atEdge = character === ' ' && (index === 0 || index === bytes.length - 1);
    if (atEdge || '"+,;<>\\#='.includes(character)) escaped += `\\${character}`;
    else if (byte < 0x20 || byte > 0x7e) escaped += `\\${byte.toString(16).padStart(2, '0')}`;
    else escaped += character;
  }
  return escaped;
}

/** Characters that directories map to nothing before they compare, and those that they take for a space (RFC 4518 §2.2). */
const MAPPED_TO_NOTHING = /\p{Default_Ignorable_Code_Point}|\p{Cc}/gu;
const SPACES = /[\p{Z}\t\n\v\f\r\u0085]+/gu;

/**
 * One form for all spellings that a directory takes for the same name (RFC 4518): lookups, locks and aliases use it, so that
 * a spelling neither escapes a count nor makes another entity (CVE-2025-6004, CVE-2025-6013).
 */
export function canonicalName(text: string, options: { readonly foldCase: boolean }): string {
  const plain = text.normalize('NFKC').replace(SPACES, ' ').replace(MAPPED_TO_NOTHING, '').trim();
  return options.foldCase ? plain.toLowerCase().normalize('NFKC') : plain;
}

export interface NamePart {
  readonly type: string;
  readonly value: string;
}

/** Takes the escapes out of a value; pairs of hex digits are bytes of UTF-8. */
function unescaped(text: string): string {
  const bytes: number[] = [];
  const raw = Buffer.from(text);
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at] ?? 0;
    if (byte !== 0x5c) {
      bytes.push(byte);
      continue;
    }
    const pair = raw.toString('latin1', at + 1, at + 3);
    if (/^[\da-fA-F]{2}$/.test(pair)) {
      bytes.push(Number.parseInt(pair, 16));
      at += 2;
    } else {
      at++;
      bytes.push(raw[at] ?? 0);
    }
  }
  return Buffer.from(bytes).toString();
}

/** Without the spaces around it; one that is escaped is part of it. */
function withoutSpaces(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ' && text[end - 2] !== '\\') end--;
  return text.slice(0, end).trimStart();
}

/** The parts of a distinguished name, in order; undefined when the text is none. */
export function partsOf(dn: string): readonly NamePart[] | undefined {
  const pieces: string[] = [];
  let piece = '';
  for (let at = 0; at < dn.length; at++) {
    const character = dn[at] ?? '';
    if (character === '\\') {
      piece += character + (dn[at + 1] ?? '');
      at++;
    } else if (character === ',' || character === '+') {
      pieces.push(piece);
      piece = '';
    } else piece += character;
  }
  pieces.push(piece);
  const parts: NamePart[] = [];
  for (const each of pieces) {
    const equals = each.indexOf('=');
    const type = each.slice(0, equals).trim();
    if (equals < 1 || !/^[A-Za-z0-9.-]+$/.test(type)) return undefined;
    parts.push({ type, value: unescaped(withoutSpaces(each.slice(equals + 1))) });
  }
  return parts;
}

/** The common name in a distinguished name; the text itself where there is none. */
export function commonNameOf(text: string, options: { readonly upperCaseOnly: boolean }): string {
  const found = partsOf(text)?.find(({ type }) =>
    options.upperCaseOnly ? type === 'CN' : type.toUpperCase() === 'CN',
  );
  return found?.value ?? text;
}

/** A security identifier of Active Directory as text ([MS-DTYP] §2.4.2); undefined when the bytes are none. */
export function sidText(bytes: Buffer): string | undefined {
  const count = bytes[1];
  if (count === undefined || bytes.length !== 8 + 4 * count) return undefined;
  const parts = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(8 + 4 * index));
  return ['S', bytes[0], bytes.readUIntBE(2, 6), ...parts].join('-');
}
