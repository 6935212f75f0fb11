/** Path matching: grammar, order, trailing slashes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { definePath } from '../../model/backend.ts';
import type { DeclaredOperation, Path } from '../../model/backend.ts';
import {
  appliesTo,
  compilePaths,
  expandPattern,
  isAmong,
  isGenericName,
  PatternError,
} from './paths.ts';

function declare(pattern: string, ...names: DeclaredOperation[]): Path {
  const operations = Object.fromEntries(
    names.map((name) => [name, { summary: 's', handler: () => undefined }]),
  );
  return definePath({ pattern, fields: {}, operations, help: { synopsis: 's' } });
}

function find(paths: readonly Path[], text: string): [string, Record<string, string>] | undefined {
  const match = compilePaths(paths)(text);
  return match && [match.path.pattern, { ...match.params }];
}

test('literals and parameters match whole segments', () => {
  const paths = [
    declare('config', 'read'),
    declare('roles/{name}', 'read'),
    declare('x/{id:any}/y', 'read'),
  ];
  assert.deepEqual(find(paths, 'config'), ['config', {}]);
  assert.equal(find(paths, 'config/'), undefined);
  assert.equal(find(paths, 'confi'), undefined);
  assert.equal(find(paths, 'configs'), undefined);
  assert.deepEqual(find(paths, 'roles/a.b-c'), ['roles/{name}', { name: 'a.b-c' }]);
  assert.equal(find(paths, 'roles/-a'), undefined);
  assert.equal(find(paths, 'roles/a b'), undefined);
  assert.equal(find(paths, 'roles/'), undefined);
  assert.equal(find(paths, 'roles'), undefined);
  assert.equal(find(paths, 'roles/a/b'), undefined);
  assert.deepEqual(find(paths, 'x/ü %/y'), ['x/{id:any}/y', { id: 'ü %' }]);
  assert.equal(find(paths, 'x//y'), undefined);
  assert.equal(find(paths, ''), undefined);
});

test('a rest parameter takes slashes, the trailing one too, and may be empty', () => {
  const paths = [declare('data/{path...}', 'read'), declare('{path...}', 'read')];
  assert.deepEqual(find(paths, 'data/'), ['data/{path...}', { path: '' }]);
  assert.deepEqual(find(paths, 'data/a//b/'), ['data/{path...}', { path: 'a//b/' }]);
  assert.deepEqual(find(paths, 'data'), ['{path...}', { path: 'data' }]);
  assert.deepEqual(find(paths, ''), ['{path...}', { path: '' }]);
});

test('a path that lists answers with and without its slash', () => {
  for (const pattern of ['roles', 'roles/']) {
    const paths = [declare(pattern, 'list'), declare('roles/{name}', 'read')];
    assert.equal(find(paths, 'roles')?.[0], pattern);
    assert.equal(find(paths, 'roles/')?.[0], pattern);
    assert.equal(find(paths, 'roles/a')?.[0], 'roles/{name}');
    assert.equal(find(paths, 'roles//'), undefined);
  }
  const root = [declare('', 'list')];
  assert.deepEqual(find(root, ''), ['', {}]);
});

test('optional ends expand greedily', () => {
  assert.deepEqual(expandPattern('a[/{x}][/{y}]'), ['a/{x}/{y}', 'a/{x}', 'a/{y}', 'a']);
  const paths = [declare('random[/{source}][/{bytes}]', 'update')];
  assert.deepEqual(find(paths, 'random'), [paths[0]?.pattern, {}]);
  assert.deepEqual(find(paths, 'random/all')?.[1], { source: 'all' });
  assert.deepEqual(find(paths, 'random/all/32')?.[1], { source: 'all', bytes: '32' });
  const absent = (text: string) => compilePaths(paths)(text)?.absent;
  assert.deepEqual(absent('random'), ['source', 'bytes']);
  assert.deepEqual(absent('random/all'), ['bytes']);
  assert.deepEqual(absent('random/all/32'), []);
});

test('the first declared path wins, across literal and parameter heads', () => {
  assert.equal(find([declare('{a}/b', 'read'), declare('x/b', 'read')], 'x/b')?.[0], '{a}/b');
  assert.equal(find([declare('x/b', 'read'), declare('{a}/b', 'read')], 'x/b')?.[0], 'x/b');
  assert.equal(find([declare('x/c', 'read'), declare('{a}/b', 'read')], 'x/b')?.[0], '{a}/b');
  assert.equal(find([declare('{a}/b', 'read'), declare('x/c', 'read')], 'x/b')?.[0], '{a}/b');
});

test('inherited names are no parameters and match nothing', () => {
  const match = compilePaths([declare('{a}', 'read')])('x');
  assert.equal(match?.params['toString'], undefined);
  assert.equal(find([declare('a', 'read')], 'constructor'), undefined);
  assert.equal(find([declare('a', 'read')], '__proto__'), undefined);
});

test('a pattern outside the grammar is refused', () => {
  for (const pattern of ['a[b', 'a]b', 'a-{x}', '{x}b', '{}', '{x...}/{b}', 'a[[/{x}]]', '{X Y}']) {
    assert.throws(() => compilePaths([declare(pattern, 'read')]), PatternError, pattern);
  }
});

test('names are judged as the reference does', () => {
  const reference = /^\w(([\w.-]+)?\w)?$/;
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('a', 'Z', '0', '_', '.', '-', ' ', 'é', '%'),
        maxLength: 6,
      }),
      (text) => assert.equal(isGenericName(text), reference.test(text)),
    ),
  );
});

test('matching agrees with the regular expression that a pattern stands for', () => {
  const patterns = [
    'a',
    'a/',
    'a/{x}',
    '{x}/b',
    'a/{x:any}/b',
    'a/{r...}',
    'a[/{x}]',
    'a/b[/{r...}]',
  ];
  const expressions = [
    /^a$/,
    /^a\/$/,
    /^a\/(?<x>\w(([\w.-]+)?\w)?)$/,
    /^(?<x>\w(([\w.-]+)?\w)?)\/b$/,
    /^a\/(?<x>[^/]+)\/b$/,
    /^a\/(?<r>.*)$/s,
    /^a(\/(?<x>\w(([\w.-]+)?\w)?))?$/,
    /^a\/b(\/(?<r>.*))?$/s,
  ];
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-'), maxLength: 8 });
  fc.assert(
    fc.property(fc.shuffledSubarray([...patterns.keys()]), text, (order, input) => {
      const paths = order.map((index) => declare(patterns[index] ?? '', 'read'));
      const hit = order.find((index) => expressions[index]?.test(input));
      const found = find(paths, input);
      if (hit === undefined) return assert.equal(found, undefined);
      const groups = Object.entries(expressions[hit]?.exec(input)?.groups ?? {});
      assert.deepEqual(found, [
        patterns[hit],
        Object.fromEntries(groups.filter(([, value]) => value !== undefined)),
      ]);
    }),
    { numRuns: 2000 },
  );
});

test('a serial number is one of hexadecimal digits, colons and dashes', () => {
  const paths = [declare('cert/{serial:hex}', 'read')];
  for (const serial of ['00:aF-9', 'ca', '12']) {
    assert.deepEqual(find(paths, `cert/${serial}`), ['cert/{serial:hex}', { serial }]);
  }
  for (const other of ['crl', 'NOT-A-SERIAL', '00.11', '', '00/']) {
    assert.equal(find(paths, `cert/${other}`), undefined, other);
  }
});

test('what is declared for a folder holds where a slash ends the path', () => {
  assert.deepEqual(
    [appliesTo('folder', 'a/'), appliesTo('folder', 'a'), appliesTo(true, 'a')],
    [true, false, true],
  );
  assert.equal(appliesTo(undefined, 'a/'), false);
});

test('places name paths by segments, and folders by a slash', () => {
  const places = ['cert/', 'provider/+/keys/', 'status'];
  for (const path of ['cert/', 'cert/a', 'cert/a/b/', 'provider/x/keys/y', 'status']) {
    assert.equal(isAmong(places, path), true, path);
  }
  for (const path of ['cert', 'certs/a', 'provider/x/y/keys/z', 'provider/keys/y', 'status/', '']) {
    assert.equal(isAmong(places, path), false, path);
  }
  assert.equal(isAmong(undefined, 'a'), false);
});
