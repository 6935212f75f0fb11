/**
 * Where the token of the last login is kept: `~/.vault-token`, or an outside program that `~/.vault` or `~/.bao` names.
 * Such a program is run with `get`, `store` (the token on its standard input) or `erase` as its last argument.
 */
import { readFileSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { readVariable } from '../client/environment.ts';
import type { Terminal } from './terminal.ts';

export interface TokenHelper {
  /** The token, or an empty string. */
  get(): Promise<string>;
  store(token: string): Promise<void>;
  erase(): Promise<void>;
}

const TOKEN_FILE = '.vault-token';
const CONFIG_FILES = ['.strongroom', '.bao', '.vault'];
const OUTPUT_CHARS_MAX = 65_536;

export function openTokenHelper(terminal: Terminal): TokenHelper {
  const program = configuredHelper(terminal);
  if (program === undefined) return fileHelper(join(terminal.homeFolder, TOKEN_FILE));
  return programHelper(isAbsolute(program) ? program : resolve(program), terminal);
}

function fileHelper(path: string): TokenHelper {
  return {
    async get(): Promise<string> {
      try {
        return (await readFile(path, 'utf8')).trim();
      } catch (cause) {
        if (isMissing(cause)) return '';
        throw cause;
      }
    },
    async store(token: string): Promise<void> {
      // Written beside and renamed, so that the file is ours and readable by us alone whatever was there before.
      const fresh = `${path}.tmp`;
      await rm(fresh, { force: true });
      await writeFile(fresh, token, { mode: 0o600, flag: 'wx' });
      await rename(fresh, path);
    },
    async erase(): Promise<void> {
      await rm(path, { force: true });
    },
  };
}

function programHelper(program: string, terminal: Terminal): TokenHelper {
  const run = (verb: string, input = ''): Promise<string> =>
    runHelper(program, verb, input, terminal);
  return {
    get: () => run('get'),
    async store(token: string): Promise<void> {
      await run('store', token);
    },
    async erase(): Promise<void> {
      await run('erase');
    },
  };
}

async function runHelper(
  program: string,
  verb: string,
  input: string,
  terminal: Terminal,
): Promise<string> {
  const { spawn } = await import('node:child_process');
  const shell = terminal.environment['SHELL'] ?? '/bin/sh';
  return new Promise((done, fail) => {
    const child = spawn(shell, ['-c', `${program} ${verb}`], {
      env: { ...terminal.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < OUTPUT_CHARS_MAX) output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length < OUTPUT_CHARS_MAX) complaint += text;
    });
    child.once('error', fail);
    child.once('close', (code) => {
      if (code === 0) done(output);
      else fail(new Error(`${JSON.stringify(complaint)}: exit status ${String(code)}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** The `token_helper = "…"` line of the first configuration file there is. */
function configuredHelper(terminal: Terminal): string | undefined {
  const named = readVariable(terminal.environment, 'CONFIG_PATH');
  const paths =
    named === undefined ? CONFIG_FILES.map((name) => join(terminal.homeFolder, name)) : [named];
  for (const path of paths) {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      if (isMissing(cause)) continue;
      throw cause;
    }
    return helperLine(text);
  }
  return undefined;
}

/** Reads HCL (`token_helper = "x"`) and JSON (`"token_helper": "x"`) alike; the file knows no other setting. */
export function helperLine(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const found = /^\s*\{?\s*"?token_helper"?\s*[=:]\s*("(?:[^"\\]|\\.)*")/.exec(line);
    if (found !== null) return JSON.parse(found[1] ?? '""') as string;
  }
  return undefined;
}

function isMissing(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    (cause.code === 'ENOENT' || cause.code === 'EISDIR' || cause.code === 'ENOTDIR')
  );
}
