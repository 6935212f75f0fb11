/** Names in directories: escapes that cannot be left, and one form for all spellings. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { filledFilter, isFilterTemplate } from './filter-template.ts';
import {
  canonicalName,
  commonNameOf,
  escapeDnValue,
  escapeFilterValue,
  partsOf,
  sidText,
} from './names.ts';

suite('escapes', () => {
  test('no value leaves its place in a filter (GHSA-6mwx-4547-5vc9)', () => {
    assert.equal(escapeFilterValue('*)(uid=*'), '\\2a\\29\\28uid=\\2a');
    assert.equal(escapeFilterValue('a\\28b'), 'a\\5c28b');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const escaped = escapeFilterValue(text);
        assert.doesNotMatch(escaped.replace(/\\[\da-f]{2}/g, ''), /[()*\\\0]/);
        const bytes = escaped.replace(/\\([\da-f]{2})/g, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
        assert.equal(Buffer.from(bytes, 'latin1').toString(), Buffer.from(text).toString());
      }),
    );
  });

  test('no value leaves its place in a distinguished name', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(text, (value) => {
        const dn = `uid=${escapeDnValue(value)},dc=example`;
        assert.deepEqual(partsOf(dn), [
          { type: 'uid', value: Buffer.from(value).toString() },
          { type: 'dc', value: 'example' },
        ]);
      }),
    );
  });
});

test('spellings that a directory takes for one name have one form (CVE-2025-6004)', () => {
  for (const spelling of [
    'Bob',
    ' bob ',
    'BOB',
    'b\u00adob',
    'bo\u200bb',
    'ｂｏｂ',
    'bob\n',
    '\u00a0bob',
  ])
    assert.equal(canonicalName(spelling, { foldCase: true }), 'bob', JSON.stringify(spelling));
  assert.equal(canonicalName('Mary  \t Ann', { foldCase: true }), 'mary ann');
  assert.equal(canonicalName(' Bob ', { foldCase: false }), 'Bob');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, foldCase) => {
      const once = canonicalName(text, { foldCase });
      assert.equal(canonicalName(once, { foldCase }), once);
    }),
  );
});

test('the common name is what groups are called by', () => {
  const any = { upperCaseOnly: false };
  assert.equal(commonNameOf('cn=Dev\\, Ops,ou=g,dc=x', any), 'Dev, Ops');
  assert.equal(commonNameOf('ou=x+CN=b,dc=x', any), 'b');
  assert.equal(commonNameOf('cn=a,dc=x', { upperCaseOnly: true }), 'cn=a,dc=x');
  assert.equal(commonNameOf('engineers', any), 'engineers');
  assert.equal(commonNameOf('uid=a,dc=x', any), 'uid=a,dc=x');
});

test('identifiers of Active Directory are read', () => {
  const bytes = Buffer.from('010500000000000515000000a065cf7e784b9b5fe77c8770091c0100', 'hex');
  assert.equal(sidText(bytes), 'S-1-5-21-2127521184-1604012920-1887927527-72713');
  assert.equal(sidText(bytes.subarray(1)), undefined);
  assert.equal(sidText(Buffer.alloc(0)), undefined);
});

test('templates take their own fields only', () => {
  const fields = ['UserDN', 'Username'];
  assert.equal(filledFilter('(a={{.UserDN}})', { UserDN: '*' }), '(a=\\2a)');
  assert.ok(isFilterTemplate('(x=y)', fields));
  for (const template of ['{{', '{{.Other}}', '{{ printf "%s" .UserDN }}', '{{.UserDN', '{{}}'])
    assert.ok(!isFilterTemplate(template, fields), template);
});
