/** Key shares and PGP keys as the operator commands take them. */
import { readFile } from 'node:fs/promises';
import { CommandFailure, EXIT_LOCAL, type Invocation } from './command.ts';

export interface GivenShare {
  readonly key: string;
  /** It came from the terminal, in answer to a prompt that showed the nonce. */
  readonly asked: boolean;
}

/** The share of the argument, of standard input (`-`), or asked for on the terminal under `prompt`. */
export async function readShare(invocation: Invocation, prompt: string): Promise<GivenShare> {
  const given = (invocation.args[0] ?? '').trim();
  if (given === '-') {
    const silent = invocation.flags.boolean('non-interactive');
    const input = silent ? '' : await invocation.terminal.readInput();
    return { key: input.trim(), asked: false };
  }
  if (given !== '') return { key: given, asked: false };
  if (invocation.flags.boolean('non-interactive')) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'Refusing to ask for a key with -non-interactive; give it as the argument of this command',
    );
  }
  try {
    return { key: (await invocation.terminal.askSecret(prompt)).trim(), asked: true };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    if (cause instanceof Error && cause.name === 'InterruptedError') {
      throw new CommandFailure(EXIT_LOCAL, reason);
    }
    throw new CommandFailure(
      EXIT_LOCAL,
      `There is no terminal to ask for the key on: give it as the argument, or "-" to read it from standard input. (${reason})`,
    );
  }
}

/** Public PGP keys of a `-pgp-keys` flag, in base64 as the API takes them. */
export async function readPgpKeys(flagValues: readonly string[]): Promise<string[]> {
  const paths = flagValues.flatMap((text) => text.split(',')).map((text) => text.trim());
  return Promise.all(paths.filter((path) => path !== '').map(readPgpKey));
}

export async function readPgpKey(given: string): Promise<string> {
  const path = given.startsWith('@') ? given.slice(1) : given;
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch {
    throw new CommandFailure(EXIT_LOCAL, `The PGP key file ${path} cannot be read.`);
  }
  const text = bytes.toString('latin1').trim();
  if (text.startsWith('-----BEGIN PGP')) return armoredBody(text);
  return /^[A-Za-z0-9+/=\s]+$/.test(text) ? text.replace(/\s/g, '') : bytes.toString('base64');
}

/** The base64 between the headers and the checksum of an armored key (RFC 9580 §6.2). */
function armoredBody(text: string): string {
  const lines = text.split(/\r?\n/);
  const start = lines.indexOf('') + 1;
  const body: string[] = [];
  for (const line of lines.slice(start)) {
    if (line.startsWith('=') || line.startsWith('-----END')) break;
    body.push(line.trim());
  }
  return body.join('');
}
