/** Syslog messages of RFC 5424 with the facts as structured data. The enterprise number is that of RFC 5612, for documentation. */
import type { NativeRecord } from './native.ts';

/** Facility 13, log audit; severity 6 informational, 5 notice (RFC 5424 §6.2.1). */
const PRIORITY_SUCCESS = 13 * 8 + 6;
const PRIORITY_FAILURE = 13 * 8 + 5;
const STRUCTURE = 'audit@32473';
const BYTE_ORDER_MARK = '\uFEFF';

export function toRfc5424(record: NativeRecord): string {
  const priority = record.error === '' ? PRIORITY_SUCCESS : PRIORITY_FAILURE;
  const what = record.protocolOperation === '' ? record.operation : record.protocolOperation;
  const parameters: readonly (readonly [string, string])[] = [
    ['id', record.requestId],
    ['seq', String(record.seq)],
    ['protocol', record.protocol],
    ['operation', what],
    ['path', `/${record.namespacePath}${record.path}`],
    ['mount', record.mountPoint],
    ['binding', record.binding.name],
    ['user', record.displayName],
    ['entity', record.entityId],
    ['policies', record.policies.join(' ')],
    ['from', record.remoteAddress],
    ['error', record.errorCode],
  ];
  const data = parameters
    .filter(([, value]) => value !== '')
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join('');
  const name = record.login ? 'login' : record.operation;
  const words =
    record.error === '' ? `${what} ${record.path}` : `${what} ${record.path}: ${record.error}`;
  const text = oneLine(words);
  return `<${priority}>1 ${record.time} - strongroom - ${name === '' ? '-' : name} [${STRUCTURE}${data}] ${BYTE_ORDER_MARK}${text}`;
}

/** `"`, `\` and `]` are escaped (RFC 5424 §6.3.3); a line is a message here, so line ends are not kept. */
function escaped(text: string): string {
  return oneLine(text).replaceAll(/["\\\]]/g, '\\$&');
}

function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what ends or garbles a line
  return text.replaceAll(/[\u0000-\u001F\u007F]/g, ' ');
}
