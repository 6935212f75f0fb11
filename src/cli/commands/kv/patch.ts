/** kv patch: a merge patch where the policy allows it, else read, change, write under check-and-set. */
import type { Client } from '../../../client/client.ts';
import { ApiError } from '../../../client/errors.ts';
import type { JsonObject } from '../../../client/json.ts';
import type { Secret } from '../../../client/secret.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { readPairs } from '../../key-values.ts';
import { warn } from '../../terminal.ts';
import { printNewVersion } from './output.ts';
import { findTarget, readVersion, storedVersion } from './path.ts';

export async function patch(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const removed = flags.list('remove-data');
  if (args.length === 1 && removed.length === 0) {
    throw new CommandFailure(EXIT_LOCAL, 'Must supply data');
  }
  const changes = await readPairs(invocation, args.slice(1));
  // A null in a merge patch removes the field (RFC 7396 §2).
  for (const key of removed) changes[key] = null;
  const { version2, pathIn } = await findTarget(invocation);
  if (!version2) {
    throw new CommandFailure(EXIT_SERVER, 'K/V engine mount must be version 2 for patch support');
  }
  const path = pathIn('data');
  const method = flags.text('method');
  const client = await invocation.session.client();
  let secret: Secret | undefined;
  if (method === 'rw') secret = await readThenWrite(invocation, client, path, changes);
  else if (method === 'patch' || method === '') {
    secret = await mergePatch(invocation, client, path, changes);
  } else {
    throw new CommandFailure(EXIT_SERVER, `Unsupported method provided to -method flag: ${method}`);
  }
  return printNewVersion(invocation, path, secret);
}

async function mergePatch(
  invocation: Invocation,
  client: Client,
  path: string,
  changes: JsonObject,
): Promise<Secret | undefined> {
  const cas = invocation.flags.integer('cas', 0);
  const call = client.patch(path, { data: changes, options: cas > 0 ? { cas } : {} });
  try {
    return await attempt(`Error writing data to ${path}`, call);
  } catch (failure) {
    const cause: unknown = await call.catch((reason: unknown) => reason);
    const refused = cause instanceof ApiError && (cause.status === 405 || cause.status === 403);
    if (!refused || invocation.flags.text('method') === 'patch') throw failure;
    if (cause.status === 403) {
      warn(
        invocation.terminal,
        `The policy does not allow a patch of ${path}; reading, changing and writing instead. Add the "patch" capability to make it one step.`,
      );
    }
    return readThenWrite(invocation, client, path, changes);
  }
}

async function readThenWrite(
  invocation: Invocation,
  client: Client,
  path: string,
  changes: JsonObject,
): Promise<Secret | undefined> {
  const reader = await invocation.session.preflight();
  const current = await attempt(`Error doing pre-read at ${path}`, readVersion(reader, path, 0));
  const { data, metadata } = storedVersion(current, path, 'patch');
  const merged: JsonObject = { ...data };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete merged[key];
    else merged[key] = value;
  }
  const body = { data: merged, options: { cas: metadata['version'] ?? 0 } };
  return attempt(`Error writing data to ${path}`, client.write(path, body));
}
