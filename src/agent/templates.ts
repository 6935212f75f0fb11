/** Renders the templates: at the start, and again whatever of their secrets changes. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { ApiError } from '../client/errors.ts';
import type { TemplateConfig } from './config/agent-config.ts';
import { replaceFile } from './files.ts';
import { asking } from './secrets/ask.ts';
import type { SecretSource } from './secrets/secret-source.ts';
import { runCommand } from './process.ts';
import { render } from './template/evaluate.ts';
import { templateFunctions } from './template/functions.ts';
import { parseTemplate } from './template/parse.ts';

export interface TemplatesOptions {
  readonly configs: readonly TemplateConfig[];
  readonly source: SecretSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Every template has been rendered; `variables` are those of the env_template blocks, `changed` whether one is new. */
  readonly rendered: (variables: ReadonlyMap<string, string>, changed: boolean) => void;
  /** The server refused something: the token may be worth nothing any more. */
  readonly refused: () => void;
  /** A template could not be rendered however often it was tried. */
  readonly gaveUp: () => void;
}

/** Wait after a failed pass; each further one doubles it. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 60_000;
const ATTEMPTS_MAX = 12;

interface State {
  readonly config: TemplateConfig;
  stale: boolean;
  named: ReadonlySet<string>;
  output: string | undefined;
}

export class Templates {
  readonly #options: TemplatesOptions;
  readonly #states: State[];
  #running = false;
  #again = false;
  #failures = 0;
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(options: TemplatesOptions) {
    this.#options = options;
    this.#states = options.configs.map((config) => ({
      config,
      stale: true,
      named: new Set(),
      output: undefined,
    }));
  }

  /** Everything is to be rendered anew: there is a new token. */
  refresh(): void {
    for (const state of this.#states) state.stale = true;
    this.#schedule(0);
  }

  /** The secret behind `key` has changed. */
  changed(key: string): void {
    let waitSeconds = 0;
    for (const state of this.#states) {
      if (!state.named.has(key)) continue;
      state.stale = true;
      waitSeconds = Math.max(waitSeconds, state.config.waitSeconds);
    }
    this.#schedule(waitSeconds * 1000);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#cancel();
    this.#cancel = this.#options.clock.after(delayMs, () => void this.#pass());
  }

  /** One at a time; what becomes stale meanwhile is rendered right after. */
  async #pass(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#again = false;
    const { log, source, rendered, refused, gaveUp } = this.#options;
    let failed = false;
    let changed = false;
    for (const state of this.#states) {
      if (!state.stale || this.#stopped) continue;
      state.stale = false;
      try {
        changed = (await this.#render(state)) || changed;
      } catch (cause) {
        state.stale = true;
        failed = true;
        const error = cause instanceof Error ? cause.message : 'unknown error';
        log.error('a template could not be rendered', { where: state.config.where, error });
        if (cause instanceof ApiError && cause.status === 403) refused();
      }
    }
    this.#running = false;
    if (this.#stopped) return;
    if (failed) {
      this.#failures++;
      if (this.#failures >= ATTEMPTS_MAX) gaveUp();
      this.#schedule(Math.min(RETRY_MS_MIN * 2 ** (this.#failures - 1), RETRY_MS_MAX));
      return;
    }
    this.#failures = 0;
    source.keepOnly(new Set(this.#states.flatMap(({ named }) => [...named])));
    const variables = this.#states.flatMap(({ config, output }) =>
      config.variable === undefined || output === undefined
        ? []
        : [[config.variable, output] as const],
    );
    rendered(new Map(variables), changed);
    if (this.#again) this.#schedule(0);
  }

  /** True when a variable has another value now. */
  async #render(state: State): Promise<boolean> {
    const { config } = state;
    const { source, clock, environment, log } = this.#options;
    const text = config.contents ?? (await readFile(config.source ?? '', 'utf8'));
    const template = parseTemplate(text, { left: config.left, right: config.right });
    const { functions, named } = asking(source, config.destination);
    const output = await render(
      template,
      {
        functions: templateFunctions({ clock, environment }, functions),
        missingKeyFails: config.missingKeyFails,
      },
      undefined,
    );
    state.named = named;
    const differs = output !== state.output;
    state.output = output;
    if (config.destination === undefined) return differs;
    if ((await contentOf(config.destination)) === output) return false;
    await replaceFile(config.destination, output, config);
    log.info('template rendered', { destination: config.destination });
    if (config.after.length > 0) {
      const code = await runCommand(config.after, config.afterTimeoutSeconds * 1000, environment);
      if (code !== 0) {
        log.warn('the command of a template failed', { destination: config.destination, code });
      }
    }
    return false;
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
