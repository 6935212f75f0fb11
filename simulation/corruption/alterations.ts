/** What somebody who can write to the store, but lacks the keys, can do to its records. */
import type { Seeded } from '../seeded.ts';
import type { Row } from './records.ts';

export interface Found {
  readonly rows: readonly Row[];
  /** The same store as it was before its records were written again. */
  readonly older: readonly Row[];
  readonly seeded: Seeded;
}

export interface Altered {
  /** What was done to which record. */
  readonly done: string;
  readonly rows: readonly Row[];
}

function changed(rows: readonly Row[], row: Row, change: Partial<Row>): Row[] {
  return rows.map((each) => (each === row ? { ...each, ...change } : each));
}

export const ALTERATIONS: Readonly<Record<string, (found: Found) => Altered>> = {
  flip: ({ rows, seeded }) => {
    const row = seeded.pick(rows);
    const value = Uint8Array.from(row.value);
    const bit = seeded.between(0, value.length * 8 - 1);
    value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return { done: `bit ${bit} of ${row.key}`, rows: changed(rows, row, { value }) };
  },
  swap: ({ rows, seeded }) => {
    const one = seeded.pick(rows);
    const other = seeded.pick(rows.filter((row) => row !== one));
    const withRevision = seeded.between(0, 1) === 1;
    const placed = (row: Row, from: Row): Partial<Row> => ({
      value: from.value,
      revision: withRevision ? from.revision : row.revision,
    });
    const swapped = changed(changed(rows, one, placed(one, other)), other, placed(other, one));
    return {
      done: `${one.key} with ${other.key}${withRevision ? ', revisions too' : ''}`,
      rows: swapped,
    };
  },
  replay: ({ rows, older, seeded }) => {
    const before = new Map(older.map((row) => [row.key, row]));
    const written = rows.filter((row) => (before.get(row.key) ?? row).revision !== row.revision);
    const row = seeded.pick(written);
    const old = before.get(row.key) ?? row;
    return {
      done: `${row.key} as it was at revision ${old.revision}, not ${row.revision}`,
      rows: changed(rows, row, old),
    };
  },
  revision: ({ rows, seeded }) => {
    const row = seeded.pick(rows);
    const revision = row.revision + 1;
    return { done: `the revision of ${row.key}`, rows: changed(rows, row, { revision }) };
  },
  delete: ({ rows, seeded }) => {
    const row = seeded.pick(rows);
    return { done: row.key, rows: rows.filter((each) => each !== row) };
  },
  move: ({ rows, seeded }) => {
    const row = seeded.pick(rows);
    const key = `${row.key}x`;
    return { done: `${row.key} to ${key}`, rows: changed(rows, row, { key }) };
  },
  cut: ({ rows, seeded }) => {
    const row = seeded.pick(rows);
    const length = seeded.between(0, row.value.length - 1);
    const value = row.value.subarray(0, length);
    return { done: `${row.key} to ${length} bytes`, rows: changed(rows, row, { value }) };
  },
  rollback: ({ older }) => ({ done: 'everything', rows: older }),
};
