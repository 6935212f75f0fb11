/** The judge of histories: it must see what is wrong, or its silence means nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgeHistory } from './linearizable.ts';
import type { Action, Operation } from './linearizable.ts';

const op = (callMs: number, answerMs: number, action: Action): Operation => ({
  callMs,
  answerMs,
  action,
});
const read = (version: number, value: number): Action => ({
  kind: 'read',
  saw: { version, value },
});
const write = (value: number, version?: number): Action => ({ kind: 'write', value, version });

test('a read after a write sees it, not what was before', () => {
  const start = [op(0, 1, write(7, 1)), op(2, 3, write(8, 2))];
  assert.equal(judgeHistory([...start, op(4, 5, read(2, 8))]), 'linearizable');
  assert.equal(judgeHistory([...start, op(4, 5, read(1, 7))]), 'violation');
  assert.equal(judgeHistory([...start, op(4, 5, read(0, 0))]), 'violation');
});

test('operations that overlap may take effect in either order, but in one', () => {
  const both = [op(0, 10, write(1, 1)), op(0, 10, write(2, 2))];
  assert.equal(judgeHistory([...both, op(1, 2, read(1, 1)), op(3, 4, read(2, 2))]), 'linearizable');
  assert.equal(judgeHistory([...both, op(1, 2, read(2, 2)), op(3, 4, read(1, 1))]), 'violation');
});

test('a write without an answer may have happened or not, once, and not before it was sent', () => {
  const unknown = op(5, Infinity, write(9));
  const before = op(0, 1, write(1, 1));
  assert.equal(judgeHistory([before, unknown, op(6, 7, read(1, 1))]), 'linearizable');
  assert.equal(judgeHistory([before, unknown, op(6, 7, read(2, 9))]), 'linearizable');
  assert.equal(
    judgeHistory([before, unknown, op(6, 7, read(2, 9)), op(8, 9, read(1, 1))]),
    'violation',
  );
  assert.equal(judgeHistory([before, unknown, op(2, 3, read(2, 9))]), 'violation');
  assert.equal(judgeHistory([before, unknown, op(6, 7, write(2, 4))]), 'violation');
});

test('of two that set on one version only one can be done', () => {
  const set = (value: number, outcome: 'done' | 'refused' | 'unknown'): Action => ({
    kind: 'compare-and-set',
    value,
    expected: 0,
    outcome,
  });
  assert.equal(
    judgeHistory([op(0, 5, set(1, 'done')), op(0, 5, set(2, 'refused'))]),
    'linearizable',
  );
  assert.equal(judgeHistory([op(0, 5, set(1, 'done')), op(0, 5, set(2, 'done'))]), 'violation');
  assert.equal(judgeHistory([op(0, 5, set(2, 'refused'))]), 'violation');
});

test('histories of a real register pass, and with one answer changed do not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ write: fc.boolean(), long: fc.integer({ min: 1, max: 9 }) }), {
        minLength: 4,
        maxLength: 40,
      }),
      fc.nat(),
      (plan, pick) => {
        let version = 0;
        const history = plan.map((each, index): Operation => {
          // Takes effect at its index; calls and answers reach around it, into the neighbours'.
          const [callMs, answerMs] = [index - each.long / 10, index + each.long / 10];
          if (each.write) version += 1;
          const action = each.write ? write(version * 100, version) : read(version, version * 100);
          return op(callMs, answerMs, action);
        });
        assert.equal(judgeHistory(history), 'linearizable');
        const reads = history.filter(({ action }) => action.kind === 'read');
        const victim = reads[pick % Math.max(1, reads.length)];
        if (victim === undefined) return;
        const spoiled = history.map((each) =>
          each === victim ? { ...each, action: read(version + 1, 1) } : each,
        );
        assert.equal(judgeHistory(spoiled), 'violation');
      },
    ),
  );
});
