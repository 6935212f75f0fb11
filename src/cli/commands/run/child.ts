/** Runs a program in this one's place: same terminal, signals passed on, exit code taken over. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Exit codes of programs that run others (env, nohup, timeout): POSIX and GNU agree on these. */
export const EXIT_NOT_STARTED = 125;
export const EXIT_NOT_EXECUTABLE = 126;
export const EXIT_NOT_FOUND = 127;
const EXIT_SIGNALLED = 128;

const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];

/** Resolves with the exit code once the program has ended. */
export function runChild(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...environment } });
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    const finish = (code: number): void => {
      for (const signal of FORWARDED) process.off(signal, forward);
      done(code);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      finish(cause.code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
    });
    child.once('close', (code, signal) => {
      finish(
        code ?? (signal === null ? EXIT_NOT_STARTED : EXIT_SIGNALLED + constants.signals[signal]),
      );
    });
  });
}
