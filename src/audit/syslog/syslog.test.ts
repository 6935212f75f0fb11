/** The syslog device: RFC 5424 messages over UDP and, octet-counted, over TCP. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import type { AuditDevice } from '../device.ts';
import { auditDeviceContract } from '../device.contract.ts';
import { Inbox, contextOf } from '../fixture.ts';
import { LOCAL_RECORD_BYTES_MAX } from './local.ts';
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

/** A daemon at a Unix datagram socket, which Node cannot open: prints each datagram's length and bytes. */
const DAEMON = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    sys.stdout.buffer.write(s.recv(70000) + b"\\n")
    sys.stdout.buffer.flush()
`;
const LOCAL_HEAD = /^<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d (?:\S+ )?(\S+)\[(\d+)\]: /;

if (!existsSync('/usr/bin/python3')) {
  test('syslog (local)', { skip: 'needs python3 for a datagram socket: apt-get install python3' });
} else {
  auditDeviceContract('syslog (local)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'syslog-'));
    const address = join(folder, 'log');
    const daemon = spawn('/usr/bin/python3', ['-c', DAEMON, address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const inbox = new Inbox();
    const lines = createInterface({ input: daemon.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'ready');
    void (async () => {
      for await (const line of { [Symbol.asyncIterator]: () => lines }) {
        const match = LOCAL_HEAD.exec(line);
        assert.ok(match !== null, line);
        assert.deepEqual(match.slice(1), ['38', 'strongroom', String(process.pid)]);
        inbox.add(`${line.slice(match[0].length)}\n`);
      }
    })();
    return {
      device: await syslogDevice.open({ socket_type: 'local', address }, contextOf()),
      received: (bytes) => inbox.received(bytes),
      dispose: async () => {
        daemon.kill();
        await once(daemon, 'close');
        rmSync(folder, { recursive: true });
      },
    };
  });
}

test('the local daemon: an absent one, too long a record and a nameless facility are failures', async () => {
  const open = (options: Record<string, string>): Promise<AuditDevice> =>
    syslogDevice.open({ socket_type: 'local', ...options }, contextOf());
  const device = await open({ address: '/nonexistent/log' });
  await assert.rejects(device.append(Buffer.from('{}\n')));
  await assert.rejects(device.append(Buffer.alloc(LOCAL_RECORD_BYTES_MAX + 1, 'x')), /too large/);
  for (const options of [{ facility: 'NTP' }, { address: 'relative' }]) {
    await assert.rejects(async () => await open(options), { code: 'invalid_request' });
  }
});
