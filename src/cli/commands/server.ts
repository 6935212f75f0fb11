/** server and start: read the flags, then hand over to the server itself. */
import { readVariable } from '../../client/environment.ts';
import { CommandFailure, EXIT_LOCAL, type Invocation } from '../command.ts';
import type { DevOptions, ServerOptions } from '../../server/start/options.ts';

const DEFAULT_LISTEN_ADDRESS = '127.0.0.1:8200';
const PORT_MAX = 65_535;
const DEFAULT_DATA_FOLDER = './strongroom-data';

export async function server(invocation: Invocation): Promise<number> {
  const options = serverOptions(invocation);
  if (options.dev === undefined && options.configPaths.length === 0) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Must specify at least one config path using -config\nUse -dev for a server in memory, or "strongroom start" for a first one that keeps its data.',
    );
  }
  const { runServer } = await import('../../server/main.ts');
  return runServer(options);
}

export async function start(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const listen = flags.text('listen');
  // Told before anything is made.
  const port = /^.*:(\d{1,5})$/.exec(listen)?.[1];
  if (listen !== '' && !(Number(port) <= PORT_MAX)) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `-listen wants HOST:PORT, such as ${DEFAULT_LISTEN_ADDRESS}; the port is at most ${PORT_MAX}`,
    );
  }
  const { runStart } = await import('../../server/main.ts');
  return runStart({
    dataFolder: flags.text('data') || DEFAULT_DATA_FOLDER,
    listenAddress: listen || DEFAULT_LISTEN_ADDRESS,
    ...logOptions(invocation),
  });
}

export function serverOptions(invocation: Invocation): ServerOptions {
  const { flags, terminal } = invocation;
  const variable = (name: string): string | undefined => readVariable(terminal.environment, name);
  const configured = flags.list('config');
  const fromEnvironment = variable('CONFIG_PATH');
  const tls = flags.boolean('dev-tls');
  const dev: DevOptions | undefined =
    flags.boolean('dev') || tls
      ? {
          rootToken: flags.text('dev-root-token-id') || variable('DEV_ROOT_TOKEN_ID'),
          listenAddress:
            flags.text('dev-listen-address') ||
            variable('DEV_LISTEN_ADDRESS') ||
            DEFAULT_LISTEN_ADDRESS,
          storeToken: !flags.boolean('dev-no-store-token'),
          tls: tls
            ? {
                folder: flags.text('dev-tls-cert-dir') || undefined,
                extraNames: flags.list('dev-tls-san'),
              }
            : undefined,
          kvVersion1: flags.boolean('dev-kv-v1'),
        }
      : undefined;
  return {
    configPaths:
      configured.length > 0 || fromEnvironment === undefined ? configured : [fromEnvironment],
    dev,
    ...logOptions(invocation),
  };
}

const LOG_LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error']);

function logOptions(invocation: Invocation): Pick<ServerOptions, 'logLevel' | 'logFormat'> {
  const { flags, terminal } = invocation;
  const pick = (flag: string, name: string): string | undefined =>
    (flags.text(flag) || readVariable(terminal.environment, name))?.toLowerCase();
  const logLevel = pick('log-level', 'LOG_LEVEL');
  const logFormat = pick('log-format', 'LOG_FORMAT');
  if (logLevel !== undefined && !LOG_LEVELS.has(logLevel)) {
    throw new CommandFailure(EXIT_LOCAL, `unknown log level: ${logLevel}`);
  }
  if (logFormat !== undefined && logFormat !== 'standard' && logFormat !== 'json') {
    throw new CommandFailure(EXIT_LOCAL, `unknown log format: ${logFormat}`);
  }
  return { logLevel, logFormat };
}
