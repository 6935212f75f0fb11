/** operator snapshot: schedules of snapshots, what came of them, and single snapshots. */
import { open } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { isJsonObject, type JsonObject } from '../../../client/json.ts';
import type { Client } from '../../../client/client.ts';
import { parseSecret } from '../../../client/secret.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { readPairs } from '../../key-values.ts';
import { formatTable } from '../../render/columns.ts';
import {
  listKeys,
  printDocument,
  printObject,
  printSecret,
  printSecretOrField,
  say,
  sayInTable,
} from '../../render/output.ts';
import { plainText } from '../../render/values.ts';

const AUTO = 'sys/storage/raft/snapshot-auto';
const LOADED = 'sys/storage/raft/snapshot-load';

const first = ({ args }: Invocation): string => (args[0] ?? '').trim();

export async function schedule(invocation: Invocation): Promise<number> {
  const name = first(invocation);
  const path = `${AUTO}/config/${name}`;
  const client = await invocation.session.client();
  if (invocation.flags.boolean('delete')) {
    await attempt('Error deleting the schedule', client.delete(path));
    return sayInTable(invocation, `Success! Deleted the schedule ${name}; its snapshots stay.`);
  }
  if (invocation.args.length > 1) {
    const body = await readPairs(invocation, invocation.args.slice(1));
    await attempt('Error writing the schedule', client.write(path, body));
    return sayInTable(invocation, `Success! Wrote the schedule ${name}.`);
  }
  const secret = await attempt('Error reading the schedule', client.read(path));
  if (secret === undefined) throw new CommandFailure(EXIT_SERVER, `No schedule ${name}`);
  return printSecret(invocation, secret);
}

const COLUMNS = [
  ['Schedule', 'name'],
  ['Last success', 'last_success'],
  ['Verified', 'last_verified'],
  ['Bytes', 'last_snapshot_bytes'],
  ['Kept', 'snapshots'],
  ['Next', 'next_snapshot_start'],
  ['Errors', 'consecutive_errors'],
  ['Last error', 'last_snapshot_error'],
] as const;

export async function status(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const read = async (name: string): Promise<JsonObject> => {
    const answer = await attempt('Error reading the status', client.read(`${AUTO}/status/${name}`));
    if (answer?.data === undefined) throw new CommandFailure(EXIT_SERVER, `No schedule ${name}`);
    return { name, ...answer.data };
  };
  if (invocation.args.length > 0) {
    const shown = await read(first(invocation));
    await printObject(invocation, shown);
    return exitCode([shown]);
  }
  const listed = await attempt('Error listing the schedules', client.list(`${AUTO}/config`));
  const all: JsonObject[] = [];
  for (const name of listKeys(listed) ?? []) all.push(await read(name));
  if (invocation.format !== 'table') await printDocument(invocation, all);
  else if (all.length === 0) say(invocation, 'There are no schedules.');
  else {
    const rows = all.map((one) => COLUMNS.map(([, key]) => plainText(one[key] ?? '')));
    const titles = COLUMNS.map(([title]) => title);
    say(invocation, formatTable(titles, rows));
  }
  return exitCode(all);
}

function exitCode(all: readonly JsonObject[]): number {
  const isFailing = (one: JsonObject): boolean =>
    plainText(one['last_snapshot_error'] ?? '') !== '';
  return all.some(isFailing) ? EXIT_SERVER : EXIT_OK;
}

export async function list(invocation: Invocation): Promise<number> {
  const name = first(invocation);
  const client = await invocation.session.client();
  const call = client.list(`${AUTO}/snapshots/${name}`);
  const secret = await attempt('Error listing the snapshots', call);
  const keys = listKeys(secret) ?? [];
  if (keys.length === 0) throw new CommandFailure(EXIT_SERVER, `No snapshots of ${name}`);
  const info = secret?.data?.['key_info'];
  const bytesOf = (key: string): string => {
    const one = isJsonObject(info) ? info[key] : undefined;
    return isJsonObject(one) ? plainText(one['bytes']) : '';
  };
  if (invocation.format !== 'table') return printDocument(invocation, keys);
  const rows = keys.toSorted().map((key) => [key, bytesOf(key)]);
  say(invocation, formatTable(['Snapshot', 'Bytes'], rows));
  return EXIT_OK;
}

export async function run(invocation: Invocation): Promise<number> {
  const name = first(invocation);
  const client = await invocation.session.client();
  await attempt('Error asking for a snapshot', client.write(`${AUTO}/run/${name}`, {}));
  return sayInTable(
    invocation,
    `Success! The server begins in a moment; see "operator snapshot status ${name}".`,
  );
}

export async function load(invocation: Invocation): Promise<number> {
  const [name = '', snapshot = ''] = invocation.args.map((arg) => arg.trim());
  const client = await invocation.session.client();
  if (invocation.args.length === 1) return loadFile(invocation, client, name);
  const call = client.write(`${AUTO}/snapshot-load/${name}`, { snapshot });
  const secret = await attempt('Error loading the snapshot', call);
  return secret === undefined ? EXIT_OK : printSecretOrField(invocation, secret);
}

async function loadFile(invocation: Invocation, client: Client, file: string): Promise<number> {
  const handle = await open(file).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new CommandFailure(EXIT_LOCAL, `Error opening the snapshot: ${reason}`);
  });
  const call = client.stream('POST', LOADED, { body: handle.createReadStream() });
  const secret = parseSecret(await buffer(await attempt('Error loading the snapshot', call)));
  return secret === undefined ? EXIT_OK : printSecretOrField(invocation, secret);
}

export async function unload(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const call = client.delete(`${LOADED}/${first(invocation)}`);
  await attempt('Error unloading the snapshot', call);
  return sayInTable(invocation, 'Success! Unloaded the snapshot.');
}

export async function inspect(invocation: Invocation): Promise<number> {
  const { inspectSnapshot } = await import('../../../server/restore.ts');
  const call = inspectSnapshot(first(invocation), invocation.flags.text('public-key'));
  const { manifest, fileBytes, keyId } = await attempt('Error inspecting the snapshot', call);
  return printObject(invocation, { ...manifest, file_bytes: fileBytes, key_id: keyId });
}
