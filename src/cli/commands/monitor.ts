/** monitor: follows the log of the server until it ends or the user does. */
import { attempt, EXIT_LOCAL, EXIT_OK, type Invocation } from '../command.ts';

export async function monitor(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const client = await invocation.session.client();
  const query = {
    log_level: (flags.text('log-level') || 'info').toLowerCase(),
    log_format: (flags.text('log-format') || 'standard').toLowerCase(),
  };
  const message = await attempt(
    'Error starting monitor',
    client.stream('GET', 'sys/monitor', { query }),
    EXIT_LOCAL,
  );
  message.setEncoding('utf8');
  for await (const chunk of message) invocation.terminal.write(chunk as string);
  return EXIT_OK;
}
