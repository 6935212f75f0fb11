/** The socket device against real listeners: TCP, Unix, TLS refusals, UDP, and listeners that vanish or never answer. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { auditDeviceContract } from '../device.contract.ts';
import { Inbox, contextOf, turn } from '../fixture.ts';
import { socketDevice } from './socket.ts';

interface Listener {
  readonly inbox: Inbox;
  readonly sockets: Set<Socket>;
  readonly server: Server;
  readonly address: string;
  close(): Promise<void>;
}

async function listen(at: string | number = 0): Promise<Listener> {
  const inbox = new Inbox();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => inbox.add(chunk.toString('utf8')));
  });
  if (typeof at === 'string') server.listen(at);
  else server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  const address =
    typeof at === 'string' ? at : `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    inbox,
    sockets,
    server,
    address,
    async close() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

auditDeviceContract('socket (tcp)', async () => {
  const listener = await listen();
  const device = await socketDevice.open({ address: listener.address }, contextOf());
  return {
    device,
    received: (bytes) => listener.inbox.received(bytes),
    dispose: () => listener.close(),
  };
});

auditDeviceContract('socket (unix)', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'audit-socket-'));
  const listener = await listen(path.join(directory, 'socket'));
  const options = { address: listener.address, socket_type: 'unix' };
  return {
    device: await socketDevice.open(options, contextOf()),
    received: (bytes) => listener.inbox.received(bytes),
    dispose: async () => {
      await listener.close();
      await rm(directory, { recursive: true });
    },
  };
});

auditDeviceContract('socket (udp)', async () => {
  const inbox = new Inbox();
  const socket = createSocket('udp4');
  socket.on('message', (message) => inbox.add(`${message.toString('utf8')}\n`));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const options = { address: `127.0.0.1:${socket.address().port}`, socket_type: 'udp' };
  return {
    device: await socketDevice.open(options, contextOf()),
    received: (bytes) => inbox.received(bytes),
    dispose: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
});

test('a connection that the other side closed is made anew', async () => {
  const listener = await listen();
  const device = await socketDevice.open({ address: listener.address }, contextOf());
  await device.append(Buffer.from('{"n":1}\n'));
  await listener.inbox.received(8);
  const [socket] = listener.sockets;
  assert.ok(socket !== undefined);
  socket.destroy();
  await once(socket, 'close');
  // The log writes after the event loop has looked at its sockets.
  await turn();
  await device.append(Buffer.from('{"n":2}\n'));
  assert.equal(await listener.inbox.received(16), '{"n":1}\n{"n":2}\n');
  await device.close();
  await listener.close();
});

test('nobody listens: the record is not taken', async () => {
  const listener = await listen();
  await listener.close();
  const device = await socketDevice.open({ address: listener.address }, contextOf());
  await assert.rejects(device.append(Buffer.from('{"n":1}\n')));
  await device.close();
});

test('a listener that reads nothing is given up after the write timeout', async () => {
  const listener = await listen();
  listener.server.on('connection', (socket: Socket) => socket.pause());
  const options = { address: listener.address, write_timeout: '50ms' };
  const device = await socketDevice.open(options, contextOf());
  // Timers do not keep the process alive; the listener does.
  await assert.rejects(device.append(Buffer.alloc(32 * 1024 * 1024, 'x')));
  await device.close();
  await listener.close();
});

test('a certificate that nobody vouches for is refused', async () => {
  const listener = await listen();
  const options = { address: listener.address, socket_type: 'tls', write_timeout: '200ms' };
  const device = await socketDevice.open(options, contextOf());
  await assert.rejects(device.append(Buffer.from('{"n":1}\n')));
  assert.equal(listener.inbox.text.includes('{"n":1}'), false);
  await device.close();
  await listener.close();
});

test('bad addresses are refused', () => {
  const bad: Record<string, string>[] = [
    {},
    { address: '' },
    { address: 'localhost' },
    { address: 'localhost:0' },
    { address: 'localhost:65536' },
    { address: 'a b:1' },
    { address: 'relative', socket_type: 'unix' },
    { address: 'localhost:1', socket_type: 'sctp' },
    { address: 'localhost:1', write_timeout: '0s' },
  ];
  for (const options of bad) {
    assert.throws(() => void socketDevice.open(options, contextOf()), { code: 'invalid_request' });
  }
});
