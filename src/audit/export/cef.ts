/** ArcSight Common Event Format 0 (CEF:0), revision 27 of the format's description. */
import type { NativeRecord } from './native.ts';

const SEVERITY_SUCCESS = 3;
const SEVERITY_FAILURE = 6;

export function toCef(record: NativeRecord): string {
  const failed = record.error !== '';
  const head = [
    'CEF:0',
    'Strongroom',
    'Strongroom',
    '1',
    header(record.login ? 'login' : record.operation),
    header(`${record.mountType === '' ? 'request' : record.mountType} ${record.operation}`),
    String(failed ? SEVERITY_FAILURE : SEVERITY_SUCCESS),
  ].join('|');
  const extension: readonly (readonly [string, string])[] = [
    ['rt', String(Date.parse(record.time))],
    ['externalId', record.requestId],
    ['act', record.protocolOperation === '' ? record.operation : record.protocolOperation],
    ['outcome', failed ? 'failure' : 'success'],
    ['reason', record.error],
    ['suser', record.displayName],
    ['suid', record.entityId],
    ['src', record.remoteAddress],
    ['spt', record.remotePort === 0 ? '' : String(record.remotePort)],
    ['request', `/${record.namespacePath}${record.path}`],
    ['app', record.protocol],
    ['cs1Label', record.mountPoint === '' ? '' : 'mount'],
    ['cs1', record.mountPoint],
    ['cs2Label', record.policies.length === 0 ? '' : 'policies'],
    ['cs2', record.policies.join(' ')],
    ['cs3Label', record.binding.name === '' ? '' : 'binding'],
    ['cs3', record.binding.name],
    ['cs4Label', record.errorCode === '' ? '' : 'errorCode'],
    ['cs4', record.errorCode],
    ['cn1Label', 'sequence'],
    ['cn1', String(record.seq)],
  ];
  const members = extension.filter(([, value]) => value !== '');
  return `${head}|${members.map(([name, value]) => `${name}=${escaped(value)}`).join(' ')}`;
}

/** In the head `|` and `\` are escaped, and there are no line ends. */
function header(text: string): string {
  return text.replaceAll(/[\\|]/g, '\\$&').replaceAll(/[\r\n]/g, ' ');
}

/** In the extension `=`, `\` and line ends are. */
function escaped(text: string): string {
  return text.replaceAll(/[\\=]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
