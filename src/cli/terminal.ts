/** Where a command reads and writes. Tests hand in another one; nothing else in the command line touches the process. */
import { homedir } from 'node:os';
import { textOfBytes } from './text-input.ts';

export interface Terminal {
  /** Text as it is; the caller ends its lines. */
  write(text: string): void;
  complain(text: string): void;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  readonly stdinIsTty: boolean;
  /** All of standard input. @throws {Error} it is no text */
  readInput(): Promise<string>;
  /** The same, whatever it is. */
  readBytes(): Promise<Buffer>;
  /** One line from the terminal, not shown while typed. @throws {Error} when there is no terminal. */
  askSecret(prompt: string): Promise<string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

/** Largest standard input taken; secrets and policies are far smaller. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;

export const systemTerminal: Terminal = {
  write(text: string): void {
    process.stdout.write(text);
  },
  complain(text: string): void {
    process.stderr.write(text);
  },
  get stdoutIsTty(): boolean {
    return process.stdout.isTTY;
  },
  get stderrIsTty(): boolean {
    return process.stderr.isTTY;
  },
  get stdinIsTty(): boolean {
    return process.stdin.isTTY;
  },
  async readInput(): Promise<string> {
    return textOfBytes(await systemTerminal.readBytes());
  },
  async readBytes(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of process.stdin) {
      bytes += (chunk as Buffer).length;
      if (bytes > INPUT_BYTES_MAX) throw new Error('standard input is too large');
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  },
  async askSecret(prompt: string): Promise<string> {
    const { askHidden } = await import('./prompt.ts');
    return askHidden(prompt);
  },
  get environment(): Readonly<Record<string, string | undefined>> {
    return process.env;
  },
  get homeFolder(): string {
    return homedir();
  },
};

const RED = '\u001b[31m';
const YELLOW = '\u001b[33m';
const RESET = '\u001b[0m';

/** Colours only for eyes: a terminal, no NO_COLOR (no-color.org), no dumb terminal. */
export function mayColour(terminal: Terminal, isTty: boolean): boolean {
  const { environment } = terminal;
  const refused =
    (environment['NO_COLOR'] ?? '') !== '' ||
    (environment['VAULT_CLI_NO_COLOR'] ?? environment['BAO_CLI_NO_COLOR'] ?? '') !== '';
  return isTty && !refused && environment['TERM'] !== 'dumb';
}

export function complainInRed(terminal: Terminal, line: string): void {
  complainIn(terminal, RED, line);
}

export function warn(terminal: Terminal, line: string): void {
  complainIn(terminal, YELLOW, line);
}

function complainIn(terminal: Terminal, colour: string, line: string): void {
  const coloured = mayColour(terminal, terminal.stderrIsTty) && line !== '';
  terminal.complain(coloured ? `${colour}${line}${RESET}\n` : `${line}\n`);
}
