/** Version arithmetic against a plain model, and the record's round trip. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRecord, decodeServed, encodeRecord, RecordError } from './record.ts';
import {
  addVersion,
  deleteVersions,
  deletionTimeMs,
  destroyVersions,
  emptySecret,
  findVersion,
  isDeleted,
  isReadable,
  undeleteVersions,
} from './secret.ts';
import type { KeepingRules, Secret } from './secret.ts';

const RULES: KeepingRules = { maxVersions: 0, deleteVersionAfterSeconds: 0 };
const NOW = 1_800_000_000_000;

function written(count: number, rules = RULES, start: Secret = emptySecret(NOW)): Secret {
  let secret = start;
  for (let index = 0; index < count; index++) {
    secret = addVersion(secret, { id: `id-${index}` }, rules, NOW + index).secret;
  }
  return secret;
}

function numbers(secret: Secret): number[] {
  return secret.versions.map((version) => version.number);
}

test('ten versions are kept unless mount or secret asks for more', () => {
  assert.deepEqual(numbers(written(3)), [1, 2, 3]);
  assert.deepEqual(numbers(written(12)), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.equal(written(12).oldest, 3);
  assert.equal(written(10).oldest, 1);
  assert.equal(written(9).oldest, 0);
  assert.deepEqual(numbers(written(5, { ...RULES, maxVersions: 3 })), [3, 4, 5]);
  const more = { ...emptySecret(NOW), maxVersions: 4 };
  assert.deepEqual(numbers(written(5, { ...RULES, maxVersions: 3 }, more)), [2, 3, 4, 5]);
});

test('lowering the number to keep purges several at once, and says which', () => {
  const secret = { ...written(6), maxVersions: 2 };
  const { purged, secret: after } = addVersion(secret, { id: 'x' }, RULES, NOW);
  assert.deepEqual(purged, [1, 2, 3, 4, 5]);
  assert.deepEqual(numbers(after), [6, 7]);
});

test('a labelled version outlives the others', () => {
  const secret = { ...written(2), labels: { stable: 1 }, maxVersions: 2 };
  const { secret: after } = addVersion(secret, { id: 'x' }, RULES, NOW);
  assert.deepEqual(numbers(addVersion(after, { id: 'y' }, RULES, NOW).secret), [1, 3, 4]);
});

function age(mount: number, own: number): number | undefined {
  const rules = { ...RULES, deleteVersionAfterSeconds: mount };
  return deletionTimeMs(rules, { deleteVersionAfterSeconds: own }, 0);
}

test('the shorter age limit holds, and the mount can forbid both', () => {
  assert.equal(age(0, 0), undefined);
  assert.equal(age(60, 0), 60_000);
  assert.equal(age(0, 5), 5_000);
  assert.equal(age(60, 5), 5_000);
  assert.equal(age(5, 60), 5_000);
  assert.equal(age(-1, 60), undefined);
});

type Step =
  | { readonly do: 'add'; readonly max: number }
  | { readonly do: 'delete' | 'undelete' | 'destroy'; readonly numbers: readonly number[] };

const chosen = fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), max: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ do: fc.constantFrom('delete', 'undelete', 'destroy'), numbers: chosen }),
);

test('any sequence of transitions agrees with a model', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      let secret = emptySecret(NOW);
      let oldest = 0;
      let newest = 0;
      const model = new Map<number, 'live' | 'deleted' | 'destroyed'>();
      for (const [index, one] of steps.entries()) {
        const now = NOW + index;
        if (one.do === 'add') {
          const rules = { ...RULES, maxVersions: one.max };
          secret = addVersion(secret, { id: String(index) }, rules, now).secret;
          model.set(++newest, 'live');
          const kept = one.max === 0 ? 10 : one.max;
          if (newest - oldest >= kept) {
            oldest = newest - kept + 1;
            for (const number of model.keys()) if (number < oldest) model.delete(number);
          }
        } else {
          if (one.do === 'delete') secret = deleteVersions(secret, one.numbers, now);
          else if (one.do === 'undelete')
            secret = undeleteVersions(secret, one.numbers, RULES, now);
          else secret = destroyVersions(secret, one.numbers).secret;
          const state = { delete: 'deleted', undelete: 'live', destroy: 'destroyed' } as const;
          for (const number of one.numbers) {
            const before = model.get(number);
            if (before !== undefined && before !== 'destroyed') model.set(number, state[one.do]);
          }
        }
        assert.deepEqual(numbers(secret), [...model.keys()]);
        assert.equal(secret.newest, newest);
        assert.equal(secret.oldest, oldest);
        for (const version of secret.versions) {
          const expected = model.get(version.number);
          assert.equal(isReadable(version, now), expected === 'live');
          assert.equal(version.destroyed === true, expected === 'destroyed');
          if (expected === 'deleted') assert.ok(isDeleted(version, now));
        }
      }
    }),
  );
});

test('a record gives back what went in, and the served version alone', () => {
  const secret = {
    ...written(3),
    customMetadata: { note: 'line\nfeed' },
    labels: { stable: 2 },
    casRequired: true,
  };
  const value = Buffer.from([0, 10, 123, 10, 255]);
  const record = encodeRecord({ secret, value });
  const decoded = decodeRecord(record);
  assert.deepEqual(decoded.secret, secret);
  assert.deepEqual(Buffer.from(decoded.value), value);
  const served = decodeServed(record);
  assert.deepEqual(served.version, findVersion(secret, 3));
  assert.deepEqual(served.customMetadata, secret.customMetadata);
  assert.deepEqual(Buffer.from(served.value), value);
});

test('a record of another format is refused', () => {
  for (const text of ['', '{"f":1}', '{"f":2}\n{}\n', '{}\n{}\n']) {
    assert.throws(() => decodeServed(Buffer.from(text)), RecordError);
  }
});
