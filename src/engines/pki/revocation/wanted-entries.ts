/** What a caller wants on a list of its own: revoked certificates and extensions, as JSON. */
import { decodeBase64 } from '../../../base/base64.ts';
import type { JsonValue } from '../../../base/json.ts';
import { parseTime } from '../../../base/time-format.ts';
import { isOid, withoutLeadingZeros } from '../../../crypto/der-values.ts';
import { EXTENSION_OIDS } from '../../../crypto/x509/extensions.ts';
import type { Extension } from '../../../crypto/x509/extensions.ts';
import type { RevokedEntry } from '../../../crypto/x509/revocation-list.ts';
import { invalidRequest } from '../../../model/errors.ts';

/** Extensions that are written here and by nobody else. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  [EXTENSION_OIDS.authorityKeyId, 'authority key object identifier'],
  [EXTENSION_OIDS.crlNumber, 'crl number object identifier'],
  [EXTENSION_OIDS.deltaCrlIndicator, 'delta crl object identifier'],
]);

type Entry = Readonly<Record<string, JsonValue>>;

function isEntry(value: JsonValue): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function need(entry: Entry, name: string): JsonValue {
  const value = entry[name];
  if (value === undefined) throw invalidRequest(`missing '${name}' field`);
  return value;
}

function needText(entry: Entry, name: string): string {
  const value = need(entry, name);
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw invalidRequest(`'${name}' field value was not a string`);
}

function extensionOf(entry: Entry): Extension {
  const oid = needText(entry, 'id');
  if (!isOid(oid)) throw invalidRequest('failed parsing asn1 object identifier');
  const reserved = RESERVED.get(oid);
  if (reserved !== undefined) throw invalidRequest(`${reserved} (${oid}) is reserved`);
  const { critical = false } = entry;
  if (![true, false, null, '', 'true', 'false'].includes(critical as boolean)) {
    throw invalidRequest('critical field value failed to be parsed');
  }
  const text = needText(entry, 'value');
  const value = text === '' ? Buffer.alloc(0) : decodeBase64(text);
  if (value === undefined) throw invalidRequest("failed base64 decoding 'value' field");
  return { oid, critical: critical === true || critical === 'true', value };
}

/** @throws {RequestError} */
export function wantedExtensions(list: readonly JsonValue[]): Extension[] {
  const found = list.map((entry, index) => {
    if (!isEntry(entry)) throw invalidRequest(`extension entry ${index} not a map`);
    return extensionOf(entry);
  });
  const oids = found.map((each) => each.oid);
  if (new Set(oids).size < oids.length) throw invalidRequest('duplicate extension id');
  return found;
}

function serialOf(entry: Entry): Buffer {
  const hex = needText(entry, 'serial_number').replaceAll(/[:.\- ]/g, '');
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(hex)) {
    throw invalidRequest("'serial_number' failed converting to bytes");
  }
  return withoutLeadingZeros(Buffer.from(hex, 'hex'));
}

function timeOf(entry: Entry): number {
  const text = needText(entry, 'revocation_time');
  const ms = /^\d{1,12}$/.test(text) ? Number(text) * 1000 : parseTime(text);
  if (ms === undefined) throw invalidRequest('failed parsing revocation_time: not a time');
  return ms;
}

/** @throws {RequestError} */
export function wantedEntries(list: readonly JsonValue[]): RevokedEntry[] {
  const bySerial = new Map<string, RevokedEntry>();
  for (const entry of list.filter(isEntry)) {
    const serial = serialOf(entry);
    const { extensions } = entry;
    if (extensions && !Array.isArray(extensions)) {
      throw invalidRequest("'extensions' field did not contain a slice");
    }
    const key = serial.toString('hex');
    if (bySerial.has(key)) throw invalidRequest('duplicate serial number');
    bySerial.set(key, {
      serial,
      revokedMs: timeOf(entry),
      extensions: wantedExtensions(Array.isArray(extensions) ? extensions : []),
    });
  }
  return [...bySerial.values()];
}
