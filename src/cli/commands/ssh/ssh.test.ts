/** The command that logs in: which host it means, what it asks the server, and how it calls ssh. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { run } from '../../run.ts';
import { startStub, stubTerminal } from '../../scripts/stub.ts';
import { destinationOf } from './destination.ts';

suite('the host among the arguments of ssh', () => {
  const CASES: readonly (readonly [string, string, string | undefined, string | undefined])[] = [
    ['web', 'web', undefined, undefined],
    ['ann@web', 'web', 'ann', undefined],
    ['-p 22 ann@web', 'web', 'ann', '22'],
    ['-p2222 web', 'web', undefined, '2222'],
    ['ann@web -p 22', 'web', 'ann', '22'],
    ['-l ann web', 'web', 'ann', undefined],
    ['-o User=ann -o Port=23 web', 'web', 'ann', '23'],
    ['-o User=bob ann@web', 'web', 'ann', undefined],
    ['-vv -A -i key web', 'web', undefined, undefined],
    ['web ls -p 99', 'web', undefined, undefined],
    ['a@b@web', 'web', 'a@b', undefined],
  ];
  for (const [line, host, user, port] of CASES) {
    test(line, () => assert.deepEqual(destinationOf(line.split(' ')), { host, user, port }));
  }
  test('may be missing', () => {
    for (const line of ['', '-v', '-p 22', 'ann@']) {
      assert.equal(destinationOf(line.split(' ')), undefined);
    }
  });
});

/** A home with a key, and a program in the place of ssh that writes down its arguments. */
function home(context: TestContext): { readonly folder: string; readonly said: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'ssh-cli-'));
  context.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, '.ssh'));
  writeFileSync(join(folder, '.ssh/id_ed25519'), 'private');
  writeFileSync(join(folder, '.ssh/id_ed25519.pub'), 'ssh-ed25519 AAAA me\n');
  writeFileSync(
    join(folder, 'ssh'),
    `#!/bin/sh\nfor a; do echo "$a"; case "$a" in UserKnownHostsFile=*) cat "\${a#*=}";; */key-cert.pub) cat "$a";; esac; done > ${folder}/said\nexit 7\n`,
  );
  chmodSync(join(folder, 'ssh'), 0o755);
  return { folder, said: () => readFileSync(join(folder, 'said'), 'utf8').trim().split('\n') };
}

const json = (data: object): string =>
  JSON.stringify({ request_id: '', lease_id: 'l', lease_duration: 1, renewable: false, data });

test('a key is signed and given to ssh with its certificate; the exit code is that of ssh', async (context) => {
  const { folder, said } = home(context);
  const stub = await startStub([
    {
      method: 'PUT',
      path: '/v1/signer/sign/people',
      status: 200,
      body: json({ signed_key: 'CERT\n' }),
    },
    {
      method: 'GET',
      path: '/v1/hosts/config/ca',
      status: 200,
      body: json({ public_key: 'CAKEY\n' }),
    },
  ]);
  context.after(() => stub.close());
  const terminal = stubTerminal({
    environment: { VAULT_ADDR: stub.address, VAULT_TOKEN: 't' },
    homeFolder: folder,
  });
  const code = await run(
    [
      'ssh',
      '-mode=ca',
      '-role=people',
      '-mount-point=signer/',
      '-host-key-mount-point=hosts',
      `-ssh-executable=${join(folder, 'ssh')}`,
      '-host-key-hostnames=*.test',
      'ann@web',
      '-v',
    ],
    terminal,
  );
  assert.equal(code, 7);
  const lines = said();
  assert.deepEqual(lines.slice(0, 3), ['-i', join(folder, '.ssh/id_ed25519'), '-i']);
  assert.equal(lines[4], 'CERT');
  assert.ok(lines.includes('StrictHostKeyChecking=yes'));
  assert.ok(lines.includes('@cert-authority *.test CAKEY'));
  assert.deepEqual(lines.slice(-2), ['ann@web', '-v']);
  const sent = JSON.parse(stub.seen[0]?.body ?? '') as Record<string, unknown>;
  assert.equal(sent['public_key'], 'ssh-ed25519 AAAA me');
  assert.equal(sent['valid_principals'], 'ann');
});

test('a one-time password is shown, and its lease ends with the session', async (context) => {
  const { folder, said } = home(context);
  const stub = await startStub([
    {
      method: 'PUT',
      path: '/v1/ssh/creds/otp',
      status: 200,
      body: json({ key: 'pass', port: 2222 }),
    },
    { method: 'PUT', path: '/v1/sys/leases/revoke', status: 204, body: '' },
  ]);
  context.after(() => stub.close());
  const terminal = stubTerminal({
    environment: { VAULT_ADDR: stub.address, VAULT_TOKEN: 't' },
    homeFolder: folder,
  });
  const line = [
    'ssh',
    '-mode=otp',
    '-role=otp',
    `-ssh-executable=${join(folder, 'ssh')}`,
    '127.0.0.1',
  ];
  assert.equal(await run(line, terminal), 7);
  assert.match(terminal.output(), /OTP for the session is: pass/);
  assert.deepEqual(said().slice(-3), ['-p', '2222', '127.0.0.1']);
  const sent = JSON.parse(stub.seen[0]?.body ?? '') as Record<string, unknown>;
  assert.deepEqual(sent, { username: userInfo().username, ip: '127.0.0.1' });
  assert.equal(stub.seen.length, 2);
});
