/** Makes a folder with what is missing above it. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * In place of `recursive` of node:fs, which tries without end where the folder above exists and takes none (below `/proc` the system says
 * "no such file", as if that were missing).
 * @throws {Error} of the system
 */
export function makeFolder(folder: string, mode: number): void {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeFolder(above, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Somebody else was faster.
    if (!existsSync(folder)) throw error;
  }
}
