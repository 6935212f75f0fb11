/** Finds the command that a command line means. */
import type { CommandRow } from './command.ts';
import { closestName } from '../base/config/suggest.ts';

export interface Lookup {
  /** Undefined when the first word names no command. */
  readonly row: CommandRow | undefined;
  /** What follows the name. */
  readonly rest: readonly string[];
  /** Flags that stand before the name, where they mean nothing. */
  readonly early: readonly string[];
  /** The name a slip of the finger would have meant. */
  readonly suggestion: string | undefined;
}

const HELP_FLAGS = new Set(['-h', '-help', '--help']);

export function isHelpFlag(argument: string): boolean {
  return HELP_FLAGS.has(argument);
}

export function findCommand(rows: readonly CommandRow[], argv: readonly string[]): Lookup {
  const byName = new Map(rows.map((row) => [row.name, row]));
  let start = 0;
  while (start < argv.length && (argv[start] ?? '').startsWith('-')) start++;
  const early = argv.slice(0, start).filter((argument) => !isHelpFlag(argument));
  let row: CommandRow | undefined;
  let end = start;
  let name = '';
  for (let index = start; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '' || word.startsWith('-') || word.includes(' ')) break;
    name = name === '' ? word : `${name} ${word}`;
    const found = byName.get(name);
    if (found === undefined) break;
    row = found;
    end = index + 1;
  }
  return { row, rest: argv.slice(end), early, suggestion: suggest(rows, row, argv[end]) };
}

function suggest(
  rows: readonly CommandRow[],
  row: CommandRow | undefined,
  word: string | undefined,
): string | undefined {
  if (word === undefined || word.startsWith('-')) return undefined;
  if (row !== undefined && row.load !== undefined) return undefined;
  const prefix = row === undefined ? '' : `${row.name} `;
  const names = rows
    .filter((other) => other.hidden !== true && other.name.startsWith(prefix))
    .map((other) => other.name.slice(prefix.length))
    .filter((rest) => !rest.includes(' '));
  const near = closestName(word, names);
  return near === undefined ? undefined : prefix + near;
}
