/** One bounded HTTP request to a target that a policy names: no redirects, verified TLS, no metadata service of a cloud. */
import { lookup as lookUp } from 'node:dns';
import type { LookupOptions } from 'node:dns';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import { http } from '../base/node-http.ts';
import { SettingsError, TargetError } from '../targets/database.ts';
import { connectionFault } from '../targets/failures.ts';

export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** PEM; '' = the system's authorities. */
  readonly caPem: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const TIMEOUT_MS = 20_000;
const ANSWER_BYTES_MAX = 256 * 1024;

/** Where clouds hand out credentials to whoever asks from the machine. */
const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet('169.254.0.0', 16, 'ipv4');
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6');
for (const [address, family] of [
  ['168.63.129.16', 'ipv4'], // Azure
  ['100.100.100.200', 'ipv4'], // Alibaba
  ['192.0.0.192', 'ipv4'], // Oracle
  ['fd00:ec2::254', 'ipv6'], // AWS
  ['fd20:ce::254', 'ipv6'], // Google
  ['fd00:42::42', 'ipv6'], // Scaleway
  ['64:ff9b::a9fe:a9fe', 'ipv6'], // 169.254.169.254 behind NAT64 (RFC 6052)
] as const) {
  FORBIDDEN.addAddress(address, family);
}

function isForbidden(address: string): boolean {
  return FORBIDDEN.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** @throws {SettingsError} */
export function assertUrl(url: string): void {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new SettingsError('a URL must begin with http:// or https://');
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isForbidden(host)) throw new SettingsError('this address is not allowed');
}

type LookupCallback = (error: Error | null, address: unknown, family?: number) => void;

/** Looks a name up and refuses what it may not stand for, at the moment of the connection itself. */
function guarded(hostname: string, options: LookupOptions, done: LookupCallback): void {
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, '');
    const allowed = addresses.filter(({ address }) => !isForbidden(address));
    const [first] = allowed;
    if (first === undefined) return done(new Error('this address is not allowed'), '');
    if (options.all === true) return done(null, allowed);
    return done(null, first.address, first.family);
  });
}

/** @throws {TargetError} */
export async function callTarget(call: HttpCall): Promise<HttpAnswer> {
  assertUrl(call.url);
  const target = new URL(call.url);
  const send = target.protocol === 'https:' ? httpsRequest : http.request;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  let connected = false;
  const fail = (error: unknown): void => {
    const fault = connectionFault(error);
    reject(
      fault ?? new TargetError('the call failed', { mayHaveChanged: connected, cause: error }),
    );
  };
  const outgoing = send(
    target,
    {
      method: call.method,
      headers: { 'user-agent': 'strongroom', ...call.headers },
      // A connection of its own: whether it came about tells whether anything can have changed.
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      lookup: guarded as never,
      ...(call.caPem === '' ? {} : { ca: call.caPem }),
    },
    (incoming) => {
      const chunks: Buffer[] = [];
      let length = 0;
      incoming.on('error', fail);
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > ANSWER_BYTES_MAX) incoming.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    },
  );
  outgoing.on('socket', (socket) => socket.once('connect', () => (connected = true)));
  outgoing.on('error', fail);
  outgoing.end(call.body);
  return await promise;
}
