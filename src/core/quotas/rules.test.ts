/** The most specific quota counts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { QuotaScope } from './records.ts';
import { QuotaRules } from './rules.ts';
import type { QuotaSubject } from './rules.ts';

interface NamedRule extends QuotaScope {
  readonly name: string;
}

function rule(name: string, scope: Partial<QuotaScope>): NamedRule {
  return {
    name,
    namespaceId: 'root',
    mountAccessor: '',
    suffix: '',
    role: '',
    inheritable: false,
    ...scope,
  };
}

const RULES = new QuotaRules([
  rule('global', { inheritable: true }),
  rule('ns1', { namespaceId: 'ns1' }),
  rule('ns3', { namespaceId: 'ns3', inheritable: true }),
  rule('kv', { mountAccessor: 'kv' }),
  rule('kv path', { mountAccessor: 'kv', suffix: 'data/a' }),
  rule('kv glob', { mountAccessor: 'kv', suffix: 'data/*' }),
  rule('kv longer glob', { mountAccessor: 'kv', suffix: 'data/app/*' }),
  rule('jwt role', { mountAccessor: 'jwt', role: 'ci' }),
  rule('jwt login', { mountAccessor: 'jwt', suffix: 'login' }),
]);

describe('QuotaRules', () => {
  const CASES: readonly (readonly [string, Partial<QuotaSubject>, string | undefined])[] = [
    ['a mount without rules', { mountAccessor: 'other' }, 'global'],
    ['no mount at all', {}, 'global'],
    ['the mount', { mountAccessor: 'kv', pathBelowMount: 'config' }, 'kv'],
    ['the mount itself', { mountAccessor: 'kv' }, 'kv'],
    ['the path', { mountAccessor: 'kv', pathBelowMount: 'data/a' }, 'kv path'],
    ['the path as a folder', { mountAccessor: 'kv', pathBelowMount: 'data/a/' }, 'kv path'],
    ['the glob', { mountAccessor: 'kv', pathBelowMount: 'data/b' }, 'kv glob'],
    ['the longer glob', { mountAccessor: 'kv', pathBelowMount: 'data/app/x' }, 'kv longer glob'],
    ['the role', { mountAccessor: 'jwt', pathBelowMount: 'login', role: 'ci' }, 'jwt role'],
    ['another role', { mountAccessor: 'jwt', pathBelowMount: 'login', role: 'x' }, 'jwt login'],
    ['the namespace', { namespaceIds: ['ns1', 'root'] }, 'ns1'],
    ['what the namespace inherits', { namespaceIds: ['ns2', 'root'] }, 'global'],
    ['what is not inherited', { namespaceIds: ['ns2', 'ns1', 'root'] }, 'global'],
    ['the nearest that is inherited', { namespaceIds: ['ns4', 'ns3', 'root'] }, 'ns3'],
  ];
  for (const [name, subject, expected] of CASES) {
    test(name, () => {
      const found = RULES.find({
        namespaceIds: ['root'],
        mountAccessor: undefined,
        pathBelowMount: '',
        role: '',
        ...subject,
      });
      assert.equal(found?.name, expected);
    });
  }

  test('only mounts with role rules need the role', () => {
    assert.deepEqual([RULES.needsRole('jwt'), RULES.needsRole('kv')], [true, false]);
  });

  test('nothing comes of no rules', () => {
    const none = new QuotaRules([]);
    const subject = { namespaceIds: ['root'], mountAccessor: 'kv', pathBelowMount: '', role: '' };
    assert.equal(none.find(subject), undefined);
  });
});
