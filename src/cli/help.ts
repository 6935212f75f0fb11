/** Help text, derived from the rows of the command table. */
import { VARIABLE_PREFIXES } from '../client/environment.ts';
import type { CommandRow } from './command.ts';
import type { Flag, FlagKind } from './flags.ts';
import { flagGroups } from './option-groups.ts';
import { wrapText } from './render/columns.ts';

export const PROGRAM = 'strongroom';

/** Shown first, in this order. */
const COMMON_COMMANDS = [
  'start',
  'kv',
  'read',
  'write',
  'delete',
  'list',
  'login',
  'run',
  'server',
  'status',
  'unwrap',
];

const VALUE_NAMES: Readonly<Record<FlagKind, string | undefined>> = {
  text: 'string',
  boolean: undefined,
  integer: 'int',
  duration: 'duration',
  list: 'string',
  map: 'key=value',
};

export function rootHelp(rows: readonly CommandRow[]): string {
  const top = rows.filter((row) => !row.name.includes(' ') && row.hidden !== true);
  const common = COMMON_COMMANDS.flatMap((name) => top.filter((row) => row.name === name));
  const others = top.filter((row) => !COMMON_COMMANDS.includes(row.name));
  others.sort((left, right) => (left.name < right.name ? -1 : 1));
  return [
    `Usage: ${PROGRAM} <command> [args]`,
    '',
    'Common commands:',
    ...synopses(common),
    '',
    'Other commands:',
    ...synopses(others),
    '',
    `"${PROGRAM} <command> -h" explains a command.`,
  ].join('\n');
}

export function commandHelp(row: CommandRow, rows: readonly CommandRow[]): string {
  const children = childrenOf(row, rows);
  const usage =
    row.load === undefined ? '<subcommand> [options] [args]' : (row.usage ?? '[options]');
  const parts = [`Usage: ${PROGRAM} ${row.name} ${usage}`.trimEnd()];
  const about = row.about ?? `${row.synopsis}.`;
  for (const paragraph of about.split('\n\n')) parts.push(wrapText(paragraph, 2));
  for (const example of row.examples ?? []) {
    parts.push(`${wrapText(example.about, 2)}\n\n      $ ${PROGRAM} ${example.line}`);
  }
  for (const group of flagGroups(row)) {
    const flags = group.flags.filter((flag) => flag.hidden !== true);
    parts.push(`${group.title}:`, ...flags.map(flagHelp));
  }
  if (children.length > 0) {
    const shown = children.map((child) => ({
      ...child,
      name: child.name.slice(row.name.length + 1),
    }));
    parts.push(['Subcommands:', ...synopses(shown)].join('\n'));
  }
  return parts.join('\n\n');
}

/** Direct subcommands of a group. */
export function childrenOf(row: CommandRow, rows: readonly CommandRow[]): CommandRow[] {
  const prefix = `${row.name} `;
  return rows.filter(
    (other) =>
      other.name.startsWith(prefix) &&
      !other.name.slice(prefix.length).includes(' ') &&
      other.hidden !== true,
  );
}

function synopses(rows: readonly CommandRow[]): string[] {
  const width = Math.max(0, ...rows.map((row) => row.name.length));
  return rows.map((row) => `    ${row.name.padEnd(width)}    ${row.synopsis}`);
}

function flagHelp(flag: Flag): string {
  const value = VALUE_NAMES[flag.kind];
  const head = value === undefined ? `  -${flag.name}` : `  -${flag.name}=<${value}>`;
  const sentences = [flag.usage];
  const aliases = (flag.aliases ?? []).map((alias) => `-${alias}`);
  if (aliases.length > 0) sentences.push(`Also ${aliases.join(', ')}.`);
  if (flag.default !== undefined) sentences.push(`The default is ${flag.default}.`);
  if (flag.variable !== undefined) {
    const names = VARIABLE_PREFIXES.map((prefix) => prefix + String(flag.variable));
    sentences.push(`Also read from ${names.join(', ')}.`);
  }
  return `${head}\n${wrapText(sentences.join(' '), 6)}`;
}
