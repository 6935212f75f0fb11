/** Walking a tree from any point on: what comes after it, in order, as much as was asked for. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { pathsBelow } from './paths-below.ts';

const paths = fc.uniqueArray(
  fc
    .array(fc.constantFrom('a', 'b', 'aa', 'a.b', '-'), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('/')),
  { maxLength: 40 },
);

suite('paths below a folder', () => {
  test('step by step they are all there, each once', async () => {
    await fc.assert(
      fc.asyncProperty(paths, fc.integer({ min: 1, max: 7 }), async (wanted, limit) => {
        const storage = createMemoryStorage();
        const puts = wanted.map((key) => ({
          key: `x/${key}`,
          value: Buffer.alloc(0),
          revision: 1,
        }));
        await storage.commit({ checks: [], puts, deletes: [] });
        const found: string[] = [];
        for (let after = ''; ; after = found.at(-1) ?? '') {
          const step = await pathsBelow(
            (folder, page) => storage.list(`x/${folder}`, page),
            after,
            limit,
          );
          assert.ok(step.length <= limit);
          found.push(...step);
          if (step.length < limit) break;
        }
        assert.deepEqual([...found].sort(), [...wanted].sort());
      }),
    );
  });
});
