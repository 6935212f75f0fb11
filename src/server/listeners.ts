/** Makes the listeners that the configuration names. */
import { readFileSync } from 'node:fs';
import type { World } from '../base/world.ts';
import type { Handle } from '../core/call.ts';
import type { CorsSettings } from '../facades/vault/cors.ts';
import { createVaultFacade } from '../facades/vault/vault-facade.ts';
import { dispatching } from '../http/dispatch.ts';
import { Listener } from '../http/listener.ts';
import type { ListenerOptions } from '../http/listener-options.ts';
import type { TlsSettings } from '../http/tls.ts';
import { LISTENER_ADDRESS_DEFAULT } from './config/listener-keys.ts';
import type { ListenerConfig } from './config/listener-keys.ts';
import { ConfigError } from '../base/config/config-tree.ts';
import { hostPort } from '../base/config/host-port.ts';
import { nothingServed, pagesFacade, sharedFacades } from './facades/facades.ts';
import type { SharedPorts } from './facades/facades.ts';
import { openPaths, passedOn } from './monitoring.ts';
import type { Monitoring } from './monitoring.ts';

export interface ListenerWorld {
  readonly world: World;
  readonly handle: Handle;
  readonly sessions: SharedPorts['sessions'];
  readonly backups: SharedPorts['backups'];
  readonly placeOf: SharedPorts['placeOf'];
  readonly mountOf: SharedPorts['mountOf'];
  readonly cors: () => Promise<CorsSettings>;
  /** Serves pages to browsers where the API of Vault is served. */
  readonly pages: boolean;
  readonly monitoring: Monitoring;
  readonly maxRequestDurationSeconds: number;
  /** Named in every reply (`X-Vault-Hostname`) when given. */
  readonly hostname?: string | undefined;
}

export function makeListener(config: ListenerConfig, options: ListenerWorld): Listener {
  const { world, handle, cors, monitoring } = options;
  const passed = passedOn(config, handle, world.random);
  const vault = createVaultFacade({
    handle: passed,
    log: world.log.named('http'),
    cors,
    open: openPaths(config, monitoring),
    limits: { bytesMax: config.maxRequestBytes },
  });
  const servesVault = config.apis.includes('vault');
  const shared = sharedFacades(config.apis, {
    world,
    handle: passed,
    sessions: options.sessions,
    backups: options.backups,
    placeOf: options.placeOf,
    mountOf: options.mountOf,
  });
  const pages = options.pages && servesVault ? [pagesFacade(vault, world)] : [];
  const facade = dispatching(servesVault ? vault : nothingServed(vault), [...shared, ...pages]);
  const tls = tlsOf(config);
  const listenerOptions: ListenerOptions = {
    place: placeOf(config),
    facade,
    clock: world.clock,
    log: world.log.named('http'),
    inFlight: monitoring.requests,
    ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
    limits: {
      headerTimeoutMs: config.headerTimeoutSeconds * 1000,
      readTimeoutMs: config.readTimeoutSeconds * 1000,
      writeTimeoutMs: config.writeTimeoutSeconds * 1000,
      idleTimeoutMs: config.idleTimeoutSeconds * 1000,
      requestDurationMs:
        (config.maxRequestDurationSeconds ?? options.maxRequestDurationSeconds) * 1000,
    },
    ...(tls === undefined ? {} : { tls }),
    ...(config.forwardedForAuthorized === undefined
      ? {}
      : {
          forwardedFor: {
            authorized: config.forwardedForAuthorized,
            hopSkips: config.forwardedForHopSkips,
            rejectNotPresent: config.forwardedForRejectNotPresent,
            rejectNotAuthorized: config.forwardedForRejectNotAuthorized,
          },
        }),
    ...(config.customResponseHeaders === undefined
      ? {}
      : { customHeaders: headerObjects(config.customResponseHeaders) }),
  };
  return new Listener(listenerOptions);
}

function placeOf(config: ListenerConfig): ListenerOptions['place'] {
  if (config.kind === 'unix') {
    if (config.address === undefined)
      throw new ConfigError(config.where, 'a unix listener needs an address');
    return {
      socketPath: config.address,
      ...(config.socketMode === undefined ? {} : { mode: config.socketMode }),
    };
  }
  return hostPort(config.address ?? LISTENER_ADDRESS_DEFAULT, config.where);
}

function tlsOf(config: ListenerConfig): TlsSettings | undefined {
  if (config.kind === 'unix' || config.tlsDisable) return undefined;
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile } = config;
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    throw new ConfigError(
      config.where,
      'needs tls_cert_file and tls_key_file, or tls_disable = true',
    );
  }
  return {
    load: () => ({
      certificate: readFileSync(tlsCertFile),
      key: readFileSync(tlsKeyFile),
      ...(tlsClientCaFile === undefined ? {} : { clientCa: readFileSync(tlsClientCaFile) }),
    }),
    minVersion: config.tlsMinVersion === 'tls13' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: config.tlsMaxVersion === 'tls12' ? 'TLSv1.2' : 'TLSv1.3',
    clientCertificates: config.tlsRequireClientCert
      ? 'required'
      : config.tlsDisableClientCerts
        ? 'none'
        : 'optional',
    ...(config.tlsCipherSuites === undefined ? {} : { cipherSuites: config.tlsCipherSuites }),
  };
}

/** The files that a listener's TLS is made of. */
export function certificateFiles(config: ListenerConfig): readonly string[] {
  if (config.kind === 'unix' || config.tlsDisable) return [];
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile } = config;
  return [tlsCertFile, tlsKeyFile, tlsClientCaFile].filter((file) => file !== undefined);
}

function headerObjects(
  headers: NonNullable<ListenerConfig['customResponseHeaders']>,
): NonNullable<ListenerOptions['customHeaders']> {
  return Object.fromEntries(
    [...headers].map(([status, fields]) => [status, Object.fromEntries(fields)]),
  );
}
