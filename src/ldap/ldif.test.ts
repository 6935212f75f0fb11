/** LDIF as people write it, and text that is none. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { LdifError, parseLdif } from './ldif.ts';

suite('LDIF', () => {
  test('entries, changes and removals, with folded lines, comments and base64', () => {
    const text = [
      'version: 1',
      '# who',
      '  a folded comment',
      'dn: cn=a,dc=ex',
      'objectClass: person',
      'objectClass: top',
      'cn: a',
      'description: one ',
      ' two',
      'userPassword:: c2VjcmV0',
      '',
      '',
      'dn: cn=g,dc=ex',
      'changetype: modify',
      'add: member',
      'member: cn=a,dc=ex',
      '-',
      'replace: description',
      'description: new',
      '-',
      'delete: seeAlso',
      '',
      'dn:: Y249YSxkYz1leA==',
      'changetype: delete',
    ].join('\r\n');
    assert.deepEqual(parseLdif(text), [
      {
        kind: 'add',
        dn: 'cn=a,dc=ex',
        attributes: [
          { type: 'objectClass', values: ['person', 'top'] },
          { type: 'cn', values: ['a'] },
          { type: 'description', values: ['one two'] },
          { type: 'userPassword', values: [Buffer.from('secret')] },
        ],
      },
      {
        kind: 'modify',
        dn: 'cn=g,dc=ex',
        changes: [
          { operation: 'add', type: 'member', values: ['cn=a,dc=ex'] },
          { operation: 'replace', type: 'description', values: ['new'] },
          { operation: 'delete', type: 'seeAlso', values: [] },
        ],
      },
      { kind: 'delete', dn: 'cn=a,dc=ex' },
    ]);
    assert.deepEqual(parseLdif('\n\n'), []);
  });

  const WRONG = [
    'cn: a',
    'dn: cn=a',
    'dn:\ncn: a',
    ' folded',
    'dn: cn=a\nnot an attribute',
    'dn: cn=a\njpegPhoto:< file:///etc/passwd',
    'dn: cn=a\ncn:: ***',
    'dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b',
    'dn: cn=a\ncontrol: 1.2.3\nchangetype: delete',
    'dn: cn=a\nchangetype: delete\ncn: a',
    'dn: cn=a\nchangetype: modify',
    'dn: cn=a\nchangetype: modify\nadd: cn\nsn: b',
    'dn: cn=a\nchangetype: modify\ncn: b',
    'dn: cn=a\ncn: a\n-',
    'dn: cn=a\nchangetype: delete\n\n'.repeat(101),
  ];
  for (const text of WRONG) {
    test(`refuses ${JSON.stringify(text.slice(0, 50))}`, () => {
      assert.throws(() => parseLdif(text), LdifError);
    });
  }

  test('whatever a value holds comes back from its base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        const value = Buffer.from(bytes);
        const [change] = parseLdif(`dn: cn=a\nx:: ${value.toString('base64')}`);
        assert.deepEqual(change, {
          kind: 'add',
          dn: 'cn=a',
          attributes: [{ type: 'x', values: [value] }],
        });
      }),
    );
  });

  test('any text is read or refused, never a crash', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'dn: cn=a',
        'changetype: modify',
        'add: x',
        'x: y',
        '-',
        '',
        ' x',
        '#',
        'x:<',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          parseLdif(lines.join('\n'));
        } catch (error) {
          assert.ok(error instanceof LdifError);
        }
      }),
    );
  });
});
