/** run: starts a program with secrets in its environment. */
import { systemClock } from '../../../base/clock.ts';
import { systemRandom } from '../../../base/random.ts';
import { ApiError, ConnectionError } from '../../../client/errors.ts';
import { isJsonObject, type JsonObject } from '../../../client/json.ts';
import { CommandFailure, DryRun, type Invocation } from '../../command.ts';
import { shortDuration } from '../../render/values.ts';
import { complainInRed, warn } from '../../terminal.ts';
import { findTarget } from '../kv/path.ts';
import { EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_NOT_STARTED, runChild } from './child.ts';
import { toVariables } from './names.ts';

const DEFAULT_AGE_MS_MAX = 24 * 3_600_000;

export async function run(invocation: Invocation): Promise<number> {
  const { terminal, flags } = invocation;
  const { keys, command, args } = splitArguments(invocation);
  let variables: Map<string, string>;
  try {
    const fields = await readFields(invocation, keys);
    variables = toVariables(fields, {
      prefix: flags.text('prefix'),
      upperCase: flags.boolean('upcase'),
    });
  } catch (cause) {
    if (cause instanceof DryRun) throw cause;
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(EXIT_NOT_STARTED, reason);
  }
  const environment = { ...terminal.environment, ...Object.fromEntries(variables) };
  const exitCode = await runChild(command, args, environment);
  if (exitCode === EXIT_NOT_FOUND || exitCode === EXIT_NOT_EXECUTABLE) {
    complainInRed(terminal, `${command} ended with ${exitCode}: not found, or not executable`);
  }
  return exitCode;
}

function splitArguments(invocation: Invocation): {
  keys: string[];
  command: string;
  args: string[];
} {
  const dashes = invocation.args.indexOf('--');
  const keys = invocation.args.slice(0, dashes);
  const command = invocation.args[dashes + 1];
  if (dashes < 1 || command === undefined) {
    throw new CommandFailure(
      EXIT_NOT_STARTED,
      'Say which secrets and which program: strongroom run KEY... -- COMMAND [ARG...]',
    );
  }
  return { keys, command, args: invocation.args.slice(dashes + 2) };
}

async function readFields(invocation: Invocation, keys: readonly string[]): Promise<JsonObject> {
  const { flags, session, terminal } = invocation;
  const path = flags.text('fallback');
  if (path === '') return readFromServer(invocation, keys);
  const client = await session.client();
  const { token, address, namespace } = client;
  if (token === '') throw new Error('-fallback needs a token to encrypt the file under');
  const identity = { token, address, namespace, keys: [flags.text('mount'), ...keys] };
  const { loadFallback, saveFallback } = await import('./fallback.ts');
  try {
    const fields = await readFromServer(invocation, keys);
    await saveFallback(path, identity, fields, { clock: systemClock, random: systemRandom });
    return fields;
  } catch (cause) {
    if (!isOutage(cause)) throw cause;
    const ageMsMax = flags.durationMs('max-age', DEFAULT_AGE_MS_MAX);
    try {
      const saved = await loadFallback(path, identity, ageMsMax, systemClock);
      const age = shortDuration(Math.floor(saved.ageMs / 1_000));
      warn(terminal, `The server cannot be reached; using secrets saved ${age} ago.`);
      return saved.fields;
    } catch (problem) {
      const reason = problem instanceof Error ? problem.message : 'unknown error';
      const refusal = cause instanceof Error ? cause.message : 'unknown error';
      throw new Error(`${refusal}\nand ${reason}`, { cause: problem });
    }
  }
}

/** An outage is no refusal: a token that was revoked must not keep working from a file. */
function isOutage(cause: unknown): boolean {
  const inner = cause instanceof CommandFailure ? cause.cause : cause;
  return inner instanceof ConnectionError || (inner instanceof ApiError && inner.status >= 500);
}

async function readFromServer(
  invocation: Invocation,
  keys: readonly string[],
): Promise<JsonObject> {
  const client = await invocation.session.client();
  const fields: JsonObject = Object.create(null) as JsonObject;
  for (const key of keys) {
    const { version2, pathIn } = await findTarget(invocation, key);
    const path = pathIn('data');
    const secret = await client.read(path);
    const data = version2 ? secret?.data?.['data'] : secret?.data;
    if (!isJsonObject(data)) throw new Error(`No value found at ${path}`);
    for (const [name, value] of Object.entries(data)) fields[name] = value;
  }
  return fields;
}
