/** Address ranges: `10.0.0.0/8`, `::1/128`, or one address. */
import { BlockList, isIP } from 'node:net';

/** Most ranges one list may have. */
export const CIDRS_MAX: number = 256;

const parsed = new Map<string, BlockList>();
const PARSED_MAX = 1024;

/** The range in canonical text (a full-length prefix is left out), or undefined when it is none. */
export function canonicalCidr(text: string): string | undefined {
  const [address = '', bits, ...more] = text.trim().split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return undefined;
  const width = family === 4 ? 32 : 128;
  if (bits === undefined) return address;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > width) return undefined;
  return Number(bits) === width ? address : `${address}/${Number(bits)}`;
}

/**
 * Ranges in canonical form that callers may be bound to; undefined when one is none. Text with a slash that is no range names
 * a UNIX socket, as in the reference: it is kept, and matches no address.
 */
export function boundAddresses(texts: readonly string[]): readonly string[] | undefined {
  const ranges: string[] = [];
  for (const text of texts) {
    const range = canonicalCidr(text) ?? (text.includes('/') ? text : undefined);
    if (range === undefined) return undefined;
    ranges.push(range);
  }
  return ranges;
}

/** The address without its IPv6 dress, when it is an IPv4 address mapped into IPv6. */
export function plainAddress(address: string): string {
  return /^::ffff:[0-9.]+$/i.test(address) ? address.slice('::ffff:'.length) : address;
}

/** Whether an address lies in one of the ranges. IPv4 mapped into IPv6 counts as IPv4. Unknown text never does. */
export function cidrsContain(cidrs: readonly string[], address: string): boolean {
  const plain = plainAddress(address);
  const family = isIP(plain);
  if (family === 0) return false;
  return listOf(cidrs).check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether every address of a range lies in one of the others. False for text that is no range. */
export function cidrInside(cidr: string, ranges: readonly string[]): boolean {
  const inner = canonicalCidr(cidr);
  if (inner === undefined) return false;
  const [address = ''] = inner.split('/');
  return ranges.some(
    (range) => prefixLength(range) <= prefixLength(inner) && cidrsContain([range], address),
  );
}

function prefixLength(cidr: string): number {
  const [address = '', bits] = cidr.split('/');
  return bits === undefined ? (isIP(address) === 4 ? 32 : 128) : Number(bits);
}

function listOf(cidrs: readonly string[]): BlockList {
  const key = cidrs.join(',');
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const cidr of cidrs) {
    const canonical = canonicalCidr(cidr);
    if (canonical === undefined) continue;
    const [address = '', bits] = canonical.split('/');
    const type = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(bits), type);
  }
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(key, list);
  return list;
}
