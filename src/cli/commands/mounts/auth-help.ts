/** auth help: how to log in with a method, named by its type or by where it is mounted. */
import { isJsonObject } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { loginHelp } from '../../login/methods.ts';
import { cleanPath, withTrailingSlash } from '../../paths.ts';
import { say } from '../../render/output.ts';
import { plainText } from '../../render/values.ts';

export async function authHelp(invocation: Invocation): Promise<number> {
  const name = (invocation.args[0] ?? '').trim();
  const known = loginHelp(name);
  if (known !== undefined) {
    say(invocation, known);
    return EXIT_OK;
  }
  const client = await invocation.session.client();
  const mounts = await attempt('Error listing auth methods', client.get('sys/auth'));
  const path = withTrailingSlash(cleanPath(name));
  const mount = mounts?.data?.[path];
  if (!isJsonObject(mount)) {
    throw new CommandFailure(
      EXIT_LOCAL,
      `No auth method available on the server at ${JSON.stringify(path)}`,
    );
  }
  const help = loginHelp(plainText(mount['type'] ?? ''));
  if (help === undefined) {
    throw new CommandFailure(
      EXIT_SERVER,
      `No method-specific CLI handler available for auth method ${JSON.stringify(name)}`,
    );
  }
  say(invocation, help);
  return EXIT_OK;
}
