/**
 * A connection that devices write to: TCP, TLS, a Unix stream socket or UDP. It connects when it is needed, and once more when
 * the other side has gone; every step has a deadline.
 */
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { connect, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';

import type { Clock } from '../base/clock.ts';
import { invalidRequest } from '../model/errors.ts';
import { optionOf, parseDurationMs } from './device.ts';
import type { DeviceOptions } from './device.ts';

/** How long connecting or writing may take. Below the deadline of a record, so that a second attempt has a chance. */
export const WRITE_TIMEOUT_MS = 2000;
/** Largest payload of a UDP datagram over IPv4. */
export const DATAGRAM_BYTES_MAX = 65_507;

export type Transport = 'tcp' | 'tls' | 'unix' | 'udp';
const TRANSPORTS: readonly Transport[] = ['tcp', 'tls', 'unix', 'udp'];

/** Options of devices that have a connection, with a sentence each. */
export const CONNECTION_OPTIONS: Readonly<Record<string, string>> = {
  address: 'Where to: "host:port", or the absolute path of a Unix stream socket.',
  socket_type: 'How: "tcp", "tls", "unix" or "udp".',
  write_timeout: 'How long connecting and writing may each take, e.g. "2s".',
  tls_ca_file: "Certificates (PEM) to trust in place of the system's.",
  tls_server_name: 'Name that the certificate of the other side must have.',
};

export interface Destination {
  readonly transport: Transport;
  /** Host, or path of the socket. */
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly caFile: string | undefined;
  readonly serverName: string | undefined;
}

/** @throws {RequestError} invalid_request */
export function parseDestination(
  options: DeviceOptions,
  defaults: { readonly transport: Transport; readonly address?: string },
): Destination {
  const address = optionOf(options, 'address') ?? defaults.address;
  if (address === undefined || address === '') throw invalidRequest('address is required');
  const transport = (optionOf(options, 'socket_type') ?? defaults.transport) as Transport;
  if (!TRANSPORTS.includes(transport)) {
    throw invalidRequest('option "socket_type" must be tcp, tls, unix or udp');
  }
  const shared = {
    transport,
    timeoutMs: parseDurationMs(options, 'write_timeout', WRITE_TIMEOUT_MS),
    caFile: optionOf(options, 'tls_ca_file'),
    serverName: optionOf(options, 'tls_server_name'),
  };
  if (transport === 'unix') {
    if (!path.isAbsolute(address)) {
      throw invalidRequest('option "address" must be the absolute path of a socket');
    }
    return { ...shared, host: address, port: 0 };
  }
  const match = /^(?:\[([\da-fA-F:.]{2,64})\]|([^\s:[\]]{1,253})):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || !(port >= 1 && port <= 65_535)) {
    throw invalidRequest('option "address" must be host:port');
  }
  return { ...shared, host: match[1] ?? match[2] ?? '', port };
}

export interface Connection {
  /** Hands over one message; for UDP one datagram. Resolves when the system has taken it. */
  send(message: Buffer): Promise<void>;
  /** Drops what is open; the next message connects anew. */
  close(): Promise<void>;
}

export function openConnection(destination: Destination, clock: Clock): Connection {
  return destination.transport === 'udp'
    ? new DatagramConnection(destination, clock)
    : new StreamConnection(destination, clock);
}

class StreamConnection implements Connection {
  readonly #destination: Destination;
  readonly #clock: Clock;
  #socket: Socket | undefined;

  constructor(destination: Destination, clock: Clock) {
    this.#destination = destination;
    this.#clock = clock;
  }

  async send(message: Buffer): Promise<void> {
    const socket = this.#socket;
    if (socket !== undefined && !socket.destroyed) {
      try {
        return await this.#write(socket, message);
      } catch {
        // The other side went away meanwhile: once more, from the start.
        await this.close();
      }
    }
    const fresh = await this.#connect();
    try {
      await this.#write(fresh, message);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.destroyed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    // Everything was taken before; end() lets it reach the other side.
    socket.end(() => {
      socket.destroy();
      resolve();
    });
    const stop = this.#clock.after(this.#destination.timeoutMs, () => {
      socket.destroy();
      resolve();
    });
    return promise.finally(stop);
  }

  async #connect(): Promise<Socket> {
    const { transport, host, port, caFile, serverName } = this.#destination;
    const ca = caFile === undefined ? undefined : await readFile(caFile);
    let socket: Socket;
    let ready = 'connect';
    if (transport === 'unix') socket = connect({ path: host });
    else if (transport === 'tcp') socket = connect({ host, port, keepAlive: true, noDelay: true });
    else {
      ready = 'secureConnect';
      const servername = serverName ?? (isIPv6(host) || /^[\d.]+$/.test(host) ? undefined : host);
      socket = connectTls({
        host,
        port,
        minVersion: 'TLSv1.2',
        ...(ca === undefined ? {} : { ca }),
        ...(servername === undefined ? {} : { servername }),
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once(ready, resolve);
    // Also keeps a later error from being nobody's: the next write sees the destroyed socket.
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
    // Nothing is expected from the other side but its end.
    socket.once('end', () => socket.destroy());
    socket.resume();
    await this.#within(promise, socket);
    socket.unref();
    this.#socket = socket;
    return socket;
  }

  async #write(socket: Socket, message: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const closed = (): void => reject(new Error('the connection was closed'));
    socket.once('close', closed);
    socket.write(message, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
    try {
      await this.#within(promise, socket);
    } finally {
      socket.off('close', closed);
    }
  }

  /** Gives the step its time; past it the connection is useless. */
  async #within(step: Promise<void>, socket: Socket): Promise<void> {
    const stop = this.#clock.after(this.#destination.timeoutMs, () => {
      socket.destroy(new Error('no answer in time'));
    });
    try {
      await step;
    } finally {
      stop();
    }
  }
}

class DatagramConnection implements Connection {
  readonly #destination: Destination;
  readonly #clock: Clock;
  #socket: DatagramSocket | undefined;

  constructor(destination: Destination, clock: Clock) {
    this.#destination = destination;
    this.#clock = clock;
  }

  send(message: Buffer): Promise<void> {
    if (message.length > DATAGRAM_BYTES_MAX) {
      return Promise.reject(new Error('the record is too large for a datagram'));
    }
    const { host, port, timeoutMs } = this.#destination;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#socket ??= this.#open();
    this.#socket.send(message, port, host, (error) => (error === null ? resolve() : reject(error)));
    const stop = this.#clock.after(timeoutMs, () => reject(new Error('no answer in time')));
    return promise.finally(stop);
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    return Promise.resolve();
  }

  #open(): DatagramSocket {
    const socket = createSocket(isIPv6(this.#destination.host) ? 'udp6' : 'udp4');
    // "Port unreachable" for an earlier datagram; the next send reports what concerns it.
    socket.on('error', () => {});
    socket.unref();
    return socket;
  }
}

/** The lines of an append, each without its newline. */
export function* linesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}
