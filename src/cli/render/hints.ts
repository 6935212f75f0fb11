/** What helps a person after a failure that newcomers run into. Programs that read the error do not get it. */
import { ApiError, ConnectionError } from '../../client/errors.ts';
import { readVariable } from '../../client/environment.ts';

const FORBIDDEN = 403;
const REFUSED = 'ECONNREFUSED';
const PLAIN_ANSWER = /server gave HTTP response to HTTPS client/;

/** A sentence for people, when there is one for this failure. */
export function hintFor(
  cause: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (cause instanceof ApiError) {
    return cause.status === FORBIDDEN && !cause.tokenSent
      ? 'No token was sent: set VAULT_TOKEN, or log in with "strongroom login".'
      : undefined;
  }
  if (!(cause instanceof ConnectionError)) return undefined;
  if (PLAIN_ANSWER.test(cause.message)) {
    return 'The server speaks plain HTTP: set VAULT_ADDR to an address that begins with http://.';
  }
  const told = ['ADDR', 'AGENT_ADDR'].some((name) => readVariable(environment, name) !== undefined);
  return cause.code === REFUSED && !told
    ? 'VAULT_ADDR is not set. "strongroom start" brings up a first server and prints its address.'
    : undefined;
}
