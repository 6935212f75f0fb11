/** The syslog device: RFC 5424 messages over UDP and, octet-counted, over TCP. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';

import { auditDeviceContract } from '../device.contract.ts';
import { Inbox, contextOf } from '../fixture.ts';
import { syslogDevice } from './syslog.ts';

const HEAD = /^<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ (\S+) \d+ audit - /;

/** The message of a frame, and what its head says. */
function unwrap(frame: string): { priority: number; tag: string; message: string } {
  const match = HEAD.exec(frame);
  assert.ok(match !== null, frame);
  const message = frame.slice(match[0].length);
  return { priority: Number(match[1]), tag: match[2] ?? '', message };
}

auditDeviceContract('syslog (udp)', async () => {
  const inbox = new Inbox();
  const socket = createSocket('udp4');
  socket.on('message', (frame) => inbox.add(`${unwrap(frame.toString('utf8')).message}\n`));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    device: await syslogDevice.open({ address: `127.0.0.1:${socket.address().port}` }, contextOf()),
    received: (bytes) => inbox.received(bytes),
    dispose: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
});

auditDeviceContract('syslog (tcp)', async () => {
  const inbox = new Inbox();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let held = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (;;) {
        const space = held.indexOf(0x20);
        const length = Number(held.toString('latin1', 0, Math.max(space, 0)));
        if (space < 0 || held.length < space + 1 + length) return;
        inbox.add(`${unwrap(held.toString('utf8', space + 1, space + 1 + length)).message}\n`);
        held = held.subarray(space + 1 + length);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    device: await syslogDevice.open({ address, socket_type: 'tcp' }, contextOf()),
    received: (bytes) => inbox.received(bytes),
    dispose: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
});

test('facility and tag stand in the message', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const address = `127.0.0.1:${socket.address().port}`;
  const device = await syslogDevice.open(
    { address, facility: 'local3', tag: 'secrets' },
    contextOf(),
  );
  const message = once(socket, 'message') as Promise<[Buffer]>;
  await device.append(Buffer.from('{}\n'));
  const { priority, tag } = unwrap((await message)[0].toString('utf8'));
  assert.equal(priority, 19 * 8 + 6);
  assert.equal(tag, 'secrets');
  await device.close();
  socket.close();
  await once(socket, 'close');
});

test('unknown facilities and tags with spaces are refused', () => {
  for (const options of [{ facility: 'NONE' }, { tag: 'a b' }, { tag: '' }]) {
    assert.throws(() => void syslogDevice.open(options, contextOf()), { code: 'invalid_request' });
  }
});
