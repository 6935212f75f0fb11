/** What the SSH engine signs, taken or refused by a real sshd and a real ssh. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import type { JsonObject } from '../base/json.ts';
import { systemClock } from '../base/clock.ts';
import { ManualClock } from '../base/clock-fixture.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

const KEYGEN = '/usr/bin/ssh-keygen';
const SSHD = '/usr/sbin/sshd';
/** Where sshd confines its first steps when it runs as root. */
const PRIVILEGE_FOLDER = '/run/sshd';
const skip = existsSync(SSHD) ? false : 'needs sshd: apt-get install openssh-server';
const run = promisify(execFile);
const READY_MS_MAX = 10_000;

suite('a real sshd', { skip }, () => {
  let folder = '';
  let open: OpenInstance;
  let daemon: ChildProcess;
  let port = 0;
  const user = userInfo().username;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sshd-'));
    // Real time, since sshd goes by it.
    open = await openInstance({ clock: new ManualClock(systemClock.nowMs()) });
    await open.ask('write', 'sys/mounts/ssh', { data: { type: 'ssh' } });
    await open.ask('write', 'ssh/config/ca', { data: { key_type: 'ed25519' } });
    await open.ask('write', 'ssh/roles/people', {
      data: {
        key_type: 'ca',
        allow_user_certificates: true,
        allowed_users: `${user},somebody`,
        default_extensions: { 'permit-pty': '' },
        allowed_critical_options: 'force-command',
      },
    });
    await open.ask('write', 'ssh/roles/hosts', {
      data: {
        key_type: 'ca',
        allow_host_certificates: true,
        allowed_domains: 'test',
        allow_subdomains: true,
      },
    });
    const { reply } = await open.ask('read', 'ssh/public_key', { token: null });
    writeFileSync(join(folder, 'ca.pub'), String(reply?.raw?.body));
    for (const name of ['host', 'me']) {
      execFileSync(KEYGEN, ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    }
    const host = await signed('hosts', 'host', { cert_type: 'host', valid_principals: 'one.test' });
    writeFileSync(join(folder, 'host-cert.pub'), host);
    writeFileSync(join(folder, 'known'), `@cert-authority *.test ${String(reply?.raw?.body)}`);
    port = await freePort();
    if (process.getuid?.() === 0) mkdirSync(PRIVILEGE_FOLDER, { recursive: true, mode: 0o755 });
    writeFileSync(
      join(folder, 'config'),
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${join(folder, 'host')}`,
        `HostCertificate ${join(folder, 'host-cert.pub')}`,
        `TrustedUserCAKeys ${join(folder, 'ca.pub')}`,
        'AuthorizedKeysFile none',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin yes',
        'StrictModes no',
        'UsePAM no',
        'PidFile none',
      ].join('\n'),
    );
    daemon = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    const ready = new Promise<void>((resolve, reject) => {
      daemon.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('Server listening')) resolve();
      });
      daemon.once('exit', () => reject(new Error(said)));
      systemClock.after(READY_MS_MAX, () => reject(new Error(said)));
    });
    await ready;
  });

  after(async () => {
    if (daemon !== undefined && daemon.exitCode === null) {
      daemon.kill();
      await once(daemon, 'exit');
    }
    await open?.instance.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function signed(role: string, key: string, data: JsonObject): Promise<string> {
    const public_key = readFileSync(join(folder, `${key}.pub`), 'utf8').trim();
    const reply = await open.get('write', `ssh/sign/${role}`, {
      data: { public_key, ...data },
    });
    return String(reply['signed_key']);
  }

  /** What the command says; rejects when the login is refused. */
  async function login(certificate: string, host = 'one.test'): Promise<string> {
    const file = join(folder, 'login-cert.pub');
    writeFileSync(file, certificate);
    const { stdout } = await run('/usr/bin/ssh', [
      '-F',
      'none',
      '-p',
      `${port}`,
      '-l',
      user,
      '-i',
      join(folder, 'me'),
      '-o',
      `CertificateFile=${file}`,
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'BatchMode=yes',
      '-o',
      'StrictHostKeyChecking=yes',
      '-o',
      `UserKnownHostsFile=${join(folder, 'known')}`,
      '-o',
      `HostKeyAlias=${host}`,
      '-o',
      'GlobalKnownHostsFile=none',
      '127.0.0.1',
      'echo in',
    ]);
    return stdout;
  }

  test('lets in whom the certificate names, to a host that has one too', async () => {
    const certificate = await signed('people', 'me', { valid_principals: user });
    assert.equal(await login(certificate), 'in\n');
  });

  test('runs the command that the certificate forces', async () => {
    const certificate = await signed('people', 'me', {
      valid_principals: user,
      critical_options: { 'force-command': 'echo forced' },
    });
    assert.equal(await login(certificate), 'forced\n');
  });

  test('lets nobody in under another name, or with a certificate that is over or not yet', async () => {
    const other = await signed('people', 'me', { valid_principals: 'somebody' });
    await assert.rejects(login(other), /Permission denied/);
    const atMs = open.clock.nowMs();
    open.clock.advance(-7_200_000);
    const over = await signed('people', 'me', { valid_principals: user, ttl: '1h' });
    await assert.rejects(login(over), /Permission denied/);
    open.clock.advance(atMs - open.clock.nowMs() + 7_200_000);
    const early = await signed('people', 'me', { valid_principals: user, ttl: '1h' });
    await assert.rejects(login(early), /Permission denied/);
  });

  test('a host that is called otherwise than its certificate says is not believed', async () => {
    const certificate = await signed('people', 'me', { valid_principals: user });
    await assert.rejects(login(certificate, 'two.test'), /Host key verification failed|not listed/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
