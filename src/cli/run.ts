/** Runs one command line: finds the command, reads its flags, loads it, turns failures into messages and exit codes. */
import { readVariable } from '../client/environment.ts';
import {
  CommandFailure,
  DryRun,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_UNKNOWN_COMMAND,
  type CommandRow,
  type Format,
  type Invocation,
} from './command.ts';
import { COMMANDS } from './command-table.ts';
import { FlagError, parseFlags, type ParsedArguments } from './flags.ts';
import { commandHelp, PROGRAM, rootHelp } from './help.ts';
import { findCommand, isHelpFlag } from './lookup.ts';
import { allFlags } from './option-groups.ts';
import { openSession } from './session.ts';
import { complainInRed, warn, type Terminal } from './terminal.ts';

const FORMATS = new Map<string, Format>([
  ['table', 'table'],
  ['json', 'json'],
  ['yaml', 'yaml'],
  ['yml', 'yaml'],
  ['raw', 'raw'],
  ['pretty', 'pretty'],
]);
const VERSION_FLAGS = new Set(['-v', '-version', '--version']);

/** Resolves with the exit code; never rejects. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(argv, terminal);
  } catch (cause) {
    if (cause instanceof DryRun) {
      terminal.write(`${cause.text}\n`);
      return EXIT_OK;
    }
    if (cause instanceof CommandFailure) {
      complainInRed(terminal, cause.message);
      const hint = terminal.stderrIsTty ? await hintOf(cause, terminal) : undefined;
      if (hint !== undefined) terminal.complain(`\n${hint}\n`);
      return cause.exitCode;
    }
    if (cause instanceof FlagError) {
      complainInRed(terminal, cause.message);
      return EXIT_LOCAL;
    }
    complainInRed(
      terminal,
      `${PROGRAM}: ${cause instanceof Error ? cause.message : 'unknown error'}`,
    );
    return EXIT_LOCAL;
  }
}

/** Loaded late: it is for failures alone. */
async function hintOf(failure: CommandFailure, terminal: Terminal): Promise<string | undefined> {
  const { hintFor } = await import('./render/hints.ts');
  return hintFor(failure.cause, terminal.environment);
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const words = argv.length === 1 && VERSION_FLAGS.has(argv[0] ?? '') ? ['version'] : argv;
  if (words.some((word) => /^--?autocomplete-(?:un)?install$/.test(word))) {
    const { installCompletion } = await import('./completion/install.ts');
    return installCompletion(
      terminal,
      words.some((word) => word.endsWith('-uninstall')),
    );
  }
  const { row, rest, early, suggestion } = findCommand(COMMANDS, words);
  const end = words.indexOf('--');
  const helpWanted = (end === -1 ? words : words.slice(0, end)).some(isHelpFlag);
  if (row === undefined) {
    if (helpWanted) {
      terminal.write(`${rootHelp(COMMANDS)}\n`);
      return EXIT_OK;
    }
    const wrong = words.find((word) => !word.startsWith('-'));
    if (wrong !== undefined) complainUnknown(terminal, wrong, suggestion);
    terminal.complain(`${rootHelp(COMMANDS)}\n`);
    return EXIT_UNKNOWN_COMMAND;
  }
  if (helpWanted) {
    terminal.write(`${commandHelp(row, COMMANDS)}\n`);
    return EXIT_OK;
  }
  if (early.length > 0) {
    terminal.complain(
      'Invalid flags before the subcommand. If these flags are for\n' +
        `the subcommand, please put them after the subcommand.\n\n${commandHelp(row, COMMANDS)}\n`,
    );
    return EXIT_LOCAL;
  }
  if (row.load === undefined) {
    const wrong = rest.find((word) => !word.startsWith('-'));
    if (wrong !== undefined) complainUnknown(terminal, `${row.name} ${wrong}`, suggestion);
    terminal.complain(`${commandHelp(row, COMMANDS)}\n`);
    return EXIT_LOCAL;
  }
  return invoke(row, rest, words, terminal);
}

async function invoke(
  row: CommandRow,
  rest: readonly string[],
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const format = chosenFormat(words, terminal);
  const parsed = parseFlags(allFlags(row), rest);
  if (format === 'raw' && row.raw !== true && (row.output ?? []).includes('format')) {
    throw new CommandFailure(EXIT_LOCAL, 'This command does not support the -format=raw option.');
  }
  warnOfLateFlags(parsed, format, row, terminal);
  assertCount(row, parsed.positional.length);
  const load = row.load;
  if (load === undefined) return EXIT_LOCAL;
  const command = await load();
  const invocation: Invocation = {
    row,
    commands: COMMANDS,
    flags: parsed.flags,
    args: parsed.positional,
    format,
    terminal,
    session: openSession(parsed.flags, terminal),
  };
  const code = await command(invocation);
  if (invocation.session.dryRun && code === EXIT_OK) {
    throw new CommandFailure(
      EXIT_LOCAL,
      'This command makes no single request that could be printed.',
    );
  }
  return code;
}

/** The format decides how every message looks, so it is read before the flags and wherever it stands. */
function chosenFormat(words: readonly string[], terminal: Terminal): Format {
  let text: string | undefined;
  for (const [index, word] of words.entries()) {
    if (word === '--') break;
    if (word === '-format' || word === '--format') text = words[index + 1];
    else text = /^--?format=(.*)$/s.exec(word)?.[1] ?? text;
  }
  text =
    (text === undefined || text === '' ? readVariable(terminal.environment, 'FORMAT') : text) ??
    'table';
  const format = FORMATS.get(text.toLowerCase());
  if (format === undefined) throw new CommandFailure(EXIT_LOCAL, `Invalid output format: ${text}`);
  return format;
}

const GLOBAL_FLAGS = new Set(['output-curl-string', 'output-policy', 'format', 'detailed']);

function warnOfLateFlags(
  parsed: ParsedArguments,
  format: Format,
  row: CommandRow,
  terminal: Terminal,
): void {
  if (format !== 'table' || row.local === true) return;
  const end = parsed.positional.indexOf('--');
  const own = end === -1 ? parsed.positional : parsed.positional.slice(0, end);
  const late = own.filter((word) => {
    if (!word.startsWith('-') || word === '-') return false;
    const name = word.replace(/^-+/, '').split('=', 1)[0] ?? '';
    return !GLOBAL_FLAGS.has(name);
  });
  if (late.length === 0) return;
  warn(
    terminal,
    'Command flags must be provided before positional arguments. The following arguments will ' +
      `not be parsed as flags: [${late.join(',')}]`,
  );
}

function assertCount(row: CommandRow, count: number): void {
  const { min, max, expected } = row.takes ?? { min: 0 };
  const wanted = expected ?? String(count < min || max === undefined ? min : max);
  if (count < min) {
    throw new CommandFailure(EXIT_LOCAL, `Not enough arguments (expected ${wanted}, got ${count})`);
  }
  if (max !== undefined && count > max) {
    throw new CommandFailure(EXIT_LOCAL, `Too many arguments (expected ${wanted}, got ${count})`);
  }
}

function complainUnknown(terminal: Terminal, name: string, suggestion: string | undefined): void {
  const hint = suggestion === undefined ? '' : ` Did you mean "${PROGRAM} ${suggestion}"?`;
  complainInRed(terminal, `Unknown command "${name}".${hint}`);
  terminal.complain('\n');
}
