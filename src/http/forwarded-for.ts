/** Who a request comes from when a proxy stands between: `X-Forwarded-For`, believed only from authorised addresses. */
import { BlockList, isIP, isIPv6 } from 'node:net';

export interface ForwardedForOptions {
  /** Addresses or CIDRs of the proxies whose header is believed. */
  readonly authorized: readonly string[];
  /** Addresses to skip from the end of the header. */
  readonly hopSkips: number;
  /** Refuse a request without the header. */
  readonly rejectNotPresent: boolean;
  /** Refuse a request with the header from anywhere else; otherwise the header is ignored. */
  readonly rejectNotAuthorized: boolean;
}

/** The address to take for the client's, or why the request is refused. */
export type ForwardedFor = { readonly address: string } | { readonly refusal: string };

export type ForwardedForRule = (
  peer: string,
  header: string | undefined,
) => ForwardedFor | undefined;

/** An IPv4 address that came in over an IPv6 socket, in its own form. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/** A test for membership. @throws {RangeError} when one of the entries is no address and no CIDR */
export function addressSet(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.trim().split('/');
    const family = isIP(address) === 4 ? 'ipv4' : isIP(address) === 6 ? 'ipv6' : undefined;
    const bits = prefix === undefined ? undefined : Number(prefix);
    const bitsMax = family === 'ipv4' ? 32 : 128;
    const badBits = bits !== undefined && !(Number.isInteger(bits) && bits >= 0 && bits <= bitsMax);
    if (family === undefined || badBits || prefix === '') {
      throw new RangeError(`not an address or CIDR: ${entry}`);
    }
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, bits, family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * The rule for a listener. Its result is undefined when the peer itself is the client; then the header means nothing and
 * must not be passed on.
 * @throws {RangeError} when an authorised entry is no address and no CIDR
 */
export function forwardedForRule(options: ForwardedForOptions): ForwardedForRule {
  const isAuthorized = addressSet(options.authorized);
  return (peer, header) => {
    if (header === undefined || header === '') {
      return options.rejectNotPresent
        ? { refusal: 'missing x-forwarded-for header and configured to reject when not present' }
        : undefined;
    }
    if (!isAuthorized(plainAddress(peer))) {
      return options.rejectNotAuthorized
        ? { refusal: 'client address not authorized for x-forwarded-for' }
        : undefined;
    }
    const hops = header.split(',');
    const address = withoutPort((hops[hops.length - 1 - options.hopSkips] ?? '').trim());
    return isIP(address) === 0
      ? { refusal: 'malformed x-forwarded-for configuration or request' }
      : { address };
  };
}

/** Some proxies write `192.0.2.1:5000` or `[2001:db8::1]:5000`. */
function withoutPort(hop: string): string {
  if (hop.startsWith('[')) return hop.slice(1, Math.max(1, hop.indexOf(']')));
  const colon = hop.indexOf(':');
  return colon >= 0 && colon === hop.lastIndexOf(':') ? hop.slice(0, colon) : hop;
}

/** What the header says by `rule`; a header that is not believed is taken away, so that nobody behind reads it. */
export function forwardedOf(
  rule: ForwardedForRule | undefined,
  headers: Record<string, string | readonly string[] | undefined>,
  remoteAddress: string,
): ReturnType<ForwardedForRule> {
  const header = headers['x-forwarded-for'];
  if (rule === undefined) {
    if (header !== undefined) delete headers['x-forwarded-for'];
    return undefined;
  }
  const text = typeof header === 'object' ? header.join(',') : header;
  const forwarded = rule(remoteAddress, text);
  if (forwarded === undefined) delete headers['x-forwarded-for'];
  return forwarded;
}
