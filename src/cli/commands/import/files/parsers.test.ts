/** Parsers of imported files, each against a writer of the same format. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../../client/json.ts';
import { faultOfPath, PATH_BYTES_MAX, shown } from '../names.ts';
import { awsSecrets, knownVersions } from './aws-export.ts';
import { parseEnv } from './env-file.ts';
import { DEPTH_MAX, InputError, parseJsonDocuments } from './input.ts';
import { assertDistinct, entriesOf } from './layout.ts';
import type { Entry } from './layout.ts';
import { parseYaml } from './yaml-file.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);

test('.env: what a writer quotes comes back, whatever stands around it', () => {
  const quoted = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\r'));
  const plain = fc.stringMatching(/^[A-Za-z0-9_/+=:.-]{0,12}$/);
  const value = fc.oneof(
    quoted.map((text) => ({
      text,
      written: `"${text.replace(/["\\$]/g, '\\$&').replaceAll('\t', '\\t')}"`,
    })),
    quoted.filter((text) => !text.includes("'")).map((text) => ({ text, written: `'${text}'` })),
    plain.map((text) => ({ text, written: ` ${text} # a comment` })),
    plain.map((text) => ({ text, written: text })),
  );
  const around = fc.constantFrom('', '\n', '# a comment = "none\n', '   \n\t\n');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value, around, fc.boolean())), (lines) => {
      const text = lines
        .map(
          ([key, { written }, between, isExported]) =>
            `${between}${isExported ? 'export ' : ''}${key}=${written}\n`,
        )
        .join('');
      const wanted = new Map<string, string>();
      for (const [key, each] of lines) wanted.set(key, each.text);
      assert.deepEqual(parseEnv(text), wanted);
      assert.deepEqual(parseEnv(text.trimEnd()), wanted);
    }),
    { numRuns: 200 },
  );
});

test('.env: any text is read or refused with a line, in linear time, and never repeated', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('A', '=', '"', "'", '\\', '\n', '#', ' ', '$'),
        maxLength: 60,
      }),
      (text) => {
        try {
          parseEnv(text);
        } catch (error) {
          assert.ok(error instanceof InputError);
          assert.match(error.message, /line \d+/);
        }
      },
    ),
    { numRuns: 1000 },
  );
  for (const text of ['S3CRET', 'S3 CRET=1', 'A="S3CRET', "A='x' S3CRET", '1S3CRET=x']) {
    assert.throws(
      () => parseEnv(text),
      (error: Error) => error instanceof InputError && !error.message.includes('S3CRET'),
    );
  }
  const long = `A=${' '.repeat(2_000_000)}x\n`;
  assert.equal(parseEnv(long).get('A'), 'x');
});

test('.env: the usual spellings', () => {
  const text = `\
# settings
export HOST=db.example.com   # the database
PORT = 5432
EMPTY=
URL=postgres://u:p@h/db?x=1#part
SINGLE='a "b" $C \\n'
DOUBLE="a \\"b\\" \\$C \\n'\\\\"
TICK=\`it's "so"\`
KEY="-----BEGIN-----
abc
-----END-----"
HOST=twice\r
`;
  assert.deepEqual(Object.fromEntries(parseEnv(text)), {
    HOST: 'twice',
    PORT: '5432',
    EMPTY: '',
    URL: 'postgres://u:p@h/db?x=1#part',
    SINGLE: 'a "b" $C \\n',
    DOUBLE: 'a "b" $C \n\'\\',
    TICK: 'it\'s "so"',
    KEY: '-----BEGIN-----\nabc\n-----END-----',
  });
});

test('JSON: documents behind each other come back, with any space between them', () => {
  const document = fc.oneof(
    fc.dictionary(fc.string(), json),
    fc.array(json),
  ) as fc.Arbitrary<JsonValue>;
  const space = fc.constantFrom('', ' ', '\n', '\r\n\t');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(document, space, fc.boolean()), { minLength: 1 }),
      (documents) => {
        const text = documents
          .map(([value, gap, isPretty]) => JSON.stringify(value, null, isPretty ? 2 : 0) + gap)
          .join('');
        const wanted = documents.map(([value]) => JSON.stringify(value));
        assert.deepEqual(
          parseJsonDocuments(text).map((value) => JSON.stringify(value)),
          wanted,
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('JSON: what is none is refused without being repeated, deep things before they are parsed', () => {
  for (const text of [
    'S3CRET',
    '{"a":S3CRET}',
    '{"a":"S3CRET',
    '{"a":1}}',
    '{"a":1} S3CRET',
    ']',
  ]) {
    assert.throws(
      () => parseJsonDocuments(text),
      (error: Error) => error instanceof InputError && !error.message.includes('S3CRET'),
      text,
    );
  }
  assert.throws(() => parseJsonDocuments('['.repeat(1_000_000)), /more than 64 levels/);
  assert.deepEqual(
    JSON.stringify(parseJsonDocuments('{"n":12345678901234567890}')),
    '[{"n":12345678901234567890}]',
  );
});

test('YAML: JSON is YAML, numbers stay what they are', async () => {
  await fc.assert(
    fc.asyncProperty(json, async (value) => {
      assert.equal(JSON.stringify(await parseYaml(JSON.stringify(value))), JSON.stringify([value]));
    }),
    { numRuns: 300 },
  );
  assert.equal(
    JSON.stringify(
      await parseYaml('a: 12345678901234567890\nb: 1.5\nc: yes\nd: 2026-01-01\n---\n- x\n'),
    ),
    '[{"a":12345678901234567890,"b":1.5,"c":"yes","d":"2026-01-01"},["x"]]',
  );
});

test('YAML: bombs, circles and wrong texts are refused', async () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (const [at, letter] of Array.from('bcdefghi').entries()) {
    const before = 'abcdefgh'[at] ?? '';
    bomb.push(`${letter}: &${letter} [${Array.from({ length: 9 }, () => `*${before}`).join(',')}]`);
  }
  for (const text of [
    bomb.join('\n'),
    'a: &a\n  b: *a\n',
    'a: [S3CRET',
    'a: 1\na: 2\n',
    'a: .inf\n',
    `${'['.repeat(100)}${']'.repeat(100)}`,
  ]) {
    await assert.rejects(
      parseYaml(text),
      (error: Error) => error instanceof InputError && !error.message.includes('S3CRET'),
      text.slice(0, 30),
    );
  }
  const polluted = await parseYaml('__proto__: {polluted: true}\n');
  assert.equal(JSON.stringify(polluted), '[{"__proto__":{"polluted":true}}]');
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
});

/** The tree that entries stand for. */
function grown(entries: readonly Entry[]): JsonObject {
  const root = Object.create(null) as JsonObject;
  for (const { path, value } of entries) {
    assert.equal(value.kind, 'object');
    let at = root;
    for (const part of path.split('/')) {
      at[part] ??= Object.create(null) as JsonObject;
      at = at[part] as JsonObject;
    }
    Object.assign(at, value.kind === 'object' ? value.data : {});
  }
  return root;
}

test('the layout "tree" keeps every value, under the path of its members', () => {
  const leaf = fc.dictionary(name, fc.string(), { minKeys: 1, maxKeys: 3 });
  const { tree } = fc.letrec<{ tree: JsonObject }>((tie) => ({
    tree: fc.dictionary(name, fc.oneof({ depthSize: 'small' }, leaf, tie('tree')), {
      minKeys: 1,
      maxKeys: 4,
    }) as fc.Arbitrary<JsonObject>,
  }));
  fc.assert(
    fc.property(tree, (object) => {
      const entries = assertDistinct(entriesOf(object, 'tree'));
      assert.equal(canonicalText(grown(entries)), canonicalText(object));
    }),
    { numRuns: 300 },
  );
  assert.deepEqual(entriesOf({ a: 'x', b: { c: 'y', d: { e: 'z' } } }, 'tree'), [
    { path: 'a', value: { kind: 'object', data: { value: 'x' } } },
    { path: 'b/c', value: { kind: 'object', data: { value: 'y' } } },
    { path: 'b/d', value: { kind: 'object', data: { e: 'z' } } },
  ]);
  assert.deepEqual(entriesOf({ a: 1, b: { c: 2 } }, 'each'), [
    { path: 'a', value: { kind: 'object', data: { value: 1 } } },
    { path: 'b', value: { kind: 'object', data: { c: 2 } } },
  ]);
  assert.throws(() => entriesOf([1], 'one'), /no map/);
  assert.throws(
    () => assertDistinct([...entriesOf({ a: 1 }, 'each'), ...entriesOf({ a: 2 }, 'each')]),
    /twice/,
  );
  assert.ok(DEPTH_MAX < 100);
});

function canonicalText(object: JsonObject): string {
  return JSON.stringify(object, (_key, value: JsonValue) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
}

test('AWS: a secret is put together from the answers of all operations, in any order', () => {
  const version = fc.record({
    id: fc.uuid(),
    at: fc.integer({ min: 1_600_000_000, max: 1_700_000_000 }),
    text: fc.string(),
    isBinary: fc.boolean(),
    isIso: fc.boolean(),
  });
  const secret = fc.record({
    name: fc.stringMatching(/^[a-z]{1,5}(?:\/[a-z]{1,5}){0,2}$/),
    versions: fc.uniqueArray(version, { selector: ({ id }) => id, minLength: 1, maxLength: 4 }),
    description: fc.string(),
    tags: fc.dictionary(name, fc.string(), { maxKeys: 3, noNullPrototype: true }),
  });
  const secrets = fc.uniqueArray(secret, { selector: (one) => one.name, maxLength: 4 });
  fc.assert(
    fc.property(secrets, fc.infiniteStream(fc.nat()), (all, order) => {
      const documents: JsonValue[] = [
        {
          SecretList: all.map((one) => ({
            ARN: `arn:aws:secretsmanager:eu-west-1:1:secret:${one.name}-AbCdEf`,
            Name: one.name,
            Description: one.description,
            Tags: Object.entries(one.tags).map(([Key, Value]) => ({ Key, Value })),
            SecretVersionsToStages: Object.fromEntries(
              one.versions.map(({ id }, index) => [id, [`S${index}`]]),
            ),
          })),
        },
        ...all.flatMap((one) =>
          one.versions.map((each) => ({
            ARN: `arn:aws:secretsmanager:eu-west-1:1:secret:${one.name}-AbCdEf`,
            VersionId: each.id,
            ...(each.isBinary
              ? { SecretBinary: Buffer.from(each.text).toString('base64') }
              : { SecretString: each.text }),
            CreatedDate: each.isIso ? new Date(each.at * 1000).toISOString() : each.at,
          })),
        ),
      ];
      const shuffled = documents.map((one) => [order.next().value ?? 0, one] as const);
      shuffled.sort(([one], [other]) => one - other);
      const found = awsSecrets(shuffled.map(([, one]) => one));
      assert.equal(found.size, all.length);
      for (const one of all) {
        const read = found.get(one.name);
        assert.ok(read);
        assert.deepEqual([read.description, read.tags], [one.description, one.tags]);
        const known = knownVersions(read);
        assert.equal(known.length, one.versions.length);
        for (const [index, { id, at, text, isBinary }] of one.versions.entries()) {
          const got = known.find((each) => each.id === id);
          assert.deepEqual([got?.createdMs, got?.stages], [at * 1000, [`S${index}`]]);
          assert.equal(
            isBinary ? Buffer.from(got?.base64 ?? '', 'base64').toString() : got?.text,
            Buffer.from(text).toString(),
          );
        }
        const times = known.map(({ createdMs }) => createdMs ?? 0);
        assert.deepEqual(
          times,
          [...times].sort((a, b) => a - b),
        );
      }
    }),
    { numRuns: 200 },
  );
  for (const document of ['S3CRET', 7, null, {}, [{ ARN: 'S3CRET' }]] as JsonValue[]) {
    assert.throws(
      () => awsSecrets([document]),
      (error: Error) => error instanceof InputError && !error.message.includes('S3CRET'),
    );
  }
});

test('names: none leads elsewhere, and none is shown as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      assert.doesNotMatch(shown(text), /[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/u);
      assert.ok(shown(text).isWellFormed());
      if (faultOfPath(text) !== undefined) return;
      assert.equal(
        new URL(`http://h/${text.split('/').map(encodeURIComponent).join('/')}`).pathname.split('/')
          .length,
        text.split('/').length + 1,
      );
      assert.doesNotMatch(text, /\p{Cc}/u);
    }),
    { numRuns: 1000 },
  );
  for (const path of [
    '',
    'a//b',
    '/a',
    'a/',
    '.',
    'a/..',
    '../b',
    'a/./b',
    'a\nb',
    'x'.repeat(PATH_BYTES_MAX + 1),
    '\ud800',
  ]) {
    assert.notEqual(faultOfPath(path), undefined, JSON.stringify(path));
  }
  for (const path of ['a', 'a/b', '..a', 'ü/日本', 'a b'])
    assert.equal(faultOfPath(path), undefined);
});
