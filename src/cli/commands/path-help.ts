/** path-help: what the server says about one of its paths. */
import { attempt, EXIT_OK, type Invocation } from '../command.ts';
import { cleanPath } from '../paths.ts';
import { say } from '../render/output.ts';
import { plainText } from '../render/values.ts';

export async function pathHelp(invocation: Invocation): Promise<number> {
  const path = cleanPath(invocation.args[0] ?? '');
  const client = await invocation.session.client();
  const help = await attempt(
    'Error retrieving help',
    client.object('GET', path, { query: { help: '1' } }),
  );
  if (invocation.format === 'json') say(invocation, JSON.stringify(help['openapi'] ?? null));
  else say(invocation, plainText(help['help'] ?? ''));
  return EXIT_OK;
}
