/** import vault from a server that means harm: what it answers must not cost memory, lead elsewhere, or reach the terminal as it is. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { runImport, startDev, TOKEN } from '../import.testkit.ts';
import type { DevServer, Said } from '../import.testkit.ts';
import { Pace } from './source.ts';

type Answer = (path: string, response: ServerResponse, request: IncomingMessage) => unknown;

let target: DevServer;
let server: Server;
let address = '';
let answer: Answer = () => undefined;
let asked: string[] = [];

before(async () => {
  target = await startDev();
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://source');
    const path = decodeURIComponent(url.pathname.slice('/v1/'.length));
    asked.push(path);
    const data = path === 'sys/seal-status' ? { sealed: false } : answer(path, response, request);
    if (response.headersSent || response.destroyed) return;
    if (data === undefined) response.writeHead(404).end('{"errors":[]}');
    else response.end(JSON.stringify({ request_id: 'x', data }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked = [];
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await target.stop();
});

async function importing(how: Answer, ...flags: string[]): Promise<Said> {
  answer = how;
  return await runImport(target, ['vault', '-rate=0', ...flags, address]);
}

const KV2 = { type: 'kv', options: { version: '2' }, accessor: 'kv_x', config: {} };
const mounts = (...paths: string[]): Record<string, unknown> =>
  Object.fromEntries(paths.map((path) => [path, KV2]));

test('a folder that holds itself ends, and its names are bounded', async () => {
  const said = await importing((path) => {
    if (path === 'sys/mounts') return mounts('secret/');
    return path.startsWith('secret/metadata') ? { keys: ['a/'] } : undefined;
  });
  assert.equal(said.code, 2);
  assert.match(said.complaints, /the name is refused: it lies too deep/);
  assert.ok(asked.length < 200, String(asked.length));
});

test('names that lead elsewhere or control the terminal are refused, and shown harmlessly', async () => {
  const bad = [
    '..',
    '.',
    '../../sys/seal',
    'a\u0000b',
    'x\u001b[2Jy',
    '',
    'a//b',
    '\u202egnp',
    'ok',
  ];
  const said = await importing((path) => {
    if (path === 'sys/mounts') return { ...mounts('secret/', '../sys/', 'a\u001b]0;x\u0007/') };
    if (path === 'secret/metadata') return { keys: [...bad, 7, null, { a: 1 }] };
    if (path.startsWith('secret/metadata/')) {
      return {
        versions: {
          1: { created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false },
        },
      };
    }
    return path.startsWith('secret/data/') ? { data: { a: 'b' } } : undefined;
  }, '-only=mounts,secrets');
  assert.equal(said.code, 2);
  for (const text of [said.output, said.complaints]) {
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Bidi_C}]/u);
  }
  assert.match(
    said.complaints,
    /secret\/\.\.: the name is refused: it has a segment that leads elsewhere/,
  );
  assert.match(said.complaints, /x\\u\{1b\}\[2Jy: the name is refused: it has control characters/);
  assert.match(said.complaints, /secret\/\\u\{202e\}gnp: HTTP 400/);
  assert.match(said.complaints, /mounts \.\.\/sys\/: the name is refused/);
  assert.ok(
    asked.every((path) => !path.includes('..')),
    asked.join('\n'),
  );
  const list = await target.api.expect('GET', 'secret/metadata?list=true', { token: TOKEN });
  assert.deepEqual(list['data'], { keys: ['ok'] });
});

test('a source cannot call the server’s own paths an engine, nor write where none is', async () => {
  const policy = { policy: 'path "*" { capabilities = ["sudo", "read"] }' };
  for (const only of ['-only=secrets', '-only=mounts,secrets']) {
    const said = await importing((path) => {
      const own = ['sys/policies/acl/', 'sys/', 'auth/token/', 'identity/', 'nowhere/'];
      if (path === 'sys/mounts') {
        return Object.fromEntries(
          own.map((each) => [each, { type: 'kv', options: { version: '1' } }]),
        );
      }
      return path.endsWith('evil') ? policy : { keys: ['evil'] };
    }, only);
    assert.equal(said.code, 2);
    assert.match(
      said.complaints,
      /mounts sys\/policies\/acl\/: the name is refused: it belongs to the server itself/,
    );
  }
  const { status } = await target.api.call('GET', 'sys/policies/acl/evil', { token: TOKEN });
  assert.equal(status, 404);
});

test('the token goes to no other server, and a redirect is no answer', async () => {
  let reached = 0;
  const other = createServer((_request, response) => {
    reached += 1;
    response.end('{}');
  });
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  for (const status of [301, 302, 303, 307, 308]) {
    const said = await importing((path, response) => {
      response.writeHead(status, { location: `${elsewhere}/v1/${path}` }).end();
    });
    assert.equal(said.code, 2);
    assert.match(said.complaints, /cut off: the server answers with a redirect/);
  }
  assert.equal(reached, 0);
  other.close();
});

test('an answer without an end is given up', async () => {
  const said = await importing((path, response) => {
    if (path !== 'sys/policies/acl') return undefined;
    const piece = Buffer.alloc(1024 * 1024, 'a');
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.writeHead(200);
    response.on('drain', more);
    more();
    return undefined;
  }, '-only=policies');
  assert.equal(said.code, 2);
  assert.match(said.complaints, /the answer is too large/);
});

test('answers that are none are written down, each once, and nothing comes of them', async () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const answers: readonly string[] = [
    '<html>S3CRET-canary</html>',
    deep,
    '{"data":{"keys":"S3CRET-canary"}}',
    '{"data":[1,2]}',
    '{"request_id":"x","data":{"__proto__":{"polluted":true},"keys":["__proto__"]}}',
    '"S3CRET-canary"',
  ];
  for (const text of answers) {
    const said = await importing(
      (_path, response) => response.end(text) && undefined,
      '-only=policies,mounts,auth,identity',
    );
    assert.ok(
      !said.output.includes('S3CRET') && !said.complaints.includes('S3CRET'),
      text.slice(0, 40),
    );
  }
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
});

test('a history that cannot be is refused, and the next secret is still carried', async () => {
  const time = '2026-01-01T00:00:00Z';
  const good = { created_time: time, deletion_time: '', destroyed: false };
  const tables: Readonly<Record<string, unknown>> = {
    many: Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [index + 1, good])),
    negative: { '-1': good },
    timeless: { 1: { ...good, created_time: 'S3CRET-canary' } },
    future: { 1: { ...good, created_time: '2999-01-01T00:00:00Z' } },
    fine: { 1: good },
  };
  const said = await importing((path) => {
    if (path === 'sys/mounts') return mounts('secret/');
    if (path === 'secret/metadata') return { keys: Object.keys(tables) };
    const name = path.split('/').at(-1) ?? '';
    if (path.startsWith('secret/metadata/')) return { versions: tables[name] };
    return path.startsWith('secret/data/') ? { data: { of: name } } : undefined;
  }, '-only=secrets');
  assert.equal(said.code, 2);
  assert.match(said.complaints, /4 could not be imported/);
  assert.ok(!said.complaints.includes('S3CRET'));
  const fine = await target.api.expect('GET', 'secret/data/fine', { token: TOKEN });
  assert.deepEqual((fine['data'] as Record<string, unknown>)['data'], { of: 'fine' });
});

test('a source that is gone ends the import, with what was done so far', async () => {
  const said = await importing((path, response) => {
    if (path === 'sys/policies/acl') return { keys: ['one', 'two'] };
    if (path === 'sys/policies/acl/two') response.destroy();
    return path === 'sys/policies/acl/one'
      ? { policy: 'path "x" { capabilities = ["read"] }' }
      : undefined;
  }, '-only=policies');
  assert.equal(said.code, 2);
  assert.match(said.complaints, /The import was cut off: /);
  assert.match(said.output, /policies +1 /);
});

test('requests keep to the rate', async () => {
  const pace = new Pace(200);
  const started = performance.now();
  await Promise.all(Array.from({ length: 41 }, async () => await pace.turn()));
  assert.ok(performance.now() - started >= 195);
});
