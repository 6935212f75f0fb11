/** The key-value engine. */
import type { Backend } from '../../model/backend.ts';
import type { FunctionPorts } from './functions/rotation.ts';
import { kvVersion1 } from './v1/backend.ts';
import type { RotationPorts } from './rotation/ports.ts';
import { kvVersion2 } from './v2/backend.ts';

/** KV without history: `kv` without options, or with version 1. */
export const kv1: Backend = kvVersion1('kv');
/** The old name of the same engine. */
export const generic: Backend = kvVersion1('generic');
/** KV with versions: `kv` with version 2; without rotation. */
export const kv2: Backend = kvVersion2();

/** The same with rotation; to be made once. */
export function rotatingKv(rotation: RotationPorts, functions: FunctionPorts): Backend {
  return kvVersion2(rotation, functions);
}

/**
 * The backend of a mount with these options; undefined when it asks for a version that does not exist. Both versions keep
 * their secrets in the same records, so a mount changes from 1 to 2 by its option alone: nothing is converted.
 */
export function kvBackend(
  options: Readonly<Record<string, string>> | null,
  version2: Backend = kv2,
): Backend | undefined {
  switch (options?.['version'] ?? '1') {
    case '':
    case '1':
      return kv1;
    case '2':
      return version2;
    default:
      return undefined;
  }
}
