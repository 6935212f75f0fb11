/** HCL: what it accepts, where it complains, and that printing loses nothing. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { HclError, parseHcl } from './parse.ts';
import type { HclNode, ObjectNode } from './parse.ts';
import { formatHcl, printHcl, quoteHcl } from './printer.ts';
import { asInteger, asStringList, blocksNamed, toPlain, unknownKeys, valuesNamed } from './read.ts';

function plain(text: string): unknown {
  return JSON.parse(JSON.stringify(toPlain(parseHcl(text).body)));
}

function failure(text: string): HclError {
  try {
    parseHcl(text);
  } catch (error) {
    assert.ok(error instanceof HclError);
    return error;
  }
  return assert.fail(`parsed: ${text}`);
}

/** The tree without places and comments. */
function shape(node: HclNode): unknown {
  switch (node.kind) {
    case 'object':
      return {
        items: node.items.map((item) => ({
          keys: item.keys.map((key) => key.name),
          assigned: item.assigned,
          value: shape(item.value),
        })),
      };
    case 'list':
      return node.elements.map((element) => shape(element.value));
    case 'number':
      return { number: node.text };
    case 'null':
      return null;
    default:
      return node.value;
  }
}

suite('HCL values', () => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['strings', 'a = "x"', { a: 'x' }],
    ['escapes', String.raw`a = "\n\t\"\\\u00e4\U0001F600\x41\101"`, { a: '\n\t"\\ä😀AA' }],
    ['interpolation is left alone', String.raw`a = "${'$'}{b["c\n"]} d"`, { a: '${b["c\\n"]} d' }],
    [
      'numbers',
      'a = 10\nb = -3\nc = 0x1F\nd = 017\ne = 1.5e3',
      { a: 10, b: -3, c: 31, d: 15, e: 1500 },
    ],
    ['booleans', 'a = true\nb = false', { a: true, b: false }],
    ['lists', 'a = [1, "b", [true], {c = 2},]', { a: [1, 'b', [true], { c: 2 }] }],
    ['a list over lines', 'a = [\n  1, # one\n  2\n]', { a: [1, 2] }],
    ['commas between items', 'a = { b = 1, c = 2, }', { a: { b: 1, c: 2 } }],
    ['blocks with labels', 'a "b" c { d = 1 }', { a: { b: { c: { d: 1 } } } }],
    ['comments', '# x\n// y\n/* z\n*/ a = 1 # end', { a: 1 }],
    ['heredoc', 'a = <<EOF\none\n  two\nEOF\nb = 1', { a: 'one\n  two\n', b: 1 }],
    ['heredoc without last line end', 'a = <<EOF\none\nEOF', { a: 'one\n' }],
    ['indented heredoc', 'a = <<-EOF\n    one\n      two\n    EOF\n', { a: 'one\n  two\n' }],
    ['indented heredoc, one line less', 'a = <<-EOF\n  one\n    EOF\n', { a: '  one\n' }],
    ['Windows line ends', 'a = 1\r\nb = <<E\r\nx\r\nE\r\n', { a: 1, b: 'x\n' }],
    [
      'keys with dots, dashes, letters',
      'a.b-c = 1\nä = 2\n"q r" = 3',
      { 'a.b-c': 1, ä: 2, 'q r': 3 },
    ],
    ['nothing', ' \n', {}],
    [
      'JSON',
      '{"a": {"b": [1, null, -1.5e2, "\\u00e4"]}, "c": false}',
      { a: { b: [1, null, -150, 'ä'] }, c: false },
    ],
    ['JSON that ends before its first value', '{"path": ', {}],
    ['prototype names', 'a "__proto__" { b = 1 }', { a: { ['__proto__']: { b: 1 } } }],
  ];
  for (const [name, text, value] of cases) test(name, () => assert.deepEqual(plain(text), value));

  test('an integer keeps all its digits', () => {
    const [value] = valuesNamed(parseHcl('a = 9223372036854775807').body, 'a');
    assert.equal(value?.kind === 'number' && value.text, '9223372036854775807');
  });
});

suite('HCL errors', () => {
  const cases: readonly (readonly [string, number, number, RegExp])[] = [
    ['path "x" {', 1, 11, /object expected closing RBRACE got: EOF/],
    ['path x', 1, 7, /key 'path x' expected start of object/],
    ['5', 1, 1, /expected: IDENT \| STRING \| ASSIGN \| LBRACE got: NUMBER/],
    ['a = ', 1, 5, /value is expected/],
    ['= 1', 1, 1, /no object keys/],
    ['a b = 1', 1, 5, /nested object expected/],
    ['a = [1 2]', 1, 8, /expected comma or list end/],
    ['a = [1', 1, 7, /expected comma or list end, got: EOF/],
    ['}', 1, 1, /got: RBRACE/],
    ['a = 1\n  b = "x', 2, 9, /literal not terminated/],
    ['a = "x\ny"', 1, 7, /literal not terminated/],
    [String.raw`a = "\q"`, 1, 7, /illegal char escape/],
    [String.raw`a = "\ud800"`, 1, 12, /illegal char escape/],
    ['ä = "😀" ?', 1, 9, /illegal char/],
    ['/* x', 1, 1, /comment not terminated/],
    ['/ x', 1, 1, /expected '\/'/],
    ['a = <<EOF\nx', 2, 2, /heredoc not terminated/],
    ['a = <EOF', 1, 6, /second '<'/],
    ['a = 089', 1, 8, /octal/],
    ['a = 0x', 1, 7, /hexadecimal/],
    ['a = 99999999999999999999', 1, 5, /64 bits/],
    ['a = "\0"', 1, 6, /null character/],
    ['{"a": 1} x', 1, 10, /end of the text/],
    ['{"a": {"b": 1}', 1, 15, /expected/],
    ['{"a": [1,]}', 1, 10, /value is expected/],
    ['{"a": 1,}', 1, 9, /string is expected/],
    ['{"a": "\\x"}', 1, 11, /escape/],
    ['{a: 1}', 1, 2, /string is expected/],
  ];
  for (const [text, line, column, message] of cases) {
    test(JSON.stringify(text), () => {
      const error = failure(text);
      assert.match(error.message, message);
      assert.deepEqual(error.position, { line, column });
    });
  }

  test('limits on bytes, depth and values', () => {
    const limits = { bytesMax: 100, depthMax: 3, nodesMax: 10 };
    assert.throws(() => parseHcl('é'.repeat(51), limits), /longer than 100 bytes/);
    assert.throws(() => parseHcl('a = [[[[]]]]', limits), /deep/);
    assert.throws(() => parseHcl('{"a":{"a":{"a":{}}}}', limits), /deep/);
    assert.throws(() => parseHcl('a = [1,1,1,1,1,1,1,1,1]', limits), /values/);
    assert.throws(() => parseHcl('#\n'.repeat(11), limits), /values/);
  });
});

suite('reading a tree', () => {
  test('labelled blocks, nested objects and JSON read alike', () => {
    for (const text of [
      'p "a" { x = 1 }\np "b" { x = 2 }',
      'p = { a = { x = 1 } b = { x = 2 } }',
      'p { "a" { x = 1 } "b" { x = 2 } }',
      '{"p": {"a": {"x": 1}, "b": {"x": 2}}}',
      '{"p": [{"a": {"x": 1}}, {"b": {"x": 2}}]}',
    ]) {
      const blocks = blocksNamed(parseHcl(text).body, 'p', 1);
      const read = blocks.map(({ labels, body }) => [
        labels,
        valuesNamed(body, 'x').map((node) => asInteger(node, 'x')),
      ]);
      assert.deepEqual(
        read,
        [
          [['a'], [1]],
          [['b'], [2]],
        ],
        text,
      );
    }
  });

  test('wrong shapes are refused with their place', () => {
    const { body } = parseHcl('p "a" "b" { }\nq = 1\nr = ["x", true]\ns "l" { }');
    assert.throws(() => blocksNamed(body, 'p', 1), /At 1:7: p: 1 label/);
    assert.throws(() => blocksNamed(body, 'q', 1), /At 2:5: q: expected an object, got a number/);
    assert.throws(() => valuesNamed(body, 's'), /At 4:3: s takes no label/);
    const [list] = valuesNamed(body, 'r');
    assert.ok(list);
    assert.throws(
      () => asStringList(list, 'r'),
      /At 3:11: r\[1\]: expected a string, got a boolean/,
    );
    assert.deepEqual(
      unknownKeys(body, new Set(['p', 'q', 'r'])).map((key) => key.name),
      ['s'],
    );
  });
});

suite('formatting', () => {
  test('canonical form', () => {
    const messy = `# head
# more

path   "secret/*" { # why
capabilities=["read",   "list"]
  max_wrapping_ttl  = "1h" # an hour
allowed_parameters={"a"=[] "*"=["x",
"y"]}

# last
}
path "b" {}
text = <<EOF
 kept
EOF
`;
    assert.equal(
      formatHcl(messy),
      `# head
# more

path "secret/*" {
  # why
  capabilities     = ["read", "list"]
  max_wrapping_ttl = "1h" # an hour
  allowed_parameters = {
    "a" = []
    "*" = [
      "x",
      "y",
    ]
  }

  # last
}

path "b" {}

text = <<EOT
 kept
EOT
`,
    );
  });

  test('JSON stays JSON', () => {
    assert.equal(
      formatHcl('{"a":[1.0,{}],"b":null}'),
      '{\n  "a": [\n    1.0,\n    {}\n  ],\n  "b": null\n}\n',
    );
  });
});

const word = fc.constantFrom('path', 'a', 'b-c', 'x.y', 'ä', 'capabilities', '_');
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('$', '{', '}', '"', '\\', '\n', 'a', '\r', '`') }),
);
const { value: anyValue } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text.map(quoteHcl),
    fc.integer().map(String),
    fc.boolean().map(String),
    fc.constantFrom('0x1f', '017', '1.50', '<<E\nx\n y\nE\n', '<<-E\n\t\tx\n\tE\n'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[ # c\n${items.join(', // d\n')}\n]`),
    tie('object'),
  ),
  object: fc
    .array(
      fc.oneof(
        fc.tuple(word, tie('value')).map(([key, value]) => `${key} = ${value}`),
        fc
          .tuple(word, text, tie('object'))
          .map(([key, label, body]) => `${key} ${quoteHcl(label)} ${body}`),
        fc.constantFrom('# comment', '/* a\n b */ z = 1 // after', '', '\n'),
      ),
      { maxLength: 5 },
    )
    .map((items) => `{\n${items.join('\n')}\n}`),
}));

/** The tree, or undefined when the text is refused; any other error fails the test. */
function parsed(source: string): ObjectNode | undefined {
  try {
    return parseHcl(source).body;
  } catch (error) {
    assert.ok(error instanceof HclError, String(error));
    return undefined;
  }
}

suite('properties', () => {
  test('quoting a string and reading it gives it back', () => {
    fc.assert(
      fc.property(text, (value) => {
        assert.deepEqual(plain(`a = ${quoteHcl(value)}`), JSON.parse(JSON.stringify({ a: value })));
      }),
    );
  });

  test('printing keeps the tree and is stable', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 4 }), (values) => {
        const source = values.map((value, index) => `k${index} = ${value}`).join('\n# c\n\n');
        const { body } = parseHcl(source);
        const printed = printHcl(body);
        assert.deepEqual(shape(parseHcl(printed).body), shape(body));
        assert.equal(formatHcl(printed), printed);
      }),
      { numRuns: 300 },
    );
  });

  test('random text parses or fails with its own error', () => {
    const soup = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          '"',
          '=',
          ',',
          '\n',
          ' ',
          '#',
          '/',
          '*',
          '<<E',
          'E',
          '\\',
          '${',
          '0x',
          '.',
          '-',
          '1',
          'e',
          'true',
          ':',
          'null',
        ),
        fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(soup, fc.boolean(), (source, json) => {
        const body = parsed(json ? `{"a":${source}` : source);
        if (body !== undefined)
          assert.deepEqual(parseHcl(printHcl(body)).body.items.length, body.items.length);
      }),
      { numRuns: 3000 },
    );
  });

  test('time grows with the text, not faster', () => {
    // Each of these is a long text that would take minutes if anything were quadratic.
    const big = 100_000;
    const limits = { bytesMax: 4 * big, depthMax: 50, nodesMax: big };
    for (const source of [
      `a = "${'${'.repeat(big)}`,
      `a = "${'\\n'.repeat(big)}`,
      `a = <<E\n${'x\n'.repeat(big)}`,
      `/*${'*'.repeat(big)}`,
      `a = ${'9'.repeat(big)}`,
      `a = [${'1,'.repeat(big)}`,
      `{"a": [${'1,'.repeat(big)}`,
      'a '.repeat(big),
    ]) {
      assert.throws(() => parseHcl(source, limits), HclError);
    }
    assert.ok(quoteHcl('${'.repeat(big)).length > big);
  });
});
