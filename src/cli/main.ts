/** Entry of the executable. */
import { findOwnModulesAtOnce } from './modules/own-modules.ts';
import { run } from './run.ts';
import { systemTerminal } from './terminal.ts';

findOwnModulesAtOnce();
// A reader that has seen enough (`| head`) is no failure worth a stack trace.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause;
});
// Timers hold no process; a start that waits for its database to come up has nothing else.
const held = setInterval(() => {}, 2 ** 30);
// Set rather than exit: what is still being written must reach a pipe whole.
process.exitCode = await run(process.argv.slice(2), systemTerminal);
clearInterval(held);
