/** `strongroom start`: a newcomer's server on the embedded store; the second start finds what the first one left. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../../base/files/make-folder.ts';
import { base62, systemRandom } from '../../base/random.ts';
import { ConfigError } from '../../base/config/config-tree.ts';
import { parseConfigText } from '../../base/config/read-config.ts';
import { decodeConfig } from '../config/server-config.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { mountSecret } from './dev-mode.ts';
import { cloudLines, openToClouds } from './first-clouds.ts';
import { isThere, write } from './own-calls.ts';
import type { Instance } from '../instance.ts';
import { SERVICE_PREFIX, TOKEN_RANDOM_LENGTH } from '../../tokens/token-record.ts';
import type { StartOptions } from './options.ts';

const EXAMPLE_PATH = 'secret/data/hello';
const KEY_FILE = 'unseal.key';
const TOKEN_FILE = 'root-token';
/** The root token of a first start that is not over. */
const PENDING_TOKEN_FILE = 'root-token.pending';
/** An access key of AWS's form, for the newcomer. */
const AWS_FILE = 'aws-credentials';
const KEY_BYTES = 32;

/** Storage, seal key and audit log below one folder that only its owner can read. */
export function firstConfig(options: StartOptions): ServerConfig {
  const folder = resolve(options.dataFolder);
  const keyFile = join(folder, KEY_FILE);
  try {
    makeFolder(folder, 0o700);
    if (!existsSync(keyFile)) writeDurably(keyFile, systemRandom.bytes(KEY_BYTES));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('-data', `nothing can be kept in the folder ${folder}: ${reason}`, error);
  }
  const text = JSON.stringify({
    storage: { sqlite: { path: join(folder, 'store') } },
    seal: { static: { current_key_id: 'first', current_key: `file://${keyFile}` } },
    listener: { tcp: { address: options.listenAddress, tls_disable: true } },
    audit: { file: { file: { options: { file_path: join(folder, 'audit.log') } } } },
  });
  return decodeConfig(parseConfigText(text, 'strongroom start'), 'strongroom start', {
    environment: {},
    warn: () => {},
  });
}

/**
 * Initialises the server on its first start. The root token is chosen and written down before the cluster exists, under a name
 * that says that the start is not over; so whenever the process ends, the next start knows the token and does what is left.
 */
export async function startFirst(
  instance: Instance,
  options: Pick<StartOptions, 'dataFolder'>,
): Promise<(addresses: readonly string[]) => void> {
  const folder = resolve(options.dataFolder);
  const pendingFile = join(folder, PENDING_TOKEN_FILE);
  const tokenFile = join(folder, TOKEN_FILE);
  if (!instance.initialized) {
    if (!existsSync(pendingFile)) writeDurably(pendingFile, newToken());
    await instance.initialize({}, readToken(pendingFile));
  }
  if (existsSync(pendingFile)) {
    const { begin, table } = instance.services;
    const { mounts } = await table.routing(begin());
    const rootToken = readToken(pendingFile);
    if (!mounts.has('secret/')) await mountSecret(instance, rootToken, '2');
    await writeExample(instance, rootToken);
    await openToClouds(instance, rootToken, join(folder, AWS_FILE), writeDurably);
    renameSync(pendingFile, tokenFile);
    syncFolder(folder);
  }
  const token = existsSync(tokenFile) ? readToken(tokenFile) : undefined;
  return (addresses) => greet(addresses[0] ?? '', folder, token);
}

function newToken(): string {
  return SERVICE_PREFIX + base62(systemRandom, TOKEN_RANDOM_LENGTH);
}

function readToken(path: string): string {
  return readFileSync(path, 'utf8').trim();
}

/** The file is there with all of its content, for its owner only, or not at all; and it stays when the power fails. */
function writeDurably(path: string, content: Buffer | string): void {
  const unfinished = `${path}.unfinished`;
  rmSync(unfinished, { force: true });
  const descriptor = openSync(unfinished, 'wx', 0o600);
  try {
    writeSync(descriptor, content.toString('latin1'), null, 'latin1');
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished, path);
  syncFolder(dirname(path));
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Puts a secret there for the newcomer to read, if there is none. */
async function writeExample(instance: Instance, token: string): Promise<void> {
  if (await isThere(instance, token, EXAMPLE_PATH)) return;
  await write(instance, token, EXAMPLE_PATH, { data: { greeting: 'Hello from Strongroom' } });
}

function greet(address: string, folder: string, token: string | undefined): void {
  const awsFile = join(folder, AWS_FILE);
  const login =
    token === undefined
      ? '  Log in with your own token: bin/strongroom login'
      : `  export VAULT_TOKEN='${token}'`;
  process.stdout.write(
    [
      '',
      `Strongroom serves on ${address}. Its data, unseal key and audit log are in ${folder}.`,
      '',
      'In another terminal:',
      '',
      `  export VAULT_ADDR='${address}'`,
      login,
      '  bin/strongroom kv get secret/hello',
      '',
      'or with any HTTP client:',
      '',
      '  curl -H "X-Vault-Token: $VAULT_TOKEN" $VAULT_ADDR/v1/secret/data/hello',
      ...(existsSync(awsFile)
        ? [
            '',
            'or with what you have for the clouds:',
            '',
            ...cloudLines(awsFile, new URL(address).port),
          ]
        : []),
      '',
      'Ctrl-C stops it.',
      '',
      '',
    ].join('\n'),
  );
}
