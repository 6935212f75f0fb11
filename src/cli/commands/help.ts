/** help: the same text as -h. */
import { CommandFailure, EXIT_OK, EXIT_UNKNOWN_COMMAND, type Invocation } from '../command.ts';
import { commandHelp, rootHelp } from '../help.ts';
import { findCommand } from '../lookup.ts';
import { say } from '../render/output.ts';

export async function help(invocation: Invocation): Promise<number> {
  const { args, commands } = invocation;
  if (args.length === 0) {
    say(invocation, rootHelp(commands));
    return EXIT_OK;
  }
  const { row, rest, suggestion } = findCommand(commands, args);
  if (row === undefined || rest.length > 0) {
    const hint = suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`;
    throw new CommandFailure(EXIT_UNKNOWN_COMMAND, `Unknown command "${args.join(' ')}".${hint}`);
  }
  say(invocation, commandHelp(row, commands));
  return EXIT_OK;
}
