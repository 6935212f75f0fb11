/** The import checker finds each kind of violation, planted one at a time, and accepts what the table allows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImports, importsOf } from './check-imports.ts';

function problemsOf(path: string, text: string): string[] {
  return checkImports([{ path, text }]);
}

const PLANTED: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a wrong layer',
    'src/policy/a.ts',
    "import { x } from '../barrier/b.ts';",
    /policy may not import barrier/,
  ],
  [
    'a type from a wrong layer',
    'src/policy/a.ts',
    "import type { X } from '../core/b.ts';",
    /may not import core/,
  ],
  [
    'a sibling member',
    'src/engines/kv/a.ts',
    "import { x } from '../transit/b.ts';",
    /sibling transit/,
  ],
  [
    'a concrete store',
    'src/core/a.ts',
    "import { x } from '../storage/sqlite/b.ts';",
    /only server may name storage\/sqlite/,
  ],
  [
    'the interface naming a member',
    'src/storage/a.ts',
    "import { x } from './sqlite/b.ts';",
    /only server may name/,
  ],
  [
    'a package',
    'src/crypto/a.ts',
    "import { x } from 'left-pad';",
    /may not import the package left-pad/,
  ],
  ['a scoped package', 'src/client/a.ts', "export { x } from '@a/b/c';", /package @a\/b$/],
  ['an unprefixed built-in', 'src/base/a.ts', "import { x } from 'fs';", /write node:fs/],
  ['an unknown room', 'src/base/a.ts', "import { x } from '../attic/b.ts';", /attic is no room/],
  [
    'tools from src',
    'src/base/a.ts',
    "import { x } from '../../tools/b.ts';",
    /src may not import tools/,
  ],
  [
    'a late room imported early',
    'src/cli/a.ts',
    "import { x } from '../server/b.ts';",
    /import\(\) only/,
  ],
  ['a side effect import', 'src/base/a.ts', "import '../core/b.ts';", /base may not import core/],
  [
    'a multi-line import',
    'src/base/a.ts',
    "import {\n  x,\n  y,\n} from '../core/b.ts';",
    /base may not import core/,
  ],
];

for (const [name, path, text, expected] of PLANTED) {
  test(`finds ${name}`, () => {
    const problems = problemsOf(path, text);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', expected);
  });
}

const ALLOWED: readonly (readonly [string, string, string])[] = [
  ['the room itself', 'src/policy/a.ts', "import { x } from './b.ts';"],
  [
    'the family interface from a member',
    'src/storage/sqlite/a.ts',
    "import { x } from '../storage.ts';",
  ],
  ['a file of the same member', 'src/storage/sqlite/a.ts', "import { x } from './page.ts';"],
  [
    'a concrete store from a test',
    'src/core/a.test.ts',
    "import { x } from '../storage/memory/b.ts';",
  ],
  ['a member from the server', 'src/server/a.ts', "import { x } from '../engines/kv/b.ts';"],
  ['a late room loaded late', 'src/cli/a.ts', ["await import('../ser", "ver/b.ts');"].join('')],
  ['a built-in', 'src/base/a.ts', "import { x } from 'node:fs';"],
];

for (const [name, path, text] of ALLOWED) {
  test(`allows ${name}`, () => assert.deepEqual(problemsOf(path, text), []));
}

const CYCLES: readonly (readonly [string, string])[] = [
  ['of values', "import { a } from './a.ts';"],
  ['of a type', "import type { A } from './a.ts';"],
  ['that is closed late', ['await import(', "'./a.ts');"].join('')],
];

for (const [name, text] of CYCLES) {
  test(`finds a cycle ${name}`, () => {
    const problems = checkImports([
      { path: 'src/base/a.ts', text: "import { b } from './b.ts';" },
      { path: 'src/base/b.ts', text },
    ]);
    assert.deepEqual(problems, ['import cycle: src/base/a.ts → src/base/b.ts']);
  });
}

test('finds rooms that import each other by different files', () => {
  const problems = checkImports([
    { path: 'src/server/a.ts', text: "import type { B } from '../core/b.ts';" },
    { path: 'src/server/c.ts', text: '' },
    { path: 'simulation/d.ts', text: "import { c } from '../src/server/c.ts';" },
    { path: 'src/core/b.ts', text: '' },
  ]);
  assert.deepEqual(problems, []);
  const circle = checkImports([
    { path: 'src/cli/a.ts', text: ['await import(', "'../server/b.ts');"].join('') },
    { path: 'src/server/b.ts', text: '' },
    { path: 'src/server/c.ts', text: "import type { D } from '../cli/d.ts';" },
    { path: 'src/cli/d.ts', text: '' },
  ]);
  assert.deepEqual(circle, ['cycle of rooms: cli → server']);
});

test('reads re-exports, types and lines', () => {
  assert.deepEqual(importsOf("// x\nexport type { A } from './a.ts';\nexport * from './b.ts';\n"), [
    { specifier: './a.ts', kind: 'type', line: 2 },
    { specifier: './b.ts', kind: 'runtime', line: 3 },
  ]);
});
