/** Writes docs/commands.md from the command table; `npm run check` compares them. */
import { COMMANDS } from '../src/cli/command-table.ts';
import { CONNECTION_FLAGS } from '../src/cli/option-groups.ts';
import { markdownTable, writePage } from './page-slots.ts';
import type { Flag } from '../src/cli/flags.ts';
import type { CommandRow } from '../src/cli/command.ts';
import type { WrittenPage } from './page-slots.ts';

const SHOWN = COMMANDS.filter((row) => row.hidden !== true && row.load !== undefined);

function commandRow(row: CommandRow): string[] {
  return [`\`${row.name}${(row.usage ?? '') === '' ? '' : ` ${row.usage}`}\``, row.synopsis];
}

function flagsOf(row: CommandRow): string {
  const flags = (row.flags ?? []).filter((flag) => flag.hidden !== true);
  return `**\`${row.name}\`**\n\n${markdownTable(['flag', 'meaning'], flags.map(flagRow))}`;
}

function flagRow(flag: Flag): string[] {
  const value = flag.kind === 'boolean' ? '' : `=${flag.kind}`;
  const notes = [
    flag.usage,
    flag.default === undefined ? '' : `Default: \`${flag.default}\`.`,
    flag.variable === undefined ? '' : `Environment: \`VAULT_${flag.variable}\`.`,
  ];
  return [`\`-${flag.name}${value}\``, notes.filter((note) => note !== '').join(' ')];
}

const WITH_FLAGS = SHOWN.filter((row) => row.flags?.some((flag) => flag.hidden !== true) === true);

export const COMMANDS_PAGE: WrittenPage = {
  path: 'docs/commands.md',
  tool: 'tools/commands-page.ts',
  parts: {
    commands: markdownTable(['command', 'what it does'], SHOWN.map(commandRow)),
    connection: markdownTable(
      ['flag', 'meaning'],
      CONNECTION_FLAGS.filter((flag) => flag.hidden !== true).map(flagRow),
    ),
    flags: WITH_FLAGS.map(flagsOf).join('\n\n'),
  },
};

if (import.meta.main) writePage(COMMANDS_PAGE);
