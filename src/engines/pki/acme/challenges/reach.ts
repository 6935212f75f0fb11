/**
 * Reaching the hosts that challenges name. Anyone may name any host, so only public addresses are reached, unless the
 * settings name a network (CVE-2026-5052): what was looked up is what is connected to, and redirects are judged alike.
 */
import { lookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { promisify } from 'node:util';
import { cidrsContain, plainAddress } from '../../../../base/cidr.ts';
import type { AcmeConfig } from '../config.ts';
import { AcmeProblem } from '../problem.ts';

const lookUpSystem = promisify(lookup);

/** Networks that are nobody’s public address (RFC 6890, and what it left out). */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(network, bits, 'ipv4');
}

/** Of IPv6 only what is given out for the public internet counts, without the addresses that stand for IPv4 ones. */
const PUBLIC_V6 = new BlockList();
PUBLIC_V6.addSubnet('2000::', 3, 'ipv6');
const PRIVATE_V6 = new BlockList();
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  PRIVATE_V6.addSubnet(network, bits, 'ipv6');
}

/** True when anyone may have us connect there. */
export function isPublicAddress(address: string): boolean {
  const plain = plainAddress(address);
  if (isIP(plain) === 4) return !PRIVATE.check(plain, 'ipv4');
  return PUBLIC_V6.check(plain, 'ipv6') && !PRIVATE_V6.check(plain, 'ipv6');
}

const LOOKUP_TIMEOUT_MS = 5_000;
const ADDRESSES_MAX = 4;

export function resolverOf({ dns_resolver: server }: Pick<AcmeConfig, 'dns_resolver'>): Resolver {
  const resolver = new Resolver({ timeout: LOOKUP_TIMEOUT_MS, tries: 2 });
  if (server !== '') resolver.setServers([server]);
  return resolver;
}

async function addressesOf(host: string, config: AcmeConfig): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  if (config.dns_resolver === '') {
    const found = await lookUpSystem(host, { all: true });
    return found.map((each) => each.address);
  }
  const resolver = resolverOf(config);
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
}

/** Where a host may be reached. @throws {AcmeProblem} nowhere */
export async function reachableAddresses(
  host: string,
  config: AcmeConfig,
): Promise<readonly string[]> {
  let addresses: readonly string[];
  try {
    addresses = await addressesOf(host, config);
  } catch {
    addresses = [];
  }
  if (addresses.length === 0) throw new AcmeProblem('dns', `no address found for ${host}`);
  const allowed = addresses.filter(
    (each) => isPublicAddress(each) || cidrsContain(config.validation_networks, each),
  );
  if (allowed.length > 0) return allowed.slice(0, ADDRESSES_MAX);
  throw new AcmeProblem(
    'connection',
    `${host} is not at a public address, and validation_networks names no network that it is in`,
  );
}
