/** `server -dev`: in memory, unsealed, KV version 2 at `secret/`, root token on the screen. Never for production. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { uuid } from '../../base/random.ts';
import { parseConfigText } from '../../base/config/read-config.ts';
import { decodeConfig } from '../config/server-config.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { writeDevCertificates } from '../dev-certificates.ts';
import type { Instance } from '../instance.ts';
import { write } from './own-calls.ts';
import type { DevOptions } from './options.ts';

/** The configuration of a development server. */
export async function devConfig(dev: DevOptions): Promise<ServerConfig> {
  const tls =
    dev.tls === undefined
      ? undefined
      : await writeDevCertificates(dev.tls.folder, dev.tls.extraNames);
  const listener = {
    address: dev.listenAddress,
    ...(tls === undefined
      ? { tls_disable: true }
      : { tls_cert_file: tls.certificateFile, tls_key_file: tls.keyFile }),
    telemetry: { unauthenticated_metrics_access: true },
  };
  const text = JSON.stringify({
    storage: { inmem: {} },
    listener: { tcp: listener },
    raw_storage_endpoint: true,
  });
  return decodeConfig(parseConfigText(text, '-dev'), '-dev', { environment: {}, warn: () => {} });
}

/** Initialises, unseals, mounts `secret/` and says how to log in. */
export async function startDev(
  instance: Instance,
  dev: DevOptions,
): Promise<(addresses: readonly string[]) => void> {
  const rootToken =
    dev.rootToken ?? `s.${uuid(instance.services.world.random).replaceAll('-', '').slice(0, 24)}`;
  const { shares } = await instance.initialize({ sharing: { shares: 1, threshold: 1 } }, rootToken);
  const unsealKey = shares[0]?.toString('base64') ?? '';
  for (const share of shares) await instance.unsealer.submit(share);
  await instance.serve();
  await mountSecret(instance, rootToken, dev.kvVersion1 ? '1' : '2');
  if (dev.storeToken) writeFileSync(join(homedir(), '.vault-token'), rootToken, { mode: 0o600 });
  return (addresses) => {
    process.stdout.write(
      [
        '==> Strongroom development server',
        '',
        '    Everything is in memory and gone when it stops. Never use it in production.',
        '',
        `    export VAULT_ADDR='${addresses[0] ?? ''}'`,
        '',
        `    Unseal Key: ${unsealKey}`,
        `    Root Token: ${rootToken}`,
        '',
        '',
      ].join('\n'),
    );
  };
}

/** Puts a KV engine at `secret/`, as a caller would. */
export async function mountSecret(
  instance: Instance,
  token: string,
  version: string,
): Promise<void> {
  await write(instance, token, 'sys/mounts/secret', {
    type: 'kv',
    description: 'key/value secret storage',
    options: { version },
  });
}
