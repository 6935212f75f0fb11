/** Encrypting everything again under the newest term, in steps that can stop and resume, and dropping terms that nothing needs. */
import { wipe } from '../crypto/secret-bytes.ts';
import { RequestError } from '../model/errors.ts';
import { ConflictError, type Entry, type ScannableStorage } from '../storage/storage.ts';
import type { Change } from './encode-record.ts';
import type { EncryptedStore } from './encrypted-store.ts';
import { type Keyring, newestTerm } from './keys/keyring.ts';
import { termOf } from './record.ts';
import {
  CLEAR_PREFIX,
  INTEGRITY_PREFIX,
  KEYRING_KEY,
  REENCRYPTION_KEY,
  namespaceOf,
} from './storage-keys.ts';

/** Records of one step, unless the caller says otherwise: about 20 ms of work. */
export const REENCRYPTION_PAGE_DEFAULT = 200;
/** Records of one commit; a conflict with the traffic costs so many tries at most. */
const BATCH = 16;
/** How long a new term must be in force before older ones may go: every replica has gone over to it by then. */
export const TERM_GRACE_MS: number = 10 * 60 * 1000;
const SCAN_PAGE = 1000;

export interface ReencryptionProgress {
  /** The term that everything goes to. */
  readonly term: number;
  readonly scanned: number;
  readonly reencrypted: number;
  readonly done: boolean;
}

interface State extends ReencryptionProgress {
  /** Everything up to and including this key is done. */
  readonly cursor?: string;
}

/** Does the next `limit` records. Once done, does nothing until a newer term is installed. */
export async function reencryptStep(
  store: EncryptedStore,
  storage: ScannableStorage,
  limit: number = REENCRYPTION_PAGE_DEFAULT,
): Promise<ReencryptionProgress> {
  const [entry] = await store.read([REENCRYPTION_KEY]);
  const { number } = newestTerm(store.keys.keyring);
  const stored = entry === undefined ? undefined : parseState(await store.open('', entry));
  const state =
    stored?.term === number ? stored : { term: number, scanned: 0, reencrypted: 0, done: false };
  if (state.done) return progressOf(state);
  const page = await storage.scan('', state.cursor, limit);
  const old = page.filter((each) => needsReencryption(each, number));
  let reencrypted = 0;
  for (let start = 0; start < old.length; start += BATCH) {
    reencrypted += await reencrypt(store, old.slice(start, start + BATCH));
  }
  const done = page.length < limit;
  if (done) await store.commit({ checks: [], changes: [], renewSums: true });
  const cursor = page.at(-1)?.key ?? state.cursor;
  const next: State = {
    term: number,
    scanned: state.scanned + page.length,
    reencrypted: state.reencrypted + reencrypted,
    done,
    ...(cursor !== undefined && { cursor }),
  };
  await writeState(store, entry, next);
  return progressOf(next);
}

/**
 * The terms that may be dropped: all but the newest, once everything has been encrypted again, the newest has been in force for
 * {@link TERM_GRACE_MS}, and a walk over the store finds no record of them.
 */
export async function unusedTerms(
  store: EncryptedStore,
  storage: ScannableStorage,
  nowMs: number,
): Promise<number[]> {
  const { keyring } = store.keys;
  const newest = newestTerm(keyring);
  const [entry] = await store.read([REENCRYPTION_KEY]);
  if (entry === undefined || keyring.terms.length === 1) return [];
  const state = parseState(await store.open('', entry));
  if (!state.done || state.term !== newest.number) return [];
  if (nowMs - newest.installedMs < TERM_GRACE_MS) return [];
  // What was encrypted before the walk begins is stored when the commits under way have ended.
  await store.quietly(async () => undefined);
  const used = new Set<number>([newest.number]);
  let after: string | undefined;
  for (;;) {
    const page: readonly Entry[] = await storage.scan('', after, SCAN_PAGE);
    for (const each of page) {
      if (!each.key.startsWith(CLEAR_PREFIX) && each.key !== KEYRING_KEY)
        used.add(termOf(each.value));
    }
    after = page.at(-1)?.key;
    if (page.length < SCAN_PAGE) break;
  }
  return keyring.terms.map((term) => term.number).filter((number) => !used.has(number));
}

/** The keyring without some of its terms. */
export function withoutTerms(keyring: Keyring, numbers: readonly number[]): Keyring {
  return { ...keyring, terms: keyring.terms.filter((term) => !numbers.includes(term.number)) };
}

function needsReencryption(entry: Entry, newest: number): boolean {
  if (entry.key.startsWith(CLEAR_PREFIX) || entry.key.startsWith(INTEGRITY_PREFIX)) return false;
  return entry.key !== KEYRING_KEY && termOf(entry.value) < newest;
}

/** Returns how many it changed: a record that somebody else has written meanwhile is under the newest term already. */
async function reencrypt(store: EncryptedStore, entries: readonly Entry[]): Promise<number> {
  const changes: Change[] = [];
  for (const old of entries) {
    const namespaceId = namespaceOf(old.key);
    try {
      const value = await store.open(namespaceId, old);
      changes.push({ key: old.key, namespaceId, old, value });
    } catch (error) {
      // Remains of a shredded namespace cannot be read and need not be; a damaged record has been reported.
      if (!(error instanceof RequestError)) throw error;
      if (error.code !== 'not_found' && error.code !== 'internal') throw error;
    }
  }
  if (changes.length === 0) return 0;
  try {
    await store.commit({ checks: [], changes });
    return changes.length;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    if (entries.length === 1) return 0;
    let changed = 0;
    for (const entry of entries) changed += await reencrypt(store, [entry]);
    return changed;
  } finally {
    for (const { value } of changes) if (value !== undefined) wipe(value);
  }
}

async function writeState(
  store: EncryptedStore,
  old: Entry | undefined,
  state: State,
): Promise<void> {
  const value = Buffer.from(JSON.stringify(state));
  try {
    await store.commit({
      checks: [],
      changes: [{ key: REENCRYPTION_KEY, namespaceId: '', old, value }],
    });
  } catch (error) {
    // Another replica works on it too; its progress counts, and doing a page twice does no harm.
    if (!(error instanceof ConflictError)) throw error;
  }
}

function parseState(bytes: Buffer): State {
  return JSON.parse(bytes.toString()) as State;
}

function progressOf({ term, scanned, reencrypted, done }: State): ReencryptionProgress {
  return { term, scanned, reencrypted, done };
}
