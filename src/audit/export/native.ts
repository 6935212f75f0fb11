/** Reads back what render.ts wrote, for exporters: the parts of a reply's record that other formats have a place for. */

/** A record of a reply, as far as exporters need it. Absent texts are ''. */
export interface NativeRecord {
  readonly time: string;
  readonly seq: number;
  readonly requestId: string;
  readonly protocol: string;
  readonly operation: string;
  /** In the protocol's own words: `secretsmanager:GetSecretValue`. */
  readonly protocolOperation: string;
  /** What the protocol calls the place (account, vault host, project), its region, and the caller (`user/ann`). */
  readonly binding: { readonly name: string; readonly region: string; readonly caller: string };
  readonly path: string;
  readonly namespacePath: string;
  readonly mountPoint: string;
  readonly mountType: string;
  readonly displayName: string;
  readonly entityId: string;
  readonly accessor: string;
  /** Of the access key, client secret or service account key; of a token none. */
  readonly credentialId: string;
  readonly entityName: string;
  readonly policies: readonly string[];
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** A token was made. */
  readonly login: boolean;
  /** Names of what was submitted, with the hashes of plain values; what has members of its own is left out. */
  readonly submitted: Readonly<Record<string, string>>;
  /** '' for success. */
  readonly error: string;
  readonly errorCode: string;
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
  const metadata = objectOf(auth['metadata']);
  const binding = objectOf(request['binding']);
  const error = textOf(record['error']);
  return {
    time: textOf(record['time']),
    seq: numberOf(record['seq']),
    requestId: textOf(request['id']),
    protocol: textOf(request['protocol']),
    operation: textOf(request['operation']),
    protocolOperation: textOf(request['protocol_operation']),
    binding: {
      name: textOf(binding['name']),
      region: textOf(binding['region']),
      caller: textOf(binding['caller']),
    },
    path,
    namespacePath: textOf(objectOf(request['namespace'])['path']),
    mountPoint: textOf(request['mount_point']),
    mountType: textOf(request['mount_type']),
    displayName: textOf(auth['display_name']),
    entityId: textOf(auth['entity_id']),
    accessor: textOf(auth['accessor']),
    credentialId: textOf(metadata['credential_id']),
    entityName: textOf(metadata['entity_name']),
    submitted: textsOf(objectOf(request['data'])),
    policies: listOf(auth['policies']),
    remoteAddress: textOf(request['remote_address']),
    remotePort: numberOf(request['remote_port']),
    login: path.startsWith('auth/') && (response['auth'] !== undefined || isLoginPath(path)),
    error,
    errorCode: error === '' ? '' : textOf(record['error_code']) || 'unknown',
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

function textsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const texts = Object.entries(values).filter(([, value]) => typeof value === 'string');
  return Object.assign(Object.create(null), Object.fromEntries(texts)) as Record<string, string>;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
