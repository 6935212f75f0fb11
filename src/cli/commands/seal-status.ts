/** Prints the seal status together with what the server says about its cluster. */
import type { Client } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import type { JsonObject } from '../../client/json.ts';
import { attempt, EXIT_LOCAL, EXIT_OK, type Invocation } from '../command.ts';
import { formatTable } from '../render/columns.ts';
import { printDocument, say } from '../render/output.ts';
import { plainText } from '../render/values.ts';

export async function printSealStatus(
  invocation: Invocation,
  client: Client,
  seal: JsonObject,
): Promise<number> {
  const leader = await attempt('Error checking leader status', readLeader(client), EXIT_LOCAL);
  if (invocation.format !== 'table') return printDocument(invocation, sealDocument(seal, leader));
  say(invocation, formatTable(['Key', 'Value'], sealRows(seal, leader)));
  return EXIT_OK;
}

/** A sealed server that is part of a cluster cannot say who leads. */
async function readLeader(client: Client): Promise<JsonObject> {
  try {
    return await client.object('GET', 'sys/leader');
  } catch (cause) {
    if (cause instanceof ApiError && cause.status === 503) return { ha_enabled: true };
    throw cause;
  }
}

function sealRows(seal: JsonObject, leader: JsonObject): string[][] {
  const sealed = seal['sealed'] === true;
  const recovery = seal['recovery_seal'] === true;
  const rows = [['Seal Type', text(seal, 'type')]];
  if (recovery) rows.push(['Recovery Seal Type', text(seal, 'recovery_seal_type')]);
  rows.push(
    ['Initialized', text(seal, 'initialized')],
    ['Sealed', text(seal, 'sealed')],
    [`Total ${recovery ? 'Recovery ' : ''}Shares`, text(seal, 'n')],
    ['Threshold', text(seal, 't')],
  );
  if (sealed) {
    rows.push(['Unseal Progress', `${text(seal, 'progress')}/${text(seal, 't')}`]);
    rows.push(['Unseal Nonce', text(seal, 'nonce')]);
  }
  if (seal['migration'] === true) rows.push(['Seal Migration in Progress', 'true']);
  rows.push(
    ['Version', text(seal, 'version')],
    ['Build Date', text(seal, 'build_date')],
    ['Storage Type', text(seal, 'storage_type')],
  );
  if (text(seal, 'cluster_name') !== '' && text(seal, 'cluster_id') !== '') {
    rows.push(
      ['Cluster Name', text(seal, 'cluster_name')],
      ['Cluster ID', text(seal, 'cluster_id')],
    );
  }
  rows.push(['HA Enabled', String(leader['ha_enabled'] === true)]);
  if (leader['ha_enabled'] === true && !sealed) rows.push(...leaderRows(leader));
  for (const [key, title] of COUNTERS) {
    const value = leader[key];
    if (typeof value === 'number' && value > 0) rows.push([title, String(value)]);
  }
  const warnings = seal['warnings'];
  if (Array.isArray(warnings) && warnings.length > 0) rows.push(['Warnings', plainText(warnings)]);
  return rows;
}

function text(object: JsonObject, key: string): string {
  return plainText(object[key] ?? '');
}

const COUNTERS = [
  ['raft_committed_index', 'Raft Committed Index'],
  ['raft_applied_index', 'Raft Applied Index'],
] as const;

const ZERO_TIME = '0001-01-01T00:00:00Z';

function leaderRows(leader: JsonObject): string[][] {
  const rows = [['HA Cluster', text(leader, 'leader_cluster_address')]];
  if (leader['is_self'] === true) {
    rows.push(['HA Mode', 'active']);
    const since = text(leader, 'active_time');
    if (since !== '' && since !== ZERO_TIME) rows.push(['Active Since', since]);
  } else {
    rows.push(['HA Mode', 'standby']);
    rows.push(['Active Node Address', text(leader, 'leader_address') || '<none>']);
  }
  return rows;
}

/** Keys the document always has, with what stands for a missing one. */
const ALWAYS: readonly (readonly [string, string | number | boolean])[] = [
  ['type', ''],
  ['initialized', false],
  ['sealed', false],
  ['t', 0],
  ['n', 0],
  ['progress', 0],
  ['nonce', ''],
  ['version', ''],
  ['build_date', ''],
  ['migration', false],
];
const SEAL_KEYS = [
  'cluster_name',
  'cluster_id',
  'recovery_seal',
  'recovery_seal_type',
  'storage_type',
  'warnings',
];
const LEADER_KEYS = [
  'is_self',
  'leader_address',
  'leader_cluster_address',
  'raft_committed_index',
  'raft_applied_index',
];

function sealDocument(seal: JsonObject, leader: JsonObject): JsonObject {
  const document: JsonObject = {};
  for (const [key, missing] of ALWAYS) document[key] = seal[key] ?? missing;
  for (const key of SEAL_KEYS) {
    const value = seal[key];
    if (key === 'recovery_seal') document[key] = value === true;
    else if (value !== undefined && value !== '' && value !== null) document[key] = value;
  }
  document['ha_enabled'] = leader['ha_enabled'] === true;
  document['active_time'] = leader['active_time'] ?? ZERO_TIME;
  for (const key of LEADER_KEYS) {
    const value = leader[key];
    if (value !== undefined && value !== '' && value !== false && value !== 0)
      document[key] = value;
  }
  return document;
}
