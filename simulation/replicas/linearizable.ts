/**
 * Whether a history of one versioned register can be explained by one order of its operations, each taking effect at one moment
 * between its call and its answer (Wing and Gong, "Testing and Verifying Concurrent Objects", 1993; the memory of visited states is
 * Lowe's). An operation without an answer may have taken effect at any time after its call, or never.
 */

/** What the register holds: how often it was written, and the id of the last write. */
export interface Register {
  readonly version: number;
  readonly value: number;
}

export type Action =
  | { readonly kind: 'read'; readonly saw: Register }
  /** `version` that the answer named; undefined = no answer. */
  | { readonly kind: 'write'; readonly value: number; readonly version: number | undefined }
  | {
      readonly kind: 'compare-and-set';
      readonly value: number;
      readonly expected: number;
      readonly outcome: 'done' | 'refused' | 'unknown';
    };

export interface Operation {
  readonly action: Action;
  readonly callMs: number;
  /** Infinity = there was no answer. */
  readonly answerMs: number;
}

export const UNWRITTEN: Register = { version: 0, value: 0 };

/** States that are tried before a history counts as too hard to judge. */
const VISITED_MAX = 200_000;

export type Verdict = 'linearizable' | 'violation' | 'undecided';

/**
 * The answers name versions, which settles most of the order; so the search only branches where writes without an answer may fill
 * a version that nobody was told of.
 */
export function judgeHistory(history: readonly Operation[]): Verdict {
  const told = versionsTold(history);
  if (told === undefined) return 'violation';
  const operations = history
    .filter(({ action, answerMs }) => answerMs !== Infinity || mayMatter(action, told))
    .toSorted((a, b) => a.callMs - b.callMs);
  const answered = operations.filter(({ answerMs }) => answerMs !== Infinity).length;
  const visited = new Set<string>();
  const stack: Node[] = [{ done: 0n, left: answered, state: UNWRITTEN }];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const settled = settleReads(node, operations);
    if (settled.left === 0) return 'linearizable';
    const name = `${settled.done.toString(36)} ${settled.state.version}`;
    if (visited.has(name)) continue;
    visited.add(name);
    if (visited.size > VISITED_MAX) return 'undecided';
    stack.push(...nextWrites(settled, operations, told));
  }
  return 'violation';
}

interface Node {
  /** One bit for each operation that has taken effect. */
  readonly done: bigint;
  /** Answered operations that have not. */
  readonly left: number;
  readonly state: Register;
}

interface Told {
  /** The value of each version that an answer named. */
  readonly values: ReadonlyMap<number, number>;
  /** The version of each value that an answer named. */
  readonly versions: ReadonlyMap<number, number>;
  readonly newest: number;
}

/** Undefined when two answers contradict each other. */
function versionsTold(history: readonly Operation[]): Told | undefined {
  const values = new Map<number, number>([[UNWRITTEN.version, UNWRITTEN.value]]);
  const versions = new Map<number, number>([[UNWRITTEN.value, UNWRITTEN.version]]);
  for (const { action } of history) {
    const register = registerTold(action);
    if (register === undefined) continue;
    const { version, value } = register;
    if ((values.get(version) ?? value) !== value) return undefined;
    if ((versions.get(value) ?? version) !== version) return undefined;
    values.set(version, value);
    versions.set(value, version);
  }
  return { values, versions, newest: Math.max(...values.keys()) };
}

function registerTold(action: Action): Register | undefined {
  if (action.kind === 'read') return action.saw;
  if (action.kind === 'write') {
    return action.version === undefined
      ? undefined
      : { version: action.version, value: action.value };
  }
  return action.outcome === 'done'
    ? { version: action.expected + 1, value: action.value }
    : undefined;
}

/** Whether an operation without an answer can be part of an explanation at all. */
function mayMatter(action: Action, { values, versions, newest }: Told): boolean {
  if (action.kind === 'read') return false;
  const known = versions.get(action.value);
  if (action.kind === 'write') return known !== undefined || values.size <= newest;
  const version = action.expected + 1;
  if (known !== undefined) return known === version;
  return version <= newest && !values.has(version);
}

/** Those that may take effect next: called before the first of the answers that are still open. */
function* candidates(
  { done }: Node,
  operations: readonly Operation[],
): Generator<readonly [number, Operation]> {
  let horizonMs = Infinity;
  for (const [index, operation] of operations.entries()) {
    if (operation.callMs > horizonMs) break;
    if (!isDone(done, index)) horizonMs = Math.min(horizonMs, operation.answerMs);
  }
  for (const [index, operation] of operations.entries()) {
    if (operation.callMs > horizonMs) return;
    if (!isDone(done, index)) yield [index, operation];
  }
}

/** What leaves the register as it is takes effect as soon as it fits: nothing is lost by that. */
function settleReads(node: Node, operations: readonly Operation[]): Node {
  let { done, left } = node;
  const { state } = node;
  for (let found = true; found;) {
    found = false;
    for (const [index, { action }] of candidates({ done, left, state }, operations)) {
      const fits =
        action.kind === 'read'
          ? action.saw.version === state.version && action.saw.value === state.value
          : action.kind === 'compare-and-set' &&
            action.outcome === 'refused' &&
            action.expected !== state.version;
      if (!fits) continue;
      done |= 1n << BigInt(index);
      left -= 1;
      found = true;
    }
  }
  return { done, left, state };
}

function nextWrites(node: Node, operations: readonly Operation[], told: Told): Node[] {
  const version = node.state.version + 1;
  if (version > told.newest) return [];
  const value = told.values.get(version);
  const next: Node[] = [];
  let filled = false;
  for (const [index, { action, answerMs }] of candidates(node, operations)) {
    if (action.kind === 'read' || !mayMake(action, version)) continue;
    if (value === undefined) {
      // Nobody was told of this version: of the plain writes without an answer any will do, and the first is as good as the rest.
      if (answerMs !== Infinity || told.versions.has(action.value)) continue;
      if (action.kind === 'write') {
        if (filled) continue;
        filled = true;
      }
    } else if (action.value !== value) continue;
    next.push({
      done: node.done | (1n << BigInt(index)),
      left: node.left - (answerMs === Infinity ? 0 : 1),
      state: { version, value: action.value },
    });
  }
  return next;
}

function mayMake(action: Exclude<Action, { kind: 'read' }>, version: number): boolean {
  if (action.kind === 'write') return (action.version ?? version) === version;
  return action.outcome !== 'refused' && action.expected + 1 === version;
}

function isDone(done: bigint, index: number): boolean {
  return ((done >> BigInt(index)) & 1n) === 1n;
}
