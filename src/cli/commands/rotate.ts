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
import { warn } from '../terminal.ts';
import { findTarget } from './kv/path.ts';

/** The only folder that has no secrets below it. */
const CALENDAR = 'calendar';

async function pathOf(invocation: Invocation, folder: string): Promise<string> {
  const { version2, pathIn } = await findTarget(invocation);
  if (version2) return pathIn(`rotation/${folder}`);
  throw new CommandFailure(EXIT_LOCAL, 'Rotation is not supported on KV Version 1');
}

async function readFrom(invocation: Invocation, folder: string): Promise<Secret> {
  const path = await pathOf(invocation, folder);
  if (folder === CALENDAR && !path.endsWith(`/${CALENDAR}`)) {
    throw new CommandFailure(EXIT_LOCAL, 'The calendar is that of a mount: name nothing below it');
  }
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
  const secret = await writeTo(invocation, 'now', { force: invocation.flags.boolean('force') });
  const name = invocation.args[0] ?? '';
  const told = secret?.warnings ?? [];
  for (const warning of told) warn(invocation.terminal, warning);
  return sayInTable(invocation, `Success! ${told.length === 0 ? 'Rotated' : 'Asked for'}: ${name}`);
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

export async function consumers(invocation: Invocation): Promise<number> {
  const secret = await readFrom(invocation, 'consumers');
  if (invocation.format !== 'table') return printSecret(invocation, secret);
  const { current_version: version, declared } = secret.data ?? {};
  const names = Array.isArray(declared) ? declared.map(textOf).join(', ') : '';
  say(invocation, `Current version: ${textOf(version)}`);
  say(invocation, `Declared: ${names === '' ? 'nobody' : names}`);
  const columns = ['name', 'entity_id', 'version', 'last_read', 'behind'];
  return await sayRows(
    invocation,
    secret,
    'readers',
    columns,
    'Nobody has been seen to read it yet.',
  );
}

export async function history(invocation: Invocation): Promise<number> {
  const secret = await readFrom(invocation, 'history');
  const columns = ['ended', 'outcome', 'version', 'step', 'error'];
  return await sayRows(invocation, secret, 'history', columns, 'It has not been rotated yet.');
}

export async function calendar(invocation: Invocation): Promise<number> {
  const secret = await readFrom(invocation, CALENDAR);
  return await sayRows(invocation, secret, 'coming', ['at', 'what', 'path'], 'Nothing comes.');
}

/** A list of objects as columns; any other format gets the answer as it is. */
async function sayRows(
  invocation: Invocation,
  secret: Secret,
  list: string,
  columns: readonly string[],
  none: string,
): Promise<number> {
  if (invocation.format !== 'table') return await printSecret(invocation, secret);
  const found = secret.data?.[list];
  const rows = Array.isArray(found) ? found.filter(isJsonObject) : [];
  const cells = rows.map((row) => columns.map((column) => textOf(row[column])));
  say(invocation, cells.length === 0 ? none : formatTable(columns, cells));
  return EXIT_OK;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
