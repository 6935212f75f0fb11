/** The other formats that there are. They hold less than the native record: the log that counts is native. */
import { toCef } from './cef.ts';
import { toCloudTrail } from './cloudtrail.ts';
import { toEcs } from './ecs.ts';
import { parseNative } from './native.ts';
import type { NativeRecord } from './native.ts';
import { toOcsf } from './ocsf.ts';
import { toOtlp } from './otlp.ts';
import { toRfc5424 } from './rfc5424.ts';

/** Writes a native line in another format; undefined for lines that it has no use for. */
type Exporter = (line: string) => string | undefined;

function exporter(write: (record: NativeRecord) => string): Exporter {
  return (line) => {
    const record = parseNative(line);
    return record === undefined ? undefined : write(record);
  };
}

/** By the value of a device's option `format`. */
export const EXPORTERS: ReadonlyMap<string, Exporter> = new Map([
  ['ocsf', exporter(toOcsf)],
  ['ecs', exporter(toEcs)],
  ['cef', exporter(toCef)],
  ['cloudtrail', exporter(toCloudTrail)],
  ['otlp', exporter(toOtlp)],
  ['rfc5424', exporter(toRfc5424)],
]);
