/** Identity templates: which values they take, and when a rule is dropped. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fillTemplate, parseTemplate } from './template.ts';
import type { IdentityView } from './template.ts';

const IDENTITY: IdentityView = {
  entity: {
    id: 'e-1',
    name: 'alice',
    metadata: { team: 'blue', 'a.b': 'dotted', empty: '', star: 'x*', plus: '+', slash: 'a/b' },
    aliases: new Map([
      ['acc_1', { id: 'al-1', name: 'al', metadata: { k: 'v' }, customMetadata: { c: 'w' } }],
    ]),
  },
  groups: [
    { id: 'g-0', name: 'devs', namespaceId: 'other', metadata: {} },
    { id: 'g-1', name: 'devs', namespaceId: 'root', metadata: { m: 'n' } },
  ],
};

function fill(path: string, identity: IdentityView = IDENTITY): string | undefined {
  const template = parseTemplate(path);
  assert.ok(template);
  return fillTemplate(template, identity, 'root');
}

suite('values', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['identity.entity.id', 'e-1'],
    ['identity.entity.name', 'alice'],
    ['identity.entity.metadata.team', 'blue'],
    ['identity.entity.metadata.a.b', 'dotted'],
    ['identity.entity.aliases.acc_1.id', 'al-1'],
    ['identity.entity.aliases.acc_1.name', 'al'],
    ['identity.entity.aliases.acc_1.metadata.k', 'v'],
    ['identity.entity.aliases.acc_1.custom_metadata.c', 'w'],
    ['identity.groups.ids.g-0.name', 'devs'],
    ['identity.groups.names.devs.id', 'g-1'],
    ['identity.groups.names.devs.metadata.m', 'n'],
  ];
  for (const [directive, value] of cases) {
    test(directive, () => {
      assert.equal(fill(`a/{{ ${directive} }}/*`), `a/${value}/*`);
      assert.equal(fill(`{{${directive}}}-{{${directive}}}`), `${value}-${value}`);
    });
  }
});

suite('rules that are dropped', () => {
  const dropped = [
    'identity.entity.metadata.none',
    'identity.entity.metadata.constructor',
    'identity.entity.metadata.__proto__',
    'identity.entity.metadata',
    'identity.entity.metadata.empty',
    'identity.entity.metadata.star',
    'identity.entity.metadata.plus',
    'identity.entity.metadata.slash',
    'identity.entity.groups.names',
    'identity.entity.aliases.acc_2.name',
    'identity.entity.aliases.acc_1',
    'identity.entity.aliases.acc_1.metadata',
    'identity.groups.names.ops.id',
    'identity.groups.names.devs',
    'identity.groups.nope.devs.id',
    'identity.groups.ids.g-1.metadata.none',
    'identity',
    '',
    'time.now',
  ];
  for (const directive of dropped) {
    test(directive, () => assert.equal(fill(`a/{{${directive}}}/*`), undefined));
  }

  test('without an entity or groups', () => {
    const nobody: IdentityView = { entity: undefined, groups: [] };
    assert.equal(fill('{{identity.entity.id}}', nobody), undefined);
    assert.equal(fill('{{identity.groups.ids.g-1.name}}', nobody), undefined);
  });

  test('wildcards and slashes pass when the policy allows them', () => {
    const template = parseTemplate('{{identity.entity.metadata.star}}');
    assert.ok(template);
    const allow = { wildcards: true, slashes: false };
    assert.equal(fillTemplate(template, IDENTITY, 'root', allow), 'x*');
  });
});

test('a path without braces is no template', () => {
  assert.equal(parseTemplate('a/{b}/*'), undefined);
  for (const path of ['{{', '}}', '{{a', 'a}}{{b}}', '{{a}}}}', '{{a{{b}}}}']) {
    assert.throws(() => parseTemplate(path), SyntaxError, path);
  }
});
