/** read, write, patch, delete, list, scan, unwrap: any path of the API. */
import type { JsonObject } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../command.ts';
import { asQuery, readPairs } from '../key-values.ts';
import { validateLogin } from '../login/mfa.ts';
import { cleanPath } from '../paths.ts';
import {
  listKeys,
  printDocument,
  printList,
  printSecret,
  printSecretOrField,
  sayInTable,
} from '../render/output.ts';
import { warn } from '../terminal.ts';

export async function read(invocation: Invocation): Promise<number> {
  const { path, pairs } = target(invocation);
  const query = asQuery(await readPairs(invocation, pairs));
  const client = await invocation.session.client();
  if (invocation.format === 'raw') {
    const answer = await attempt(`Error reading: ${path}`, client.request('GET', path, { query }));
    invocation.terminal.write(`${answer.body.toString('utf8')}\n`);
    return EXIT_OK;
  }
  const secret = await attempt(`Error reading ${path}`, client.read(path, query));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  return printSecretOrField(invocation, secret);
}

export async function write(invocation: Invocation): Promise<number> {
  const { path, data } = await targetWithData(invocation);
  const client = await invocation.session.client();
  const secret = await attempt(`Error writing data to ${path}`, client.write(path, data));
  return printWritten(invocation, path, secret);
}

export async function patch(invocation: Invocation): Promise<number> {
  const { path, data } = await targetWithData(invocation);
  const client = await invocation.session.client();
  const secret = await attempt(`Error writing data to ${path}`, client.patch(path, data));
  return printWritten(invocation, path, secret);
}

async function deletePath(invocation: Invocation): Promise<number> {
  const { path, pairs } = target(invocation);
  const query = asQuery(await readPairs(invocation, pairs, 'Failed to parse string list data'));
  const client = await invocation.session.client();
  const secret = await attempt(`Error deleting ${path}`, client.delete(path, query));
  if (secret === undefined) {
    return sayInTable(invocation, `Success! Data deleted (if it existed) at: ${path}`);
  }
  return printSecretOrField(invocation, secret);
}
export { deletePath as delete };

export async function list(invocation: Invocation): Promise<number> {
  const path = cleanPath(invocation.args[0] ?? '');
  const client = await invocation.session.client();
  const secret = await attempt(`Error listing ${path}`, client.list(path, pageQuery(invocation)));
  return printListing(invocation, path, secret);
}

export async function scan(invocation: Invocation): Promise<number> {
  const path = cleanPath(invocation.args[0] ?? '');
  const client = await invocation.session.client();
  const secret = await attempt(`Error scanning ${path}`, client.scan(path, pageQuery(invocation)));
  return printListing(invocation, path, secret);
}

export async function unwrap(invocation: Invocation): Promise<number> {
  const token = (invocation.args[0] ?? '').trim();
  const client = await invocation.session.client();
  const secret = await attempt('Error unwrapping', client.unwrap(token));
  if (secret === undefined) {
    return sayInTable(
      invocation,
      'Successfully unwrapped. There was no data in the wrapped secret.',
    );
  }
  if (invocation.flags.isSet('field')) return printSecretOrField(invocation, secret);
  return listKeys(secret) === undefined
    ? printSecret(invocation, secret)
    : printList(invocation, secret);
}

/** Prints a list, or says that there is none; other formats then print an empty object. */
export async function printListing(
  invocation: Invocation,
  path: string,
  secret: Secret | undefined,
): Promise<number> {
  if (secret?.wrapInfo !== undefined) return printSecret(invocation, secret);
  const keys = listKeys(secret);
  if (invocation.format !== 'table' && keys === undefined) {
    await printDocument(invocation, {});
    return EXIT_SERVER;
  }
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  if (secret.data === undefined) return printSecret(invocation, secret);
  if (keys === undefined) throw new CommandFailure(EXIT_SERVER, `No entries found at ${path}`);
  return printList(invocation, secret);
}

async function printWritten(
  invocation: Invocation,
  path: string,
  secret: Secret | undefined,
): Promise<number> {
  if (secret === undefined) return sayInTable(invocation, `Success! Data written to: ${path}`);
  if (secret.auth?.mfaRequirement !== undefined) {
    const client = await invocation.session.client();
    const validated = await validateLogin(invocation, client, secret);
    if (validated !== undefined) return printSecretOrField(invocation, validated);
    warn(
      invocation.terminal,
      'This login still needs its second factor: validate it at sys/mfa/validate.\n',
    );
  }
  return printSecretOrField(invocation, secret);
}

function target(invocation: Invocation): { path: string; pairs: readonly string[] } {
  return { path: cleanPath(invocation.args[0] ?? ''), pairs: invocation.args.slice(1) };
}

async function targetWithData(invocation: Invocation): Promise<{ path: string; data: JsonObject }> {
  const { path, pairs } = target(invocation);
  if (pairs.length === 0 && !invocation.flags.boolean('force')) {
    throw new CommandFailure(EXIT_LOCAL, 'Must supply data or use -force');
  }
  return { path, data: await readPairs(invocation, pairs) };
}

function pageQuery(invocation: Invocation): Record<string, string> {
  const after = invocation.flags.text('after');
  const limit = invocation.flags.integer('limit', -1);
  if (after === '' && limit <= 0) return {};
  return { after, limit: String(limit) };
}
