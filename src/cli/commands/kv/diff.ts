/** kv diff: which fields differ between two versions of a secret. Values stay hidden unless asked for. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../client/json.ts';
import type { Client } from '../../../client/client.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../../command.ts';
import { formatTable } from '../../render/columns.ts';
import { printDocument, say } from '../../render/output.ts';
import { compareBytes, plainText } from '../../render/values.ts';
import { findTarget, readVersion } from './path.ts';

interface Change {
  readonly field: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

export async function diff(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const { version2, pathIn } = await findTarget(invocation);
  if (!version2) throw new CommandFailure(EXIT_LOCAL, 'Diff not supported on KV Version 1');
  const path = pathIn('data');
  const client = await invocation.session.client();
  const after = await readData(client, path, flags.integer('to', 0));
  const from = flags.integer('from', after.version - 1);
  if (from < 1)
    throw new CommandFailure(EXIT_SERVER, `${path} has no version before ${after.version}`);
  const before = await readData(client, path, from);
  const changes = compare(before.data, after.data);
  const show = flags.boolean('show-values');
  if (invocation.format !== 'table') {
    const document = changes.map((change) => changeDocument(change, show));
    return printDocument(invocation, { from, to: after.version, changes: document });
  }
  if (changes.length === 0) {
    say(invocation, `Versions ${from} and ${after.version} hold the same.`);
    return EXIT_OK;
  }
  const titles = [
    'Field',
    'Change',
    ...(show ? [`Version ${from}`, `Version ${after.version}`] : []),
  ];
  const rows = changes.map(({ field, change, ...values }) => [
    field,
    change,
    ...(show ? [valueText(values.before), valueText(values.after)] : []),
  ]);
  say(invocation, formatTable(titles, rows));
  return EXIT_OK;
}

function valueText(value: JsonValue | undefined): string {
  return value === undefined ? '' : plainText(value);
}

async function readData(
  client: Client,
  path: string,
  version: number,
): Promise<{ version: number; data: JsonObject }> {
  const secret = await attempt(`Error reading ${path}`, readVersion(client, path, version));
  const data = secret?.data?.['data'];
  const metadata = secret?.data?.['metadata'];
  const number = isJsonObject(metadata) ? metadata['version'] : undefined;
  if (!isJsonObject(data) || typeof number !== 'number') {
    const which = version > 0 ? `version ${version} of ${path}` : path;
    throw new CommandFailure(EXIT_SERVER, `No data found at ${which}`);
  }
  return { version: number, data };
}

function compare(before: JsonObject, after: JsonObject): Change[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(compareBytes);
  return fields.flatMap((field): Change[] => {
    const left = before[field];
    const right = after[field];
    if (JSON.stringify(left) === JSON.stringify(right)) return [];
    const change = left === undefined ? 'added' : right === undefined ? 'removed' : 'changed';
    return [{ field, change, before: left, after: right }];
  });
}

function changeDocument(change: Change, show: boolean): JsonObject {
  const facts: JsonObject = { field: change.field, change: change.change };
  if (show && change.before !== undefined) facts['before'] = change.before;
  if (show && change.after !== undefined) facts['after'] = change.after;
  return facts;
}
