/** Globs: what they match, judged by a regular expression. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { globMatches } from './glob.ts';

test('globs match what their pieces do', () => {
  const piece = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }),
      (pieces, text) => {
        const expected = new RegExp(`^${pieces.join('[ab]*')}$`).test(text);
        assert.equal(globMatches(pieces.join('*'), text), expected);
      },
    ),
  );
});
