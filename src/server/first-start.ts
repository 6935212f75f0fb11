/** `strongroom start`: a newcomer's server on the embedded store; the second start finds what the first one left. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemRandom } from '../base/random.ts';
import type { StartOptions } from '../cli/commands/server.ts';
import type { Call } from '../core/call.ts';
import { parseConfigText } from './config/load-config.ts';
import { decodeConfig } from './config/server-config.ts';
import type { ServerConfig } from './config/server-config.ts';
import { mountSecret } from './dev-mode.ts';
import type { Instance } from './instance.ts';

const KEY_FILE = 'unseal.key';
const TOKEN_FILE = 'root-token';
const KEY_BYTES = 32;

/** Storage, seal key and audit log below one folder that only its owner can read. */
export function firstConfig(options: StartOptions): ServerConfig {
  const folder = resolve(options.dataFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keyFile = join(folder, KEY_FILE);
  if (!existsSync(keyFile))
    writeFileSync(keyFile, systemRandom.bytes(KEY_BYTES), { mode: 0o600, flag: 'wx' });
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

export async function startFirst(
  instance: Instance,
  options: StartOptions,
): Promise<(addresses: readonly string[]) => void> {
  const folder = resolve(options.dataFolder);
  const tokenFile = join(folder, TOKEN_FILE);
  if (!instance.initialized) {
    const { rootToken } = await instance.initialize({});
    writeFileSync(tokenFile, rootToken, { mode: 0o600 });
    await mountSecret(instance, rootToken, '2');
    await writeExample(instance, rootToken);
  }
  const token = existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').trim() : undefined;
  return (addresses) => greet(addresses[0] ?? '', folder, token);
}

async function writeExample(instance: Instance, token: string): Promise<void> {
  const call: Call = {
    protocol: 'vault',
    operation: 'write',
    path: 'secret/data/hello',
    namespace: '',
    token,
    query: {},
    readBody: async () => ({ data: { greeting: 'Hello from Strongroom' } }),
    wrapTtlSeconds: 0,
    wrapFormat: '',
    connection: { remoteAddress: '127.0.0.1', remotePort: 0, clientCertificates: [], local: true },
    headers: {},
  };
  const answer = await instance.handle(call);
  if (answer.error !== undefined) throw answer.error;
}

function greet(address: string, folder: string, token: string | undefined): void {
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
      '',
      'Ctrl-C stops it.',
      '',
      '',
    ].join('\n'),
  );
}
