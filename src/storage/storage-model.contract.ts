/** The contract as a property: any sequence of operations answers like a plain map would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { entry, withStorage } from './storage-member.contract.ts';
import type { StorageMember } from './storage-member.contract.ts';
import { ConflictError } from './storage.ts';
import type { ScannableStorage } from './storage.ts';

const RUNS = 40;
const STEPS_MAX = 40;

/** Few segments, so that keys collide, share folders and sit around the bytes that matter: `-` < `/` < `0`. */
const segment: fc.Arbitrary<string> = fc.constantFrom(
  'a',
  'a-',
  'a0',
  'b',
  'é',
  '\uff5e',
  '\u{1f511}',
);
const key: fc.Arbitrary<string> = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join('/'));
const revision: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4 });

type Step =
  | {
      readonly do: 'commit';
      readonly checks: readonly (readonly [string, number | 'absent' | 'as it is'])[];
      readonly puts: readonly (readonly [string, number])[];
      readonly deletes: readonly string[];
      readonly sums: readonly string[];
    }
  | { readonly do: 'read'; readonly keys: readonly string[] }
  | { readonly do: 'list'; readonly folder: string; readonly after: string; readonly limit: number }
  | {
      readonly do: 'scan';
      readonly prefix: string;
      readonly after: string;
      readonly limit: number;
    };

const keys: fc.Arbitrary<string[]> = fc.uniqueArray(key, { maxLength: 4 });
const limit: fc.Arbitrary<number> = fc.integer({ min: 1, max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      checks: fc.array(
        fc.tuple(
          key,
          fc.oneof(
            { weight: 6, arbitrary: fc.constant('as it is' as const) },
            fc.constant('absent' as const),
            revision,
          ),
        ),
        { maxLength: 3 },
      ),
      puts: fc.uniqueArray(fc.tuple(key, revision), { maxLength: 4, selector: ([name]) => name }),
      deletes: keys,
      sums: keys,
    }),
  },
  fc.record({ do: fc.constant('read' as const), keys }),
  fc.record({
    do: fc.constant('list' as const),
    folder: fc.oneof(
      fc.constant(''),
      key.map((name) => `${name}/`),
    ),
    after: fc.oneof(
      fc.constant(''),
      segment,
      segment.map((name) => `${name}/`),
    ),
    limit,
  }),
  fc.record({
    do: fc.constant('scan' as const),
    prefix: fc.oneof(fc.constant(''), key),
    after: fc.oneof(fc.constant(''), key),
    limit,
  }),
);

/** Registers the property test. */
export function modelContract(member: StorageMember): void {
  test('any sequence of operations answers like a plain map', async () => {
    await withStorage(member, async (storage) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
          const model = new Map<string, number>();
          for (const next of steps) await runStep(storage, model, next);
          const everything = await storage.scan('', undefined, 1000);
          assert.deepEqual(
            everything.map((found) => [found.key, found.revision]),
            sortedKeys(model).map((name) => [name, model.get(name)]),
          );
          const deletes = everything.map((found) => found.key);
          await storage.commit({ checks: [], puts: [], deletes });
        }),
        { numRuns: RUNS },
      );
    });
  });
}

async function runStep(
  storage: ScannableStorage,
  model: Map<string, number>,
  next: Step,
): Promise<void> {
  switch (next.do) {
    case 'commit':
      return runCommit(storage, model, next);
    case 'read': {
      const found = await storage.read(next.keys);
      assert.deepEqual(
        found,
        next.keys.map((name) => modelEntry(model, name)),
      );
      return;
    }
    case 'list': {
      const names = sortedKeys(model)
        .filter((name) => name.startsWith(next.folder) && name !== next.folder)
        .map((name) => name.slice(next.folder.length).replace(/\/.*$/su, '/'));
      const expected = [...new Set(names)]
        .filter((name) => byteOrder(name, next.after) > 0)
        .slice(0, next.limit);
      assert.deepEqual(await storage.list(next.folder, next), expected);
      return;
    }
    case 'scan': {
      const found = await storage.scan(next.prefix, next.after, next.limit);
      const expected = sortedKeys(model)
        .filter((name) => name.startsWith(next.prefix) && byteOrder(name, next.after) > 0)
        .slice(0, next.limit);
      assert.deepEqual(
        found,
        expected.map((name) => modelEntry(model, name)),
      );
    }
  }
}

async function runCommit(
  storage: ScannableStorage,
  model: Map<string, number>,
  next: Extract<Step, { do: 'commit' }>,
): Promise<void> {
  const checks = next.checks.map(([name, wanted]) => ({
    key: name,
    revision: wanted === 'absent' ? undefined : wanted === 'as it is' ? model.get(name) : wanted,
  }));
  const put = new Set(next.puts.map(([name]) => name));
  const deletes = next.deletes.filter((name) => !put.has(name));
  const sums = next.sums.filter((name) => !put.has(name) && !deletes.includes(name));
  const expected = checks.find((check) => model.get(check.key) !== check.revision);
  let conflict: string | undefined;
  try {
    await storage.commit({
      checks,
      puts: next.puts.map(([name, number]) => entry(name, number)),
      deletes,
      amend: {
        keys: sums,
        apply: (found) => sums.map((name, index) => entry(name, (found[index]?.revision ?? 0) + 1)),
      },
    });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    conflict = error.key;
  }
  assert.equal(conflict, expected?.key);
  if (expected !== undefined) return;
  for (const name of sums) model.set(name, (model.get(name) ?? 0) + 1);
  for (const [name, number] of next.puts) model.set(name, number);
  for (const name of deletes) model.delete(name);
}

function modelEntry(
  model: ReadonlyMap<string, number>,
  name: string,
): ReturnType<typeof entry> | undefined {
  const found = model.get(name);
  return found === undefined ? undefined : entry(name, found);
}

function sortedKeys(model: ReadonlyMap<string, number>): string[] {
  return [...model.keys()].sort(byteOrder);
}

function byteOrder(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
