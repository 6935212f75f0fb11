/** Reads back what render.ts wrote, for exporters: the parts of a reply's record that other formats have a place for. */

/** A record of a reply, as far as exporters need it. Absent texts are ''. */
export interface NativeRecord {
  readonly time: string;
  readonly seq: number;
  readonly requestId: string;
  readonly protocol: string;
  readonly operation: string;
  readonly path: string;
  readonly namespacePath: string;
  readonly mountPoint: string;
  readonly mountType: string;
  readonly displayName: string;
  readonly entityId: string;
  readonly accessor: string;
  readonly policies: readonly string[];
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** A token was made. */
  readonly login: boolean;
  /** '' for success. */
  readonly error: string;
}

/** Undefined for headers, checkpoints, and requests, whose replies say all that they say. */
export function parseNative(line: string): NativeRecord | undefined {
  const record = objectOf(JSON.parse(line));
  if (record['type'] !== 'response') return undefined;
  const request = objectOf(record['request']);
  const response = objectOf(record['response']);
  const path = textOf(request['path']);
  // Before a login nobody is known; after it, who logged in.
  const asked = objectOf(record['auth']);
  const auth = asked['display_name'] === undefined ? objectOf(response['auth']) : asked;
  return {
    time: textOf(record['time']),
    seq: numberOf(record['seq']),
    requestId: textOf(request['id']),
    protocol: textOf(request['protocol']),
    operation: textOf(request['operation']),
    path,
    namespacePath: textOf(objectOf(request['namespace'])['path']),
    mountPoint: textOf(request['mount_point']),
    mountType: textOf(request['mount_type']),
    displayName: textOf(auth['display_name']),
    entityId: textOf(auth['entity_id']),
    accessor: textOf(auth['accessor']),
    policies: listOf(auth['policies']),
    remoteAddress: textOf(request['remote_address']),
    remotePort: numberOf(request['remote_port']),
    login: path.startsWith('auth/') && (response['auth'] !== undefined || isLoginPath(path)),
    error: textOf(record['error']),
  };
}

function isLoginPath(path: string): boolean {
  return path.split('/').includes('login');
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
