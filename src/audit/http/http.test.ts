/** The http device against a real server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { auditDeviceContract } from '../device.contract.ts';
import { Inbox, contextOf } from '../fixture.ts';
import { httpDevice } from './http.ts';

interface Receiver {
  readonly inbox: Inbox;
  readonly uri: string;
  readonly headers: IncomingHttpHeaders[];
  close(): Promise<void>;
}

async function receive(answer: (response: ServerResponse) => void): Promise<Receiver> {
  const inbox = new Inbox();
  const headers: IncomingHttpHeaders[] = [];
  const server: Server = createServer((request, response) => {
    headers.push(request.headers);
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      inbox.add(Buffer.concat(parts).toString('utf8'));
      answer(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    inbox,
    headers,
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/audit`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function taken(response: ServerResponse): void {
  response.writeHead(204).end();
}

async function receiver(t: TestContext, answer = taken): Promise<Receiver> {
  const made = await receive(answer);
  t.after(() => made.close());
  return made;
}

auditDeviceContract('http', async () => {
  const made = await receive(taken);
  return {
    device: await httpDevice.open({ uri: made.uri }, contextOf()),
    received: (bytes) => made.inbox.received(bytes),
    dispose: () => made.close(),
  };
});

test('configured headers are sent', async (t) => {
  const { uri, headers } = await receiver(t);
  const options = { uri, headers: '{"Authorization":["Bearer abc"],"X-Many":["a","b"]}' };
  const device = await httpDevice.open(options, contextOf());
  await device.append(Buffer.from('{}\n'));
  assert.equal(headers[0]?.authorization, 'Bearer abc');
  assert.equal(headers[0]?.['x-many'], 'a, b');
  assert.equal(headers[0]?.['content-type'], 'application/x-ndjson');
  await device.close();
});

for (const status of [301, 307, 400, 404, 500]) {
  test(`status ${status} means that the records were not taken`, async (t) => {
    const { uri, inbox } = await receiver(t, (response) => {
      response.writeHead(status, { location: '/elsewhere' }).end('x');
    });
    const device = await httpDevice.open({ uri }, contextOf());
    await assert.rejects(device.append(Buffer.from('{}\n')));
    assert.equal(inbox.text, '{}\n');
    await device.close();
  });
}

test('a server that never answers is given up', async (t) => {
  const { uri } = await receiver(t, () => {});
  const device = await httpDevice.open({ uri, write_timeout: '50ms' }, contextOf());
  await assert.rejects(device.append(Buffer.from('{}\n')));
  await device.close();
});

test('bad addresses and headers are refused', async () => {
  const uri = 'http://127.0.0.1:1/';
  const bad: Record<string, string>[] = [
    {},
    { uri: '' },
    { uri: 'audit.example' },
    { uri: 'file:///etc/passwd' },
    { uri, headers: 'x' },
    { uri, headers: '["a"]' },
    { uri, headers: '{"a":1}' },
    { uri, headers: '{"a b":"c"}' },
    { uri, headers: '{"a":"b\\r\\nc: d"}' },
  ];
  for (const options of bad) {
    await assert.rejects(httpDevice.open(options, contextOf()), { code: 'invalid_request' });
  }
});
