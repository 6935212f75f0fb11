/** What the contract suite needs of a member under test, and the small makers that its tests share. */
import type { Commit, Entry, ScannableStorage } from './storage.ts';

/** A member under test. */
export interface StorageMember {
  readonly name: string;
  /** Opens a new, empty store. */
  open(): Promise<OpenMember>;
}

export interface OpenMember {
  readonly storage: ScannableStorage;
  /** Opens what `storage` left behind, after it was closed; absent when nothing outlives the object. */
  reopen?(): Promise<ScannableStorage>;
  /** Closes what is still open and removes every trace. */
  dispose(): Promise<void>;
}

/** Opens a store, hands it to `body`, and takes it down whatever happens. */
export async function withStorage(
  member: StorageMember,
  body: (storage: ScannableStorage, opened: OpenMember) => Promise<void>,
): Promise<void> {
  const opened = await member.open();
  try {
    await body(opened.storage, opened);
  } finally {
    await opened.dispose();
  }
}

export function entry(key: string, revision = 1, value = `${key}@${revision}`): Entry {
  return { key, revision, value: Buffer.from(value) };
}

/** A commit that puts `entries` whatever is there. */
export function puts(...entries: readonly Entry[]): Commit {
  return { checks: [], puts: entries, deletes: [] };
}
