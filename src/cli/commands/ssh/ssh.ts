/** ssh: logs in to a host with a certificate or a one-time password of the SSH engine. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../../client/json.ts';
import type { Secret } from '../../../client/secret.ts';
import { CommandFailure, EXIT_LOCAL, EXIT_OK, EXIT_SERVER, attempt } from '../../command.ts';
import type { Invocation } from '../../command.ts';
import { cleanPath } from '../../paths.ts';
import { printSecretOrField, say } from '../../render/output.ts';
import { warn } from '../../terminal.ts';
import { EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, runChild } from '../run/child.ts';
import { destinationOf } from './destination.ts';

/** Key files of ssh-keygen, the best first. */
const KEY_NAMES: readonly string[] = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
/** What a session at a terminal needs; a role may allow less. */
const EXTENSIONS: JsonObject = {
  'permit-X11-forwarding': '',
  'permit-agent-forwarding': '',
  'permit-port-forwarding': '',
  'permit-pty': '',
  'permit-user-rc': '',
};

interface Target {
  readonly username: string;
  readonly host: string;
  readonly port: string | undefined;
}

export async function ssh(invocation: Invocation): Promise<number> {
  const { flags, args } = invocation;
  const destination = destinationOf(args);
  if (destination === undefined) {
    throw new CommandFailure(EXIT_LOCAL, 'Say which host: strongroom ssh [options] USER@HOST');
  }
  if (flags.text('role') === '') {
    throw new CommandFailure(EXIT_LOCAL, 'Say which role to use with -role');
  }
  const { host, port } = destination;
  const target = { host, port, username: destination.user ?? userInfo().username };
  switch (flags.text('mode').toLowerCase()) {
    case 'ca':
      return await withCertificate(invocation, target);
    case 'otp':
      return await withPassword(invocation, target);
    default:
      throw new CommandFailure(EXIT_LOCAL, 'Say how to log in with -mode: ca or otp');
  }
}

function mountOf(invocation: Invocation): string {
  return cleanPath(invocation.flags.text('mount-point') || 'ssh');
}

function expanded(invocation: Invocation, path: string): string {
  return path.startsWith('~/') ? join(invocation.terminal.homeFolder, path.slice(2)) : path;
}

/** The private key, and the public key beside it unless the user names another one. */
function keyFiles(invocation: Invocation): {
  readonly privateKey: string;
  readonly publicKey: string;
} {
  const { flags, terminal } = invocation;
  const folder = join(terminal.homeFolder, '.ssh');
  const found = KEY_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
  const named = expanded(invocation, flags.text('private-key-path'));
  const privateKey = named === '' ? (found ?? join(folder, 'id_rsa')) : named;
  const own = expanded(invocation, flags.text('public-key-path'));
  return { privateKey, publicKey: own === '' ? `${privateKey}.pub` : own };
}

async function withCertificate(invocation: Invocation, target: Target): Promise<number> {
  const { flags } = invocation;
  const keys = keyFiles(invocation);
  let publicKey: string;
  try {
    publicKey = readFileSync(keys.publicKey, 'utf8').trim();
  } catch {
    throw new CommandFailure(EXIT_LOCAL, `failed to read public key ${keys.publicKey}`);
  }
  const client = await invocation.session.client();
  const secret = await attempt(
    `failed to sign public key ${keys.publicKey}`,
    client.write(`${mountOf(invocation)}/sign/${flags.text('role')}`, {
      public_key: publicKey,
      valid_principals: flags.text('valid-principals') || target.username,
      cert_type: 'user',
      extensions: EXTENSIONS,
    }),
  );
  const certificate = textIn(secret, 'signed_key');
  if (flags.boolean('no-exec')) return await printSecretOrField(invocation, secret as Secret);
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-ssh-'));
  try {
    const certificateFile = join(folder, 'key-cert.pub');
    writeFileSync(certificateFile, certificate, { mode: 0o600 });
    const hostOptions = await hostKeyOptions(invocation, folder);
    return await runSsh(invocation, [
      '-i',
      keys.privateKey,
      '-i',
      certificateFile,
      ...hostOptions,
      ...invocation.args,
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whose word counts for the key of the host: the authority of a mount, or the files of the user. */
async function hostKeyOptions(invocation: Invocation, folder: string): Promise<string[]> {
  const { flags } = invocation;
  const mount = cleanPath(flags.text('host-key-mount-point'));
  if (mount === '') return checkingOptions(invocation);
  const client = await invocation.session.client();
  const secret = await attempt('failed to get host signing key', client.read(`${mount}/config/ca`));
  const knownHosts = join(folder, 'known_hosts');
  const names = flags.text('host-key-hostnames') || '*';
  writeFileSync(knownHosts, `@cert-authority ${names} ${textIn(secret, 'public_key')}`);
  return ['-o', 'StrictHostKeyChecking=yes', '-o', `UserKnownHostsFile=${knownHosts}`];
}

function checkingOptions(invocation: Invocation): string[] {
  const { flags } = invocation;
  const file = expanded(invocation, flags.text('user-known-hosts-file'));
  return [
    '-o',
    `StrictHostKeyChecking=${flags.text('strict-host-key-checking') || 'ask'}`,
    ...(file === '' ? [] : ['-o', `UserKnownHostsFile=${file}`]),
  ];
}

async function withPassword(invocation: Invocation, target: Target): Promise<number> {
  const { flags, terminal } = invocation;
  const ip = await addressOf(target.host);
  const client = await invocation.session.client();
  const secret = await attempt(
    'failed to generate credential',
    client.write(`${mountOf(invocation)}/creds/${flags.text('role')}`, {
      username: target.username,
      ip,
    }),
  );
  const password = textIn(secret, 'key');
  if (flags.boolean('no-exec')) return await printSecretOrField(invocation, secret as Secret);
  const told = secret?.data?.['port'];
  const port = target.port === undefined && typeof told === 'number' ? String(told) : '';
  const args = [
    ...checkingOptions(invocation),
    ...(port === '' ? [] : ['-p', port]),
    ...invocation.args,
  ];
  warn(terminal, 'Enter this one-time password when ssh asks for one:');
  say(invocation, `OTP for the session is: ${password}`);
  const code = await runSsh(invocation, args);
  const leaseId = secret?.leaseId ?? '';
  if (leaseId !== '') {
    await attempt('failed to revoke key', client.write('sys/leases/revoke', { lease_id: leaseId }));
  }
  return code;
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch {
    throw new CommandFailure(EXIT_LOCAL, `Error resolving the ssh hostname: ${host}`);
  }
}

function textIn(secret: Secret | undefined, name: string): string {
  const value = secret?.data?.[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new CommandFailure(EXIT_SERVER, `the answer of the server has no ${name}`);
}

async function runSsh(invocation: Invocation, args: readonly string[]): Promise<number> {
  const executable = invocation.flags.text('ssh-executable') || 'ssh';
  const code = await runChild(executable, args, invocation.terminal.environment);
  if (code === EXIT_NOT_FOUND || code === EXIT_NOT_EXECUTABLE) {
    throw new CommandFailure(code, `cannot run ${executable}`);
  }
  return code === 0 ? EXIT_OK : code;
}
