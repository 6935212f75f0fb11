/** Audit device `socket`: writes lines to a TCP, TLS, Unix or UDP socket (a datagram per line). */
import { CONNECTION_OPTIONS, linesOf, openConnection, parseDestination } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { AuditDevice, AuditDeviceType } from '../device.ts';

export const socketDevice: AuditDeviceType = {
  type: 'socket',
  summary: 'Writes records to a TCP, TLS, Unix or UDP socket.',
  options: CONNECTION_OPTIONS,
  open(options, context) {
    const destination = parseDestination(options, { transport: 'tcp' });
    const connection = openConnection(destination, context.clock);
    return Promise.resolve(new SocketDevice(connection, destination.transport === 'udp'));
  },
};

class SocketDevice implements AuditDevice {
  readonly #connection: Connection;
  readonly #datagrams: boolean;

  constructor(connection: Connection, datagrams: boolean) {
    this.#connection = connection;
    this.#datagrams = datagrams;
  }

  async append(lines: Buffer): Promise<void> {
    if (!this.#datagrams) return this.#connection.send(Buffer.from(lines));
    for (const line of linesOf(lines)) await this.#connection.send(Buffer.from(line));
  }

  reopen(): Promise<void> {
    return this.#connection.close();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
