/** Functions of programs beyond the standard library: what they give, and what they refuse. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compiled } from './engine.ts';

const CLAIMS = { groups: ['dev', 'ops', 'dev'], n: 5, half: -2.5, nested: [['a'], ['b', ['c']]] };

function says(expression: string): string {
  const judge = compiled({ variables: [], expression: `(${expression}) ? 'yes' : 'no'` });
  const outcome = judge({ claims: CLAIMS, nowMs: 0, operation: 'update' });
  return outcome.kind === 'refused' ? outcome.reason : 'a login';
}

const TRUE: Readonly<Record<string, readonly string[]>> = {
  sets: [
    "sets.contains(claims.groups, ['ops'])",
    'sets.contains([1, 2], [2.0, 1u])',
    'sets.contains([], [])',
    "!sets.contains(claims.groups, ['ops', 'admin'])",
    "sets.equivalent(claims.groups, ['ops', 'dev'])",
    "!sets.equivalent(claims.groups, ['ops'])",
    "sets.intersects(claims.groups, ['admin', 'dev'])",
    '!sets.intersects(claims.groups, [])',
    'sets.intersects([[1], [2]], [[2]])',
  ],
  math: [
    'math.greatest(claims.n, 3) == 5.0',
    'math.greatest([1, 7, 3]) == 7',
    'math.least(1, 2.5, -3, 4u) == -3',
    'math.greatest(9007199254740993, 9007199254740992.0) == 9007199254740993',
    'math.abs(claims.half) == 2.5 && math.abs(-3) == 3 && math.sign(-3) == -1',
    'math.ceil(1.2) == 2.0 && math.floor(1.8) == 1.0 && math.trunc(-1.8) == -1.0',
    'math.round(claims.half) == -3.0 && math.round(2.4) == 2.0',
    'math.isNaN(0.0 / 0.0) && math.isInf(1.0 / 0.0) && math.isFinite(1.0) && !math.isInf(0.0 / 0.0)',
    'math.bitAnd(6, 3) == 2 && math.bitOr(4u, 1u) == 5u && math.bitXor(6, 3) == 5 && math.bitNot(0) == -1',
    'math.bitShiftLeft(1, 2) == 4 && math.bitShiftRight(-1, 60) == 15 && math.bitShiftLeft(1, 64) == 0',
    'math.sqrt(9) == 3.0',
  ],
  base64: [
    "base64.encode(b'hello') == 'aGVsbG8='",
    "base64.decode('aGVsbG8=') == b'hello' && base64.decode('aGVsbG8') == b'hello'",
  ],
  lists: [
    "claims.groups.distinct() == ['dev', 'ops']",
    '[1, 1.0, 2u, 2].distinct().size() == 2',
    "claims.groups.sort() == ['dev', 'dev', 'ops'] && [3, 1u, 2.5].sort() == [1, 2.5, 3]",
    "claims.groups.slice(1, 2) == ['ops'] && claims.groups.slice(3, 3) == []",
    "claims.groups.reverse().slice(0, 2) == ['dev', 'ops']",
    "claims.nested.flatten() == ['a', 'b', ['c']] && claims.nested.flatten(2) == ['a', 'b', 'c']",
  ],
};
for (const [name, expressions] of Object.entries(TRUE)) {
  suite(name, () => {
    for (const expression of expressions)
      test(expression, () => assert.equal(says(expression), 'the program says: yes'));
  });
}

test('what is none of their arguments fails the login', () => {
  for (const expression of [
    "sets.contains(claims.sub, ['a'])",
    "math.greatest('a', 'b') == 'a'",
    'math.greatest([]) == 1',
    'math.abs(-9223372036854775807 - 1) == 1',
    'math.bitShiftLeft(1, -1) == 1',
    "base64.decode('a b') == b''",
    "base64.decode('====') == b''",
    "['a', 1].sort() == []",
    'claims.groups.slice(2, 1) == []',
    'claims.groups.slice(0, 4) == []',
    'claims.groups.flatten(-1) == []',
  ])
    assert.match(says(expression), /^the program failed/, expression);
});
