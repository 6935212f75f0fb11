/** The agent: logs in for a program that does not, and brings it secrets as files, as variables or through a local address. */
import { rmSync, writeFileSync } from 'node:fs';
import type { World } from '../base/world.ts';
import { parseAddress } from '../client/address.ts';
import { Client, DEFAULT_TIMEOUT_MS } from '../client/client.ts';
import { optionsFromEnvironment, type Environment } from '../client/environment.ts';
import { loadTls } from '../client/tls.ts';
import { ANSWER_BYTES_MAX, Transport } from '../client/transport.ts';
import type { Listener } from '../http/listener.ts';
import { makeMethod } from './auth/methods.ts';
import { writeSinks } from './auth/sinks.ts';
import { TokenKeeper } from './auth/token-keeper.ts';
import type { AgentConfig } from './config/agent-config.ts';
import { Supervisor } from './process.ts';
import { LeaseCache } from './proxy/lease-cache.ts';
import { makeAgentListener } from './proxy/listeners.ts';
import { createProxy } from './proxy/proxy.ts';
import { SecretSource } from './secrets/secret-source.ts';
import { Templates } from './templates.ts';
import { wakingClock } from './waking-clock.ts';

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly environment: Environment;
  readonly world: Pick<World, 'clock' | 'random' | 'log'>;
  /** Ends the agent. */
  readonly signal: AbortSignal;
}

/** Time that running requests get when the agent ends. */
const CLOSE_GRACE_MS = 5000;
const EXIT_FAILED = 1;

/**
 * Runs until it is told to end, or has nothing more to do. Resolves with the exit code: 0, 1 after a failure that the
 * configuration says to end on, or that of the program under `exec`.
 * @throws {ConfigError} before anything was done
 */
export async function runAgent(options: AgentOptions): Promise<number> {
  const { world } = options;
  const agent = new Agent({ ...options, world: { ...world, clock: wakingClock(world.clock) } });
  return agent.run();
}

class Agent {
  readonly #options: AgentOptions;
  readonly #client: Client;
  readonly #source: SecretSource;
  readonly #templates: Templates;
  readonly #keeper: TokenKeeper | undefined;
  readonly #supervisor: Supervisor | undefined;
  readonly #listeners: readonly Listener[];
  #token: string | undefined;
  #sunk = false;
  #allRendered = false;
  #end: (exitCode: number) => void = () => {};

  constructor(options: AgentOptions) {
    this.#options = options;
    const { config, environment, world } = options;
    const { clock, random, log } = world;
    this.#client = clientOf(config, environment);
    this.#source = new SecretSource({
      clock,
      random,
      log: log.named('secrets'),
      staticIntervalMs: config.templating.staticIntervalSeconds * 1000,
      changed: (key) => this.#templates.changed(key),
      refused: () => this.#keeper?.doubt(),
    });
    this.#templates = new Templates({
      configs: config.templates,
      source: this.#source,
      clock,
      log: log.named('templates'),
      environment,
      rendered: (variables, changed) => this.#rendered(variables, changed),
      refused: () => this.#keeper?.doubt(),
      gaveUp: () => {
        if (config.templating.exitOnFailure) this.#end(EXIT_FAILED);
      },
    });
    this.#keeper = this.#makeKeeper();
    this.#supervisor =
      config.exec &&
      new Supervisor({
        command: config.exec.command,
        stopSignal: config.exec.stopSignal as NodeJS.Signals,
        clock,
        ended: (exitCode) => this.#end(exitCode),
      });
    this.#listeners = this.#makeListeners();
  }

  async run(): Promise<number> {
    const { config, signal, world } = this.#options;
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
      if (signal.aborted) resolve(0);
      signal.addEventListener('abort', () => resolve(0), { once: true });
    });
    try {
      for (const listener of this.#listeners) {
        world.log.info('listening', { address: await listener.listen() });
      }
      if (config.pidFile !== undefined) writeFileSync(config.pidFile, `${process.pid}\n`);
      this.#keeper?.run().catch(() => this.#end(EXIT_FAILED));
      return await ended;
    } finally {
      this.#keeper?.stop();
      this.#templates.stop();
      this.#source.close();
      await this.#supervisor?.stop();
      await Promise.all(this.#listeners.map((listener) => listener.close(CLOSE_GRACE_MS)));
      this.#client.close();
      if (config.pidFile !== undefined) rmSync(config.pidFile, { force: true });
    }
  }

  #makeKeeper(): TokenKeeper | undefined {
    const { config, world } = this.#options;
    const { method } = config;
    if (method === undefined) return undefined;
    const client = this.#client.with({ token: undefined });
    return new TokenKeeper({
      client,
      loginClient:
        method.namespace === undefined ? client : client.with({ namespace: method.namespace }),
      method: makeMethod(method),
      clock: world.clock,
      random: world.random,
      log: world.log.named('auth'),
      minBackoffMs: method.minBackoffSeconds * 1000,
      maxBackoffMs: method.maxBackoffSeconds * 1000,
      exitOnError: method.exitOnError,
      arrived: ({ token }) => this.#arrived(token),
    });
  }

  #arrived(token: string): void {
    const client = this.#client.with({ token });
    const isNew = token !== this.#token;
    this.#token = token;
    if (!isNew) return;
    void this.#sink(client);
    this.#source.reset(client);
    this.#templates.refresh();
  }

  async #sink(client: Client): Promise<void> {
    const { config, world } = this.#options;
    try {
      await writeSinks(config.sinks, client);
      this.#sunk = true;
      this.#endWhenDone();
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : 'unknown error';
      world.log.error('the token could not be written', { error });
      if (config.exitAfterAuth) this.#end(EXIT_FAILED);
    }
  }

  #rendered(variables: ReadonlyMap<string, string>, changed: boolean): void {
    const { config, environment, world } = this.#options;
    this.#allRendered = true;
    const supervisor = this.#supervisor;
    const restarts = changed && config.exec?.restart === 'always';
    if (supervisor !== undefined && (!supervisor.running || restarts)) {
      if (supervisor.running) world.log.info('a secret changed: the program is started anew');
      void supervisor.start({ ...environment, ...Object.fromEntries(variables) });
    }
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    const { config } = this.#options;
    if (config.exitAfterAuth && config.exec === undefined && this.#sunk && this.#allRendered) {
      this.#end(0);
    }
  }

  #makeListeners(): readonly Listener[] {
    const { config, world } = this.#options;
    if (config.listeners.length === 0) return [];
    const { clock, random, log } = world;
    const address = parseAddress(this.#client.address);
    const transport = new Transport({
      address,
      tls: () => loadTls(this.#client.tls),
      timeoutMs: DEFAULT_TIMEOUT_MS,
      followRedirects: true,
      refuseRedirects: false,
      answerBytesMax: ANSWER_BYTES_MAX,
      proxy: undefined,
    });
    const cache = config.caches ? new LeaseCache({ clock, random }) : undefined;
    return config.listeners.map((listener) =>
      makeAgentListener(
        listener,
        createProxy({
          transport,
          origin: address.url.origin,
          namespace: this.#client.namespace,
          settings: config.proxy,
          token: () => this.#token,
          cache,
          log: log.named('proxy'),
          requireHeader: listener.requireHeader,
          quit: listener.enableQuit ? () => this.#end(0) : undefined,
          refused: () => this.#keeper?.doubt(),
        }),
        world,
      ),
    );
  }
}

/** The environment says what the `vault` block leaves open; a token in it is not the agent's. */
function clientOf({ server }: AgentConfig, environment: Environment): Client {
  const { address, namespace, retriesMax, caFile, caPath, certFile, keyFile } = server;
  const { wrapTtl: _wrapTtl, token: _token, ...base } = optionsFromEnvironment(environment);
  const files = { caFile, caPath, certFile, keyFile, serverName: server.serverName };
  const given = Object.entries(files).filter(([, value]) => value !== undefined);
  return new Client({
    ...base,
    ...(address !== undefined && { address }),
    ...(namespace !== undefined && { namespace }),
    ...(retriesMax !== undefined && { retriesMax }),
    tls: {
      ...base.tls,
      ...Object.fromEntries(given),
      ...(server.skipVerify !== undefined && { skipVerify: server.skipVerify }),
    },
  });
}
