/** What every backend must do, whatever it is for: read back what was written, survive any input, keep quiet about values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openBench } from '../core/backend-bench.contract.ts';
import type { BenchOperation, CallOptions } from '../core/backend-bench.contract.ts';
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { Backend, Path } from '../model/backend.ts';
import { RequestError } from '../model/errors.ts';
import type { Unit } from '../model/transaction.ts';

type Tested = Backend | (Backend<Unit> & { readonly scope: 'unit' });

/** One thing that is written, read back, listed and deleted. */
export interface Sample {
  /** Where it is written and deleted, and read unless `read` says otherwise. */
  readonly path: string;
  readonly body: JsonObject;
  readonly read?: string;
  /** What the data of a read must contain. */
  readonly shows: JsonObject;
  /** The folder that lists it, and its name there. */
  readonly listed?: { readonly path: string; readonly name: string };
  /** Deleting it is not enough to make it unreadable, or cannot be done. */
  readonly stays?: boolean;
}

function assertContains(actual: unknown, wanted: JsonObject): void {
  assert.ok(typeof actual === 'object' && actual !== null);
  for (const [name, value] of Object.entries(wanted)) {
    assert.deepEqual((actual as JsonObject)[name], value, name);
  }
}

/** Registers: what is written is read back, twice is as once, a list names it, deleted is gone. */
export function testReadBack(
  backend: Tested,
  samples: readonly Sample[],
  options: CallOptions = {},
): void {
  for (const sample of samples) {
    const { path, body, shows, listed, read = sample.path } = sample;
    test(`${backend.type}: ${path} is read back, listed and deleted`, async () => {
      const bench = await openBench(backend);
      for (const round of ['first', 'second']) {
        await bench.call('write', path, body, options);
        assertContains((await bench.call('read', read, {}, options))?.data, shows);
        if (listed !== undefined) {
          const keys = (await bench.call('list', listed.path, {}, options))?.data?.['keys'];
          assert.ok(Array.isArray(keys) && keys.includes(listed.name), `${round} list`);
        }
      }
      if (sample.stays === true) return;
      await bench.call('delete', path, {}, options);
      assert.equal((await bench.fail('read', read, {}, options)).code, 'not_found');
      await bench.call('delete', path, {}, options);
    });
  }
}

/** Nothing a backend says by itself contains this. */
const PLANTED = 'QXZJQXZJ';
const planted = fc.constantFrom<JsonValue>(
  PLANTED,
  [PLANTED],
  { [PLANTED]: PLANTED },
  `${PLANTED},1`,
);
const anything = fc.oneof(planted, fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>);

const OPERATIONS: readonly BenchOperation[] = ['write', 'patch', 'read', 'list', 'scan', 'delete'];
const NAMES = ['a', 'b', 'a/b', 'Ω', 'a b', '..', '__proto__'];
const PARAM = /\{([A-Za-z0-9_]+)(:any|:uuid|:hex|\.\.[.+])?\}/g;
const SAMPLE_UUID = '12345678-abcd-4def-8123-123456789abc';
const SAMPLE_HEX = '1f:0a';
/** Runs per path; every run opens nothing new, so that later ones meet what earlier ones left. */
const RUNS = 40;

interface Attempt {
  readonly operation: BenchOperation;
  readonly path: string;
  readonly data: JsonObject;
}

function attemptsAt<S>(path: Path<S>): fc.Arbitrary<Attempt> {
  const names = Object.keys(path.fields);
  const data = fc.dictionary(
    names.length === 0 ? fc.string() : fc.oneof(fc.constantFrom(...names), fc.string()),
    anything,
    { maxKeys: 4 },
  );
  return fc.record({
    operation: fc.constantFrom(...OPERATIONS),
    path: fc.constantFrom(...NAMES).map((name) =>
      path.pattern
        .replaceAll('[', '')
        .replaceAll(']', '')
        .replace(PARAM, (_all, _param, form) =>
          form === ':uuid' ? SAMPLE_UUID : form === ':hex' ? SAMPLE_HEX : name,
        ),
    ),
    data,
  });
}

/** Registers: any input is answered or refused with an error for callers, whose texts never repeat what was sent. */
export function testSurvival(backend: Tested, options: CallOptions = {}): void {
  for (const path of backend.paths) {
    test(`${backend.type}: ${path.pattern} survives any input in silence`, async () => {
      const bench = await openBench(backend);
      await fc.assert(
        fc.asyncProperty(attemptsAt(path as Path), async ({ operation, path: at, data }) => {
          try {
            await bench.call(operation, at, data, options);
          } catch (error) {
            if (!(error instanceof RequestError)) throw error;
            const said = `${error.message} ${error.detail ?? ''} ${JSON.stringify(error.data ?? '')}`;
            assert.ok(!said.includes(PLANTED), `${operation} ${at} repeats what was sent`);
          }
        }),
        { numRuns: RUNS },
      );
    });
  }
}
