/**
 * Logs of OpenTelemetry in the JSON form of OTLP 1: each line is an ExportLogsServiceRequest of one record, as its file exporter writes
 * them and `/v1/logs` takes them. Names of attributes are those of the semantic conventions where they have one.
 */
import type { NativeRecord } from './native.ts';

const SEVERITY_INFO = { severityNumber: 9, severityText: 'INFO' } as const;
const SEVERITY_WARN = { severityNumber: 13, severityText: 'WARN' } as const;
const NANOSECONDS = '000000';

export function toOtlp(record: NativeRecord): string {
  const failed = record.error !== '';
  const time = `${Date.parse(record.time)}${NANOSECONDS}`;
  const what = record.protocolOperation === '' ? record.operation : record.protocolOperation;
  const logRecord = {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    ...(failed ? SEVERITY_WARN : SEVERITY_INFO),
    eventName: 'strongroom.audit',
    body: { stringValue: `${what} ${record.path}` },
    attributes: [
      text('log.record.uid', record.requestId),
      text('client.address', record.remoteAddress),
      ...(record.remotePort === 0
        ? []
        : [{ key: 'client.port', value: { intValue: String(record.remotePort) } }]),
      text('user.id', record.entityId),
      text('user.name', record.displayName),
      list('user.roles', record.policies),
      text('url.path', `/${record.namespacePath}${record.path}`),
      text('error.type', record.errorCode),
      text('strongroom.error', record.error),
      text('strongroom.protocol', record.protocol),
      text('strongroom.operation', record.operation),
      text('strongroom.protocol_operation', record.protocolOperation),
      text('strongroom.binding', record.binding.name),
      text('strongroom.mount.point', record.mountPoint),
      text('strongroom.mount.type', record.mountType),
      text('strongroom.accessor', record.accessor),
      { key: 'strongroom.sequence', value: { intValue: String(record.seq) } },
    ].filter((attribute) => attribute !== undefined),
  };
  const scopeLogs = [{ scope: { name: 'strongroom.audit' }, logRecords: [logRecord] }];
  const resource = { attributes: [text('service.name', 'strongroom')] };
  return JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] });
}

function text(key: string, value: string): object | undefined {
  return value === '' ? undefined : { key, value: { stringValue: value } };
}

function list(key: string, values: readonly string[]): object | undefined {
  if (values.length === 0) return undefined;
  return { key, value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } } };
}
