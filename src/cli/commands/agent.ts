/** agent and proxy: read the configuration, then hand over to the agent itself. */
import { systemClock } from '../../base/clock.ts';
import { ConfigError } from '../../base/config/config-tree.ts';
import { LogRegistry, LogSink } from '../../base/log-lines.ts';
import { systemRandom } from '../../base/random.ts';
import { CommandFailure, EXIT_LOCAL, type Invocation } from '../command.ts';
import { warn } from '../terminal.ts';

export async function agent(invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation;
  const paths = flags.list('config');
  if (paths.length === 0) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Must specify exactly at least one config path using -config',
    );
  }
  const level = flags.text('log-level').toLowerCase();
  const format = flags.text('log-format').toLowerCase();
  const { loadAgentConfig } = await import('../../agent/config/agent-config.ts');
  const { runAgent } = await import('../../agent/agent.ts');
  const { environment } = terminal;
  const stop = new AbortController();
  const end = (): void => stop.abort();
  try {
    const loaded = loadAgentConfig(paths, {
      environment,
      flags: {
        ...(level !== '' && { log_level: level }),
        ...(format !== '' && { log_format: format }),
      },
      warn: (text) => warn(terminal, `warning: ${text}`),
    });
    const config = flags.isSet('exit-after-auth')
      ? { ...loaded, exitAfterAuth: flags.boolean('exit-after-auth') }
      : loaded;
    const sink = new LogSink(config.logFile);
    const log = new LogRegistry({
      clock: systemClock,
      format: config.logFormat as 'standard' | 'json',
      level: config.logLevel as 'info',
      write: sink.write,
    }).root;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
    const alive = holdOpen();
    try {
      const world = { clock: systemClock, random: systemRandom, log };
      return await runAgent({ config, environment, world, signal: stop.signal });
    } finally {
      alive();
      sink.close();
    }
  } catch (cause) {
    if (cause instanceof ConfigError) throw new CommandFailure(EXIT_LOCAL, cause.message, cause);
    throw cause;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end);
  }
}

/** The clock's timers let the process end; while the agent waits for one it must not. */
function holdOpen(): () => void {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', () => {});
  return () => {
    port1.close();
    port2.close();
  };
}
