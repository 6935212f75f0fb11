/** Walks over whole stores: bringing one in line with another, and what a store holds in one digest. */
import { createHash } from 'node:crypto';
import { compareKeys } from '../../storage/key-order.ts';
import { pagesOf } from '../../storage/pages.ts';
import type { Entry, ScannableStorage } from '../../storage/storage.ts';
import { MOVE_MARKER_KEY } from './move-marker.ts';

/** What one commit carries. */
const COMMIT_RECORDS = 2_000;
const COMMIT_BYTES = 8 * 1024 * 1024;
const LENGTH_BYTES = 4;
const REVISION_BYTES = 8;

export interface Changes {
  /** Records that were missing or other. */
  readonly written: number;
  /** Records that the source does not have. */
  readonly removed: number;
  /** Records that were there already. */
  readonly kept: number;
}

export interface Contents {
  readonly records: number;
  /** Of the values. */
  readonly bytes: number;
  /** SHA-256 over every key, revision and value, in the order of the keys. */
  readonly digest: string;
}

/** Every record but the marker of a move. */
async function* pages(storage: ScannableStorage): AsyncGenerator<readonly Entry[]> {
  for await (const page of pagesOf(storage)) {
    yield page.filter(({ key }) => key !== MOVE_MARKER_KEY);
  }
}

/** One record after the other, with the walk's head in view. */
class Walk {
  readonly #pages: AsyncGenerator<readonly Entry[]>;
  #page: readonly Entry[] = [];
  #at = 0;
  #done = false;

  constructor(storage: ScannableStorage) {
    this.#pages = pages(storage);
  }

  async head(): Promise<Entry | undefined> {
    while (this.#at >= this.#page.length && !this.#done) {
      const { value, done } = await this.#pages.next();
      this.#done = done === true;
      this.#page = value ?? [];
      this.#at = 0;
    }
    return this.#page[this.#at];
  }

  /** True when the head is at hand and needs no waiting. */
  get ready(): boolean {
    return this.#at < this.#page.length;
  }

  get headNow(): Entry | undefined {
    return this.#page[this.#at];
  }

  pass(): void {
    this.#at += 1;
  }
}

/**
 * Makes `target` hold what `source` holds, writing only what differs: a copy that was cut off goes on where it was, whatever
 * happened to the source meanwhile. Every commit of it leaves a part of the source and nothing else.
 * @param progress gets the number of the source's records that have been passed.
 */
export async function bringInLine(
  source: ScannableStorage,
  target: ScannableStorage,
  progress: (records: number) => void,
): Promise<Changes> {
  const [from, to] = [new Walk(source), new Walk(target)];
  const counts = { written: 0, removed: 0, kept: 0 };
  let puts: Entry[] = [];
  let deletes: string[] = [];
  let bytes = 0;
  let passed = 0;
  const flush = async (): Promise<void> => {
    if (puts.length + deletes.length > 0) await target.commit({ checks: [], puts, deletes });
    puts = [];
    deletes = [];
    bytes = 0;
    progress(passed);
  };
  for (;;) {
    const here = from.ready ? from.headNow : await from.head();
    const there = to.ready ? to.headNow : await to.head();
    if (here === undefined && there === undefined) break;
    const order = orderOf(here, there);
    if (order > 0 && there !== undefined) {
      deletes.push(there.key);
      counts.removed += 1;
    } else if (here !== undefined) {
      passed += 1;
      if (order === 0 && there !== undefined && same(here, there)) counts.kept += 1;
      else {
        puts.push(here);
        bytes += here.value.length;
        counts.written += 1;
      }
    }
    if (order <= 0) from.pass();
    if (order >= 0) to.pass();
    if (puts.length + deletes.length >= COMMIT_RECORDS || bytes >= COMMIT_BYTES) await flush();
    else if (passed % COMMIT_RECORDS === 0) progress(passed);
  }
  await flush();
  return counts;
}

/** Which comes first: negative = `here`; a missing one comes last. */
function orderOf(here: Entry | undefined, there: Entry | undefined): number {
  if (here === undefined) return 1;
  if (there === undefined) return -1;
  return compareKeys(here.key, there.key);
}

function same(one: Entry, other: Entry): boolean {
  return one.revision === other.revision && one.value.equals(other.value);
}

/** Reads everything. @param progress gets the number of records read so far. */
export async function contentsOf(
  storage: ScannableStorage,
  progress: (records: number) => void,
): Promise<Contents> {
  const hash = createHash('sha256');
  let records = 0;
  let bytes = 0;
  for await (const page of pages(storage)) {
    for (const { key, revision, value } of page) {
      const name = Buffer.from(key);
      const head = Buffer.alloc(2 * LENGTH_BYTES + REVISION_BYTES);
      head.writeUInt32BE(name.length, 0);
      head.writeUInt32BE(value.length, LENGTH_BYTES);
      head.writeBigUInt64BE(BigInt(revision), 2 * LENGTH_BYTES);
      hash.update(head).update(name).update(value);
      records += 1;
      bytes += value.length;
    }
    progress(records);
  }
  return { records, bytes, digest: hash.digest('hex') };
}

export function equalContents(one: Contents, other: Contents): boolean {
  return one.records === other.records && one.bytes === other.bytes && one.digest === other.digest;
}
