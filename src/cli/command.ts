/** What a command is: a row of data, and the function it loads when somebody calls it. */
import type { Flag, FlagValues } from './flags.ts';
import type { Terminal } from './terminal.ts';
import type { Client } from '../client/client.ts';
import type { TokenHelper } from './token-helper.ts';

export type Format = 'table' | 'json' | 'yaml' | 'raw' | 'pretty';

/** Exit codes scripts rely on. */
export const EXIT_OK = 0;
export const EXIT_LOCAL = 1;
export const EXIT_SERVER = 2;
export const EXIT_UNKNOWN_COMMAND = 127;

export interface Example {
  readonly about: string;
  /** Without the name of the executable. */
  readonly line: string;
}

export interface CommandRow {
  /** All words of it: "kv metadata get". */
  readonly name: string;
  readonly synopsis: string;
  /** What follows the name; groups have none. */
  readonly usage?: string;
  readonly about?: string;
  readonly examples?: readonly Example[];
  /** Which output flags it has beside the connection flags. */
  readonly output?: readonly ('field' | 'format' | 'detailed')[];
  readonly flags?: readonly Flag[];
  /** How many plain arguments it takes. `expected` is how the message puts it; without `max`, any number. */
  readonly takes?: { readonly min: number; readonly max?: number; readonly expected?: string };
  /** Talks to no server, so it has no connection flags. */
  readonly local?: boolean;
  /** Understands -format=raw. */
  readonly raw?: boolean;
  readonly hidden?: boolean;
  /** A group has none: it shows its subcommands. */
  readonly load?: () => Promise<Command>;
}

export type Command = (invocation: Invocation) => Promise<number>;

export interface Invocation {
  readonly row: CommandRow;
  /** All that there are: what help and completion speak of. */
  readonly commands: readonly CommandRow[];
  readonly flags: FlagValues;
  readonly args: readonly string[];
  readonly format: Format;
  readonly terminal: Terminal;
  readonly session: Session;
}

/** Ends a command with a message on stderr. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/** Thrown instead of a call when the user asked to see the request, not to make it. */
export class DryRun extends Error {
  override readonly name = 'DryRun';
  readonly text: string;

  constructor(text: string) {
    super('the request was printed, not made');
    this.text = text;
  }
}

/** Awaits a call; a refusal ends the command with `context: reason` and the exit code for the server. */
export async function attempt<Result>(
  context: string,
  call: Promise<Result>,
  exitCode: number = EXIT_SERVER,
): Promise<Result> {
  try {
    return await call;
  } catch (cause) {
    if (cause instanceof DryRun || cause instanceof CommandFailure) throw cause;
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(exitCode, context === '' ? reason : `${context}: ${reason}`, cause);
  }
}

export interface Session {
  /** With the token of the environment, else the stored one. */
  client(): Promise<Client>;
  /** With the token of the environment only: for logging in. */
  newcomer(): Promise<Client>;
  /** A client that makes its calls even when the user only wants to see one, and never wraps. For questions before the real call. */
  preflight(): Promise<Client>;
  readonly dryRun: boolean;
  tokenHelper(): Promise<TokenHelper>;
}
