/** A folder of files: each file a secret, or each folder a secret of which the files are the fields. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../../../client/json.ts';
import type { Ledger } from '../ledger.ts';
import { causeOf, DEPTH_MAX, InputError, readBytes, textOf } from './input.ts';
import { assertDistinct, ENTRIES_MAX } from './layout.ts';
import type { Entry, EntryValue, Layout } from './layout.ts';

/** Largest file that can be a value, in bytes, as the server takes it. */
const VALUE_BYTES_MAX = 3 * 1024 * 1024;

export interface FolderOptions {
  readonly folder: string;
  readonly layout: Exclude<Layout, 'tree'>;
  /** Takes one line end off the end of a text: editors and `echo` put it there. */
  readonly trim: boolean;
  /** Told of what is left out. */
  readonly ledger: Ledger;
}

/** Links are not followed: what they lead to may be anywhere. @throws {InputError} */
export async function folderEntries(options: FolderOptions): Promise<readonly Entry[]> {
  const files = await filesBelow(options, '', 1);
  const entries: Entry[] = [];
  const fields = new Map<string, JsonObject>();
  for (const file of files) {
    let value: EntryValue;
    try {
      value = await valueOf(options, file);
    } catch (cause) {
      options.ledger.fail('files', file, new Error(causeOf(cause)));
      continue;
    }
    if (options.layout === 'each') entries.push({ path: file, value });
    else {
      const slash = file.lastIndexOf('/');
      const folder = file.slice(0, Math.max(0, slash));
      const text = value.kind === 'binary' ? value.base64 : value.kind === 'text' ? value.text : '';
      fields.set(folder, { ...fields.get(folder), [file.slice(slash + 1)]: text });
    }
  }
  for (const [path, data] of fields) entries.push({ path, value: { kind: 'object', data } });
  return assertDistinct(entries);
}

async function filesBelow(options: FolderOptions, below: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  if (depth > DEPTH_MAX) throw new InputError(`folders lie more than ${DEPTH_MAX} deep`);
  const entries = await readdir(join(options.folder, below), { withFileTypes: true });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesBelow(options, path, depth + 1)));
    else if (entry.isFile()) found.push(path);
    else options.ledger.lost(path, 'it is a link or no file: links are not followed');
    if (found.length > ENTRIES_MAX) throw new InputError(`more than ${ENTRIES_MAX} files`);
  }
  return found;
}

async function valueOf({ folder, trim }: FolderOptions, file: string): Promise<EntryValue> {
  const bytes = await readBytes(join(folder, file), false);
  if (bytes.length > VALUE_BYTES_MAX)
    throw new InputError(`it is larger than ${VALUE_BYTES_MAX} bytes`);
  try {
    const text = textOf(bytes);
    return { kind: 'text', text: trim ? text.replace(/\r?\n$/, '') : text };
  } catch {
    return { kind: 'binary', base64: bytes.toString('base64') };
  }
}
