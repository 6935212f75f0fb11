/** print token: the token that a command would use. */
import { EXIT_OK, type Invocation } from '../command.ts';
import { say } from '../render/output.ts';

export async function printToken(invocation: Invocation): Promise<number> {
  say(invocation, (await invocation.session.client()).token);
  return EXIT_OK;
}
