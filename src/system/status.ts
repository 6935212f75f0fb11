/** `sys/health`, `leader`, `ha-status`, `step-down`, `version-history`: how the server is, for balancers, probes and people. */
import { formatTime } from '../base/time-format.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import { invalidRequest } from '../model/errors.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import type { Reply } from '../model/reply.ts';

export interface StatusPorts {
  readonly state: () => 'uninitialized' | 'sealed' | 'unsealed';
  readonly version: string;
  readonly programVersion: string;
  readonly startedMs: number;
  readonly clusterName: () => string;
  readonly clusterId: () => string;
  readonly apiAddress: () => string;
  readonly clusterAddress: () => string;
  readonly hostname: string;
  /** Something that keeps the server from serving as it should: audit or integrity. */
  readonly degraded: () => string | undefined;
  /** Whether the storage answers. */
  readonly reachable: () => boolean;
  /** The servers that work on the store; undefined when this is the only one that can. */
  readonly replicas: ((unit: Unit) => Promise<readonly ReplicaStatus[]>) | undefined;
}

/** What is told of one server. */
export interface ReplicaStatus {
  readonly apiAddress: string;
  readonly clusterAddress: string;
  readonly hostname: string;
  readonly version: string;
  /** When it last gave a sign of life, in milliseconds since the epoch. */
  readonly beatMs: number;
}

/** As Vault tells it of a node: every replica serves everything, so each is an active one. */
function nodeOf({
  apiAddress,
  clusterAddress,
  hostname,
  version,
  beatMs,
}: ReplicaStatus): JsonObject {
  return {
    active_node: true,
    api_address: apiAddress,
    cluster_address: clusterAddress,
    hostname,
    last_echo: beatMs === 0 ? null : formatTime(beatMs),
    version,
  };
}

/** A status that the caller chose, `fallback` when it chose none. @throws {RequestError} */
function statusCode(query: Readonly<JsonObject>, name: string, fallback: number): number {
  const value = query[name];
  if (value === undefined) return fallback;
  const code = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (code < 100 || code > 999) throw invalidRequest('');
  return code;
}

/**
 * Codes as Vault's: 200 active, 429 standby, 501 not initialized, 503 sealed; each may be chosen by the caller. So may that of a
 * server that refuses requests because its audit devices do: it is 200 for whom does not ask.
 */
function health(ports: StatusPorts, request: Request<unknown>): Reply {
  const state = ports.state();
  const query = request.data;
  // A server that cannot reach the common storage serves nothing: balancers are told what they are told of a standby.
  const cutOff = state === 'unsealed' && !ports.reachable();
  const degraded = cutOff ? 'storage' : ports.degraded();
  const code =
    state === 'uninitialized'
      ? statusCode(query, 'uninitcode', 501)
      : state === 'sealed'
        ? statusCode(query, 'sealedcode', 503)
        : cutOff
          ? statusCode(query, 'standbycode', 429)
          : degraded === 'audit' && query['auditcode'] !== undefined
            ? statusCode(query, 'auditcode', 503)
            : statusCode(query, 'activecode', 200);
  return {
    status: code,
    bare: true,
    data: {
      initialized: state !== 'uninitialized',
      sealed: state !== 'unsealed',
      standby: state !== 'unsealed' || cutOff,
      performance_standby: false,
      replication_performance_mode: state === 'unsealed' ? 'disabled' : 'unknown',
      replication_dr_mode: state === 'unsealed' ? 'disabled' : 'unknown',
      server_time_utc: Math.floor(request.nowMs / 1000),
      version: ports.version,
      strongroom_version: ports.programVersion,
      ...(state === 'unsealed'
        ? { cluster_name: ports.clusterName(), cluster_id: ports.clusterId() }
        : {}),
      ...(degraded === undefined ? {} : { degraded }),
    },
  };
}

/** Alone, as Vault without a storage for several: nobody leads. Among others, each leads itself. */
function leader(ports: StatusPorts): JsonObject {
  const shared = ports.replicas !== undefined && ports.state() === 'unsealed';
  return {
    ha_enabled: ports.replicas !== undefined,
    is_self: shared,
    active_time: shared ? formatTime(ports.startedMs) : '0001-01-01T00:00:00Z',
    leader_address: shared ? ports.apiAddress() : '',
    leader_cluster_address: shared ? ports.clusterAddress() : '',
    performance_standby: false,
  };
}

async function nodes(ports: StatusPorts, unit: Unit): Promise<readonly ReplicaStatus[]> {
  if (ports.replicas !== undefined) return await ports.replicas(unit);
  const { hostname, version } = ports;
  const [apiAddress, clusterAddress] = [ports.apiAddress(), ports.clusterAddress()];
  return [{ apiAddress, clusterAddress, hostname, version, beatMs: 0 }];
}

export function statusPaths(ports: StatusPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'health',
      fields: {},
      unauthenticated: true,
      whileSealed: true,
      rootNamespaceOnly: true,
      help: {
        synopsis:
          'Tells whether the server is initialised, unsealed and active; the status code says the same.',
      },
      operations: {
        read: { summary: 'Read the health', handler: (request) => health(ports, request) },
        header: { summary: 'The status code alone', handler: (request) => health(ports, request) },
      },
    }),
    defineSystemPath({
      pattern: 'leader',
      fields: {},
      unauthenticated: true,
      whileSealed: true,
      help: {
        synopsis:
          'Every replica serves every request: there is no leader to look for, each one is its own.',
      },
      operations: {
        read: {
          summary: 'Read the leader',
          handler: () => ({
            bare: true,
            data: leader(ports),
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'ha-status',
      fields: {},
      rootNamespaceOnly: true,
      help: { synopsis: 'Lists the replicas.' },
      operations: {
        read: {
          summary: 'List the replicas',
          handler: async (_request, unit) => ({
            injectTopLevel: true,
            data: { nodes: (await nodes(ports, unit)).map(nodeOf) },
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'step-down',
      fields: {},
      sudo: true,
      rootNamespaceOnly: true,
      help: { synopsis: 'Nothing to do: no replica is a leader. Needs sudo.' },
      operations: { update: { summary: 'Step down', handler: () => undefined } },
    }),
    defineSystemPath({
      pattern: 'version-history',
      fields: {},
      rootNamespaceOnly: true,
      help: { synopsis: 'The versions that have run on this store.' },
      operations: {
        list: {
          summary: 'List versions',
          handler: () => ({
            data: {
              keys: [ports.version],
              key_info: {
                [ports.version]: {
                  timestamp_installed: formatTime(ports.startedMs),
                  build_date: '',
                  previous_version: null,
                } as Record<string, JsonValue>,
              },
            },
          }),
        },
      },
    }),
  ];
}
