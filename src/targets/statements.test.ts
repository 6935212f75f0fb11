/** Statements of roles: how they are spelled, split and filled. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { filled, spelledOut, splitStatements } from './statements.ts';

const PLAIN = { backslash: false };
const BACKSLASH = { backslash: true };

test('statements may be SQL, a list in JSON, or either in base64', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  assert.deepEqual(spelledOut(['CREATE x', '  ', '["a", "b;c"]']), ['CREATE x', 'a', 'b;c']);
  assert.deepEqual(spelledOut([base64('CREATE USER x;'), base64('["a b c d"]')]), [
    'CREATE USER x;',
    'a b c d',
  ]);
  assert.deepEqual(spelledOut(['[not json', 'SELECT1=', '["a", 1]']), [
    '[not json',
    'SELECT1=',
    '["a", 1]',
  ]);
});

suite('a text of statements', () => {
  for (const [sql, wanted] of [
    ['a; b;;c ', ['a', 'b', 'c']],
    [`a ';' "x;y" \`z;\`; b`, [`a ';' "x;y" \`z;\``, 'b']],
    ["a 'it''s;' ; b", ["a 'it''s;'", 'b']],
    ['a $$ x; y $$; b $t$ ; $t$', ['a $$ x; y $$', 'b $t$ ; $t$']],
    ['a -- no; no\n; b /* no; */ c', ['a', 'b   c']],
    ['BEGIN x; y; END; z', ['BEGIN x; y; END; z']],
    [`a 'END'; b`, [`a 'END'`, 'b']],
  ] as const) {
    test(`${JSON.stringify(sql)} is split at its own semicolons`, () => {
      assert.deepEqual(splitStatements(sql, PLAIN), wanted);
    });
  }

  test('a backslash escapes where the database says so', () => {
    assert.deepEqual(splitStatements(`a 'x\\'; y'; b`, BACKSLASH), [`a 'x\\'; y'`, 'b']);
  });
});

/** Reads a literal back as the database would. */
function literal(sql: string, backslash: boolean): string {
  assert.ok(sql.startsWith("'") && sql.endsWith("'"));
  let text = '';
  for (let at = 1; at < sql.length - 1; at++) {
    if (backslash && sql[at] === '\\') at++;
    else if (sql[at] === "'") assert.equal(sql[++at], "'", 'the literal ends early');
    text += sql[at];
  }
  return text;
}

test('a value inside quotes is that value, whatever is in it', () => {
  const nasty = fc.string({
    unit: fc.constantFrom("'", '"', '`', '\\', ';', '$', '-', '{{name}}', 'a', '\n'),
  });
  fc.assert(
    fc.property(nasty, fc.boolean(), (name, backslash) => {
      const dialect = { backslash };
      assert.equal(literal(filled(`'{{name}}'`, { name }, dialect), backslash), name);
      const quoted = filled('"{{name}}"', { name }, PLAIN);
      assert.equal(quoted.slice(1, -1).replaceAll('""', '"'), name);
    }),
  );
});

test('places that nobody fills stay, and comments take no values', () => {
  assert.equal(filled('{{name}} {{other}} -- {{name}}', { name: 'x' }, PLAIN), 'x {{other}} -- ');
});
