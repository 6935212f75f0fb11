/** Starts a server from its configuration, in development mode, or as a newcomer's first one, and runs it until it is told to stop. */
import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { AuditBroker } from '../audit/broker.ts';
import { systemClock } from '../base/clock.ts';
import { SteadyClock } from '../base/steady-clock.ts';
import type { LogLevel } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { tellPoolThreads } from '../base/slow-work.ts';
import type { World } from '../base/world.ts';
import { AUDIT_FORMATS } from './audit-formats.ts';
import { fileDevice } from '../audit/file/file.ts';
import { httpDevice } from '../audit/http/http.ts';
import { socketDevice } from '../audit/socket/socket.ts';
import { syslogDevice } from '../audit/syslog/syslog.ts';
import { RequestError } from '../model/errors.ts';
import { createShamirSeal } from '../seal/shamir/shamir-seal.ts';
import { createStaticSeal } from '../seal/static/static-seal.ts';
import type { Seal } from '../seal/seal.ts';
import type { Listener } from '../http/listener.ts';
import { auditMetrics } from './audit-metrics.ts';
import { loadConfig } from './config/load-config.ts';
import { azureBackupSeal } from './batch-seal.ts';
import { ConfigError } from '../base/config/config-tree.ts';
import { sanitizedConfig } from './config/sanitized.ts';
import type { ServerConfig } from './config/server-config.ts';
import type { SealConfig } from './config/block-keys.ts';
import { bindingsOf } from './config/bindings.ts';
import { mountFinder, placeFinder } from './facades/place-finder.ts';
import { devConfig, startDev } from './start/dev-mode.ts';
import { startFirst, firstConfig } from './start/first-start.ts';
import { watchCertificates } from './start/certificate-watch.ts';
import type { Presenter } from './start/certificate-watch.ts';
import { Instance } from './instance.ts';
import { DEFAULT_LOCKOUT_RULES } from '../core/lockout/lockout.ts';
import type { LockoutRules } from '../core/lockout/lockout.ts';
import { snapshotOptions } from './snapshots/options.ts';
import { certificateFiles, makeListener } from './listeners.ts';
import { LogRegistry, LogSink } from '../base/log-lines.ts';
import { startMonitoring } from './monitoring.ts';
import { assertSettled } from './moving/move-marker.ts';
import type { Monitoring } from './monitoring.ts';
import { openStorage } from './start/open-storage.ts';
import { VERSION } from './version.ts';
import type { ServerOptions, StartOptions } from './start/options.ts';

/** How long running requests may take to finish when the server stops. */
const SHUTDOWN_GRACE_MS = 10_000;
/** Exit code after an unrecoverable fault: the supervisor starts the process again. */
const EXIT_FATAL = 70;
const EXIT_CONFIG = 1;

/** Brings an opened instance into service; what it returns greets the operator once the listeners are up. */
type Prepare = (instance: Instance) => Promise<(addresses: readonly string[]) => void>;

export async function runServer(options: ServerOptions): Promise<number> {
  const { dev } = options;
  return await run(
    () => (dev === undefined ? readConfig(options) : devConfig(dev)),
    options,
    async (instance) => (dev === undefined ? () => {} : await startDev(instance, dev)),
  );
}

export async function runStart(options: StartOptions): Promise<number> {
  return await run(
    () => firstConfig(options),
    options,
    (instance) => startFirst(instance, options),
  );
}

function readConfig(options: ServerOptions): ServerConfig {
  return loadConfig(options.configPaths, {
    environment: process.env,
    flags: {
      ...(options.logLevel === undefined ? {} : { log_level: options.logLevel }),
      ...(options.logFormat === undefined ? {} : { log_format: options.logFormat }),
    },
    warn: (warning) => process.stderr.write(`warning: ${warning}\n`),
  });
}

async function run(
  read: () => ServerConfig | Promise<ServerConfig>,
  options: Pick<ServerOptions, 'logLevel' | 'logFormat'>,
  prepare: Prepare,
): Promise<number> {
  tellPoolThreads(process.env['UV_THREADPOOL_SIZE']);
  let config: ServerConfig;
  try {
    config = await read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return EXIT_CONFIG;
  }
  const sink = new LogSink(config.logFile);
  const logs = new LogRegistry({
    clock: systemClock,
    format: (options.logFormat ?? config.logFormat) as 'standard' | 'json',
    level: (options.logLevel ?? config.logLevel) as LogLevel,
    write: sink.write,
  });
  const log = logs.root;
  const clock = new SteadyClock({ log: log.named('clock') });
  const world: World = { clock, random: systemRandom, log, fatal };
  let instance: Instance | undefined;
  const listeners: Listener[] = [];
  let monitoring: Monitoring | undefined;
  let stopWatch = (): void => {};
  try {
    const storage = await openStorage(config.storage, {
      log: log.named('storage'),
      onFatal: (error) => {
        // Whether the last commits are there is unknown: nothing may be acknowledged any more.
        log.error('storage failed, the process ends', { reason: error.message });
        process.exit(EXIT_FATAL);
      },
    });
    await assertSettled(storage);
    monitoring = startMonitoring({
      world,
      logs,
      feed: logs.feed,
      prefix: config.telemetry.metricsPrefix,
      prometheus: config.telemetry.prometheusRetentionSeconds > 0,
      sealed: () => instance?.sealed ?? true,
    });
    const audit = new AuditBroker({
      types: [fileDevice, socketDevice, syslogDevice, httpDevice],
      origin: `${config.clusterName ?? 'strongroom'}/${nodeName(config)}`,
      clock,
      random: systemRandom,
      log,
      devices: {
        forbiddenDirectories: config.storage.kind === 'sqlite' ? [config.storage.path] : [],
        allowedDirectories:
          config.storage.kind === 'sqlite' ? [`${config.storage.path}/audit`] : [],
        stdout: writeStdout,
      },
      metrics: auditMetrics(monitoring.registry),
      exporters: AUDIT_FORMATS,
    });
    instance = await Instance.open({
      world,
      storage,
      storageType: config.storage.kind,
      nodeName: nodeName(config),
      snapshots: snapshotOptions(config, storage, world.random, process.env),
      seal: makeSeal(config.seal, world),
      sealBefore: sealBefore(config, world),
      audit,
      auditDevices: config.audit.map((device) => ({
        path: device.path,
        type: device.type,
        description: device.description,
        options: device.options ?? {},
        local: false,
        salt: device.path,
        declared: true,
      })),
      auditCreationAllowed: config.allowApiAuditCreation,
      rawStorage: config.rawStorage,
      rotationPrograms: config.rotationPrograms ?? '',
      sanitizedConfig: () => sanitizedConfig(config),
      leaseBounds: {
        defaultSeconds: config.defaultLeaseTtlSeconds,
        maxSeconds: config.maxLeaseTtlSeconds,
      },
      clusterName: config.clusterName,
      apiAddress: () => config.apiAddress ?? listeners[0]?.address ?? '',
      clusterAddress: () => config.clusterAddress ?? clusterAddress(listeners[0]?.address),
      openRekey: config.listeners.some((each) => !each.disableUnauthedRekey),
      openRootGeneration: config.listeners.some((each) => !each.disableUnauthedGenerateRoot),
      monitoring,
      bindings: bindingsOf(config.bindings),
      lockoutRules: (method) => lockoutRules(config, method),
      steadyClock: clock,
    });
    const presenters: Presenter[] = [];
    for (const each of config.listeners) {
      const listener = makeListener(each, {
        world,
        handle: instance.handle,
        sessions: instance.services.credentials.sessions,
        backups: azureBackupSeal(instance.services.barrier, world.random),
        placeOf: placeFinder(instance.services),
        mountOf: mountFinder(instance.services),
        cors: instance.cors,
        monitoring,
        pages: config.pages,
        maxRequestDurationSeconds: config.maxRequestDurationSeconds,
        hostname: config.responseHeaderHostname ? hostname() : undefined,
      });
      listeners.push(listener);
      presenters.push({ files: certificateFiles(each), reload: () => listener.reload() });
    }
    if (await instance.unsealer.unsealUnattended()) await instance.serve();
    const greet = await prepare(instance);
    const addresses = [];
    for (const listener of listeners) addresses.push(await listener.listen());
    log.info('server started', {
      version: VERSION,
      addresses: addresses.join(' '),
      storage: config.storage.kind,
      sealed: instance.sealed,
    });
    if (config.pidFile !== undefined) writeFileSync(config.pidFile, `${process.pid}\n`);
    greet(addresses);
    const running = instance;
    stopWatch = watchCertificates(world, presenters);
    onHangup(() => {
      for (const listener of listeners) listener.reload();
      void audit.reopen();
      sink.reopen();
      void reloadLevel(read, logs);
    });
    await stopSignal();
    log.info('stopping');
    await Promise.all(listeners.map((listener) => listener.close(SHUTDOWN_GRACE_MS)));
    await running.close();
    log.info('stopped');
    return 0;
  } catch (error) {
    if (error instanceof ConfigError || isExpected(error)) {
      const detail = error instanceof RequestError ? error.detail : undefined;
      log.error('the server cannot start', { reason: error.message, detail });
      await Promise.allSettled(listeners.map((listener) => listener.close(0)));
      await instance?.close().catch(() => {});
      return EXIT_CONFIG;
    }
    throw error;
  } finally {
    if (config.pidFile !== undefined) rmSync(config.pidFile, { force: true });
    monitoring?.stop();
    stopWatch();
    sink.close();
  }

  function fatal(reason: string, detail?: unknown): never {
    log.error('fatal fault, the process ends', {
      reason,
      detail: detail instanceof Error ? detail.message : undefined,
    });
    process.exit(EXIT_FATAL);
  }
}

/** On a shared store several servers may run on one machine, each with its own port. */
function nodeName(config: ServerConfig): string {
  const port = /:(\d+)$/.exec(config.listeners[0]?.address ?? '')?.[1];
  const shared = config.storage.kind === 'postgresql' && port !== undefined;
  return shared ? `${hostname()}:${port}` : hostname();
}

/** Where a cluster port of the reference would be: the port after the API's. Nothing listens there. */
function clusterAddress(apiAddress: string | undefined): string {
  const match = /^https?:\/\/(.*):(\d+)$/.exec(apiAddress ?? '');
  return match === null ? '' : `https://${match[1]}:${Number(match[2]) + 1}`;
}

/** Faults that an operator can mend and that need no stack: an address in use, a locked store. */
function isExpected(error: unknown): error is Error {
  return error instanceof Error && ('code' in error || error.name !== 'TypeError');
}

/** A disabled seal is being left; a static one without any may be on its way from key shares. */
function sealBefore(config: ServerConfig, world: World): Seal | undefined {
  if (config.sealBefore !== undefined) return makeSeal(config.sealBefore, world);
  return config.seal.kind === 'static' ? createShamirSeal(world.random) : undefined;
}

function makeSeal(config: SealConfig, world: World): Seal {
  if (config.kind === 'shamir') return createShamirSeal(world.random);
  const current = { id: config.currentKeyId, key: config.currentKey };
  const { previousKeyId, previousKey } = config;
  const previous =
    previousKeyId === undefined || previousKey === undefined
      ? undefined
      : { id: previousKeyId, key: previousKey };
  return createStaticSeal(
    { current, ...(previous === undefined ? {} : { previous }) },
    world.random,
  );
}

function writeStdout(text: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function onHangup(action: () => void): void {
  process.on('SIGHUP', () => {
    try {
      action();
    } catch (error) {
      process.stderr.write(
        `reload failed: ${error instanceof Error ? error.message : 'unknown'}\n`,
      );
    }
  });
}

/** Takes the log level of the configuration as it is now; a file that is wrong now changes nothing. */
async function reloadLevel(
  read: () => ServerConfig | Promise<ServerConfig>,
  logs: LogRegistry,
): Promise<void> {
  try {
    const { logLevel } = await read();
    logs.setAllLevels(logLevel as LogLevel);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    logs.root.warn('the configuration cannot be read again', { reason });
  }
}

/** The rules of the block for this method, else of the block for all, else the usual ones. */
function lockoutRules(config: ServerConfig, method: string): LockoutRules {
  const { userLockout } = config;
  return (
    userLockout.find((block) => block.method === method) ??
    userLockout.find((block) => block.method === 'all') ??
    DEFAULT_LOCKOUT_RULES
  );
}
