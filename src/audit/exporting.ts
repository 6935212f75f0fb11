/** Devices that get their records in another format than the native one, for collectors that want theirs. */
import { invalidRequest } from '../model/errors.ts';
import { linesOf } from './connection.ts';
import { isResumable } from './device.ts';
import type { AuditDevice } from './device.ts';

/** By name: writes a native line in another format; undefined for lines that it has no use for. */
export type Exporters = ReadonlyMap<string, (line: string) => string | undefined>;

/**
 * The device, or one in front of it that translates.
 * @param format `json` for the native one.
 * @throws {RequestError} invalid_request
 */
export function exporting(device: AuditDevice, format: string, exporters: Exporters): AuditDevice {
  if (format === 'json') return device;
  const write = exporters.get(format);
  if (write === undefined) throw invalidRequest('option "format" names no format of audit records');
  // A file is read back at the next start: its chain must be in it.
  if (isResumable(device)) throw invalidRequest('a file has no other format than json');
  return {
    async append(lines) {
      let text = '';
      for (const line of linesOf(lines)) {
        const written = write(line.toString('utf8'));
        if (written !== undefined) text += `${written}\n`;
      }
      if (text !== '') await device.append(Buffer.from(text));
    },
    reopen: () => device.reopen(),
    close: () => device.close(),
  };
}
