/** Files of vectors as NIST writes them: lines `name = value`, blank lines between records, `[name = value]` for those that follow. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface VectorRecord {
  /** Names in lower case; a line without a value has ''. */
  readonly fields: Readonly<Record<string, string>>;
  /** What stands in brackets before it. */
  readonly section: string;
}

/**
 * @param first the name that every record has and begins with, in lower case
 * @param heads names that may come before it
 */
export function* recordsIn(
  folder: string,
  path: string,
  first: string,
  heads: readonly string[] = [],
): Generator<VectorRecord, void, undefined> {
  let fields: Record<string, string> = {};
  let sections: string[] = [];
  let inHead = false;
  const isRecord = (): boolean => Object.hasOwn(fields, first);
  for (const line of readFileSync(join(folder, path), 'utf8').split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      if (isRecord()) yield { fields, section: sections.join(' ') };
      if (isRecord()) fields = {};
      sections = inHead ? [...sections, line] : [line];
      inHead = true;
      continue;
    }
    const match = /^\s*(\w+)\s*(?:=\s*(.*))?$/.exec(line);
    if (match === null) continue;
    inHead = false;
    const name = (match[1] ?? '').toLowerCase();
    if ((name === first || heads.includes(name)) && isRecord()) {
      yield { fields, section: sections.join(' ') };
      fields = {};
    }
    fields[name] = (match[2] ?? '').trim();
  }
  if (isRecord()) yield { fields, section: sections.join(' ') };
}

export function bytesOf({ fields }: VectorRecord, name: string): Buffer {
  const text = fields[name] ?? '';
  return text.startsWith('"') ? Buffer.from(text.slice(1, -1)) : Buffer.from(text, 'hex');
}
