/** Names of key usages and extended key usages. Unknown names count for nothing. */
import { KEY_USAGE } from '../../../crypto/x509/extensions.ts';

const KEY_USAGE_NAMES: ReadonlyMap<string, number> = new Map(
  Object.entries(KEY_USAGE).map(([name, bit]) => [name.toLowerCase(), bit]),
);

export function keyUsageBits(names: readonly string[]): number {
  let bits = 0;
  for (const name of names) bits |= KEY_USAGE_NAMES.get(name.trim().toLowerCase()) ?? 0;
  return bits;
}

/** In the order in which certificates name them. */
const EXTENDED: readonly (readonly [name: string, oid: string])[] = [
  ['any', '2.5.29.37.0'],
  ['serverauth', '1.3.6.1.5.5.7.3.1'],
  ['clientauth', '1.3.6.1.5.5.7.3.2'],
  ['codesigning', '1.3.6.1.5.5.7.3.3'],
  ['emailprotection', '1.3.6.1.5.5.7.3.4'],
  ['ipsecendsystem', '1.3.6.1.5.5.7.3.5'],
  ['ipsectunnel', '1.3.6.1.5.5.7.3.6'],
  ['ipsecuser', '1.3.6.1.5.5.7.3.7'],
  ['timestamping', '1.3.6.1.5.5.7.3.8'],
  ['ocspsigning', '1.3.6.1.5.5.7.3.9'],
  ['microsoftservergatedcrypto', '1.3.6.1.4.1.311.10.3.3'],
  ['netscapeservergatedcrypto', '2.16.840.1.113730.4.1'],
];

/** Object identifiers, each once. */
export function extendedUsageOids(names: readonly string[], oids: readonly string[]): string[] {
  const wanted = new Set(names.map((each) => each.trim().toLowerCase()));
  const named = EXTENDED.filter(([name]) => wanted.has(name)).map(([, oid]) => oid);
  return [...new Set([...named, ...oids])];
}
