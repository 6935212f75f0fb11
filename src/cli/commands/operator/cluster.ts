/** operator seal, key-status, rotate, step-down, members. */
import { isJsonObject, type JsonObject } from '../../../client/json.ts';
import type { Client } from '../../../client/client.ts';
import { attempt, CommandFailure, EXIT_OK, EXIT_SERVER, type Invocation } from '../../command.ts';
import { formatColumns, formatTable } from '../../render/columns.ts';
import { printDocument, say } from '../../render/output.ts';
import { plainText } from '../../render/values.ts';

export async function seal(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  await attempt('Error sealing', client.request('PUT', 'sys/seal'));
  say(invocation, 'Success! Vault is sealed.');
  return EXIT_OK;
}

export function noRaft(): Promise<number> {
  throw new CommandFailure(
    EXIT_SERVER,
    'There is no Raft cluster: servers that share a PostgreSQL are all alike, and "operator members" lists them',
  );
}

export async function stepDown(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  await attempt('Error stepping down', client.request('PUT', 'sys/step-down'));
  say(invocation, `Success! Stepped down: ${client.address}`);
  return EXIT_OK;
}

export async function keyStatus(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const status = await readKeyStatus(client);
  if (invocation.format !== 'table') return printDocument(invocation, status);
  say(invocation, keyStatusText(status));
  return EXIT_OK;
}

export async function rotate(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  await attempt('Error rotating key', client.request('POST', 'sys/rotate/keyring'));
  const status = await readKeyStatus(client);
  if (invocation.format !== 'table') return printDocument(invocation, status);
  say(invocation, 'Success! Rotated key\n');
  say(invocation, keyStatusText(status));
  return EXIT_OK;
}

async function readKeyStatus(client: Client): Promise<JsonObject> {
  const secret = await attempt('Error reading key status', client.get('sys/key-status'));
  const data = secret?.data ?? {};
  return {
    term: data['term'] ?? 0,
    install_time: data['install_time'] ?? '',
    encryptions: data['encryptions'] ?? 0,
  };
}

function keyStatusText(status: JsonObject): string {
  return formatColumns([
    ['Key Term', plainText(status['term'])],
    ['Install Time', shortTime(plainText(status['install_time']))],
    ['Encryption Count', plainText(status['encryptions'])],
  ]);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** `22 Nov 26 05:33 UTC` (RFC 822). */
function shortTime(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const date = `${two(time.getUTCDate())} ${MONTHS[time.getUTCMonth()] ?? ''} ${two(time.getUTCFullYear() % 100)}`;
  return `${date} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())} UTC`;
}

const MEMBER_COLUMNS = [
  ['Host Name', 'hostname'],
  ['API Address', 'api_address'],
  ['Cluster Address', 'cluster_address'],
  ['Active Node', 'active_node'],
  ['Version', 'version'],
  ['Upgrade Version', 'upgrade_version'],
  ['Last Echo', 'last_echo'],
] as const;

export async function members(invocation: Invocation): Promise<number> {
  const client = await invocation.session.client();
  const secret = await attempt('', client.get('sys/ha-status'));
  const list = secret?.data?.['nodes'];
  const nodes = Array.isArray(list) ? list.filter(isJsonObject) : [];
  if (invocation.format !== 'table') {
    return printDocument(invocation, { Nodes: nodes.map(memberDocument) });
  }
  const rows = nodes.map((node) => MEMBER_COLUMNS.map(([, key]) => memberCell(node, key)));
  say(
    invocation,
    formatTable(
      MEMBER_COLUMNS.map(([title]) => title),
      rows,
    ),
  );
  return EXIT_OK;
}

/** In the order of the reference; what the server leaves out stays out. */
function memberDocument(node: JsonObject): JsonObject {
  const keys = [
    'hostname',
    'api_address',
    'cluster_address',
    'active_node',
    'last_echo',
    'version',
    'upgrade_version',
  ];
  const known = keys.filter((key) => key in node).map((key) => [key, node[key] ?? null]);
  return { ...Object.fromEntries(known), ...node };
}

function memberCell(node: JsonObject, key: string): string {
  const text = plainText(node[key] ?? '');
  return key === 'last_echo' ? text.replace(/\.\d+/, '') : text;
}
