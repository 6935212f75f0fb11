/** Programs that the agent starts: commands after a file has changed, and the one program that it runs with secrets. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Clock } from '../base/clock.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** As `timeout` of GNU has it. */
const EXIT_TIMED_OUT = 124;
const EXIT_NOT_STARTED = 127;
const EXIT_SIGNALLED = 128;
/** How long a program may take to end before it is killed. */
const STOP_MS_MAX = 30_000;

/** Runs it and waits for its end; the exit code. One word is a command for the shell. Its output goes to the agent's. */
export function runCommand(
  command: readonly string[],
  timeoutMs: number,
  environment: Environment,
): Promise<number> {
  const [program = '', ...rest] = command.length === 1 ? ['/bin/sh', '-c', ...command] : command;
  return new Promise((done) => {
    const child = spawn(program, rest, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...environment },
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    child.once('error', () => done(EXIT_NOT_STARTED));
    child.once('close', (code) => done(code ?? EXIT_TIMED_OUT));
  });
}

export interface SupervisorOptions {
  readonly command: readonly string[];
  readonly stopSignal: NodeJS.Signals;
  readonly clock: Clock;
  /** The program ended by itself. */
  readonly ended: (exitCode: number) => void;
}

/** One program that is started, started anew with other variables, and stopped. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #child: ChildProcess | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the program, after the one that runs has been stopped. */
  start(environment: Environment): Promise<void> {
    this.#turn = this.#next(environment, this.#turn);
    return this.#turn;
  }

  async #next(environment: Environment, before: Promise<void>): Promise<void> {
    await before;
    await this.#end();
    const [program = '', ...rest] = this.#options.command;
    const child = spawn(program, rest, { stdio: 'inherit', env: { ...environment } });
    this.#child = child;
    const finish = (code: number): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#options.ended(code);
    };
    child.once('error', () => finish(EXIT_NOT_STARTED));
    child.once('close', (code, signal) => {
      finish(code ?? EXIT_SIGNALLED + (signal === null ? 0 : constants.signals[signal]));
    });
  }

  /** Resolves when the program is gone. */
  stop(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#end());
    return this.#turn;
  }

  #end(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return Promise.resolve();
    this.#child = undefined;
    return new Promise((done) => {
      const cancel = this.#options.clock.after(STOP_MS_MAX, () => child.kill('SIGKILL'));
      child.once('close', () => {
        cancel();
        done();
      });
      child.kill(this.#options.stopSignal);
    });
  }
}
