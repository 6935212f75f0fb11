/** The command line against a real server: what people do on their first day. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../run.ts';
import { stubTerminal } from './stub.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'strongroom-day-one-'));
let server: ChildProcess | undefined;
let address = '';

before(async () => {
  const flags = [
    '-dev',
    '-dev-root-token-id=root',
    '-dev-listen-address=127.0.0.1:0',
    '-dev-no-store-token',
  ];
  const child = spawn(process.execPath, [MAIN, 'server', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: home },
  });
  server = child;
  let output = '';
  address = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const line = /VAULT_ADDR='(?<address>http:[^']+)'/.exec(output);
      if (line?.groups?.['address'] !== undefined) found(line.groups['address']);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => failed(new Error(`the server ended: ${output}`)));
  });
});

after(() => {
  server?.kill();
  rmSync(home, { recursive: true });
});

interface Result {
  readonly exitCode: number;
  readonly output: string;
  readonly complaints: string;
}

async function call(
  argv: readonly string[],
  environment: Record<string, string> = {},
): Promise<Result> {
  const terminal = stubTerminal({
    environment: { VAULT_ADDR: address, VAULT_TOKEN: 'root', ...environment },
    homeFolder: home,
  });
  const exitCode = await run(argv, terminal);
  return { exitCode, output: terminal.output(), complaints: terminal.complaints() };
}

async function good(...argv: string[]): Promise<string> {
  const { exitCode, output, complaints } = await call(argv);
  assert.equal(exitCode, 0, `${argv.join(' ')}: ${complaints}`);
  return output;
}

test('a secret is written, read, changed, compared, deleted and restored', async () => {
  await good('kv', 'put', '-mount=secret', 'shop/db', 'user=app', 'password=p1');
  assert.equal(await good('kv', 'get', '-field=password', 'secret/shop/db'), 'p1');
  await good('kv', 'patch', 'secret/shop/db', 'password=p2');
  assert.equal(await good('kv', 'get', '-field=user', 'secret/shop/db'), 'app');
  assert.match(await good('kv', 'diff', 'secret/shop/db'), /^password +changed$/m);
  assert.equal(await good('kv', 'tree', 'secret'), '└── shop/\n    └── db\n');
  await good('kv', 'delete', 'secret/shop/db');
  assert.equal((await call(['kv', 'get', '-field=user', 'secret/shop/db'])).exitCode, 2);
  await good('kv', 'undelete', '-versions=2', 'secret/shop/db');
  assert.equal(await good('kv', 'get', '-version=2', '-field=password', 'secret/shop/db'), 'p2');
  await good('kv', 'rollback', '-version=1', 'secret/shop/db');
  assert.equal(await good('kv', 'get', '-field=password', 'secret/shop/db'), 'p1');
  assert.equal(
    (await call(['run', 'secret/shop/db', '--', '/bin/sh', '-c', 'test $user = app'])).exitCode,
    0,
  );
});

test('a policy lets a token read and nothing else', async () => {
  const file = join(home, 'reader.hcl');
  writeFileSync(file, 'path "secret/data/*" { capabilities = ["read"] }\n');
  await good('policy', 'fmt', file);
  assert.match(readFileSync(file, 'utf8'), /^path "secret\/data\/\*" \{\n  capabilities/);
  await good('policy', 'write', 'reader', file);
  await good('kv', 'put', 'secret/note', 'text=hello');
  const token = await good('token', 'create', '-policy=reader', '-ttl=10m', '-field=token');
  const reader = { VAULT_TOKEN: token };
  const read = await call(['kv', 'get', '-field=text', 'secret/note'], reader);
  assert.deepEqual([read.exitCode, read.output], [0, 'hello']);
  const write = await call(['kv', 'put', 'secret/note', 'text=bye'], reader);
  assert.equal(write.exitCode, 2);
  assert.match(
    write.complaints,
    /Code: 403\. Errors:\n\n\* 1 error occurred:\n\t\* permission denied/,
  );
  const allowed = await call(['token', 'capabilities', 'secret/data/note'], reader);
  assert.equal(allowed.output, 'read\n');
  await good('token', 'revoke', token);
  assert.equal((await call(['token', 'lookup'], reader)).exitCode, 2);
});

test('a login keeps the token for later commands', async () => {
  assert.equal((await call(['login', 'root'], { VAULT_TOKEN: '' })).exitCode, 0);
  const printed = await call(['print', 'token'], { VAULT_TOKEN: '' });
  assert.equal(printed.output, 'root\n');
});

test('an answer is wrapped once and opened once', async () => {
  await good('write', 'cubbyhole/a', 'k=v');
  const token = await good('read', '-wrap-ttl=60s', '-field=wrapping_token', 'cubbyhole/a');
  const newcomer = { VAULT_TOKEN: token };
  assert.equal((await call(['unwrap', '-field=k'], newcomer)).output, 'v');
  assert.equal((await call(['unwrap', '-field=k'], newcomer)).exitCode, 2);
});

test('mounts and namespaces come and go', async () => {
  await good('secrets', 'enable', '-path=apps', '-version=1', 'kv');
  await good('kv', 'put', 'apps/a', 'x=y');
  assert.match(await good('secrets', 'list'), /^apps\/ +kv +kv_/m);
  await good('secrets', 'disable', 'apps');
  assert.equal((await call(['kv', 'get', 'apps/a'])).exitCode, 2);
  await good('namespace', 'create', 'team');
  assert.equal(await good('namespace', 'list'), 'Keys\n----\nteam/\n');
  await good('secrets', 'enable', '-namespace=team', '-version=2', 'kv');
  await good('kv', 'put', '-namespace=team', '-mount=kv', 'k', 'a=b');
  assert.equal(await good('kv', 'get', '-namespace=team', '-mount=kv', '-field=a', 'k'), 'b');
  await good('namespace', 'delete', 'team');
});

test('the server tells its state', async () => {
  assert.match(await good('status'), /^Sealed +false$/m);
  const status = JSON.parse(await good('status', '-format=json')) as { sealed: boolean };
  assert.equal(status.sealed, false);
  assert.match(await good('operator', 'key-status'), /^Key Term +1$/m);
  assert.match(await good('path-help', 'sys/mounts'), /mounts/);
});
