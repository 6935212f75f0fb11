/** Elastic Common Schema 8. */
import type { NativeRecord } from './native.ts';

const ECS_VERSION = '8.11.0';

/** `event.type` (an allowed value of ECS) by our operation. */
const EVENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['create', 'creation'],
  ['update', 'change'],
  ['patch', 'change'],
  ['delete', 'deletion'],
]);

export function toEcs(record: NativeRecord): string {
  const { error, entityId, displayName, namespacePath } = record;
  return JSON.stringify({
    '@timestamp': record.time,
    ecs: { version: ECS_VERSION },
    event: {
      kind: 'event',
      category: [record.login ? 'authentication' : 'api'],
      type: [record.login ? 'start' : (EVENT_TYPES.get(record.operation) ?? 'access')],
      action: record.operation,
      outcome: error === '' ? 'success' : 'failure',
      ...(error === '' ? {} : { reason: error, code: record.errorCode }),
      id: record.requestId,
      sequence: record.seq,
      module: 'strongroom',
      dataset: 'strongroom.audit',
    },
    user: {
      ...(displayName === '' ? {} : { name: displayName }),
      ...(entityId === '' ? {} : { id: entityId }),
      roles: record.policies,
    },
    // Work of the server itself comes from nowhere: the schema knows no empty address.
    ...(record.remoteAddress === ''
      ? {}
      : { source: { ip: record.remoteAddress, port: record.remotePort } }),
    service: { type: 'strongroom' },
    url: { path: `/${namespacePath}${record.path}` },
    strongroom: {
      audit: {
        protocol: record.protocol,
        ...(record.protocolOperation === '' ? {} : { operation: record.protocolOperation }),
        ...(record.binding.name === '' ? {} : { binding: record.binding.name }),
        mount_point: record.mountPoint,
        mount_type: record.mountType,
        namespace: namespacePath,
        accessor: record.accessor,
      },
    },
  });
}
