/** A storage that fails on purpose: it wraps any member, for contract tests and the simulation. */
import type { Awaitable } from '../base/awaitable.ts';
import { StorageError } from './storage.ts';
import type { Commit, Entry, ListPage, ScannableStorage } from './storage.ts';

export type StorageOperation = 'read' | 'list' | 'scan' | 'commit';

/** When a call fails: before it has any effect, or after its effect, as if the answer had been lost. */
export type Fault = 'before' | 'after';

/** Decides the fate of the `call`-th call (the first is 1); `undefined` lets it pass. */
export type FaultPlan = (call: number, operation: StorageOperation) => Fault | undefined;

export interface FaultyStorage extends ScannableStorage {
  /** How many calls were made, failed ones included. */
  readonly calls: number;
}

/** The plan that fails the `target`-th call, and no other. */
export function failCall(target: number, fault: Fault): FaultPlan {
  return (call) => (call === target ? fault : undefined);
}

/** Wraps `inner`; calls that `plan` picks reject with a {@link StorageError}. `close` never fails. */
export function createFaultyStorage(inner: ScannableStorage, plan: FaultPlan): FaultyStorage {
  let calls = 0;

  async function attempt<Result>(
    operation: StorageOperation,
    run: () => Awaitable<Result>,
  ): Promise<Result> {
    calls += 1;
    const call = calls;
    const fault = plan(call, operation);
    if (fault === 'before') throw injected(call, operation);
    const result = await run();
    if (fault === 'after') throw injected(call, operation);
    return result;
  }

  return {
    get calls(): number {
      return calls;
    },
    read: (keys: readonly string[]): Promise<readonly (Entry | undefined)[]> =>
      attempt('read', () => inner.read(keys)),
    list: (prefix: string, page?: ListPage): Promise<readonly string[]> =>
      attempt('list', () => inner.list(prefix, page)),
    scan: (prefix: string, after: string | undefined, limit: number): Promise<readonly Entry[]> =>
      attempt('scan', () => inner.scan(prefix, after, limit)),
    commit: (commit: Commit): Promise<void> => attempt('commit', () => inner.commit(commit)),
    close: (): Promise<void> => inner.close(),
  };
}

function injected(call: number, operation: StorageOperation): StorageError {
  return new StorageError(`injected fault in call ${call} (${operation})`);
}
