/** completion: prints the script for a shell. */
import { CommandFailure, EXIT_LOCAL, EXIT_OK, type Invocation } from '../command.ts';
import { completionScript, SHELLS } from '../completion/script.ts';

export async function completion(invocation: Invocation): Promise<number> {
  const name = invocation.args[0] ?? '';
  const shell = SHELLS.find((known) => known === name);
  if (shell === undefined) {
    throw new CommandFailure(EXIT_LOCAL, `Unknown shell: ${name} (known are ${SHELLS.join(', ')})`);
  }
  invocation.terminal.write(completionScript(shell, invocation.commands));
  return EXIT_OK;
}
