/** Asks a RADIUS server over UDP, again and again until it answers or the time is over (RFC 2865 §2.5). */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { accessRequest, verdictOf } from './packet.ts';
import type { AccessRequest, Verdict } from './packet.ts';

const RETRY_MS = 2000;
const AUTHENTICATOR_BYTES = 16;

export class RadiusError extends Error {
  override readonly name = 'RadiusError';
  /** The server has judged the name and password. */
  readonly wrongCredentials: boolean;
  constructor(
    message: string,
    { wrongCredentials = false }: { readonly wrongCredentials?: boolean } = {},
  ) {
    super(message);
    this.wrongCredentials = wrongCredentials;
  }
}

export interface RadiusServer {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** How long to wait, all tries together. */
  readonly timeoutMs: number;
  readonly needsMessageAuthenticator: boolean;
}

export interface ExchangePorts {
  readonly clock: Clock;
  readonly random: Random;
}

async function connected({ host, port }: RadiusServer): Promise<Socket> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const socket = createSocket(bare.includes(':') ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  // Connected: what others send does not get here (RFC 2865 §3 asks only for the authenticator).
  socket.connect(port, bare, resolve);
  try {
    await promise;
  } catch {
    socket.close();
    throw new RadiusError('the server has no address that can be reached');
  }
  socket.removeAllListeners('error');
  return socket;
}

/** @throws {RadiusError} when the server cannot be asked, or says nothing that is its own in time */
export async function asked(
  server: RadiusServer,
  wish: Pick<AccessRequest, 'username' | 'password' | 'nasPort' | 'nasIdentifier'>,
  { clock, random }: ExchangePorts,
): Promise<Verdict> {
  const secret = Buffer.from(server.secret);
  const identifier = random.bytes(1)[0] ?? 0;
  const request = { ...wish, identifier, authenticator: random.bytes(AUTHENTICATOR_BYTES) };
  let packet: Buffer;
  try {
    packet = accessRequest(request, secret);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RadiusError(error.message, { wrongCredentials: true });
  }
  const socket = await connected(server);
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
  let again: (() => void) | undefined;
  const send = (): void => {
    socket.send(packet, () => {
      // What is lost is sent again.
    });
    again = clock.after(RETRY_MS, send);
  };
  const late = clock.after(server.timeoutMs, () =>
    reject(new RadiusError('the server did not answer in time, or not with the same secret')),
  );
  socket.on('message', (bytes) => {
    const verdict = verdictOf(bytes, request, secret, server);
    if (verdict !== undefined) resolve(verdict);
  });
  socket.on('error', () => reject(new RadiusError('nobody listens at the address of the server')));
  send();
  try {
    return await promise;
  } finally {
    again?.();
    late();
    socket.close();
  }
}
