/**
 * A program on this machine, from the one folder that the server's configuration allows. It gets `{"step", "id", "current",
 * "next", …}` on standard input and answers on standard output; the steps are those of a webhook. Exit 0 is success, 3 is
 * "refused, nothing was changed", anything else a failure. What it writes to standard error is not kept: it may hold secrets.
 */
import { spawn } from 'node:child_process';
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SettingsError, TargetError } from '../../targets/database.ts';
import { listSetting, textOf } from '../settings.ts';
import type { Fields, Rotation, RotationContext, Rotator } from '../rotator.ts';
import { fieldsOf } from '../answer.ts';

const TIMEOUT_MS = 40_000;
const ANSWER_BYTES_MAX = 256 * 1024;
const EXIT_REFUSED = 3;

/** @param folder the only folder whose programs may run; '' = none */
export function programRotator(folder: string): Rotator {
  return {
    type: 'program',
    summary: 'A program in the folder that the configuration of the server allows.',
    settings: [
      { name: 'program', description: 'Name of the program in that folder.' },
      { name: 'arguments', description: 'What it is called with.' },
    ],
    keepsPrevious: () => true,
    open(settings) {
      const path = allowedProgram(folder, textOf(settings, 'program'));
      return new ProgramRotation(path, listSetting(settings, 'arguments', []));
    },
  };
}

/** @throws {SettingsError} */
function allowedProgram(folder: string, name: string): string {
  if (folder === '') throw new SettingsError('the configuration of this server allows no programs');
  if (!/^[\w][\w.-]{0,127}$/.test(name))
    throw new SettingsError('program must be a name without a path');
  const path = join(folder, name);
  try {
    // Neither the program nor anything on the way to it may lead out of the folder.
    if (!lstatSync(path).isFile() || dirname(realpathSync(path)) !== realpathSync(folder))
      throw new Error();
  } catch {
    throw new SettingsError('there is no such program in the folder');
  }
  return path;
}

class ProgramRotation implements Rotation {
  readonly #path: string;
  readonly #arguments: readonly string[];

  constructor(path: string, given: readonly string[]) {
    this.#path = path;
    this.#arguments = given;
  }

  async create(context: RotationContext): Promise<Fields> {
    return fieldsOf(await this.#run('createSecret', context, {}));
  }

  async install(context: RotationContext): Promise<void> {
    await this.#run('setSecret', context, {});
  }

  async verify(context: RotationContext, value: Fields): Promise<void> {
    await this.#run('testSecret', context, { value });
  }

  async retire(context: RotationContext, old: Fields): Promise<void> {
    await this.#run('finishSecret', context, { old });
  }

  async rollback(context: RotationContext): Promise<void> {
    await this.#run('rollbackSecret', context, {});
  }

  async rehearse(context: RotationContext): Promise<readonly string[]> {
    await this.#run('testSecret', context, { value: context.current, dry_run: true });
    return ['the program runs, and takes the current value'];
  }

  async #run(step: string, context: RotationContext, more: object): Promise<string> {
    const { id, current, next } = context;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const fail = (text: string, mayHaveChanged: boolean): void =>
      reject(new TargetError(text, { mayHaveChanged }));
    const child = spawn(this.#path, [...this.#arguments], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // Nothing of this server's surroundings: tokens and keys may be among them.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      killSignal: 'SIGKILL',
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > ANSWER_BYTES_MAX) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    child.on('error', () => fail('the program cannot be run, or took too long', true));
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString());
      else fail(`the program ends with ${code ?? 'a signal'} at ${step}`, code !== EXIT_REFUSED);
    });
    // A program that does not read its input is not at fault.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify({ step, id, current, next, ...more }));
    return await promise;
  }
}
