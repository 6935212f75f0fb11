/**
 * Finds the file that log rotation put aside while nobody was writing (`audit.log.1`, `audit.log-20261122`, `audit-1.log`
 * are taken for predecessors of `audit.log`), so that the chain goes on in the new one. Compressed files cannot be read.
 */
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

import { readTail } from './tail.ts';
import type { FileTail } from './tail.ts';

/** Newest candidates that are looked at. */
const CANDIDATES_MAX = 3;

type End = Pick<FileTail, 'position' | 'checkpoint'>;

/** Where the newest predecessor ends; undefined when there is none. Never throws: then the chain begins anew. */
export async function endOfPredecessor(filePath: string): Promise<End | undefined> {
  const directory = path.dirname(filePath);
  const { name, ext } = path.parse(filePath);
  const candidates: { readonly file: string; readonly changedMs: number }[] = [];
  try {
    for (const entry of await readdir(directory)) {
      const rotated =
        entry.startsWith(`${name}${ext}.`) ||
        entry.startsWith(`${name}${ext}-`) ||
        (entry.startsWith(`${name}-`) && entry.endsWith(ext));
      if (!rotated || entry.endsWith('.reserve')) continue;
      const file = path.join(directory, entry);
      const found = await stat(file);
      if (found.isFile() && found.size > 0) candidates.push({ file, changedMs: found.mtimeMs });
    }
  } catch {
    return undefined;
  }
  candidates.sort((one, other) => other.changedMs - one.changedMs);
  let end: End | undefined;
  for (const { file } of candidates.slice(0, CANDIDATES_MAX)) {
    const found = await endOf(file);
    if ((found?.position?.seq ?? 0) > (end?.position?.seq ?? 0)) end = found;
  }
  return end;
}

async function endOf(file: string): Promise<End | undefined> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { position, checkpoint } = await readTail(handle, (await handle.stat()).size);
      return { position, checkpoint };
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
