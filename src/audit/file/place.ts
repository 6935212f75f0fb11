/**
 * Where a log file may be and with which permissions (SEC-71: a log file of the caller's making in a plugin directory, with
 * an executable bit, is a program).
 */
import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';

import { invalidRequest } from '../../model/errors.ts';

const MODE_DEFAULT = 0o600;
const MODES: ReadonlyMap<string, number> = new Map([
  ['0600', 0o600],
  ['600', 0o600],
  ['0640', 0o640],
  ['640', 0o640],
  ['0644', 0o644],
  ['644', 0o644],
]);

/** Permission bits of the log file: 0600 (default), 0640 or 0644. */
export function parseMode(text: string | undefined): number {
  const mode = text === undefined ? MODE_DEFAULT : MODES.get(text);
  if (mode === undefined) throw invalidRequest('option "mode" must be 0600, 0640 or 0644');
  return mode;
}

export interface Places {
  readonly forbiddenDirectories: readonly string[];
  readonly allowedDirectories: readonly string[];
}

/**
 * The real path of a log file that may not exist yet, links resolved.
 * @throws {RequestError} when it is not absolute, or inside a directory that is not for logs.
 */
export async function resolvePlace(filePath: string, places: Places): Promise<string> {
  if (!path.isAbsolute(filePath) || filePath.includes('\0')) {
    throw invalidRequest('option "file_path" must be an absolute path, "stdout" or "discard"');
  }
  const real = await resolveExisting(path.resolve(filePath));
  const inside = async (directories: readonly string[]): Promise<boolean> => {
    for (const directory of directories) {
      const parent = await resolveExisting(path.resolve(directory));
      if (real === parent || real.startsWith(parent.endsWith('/') ? parent : `${parent}/`)) {
        return true;
      }
    }
    return false;
  };
  if ((await inside(places.forbiddenDirectories)) && !(await inside(places.allowedDirectories))) {
    throw invalidRequest('option "file_path" names a directory that is not for audit logs');
  }
  return real;
}

/** Resolves links in the part of a path that exists; the rest stays as it is. */
async function resolveExisting(absolute: string): Promise<string> {
  const rest: string[] = [];
  let existing = absolute;
  for (;;) {
    try {
      return path.join(await realpath(existing), ...rest);
    } catch (error) {
      const parent = path.dirname(existing);
      // A link to nothing would be followed when the file is made.
      if (!isMissing(error) || parent === existing || (await isLink(existing))) {
        throw invalidRequest('option "file_path" cannot be resolved', { cause: error });
      }
      rest.unshift(path.basename(existing));
      existing = parent;
    }
  }
}

async function isLink(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isSymbolicLink();
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
