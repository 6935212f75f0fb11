/** Looks at a configuration as a start would, without starting: `operator validate-config`. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../base/config/config-tree.ts';
import { hostPort } from '../base/config/host-port.ts';
import { loadConfig } from './config/load-config.ts';
import type { ListenerConfig } from './config/listener-keys.ts';
import type { Environment } from '../base/config/references.ts';

/** What is wrong, one line each; nothing when a server could start with it. */
export function checkConfig(
  paths: readonly string[],
  environment: Environment,
  caution: (line: string) => void,
): string[] {
  try {
    const config = loadConfig(paths, { environment, warn: caution });
    if (config.listeners.length === 0) caution('there is no listener block: nobody can reach it');
    return config.listeners.flatMap(checkListener);
  } catch (cause) {
    if (cause instanceof ConfigError) return [cause.message];
    throw cause;
  }
}

function checkListener(listener: ListenerConfig): string[] {
  const { where, tlsCertFile, tlsKeyFile, tlsClientCaFile } = listener;
  try {
    if (listener.kind === 'unix') return [];
    hostPort(listener.address ?? '', where);
    if (listener.tlsDisable || tlsCertFile === undefined || tlsKeyFile === undefined) return [];
    createSecureContext({
      cert: readFileSync(tlsCertFile),
      key: readFileSync(tlsKeyFile),
      ...(tlsClientCaFile === undefined ? {} : { ca: readFileSync(tlsClientCaFile) }),
    });
    return [];
  } catch (cause) {
    if (cause instanceof ConfigError) return [cause.message];
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    return [`${where}: the certificate cannot be used: ${reason}`];
  }
}
