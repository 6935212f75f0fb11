/** rotate: the rotation of secrets of the key-value engine. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../command.ts';
import { formatTable } from '../render/columns.ts';
import { printSecret, printSecretOrField, say, sayInTable } from '../render/output.ts';
import { findTarget } from './kv/path.ts';

async function pathOf(invocation: Invocation, folder: string): Promise<string> {
  const { version2, pathIn } = await findTarget(invocation);
  if (version2) return pathIn(`rotation/${folder}`);
  throw new CommandFailure(EXIT_LOCAL, 'Rotation is not supported on KV Version 1');
}

async function readFrom(invocation: Invocation, folder: string): Promise<Secret> {
  const path = await pathOf(invocation, folder);
  const client = await invocation.session.client();
  const secret = await attempt(`Error reading ${path}`, client.read(path));
  if (secret === undefined)
    throw new CommandFailure(EXIT_SERVER, `No rotation policy found at ${path}`);
  return secret;
}

async function writeTo(
  invocation: Invocation,
  folder: string,
  body: JsonObject,
): Promise<Secret | undefined> {
  const path = await pathOf(invocation, folder);
  const client = await invocation.session.client();
  return await attempt(`Error writing data to ${path}`, client.write(path, body));
}

export async function status(invocation: Invocation): Promise<number> {
  return printSecretOrField(invocation, await readFrom(invocation, 'secret'));
}

export async function now(invocation: Invocation): Promise<number> {
  await writeTo(invocation, 'now', { force: invocation.flags.boolean('force') });
  return sayInTable(invocation, `Success! Rotated: ${invocation.args[0] ?? ''}`);
}

export async function dryRun(invocation: Invocation): Promise<number> {
  const secret = await writeTo(invocation, 'dry-run', {});
  if (secret === undefined) return EXIT_OK;
  if (invocation.format !== 'table') return printSecret(invocation, secret);
  const { ok, found, error, readers } = secret.data ?? {};
  for (const line of Array.isArray(found) ? found : []) say(invocation, `- ${textOf(line)}`);
  say(invocation, `- readers seen: ${textOf(readers)}`);
  if (ok === true) return EXIT_OK;
  throw new CommandFailure(EXIT_SERVER, `The rotation would fail: ${textOf(error)}`);
}

export async function pause(invocation: Invocation): Promise<number> {
  await writeTo(invocation, 'secret', { paused: true });
  return sayInTable(invocation, `Success! Paused: ${invocation.args[0] ?? ''}`);
}

export async function resume(invocation: Invocation): Promise<number> {
  await writeTo(invocation, 'secret', { paused: false });
  return sayInTable(invocation, `Success! Resumed: ${invocation.args[0] ?? ''}`);
}

export async function history(invocation: Invocation): Promise<number> {
  return await table(invocation, 'history', 'history', [
    'ended',
    'outcome',
    'version',
    'step',
    'error',
  ]);
}

export async function consumers(invocation: Invocation): Promise<number> {
  return await table(invocation, 'consumers', 'readers', [
    'name',
    'entity_id',
    'version',
    'last_read',
    'behind',
  ]);
}

export async function calendar(invocation: Invocation): Promise<number> {
  return await table(invocation, 'calendar', 'coming', ['at', 'what', 'path']);
}

/** A list of objects as columns; any other format gets the answer as it is. */
async function table(
  invocation: Invocation,
  folder: string,
  list: string,
  columns: readonly string[],
): Promise<number> {
  const secret = await readFrom(invocation, folder);
  if (invocation.format !== 'table') return printSecret(invocation, secret);
  const rows = secret.data?.[list];
  const cells = (Array.isArray(rows) ? rows.filter(isJsonObject) : []).map((row) =>
    columns.map((column) => textOf(row[column])),
  );
  say(invocation, formatTable(columns, cells));
  return EXIT_OK;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
