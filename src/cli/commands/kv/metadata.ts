/** kv metadata get, put, patch, delete. */
import { isJsonObject, type JsonObject } from '../../../client/json.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { printSecret, printSecretOrField, say, sayInTable } from '../../render/output.ts';
import { longDuration } from '../../render/values.ts';
import { printPath, printSection } from './output.ts';
import { findTarget } from './path.ts';

async function metadataPath(invocation: Invocation): Promise<string> {
  const { version2, pathIn } = await findTarget(invocation);
  if (!version2) throw new CommandFailure(EXIT_LOCAL, 'Metadata not supported on KV Version 1');
  return pathIn('metadata');
}

export async function get(invocation: Invocation): Promise<number> {
  const path = await metadataPath(invocation);
  const client = await invocation.session.client();
  const secret = await attempt(`Error reading ${path}`, client.read(path));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  if (invocation.flags.text('field') !== '') return printSecretOrField(invocation, secret);
  if (secret.wrapInfo !== undefined || invocation.format !== 'table') {
    return printSecret(invocation, secret);
  }
  const versions = secret.data?.['versions'];
  if (!isJsonObject(versions)) throw new CommandFailure(EXIT_SERVER, `No value found at ${path}`);
  const rest: JsonObject = { ...secret.data };
  delete rest['versions'];
  printPath(invocation, 'Metadata Path', path);
  await printSection(invocation, 'Metadata', rest);
  const numbers = Object.keys(versions)
    .map(Number)
    .sort((left, right) => left - right);
  for (const number of numbers) {
    const version = versions[String(number)];
    if (!isJsonObject(version)) continue;
    say(invocation, '');
    await printSection(invocation, `Version ${number}`, version);
  }
  return EXIT_OK;
}

export async function put(invocation: Invocation): Promise<number> {
  const path = await metadataPath(invocation);
  const body = settings(invocation);
  const notes = invocation.flags.map('custom-metadata');
  if (notes.size > 0) body['custom_metadata'] = Object.fromEntries(notes);
  const client = await invocation.session.client();
  const secret = await attempt(`Error writing data to ${path}`, client.write(path, body));
  if (secret === undefined) return sayInTable(invocation, `Success! Data written to: ${path}`);
  return printSecret(invocation, secret);
}

export async function patch(invocation: Invocation): Promise<number> {
  const path = await metadataPath(invocation);
  const notes: JsonObject = Object.fromEntries(invocation.flags.map('custom-metadata'));
  // A null in a merge patch removes the note (RFC 7396 §2).
  for (const key of invocation.flags.list('remove-custom-metadata')) notes[key] = null;
  const body = { ...settings(invocation), custom_metadata: notes };
  const client = await invocation.session.client();
  const secret = await attempt(`Error writing data to ${path}`, client.patch(path, body));
  if (secret === undefined) return sayInTable(invocation, `Success! Data written to: ${path}`);
  return printSecret(invocation, secret);
}

async function deleteMetadata(invocation: Invocation): Promise<number> {
  const path = await metadataPath(invocation);
  const client = await invocation.session.client();
  await attempt(`Error deleting ${path}`, client.delete(path));
  say(invocation, `Success! Data deleted (if it existed) at: ${path}`);
  return EXIT_OK;
}
export { deleteMetadata as delete };

function settings(invocation: Invocation): JsonObject {
  const { flags } = invocation;
  const body: JsonObject = {};
  const maxVersions = flags.integer('max-versions', -1);
  if (maxVersions >= 0) body['max_versions'] = maxVersions;
  const deleteAfterMs = flags.durationMs('delete-version-after', -1);
  if (deleteAfterMs >= 0) body['delete_version_after'] = longDuration(deleteAfterMs);
  if (flags.isSet('cas-required')) body['cas_required'] = flags.boolean('cas-required');
  return body;
}
