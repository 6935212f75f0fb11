/** operator validate-config: whether a server could start with a configuration. */
import { CommandFailure, EXIT_LOCAL, EXIT_OK, type Invocation } from '../../command.ts';
import { say } from '../../render/output.ts';
import { warn } from '../../terminal.ts';

/** As other servers' command has it: no configuration was named. */
const EXIT_NOTHING_TO_CHECK = 3;

export async function validateConfig(invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation;
  const paths = flags.list('config');
  if (paths.length === 0) {
    throw new CommandFailure(
      EXIT_NOTHING_TO_CHECK,
      'Must specify a configuration file using -config.',
    );
  }
  const { checkConfig } = await import('../../../server/check-config.ts');
  const problems = checkConfig(paths, terminal.environment, (line) =>
    warn(terminal, `warning: ${line}`),
  );
  for (const problem of problems) terminal.complain(`${problem}\n`);
  if (problems.length > 0) return EXIT_LOCAL;
  say(invocation, 'The configuration is valid.');
  return EXIT_OK;
}
