/** Open Cybersecurity Schema Framework 1.3: API Activity (6003), and Authentication (3002) for logins. */
import type { NativeRecord } from './native.ts';

const SCHEMA_VERSION = '1.3.0';
const SEVERITY_INFORMATIONAL = { severity_id: 1, severity: 'Informational' } as const;
const STATUS_SUCCESS = { status_id: 1, status: 'Success' } as const;
const STATUS_FAILURE = { status_id: 2, status: 'Failure' } as const;

/** Activities of class 6003, by our operation; any other is 99, Other. */
const API_ACTIVITIES: ReadonlyMap<string, readonly [number, string]> = new Map([
  ['create', [1, 'Create']],
  ['read', [2, 'Read']],
  ['list', [2, 'Read']],
  ['scan', [2, 'Read']],
  ['header', [2, 'Read']],
  ['update', [3, 'Update']],
  ['patch', [3, 'Update']],
  ['delete', [4, 'Delete']],
]);

export function toOcsf(record: NativeRecord): string {
  return JSON.stringify(record.login ? authentication(record) : apiActivity(record));
}

function apiActivity(record: NativeRecord): object {
  const [activity, name] = API_ACTIVITIES.get(record.operation) ?? [99, 'Other'];
  return {
    ...base(record, 6, 'Application Activity', 6003, 'API Activity', activity, name),
    actor: { user: userOf(record), session: { uid: record.accessor } },
    api: {
      operation: record.protocolOperation === '' ? record.operation : record.protocolOperation,
      service: { name: record.mountType },
      request: { uid: record.requestId },
    },
    resources: [
      {
        name: record.path,
        type: record.mountType,
        ...(record.namespacePath === '' ? {} : { namespace: record.namespacePath }),
      },
    ],
  };
}

function authentication(record: NativeRecord): object {
  return {
    ...base(record, 3, 'Identity & Access Management', 3002, 'Authentication', 1, 'Logon'),
    user: userOf(record),
    auth_protocol_id: 99,
    auth_protocol: record.mountType,
    service: { name: record.mountPoint },
  };
}

function base(
  record: NativeRecord,
  category: number,
  categoryName: string,
  cls: number,
  className: string,
  activity: number,
  activityName: string,
): object {
  return {
    time: Date.parse(record.time),
    category_uid: category,
    category_name: categoryName,
    class_uid: cls,
    class_name: className,
    activity_id: activity,
    activity_name: activityName,
    type_uid: cls * 100 + activity,
    type_name: `${className}: ${activityName}`,
    ...SEVERITY_INFORMATIONAL,
    ...(record.error === '' ? STATUS_SUCCESS : STATUS_FAILURE),
    ...(record.error === '' ? {} : { status_detail: record.error }),
    metadata: {
      version: SCHEMA_VERSION,
      product: { name: 'Strongroom', vendor_name: 'Strongroom' },
      log_name: 'audit',
      uid: record.requestId,
      sequence: record.seq,
      original_time: record.time,
    },
    ...(record.error === '' ? {} : { status_code: record.errorCode }),
    // Required of API activity, with one member at least: what the server does by itself has a name instead of an address.
    src_endpoint:
      record.remoteAddress === ''
        ? { name: 'strongroom' }
        : { ip: record.remoteAddress, port: record.remotePort },
    unmapped: {
      protocol: record.protocol,
      policies: record.policies,
      binding: record.binding.name,
    },
  };
}

function userOf(record: NativeRecord): object {
  return {
    name: record.displayName === '' ? 'unknown' : record.displayName,
    ...(record.entityId === '' ? {} : { uid: record.entityId }),
  };
}
