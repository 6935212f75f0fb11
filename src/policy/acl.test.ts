/** Decisions of an ACL, as tables of policies and requests. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import { parseJson } from '../base/json.ts';
import type { Operation } from '../model/request.ts';
import { AclError, buildAcl } from './acl.ts';
import type { Acl, AclInput, Decision } from './acl.ts';
import { ROOT_POLICY } from './builtin.ts';
import { parsePolicy } from './parse.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

function input(text: string, namespacePath = '', name = 'p'): AclInput {
  return { policy: parsePolicy(text, name), namespaceId: namespacePath || 'root', namespacePath };
}

function acl(...texts: readonly string[]): Acl {
  return buildAcl(
    texts.map((text, index) => input(text, '', `p${index}`)),
    { nowMs: NOW_MS },
  );
}

function decide(
  list: Acl,
  operation: Operation,
  path: string,
  more: { data?: JsonObject; wrapTtlSeconds?: number; nowMs?: number } = {},
): Decision {
  return list.decide({ operation, path, nowMs: NOW_MS, ...more });
}

function allows(list: Acl, operation: Operation, path: string): boolean {
  return decide(list, operation, path).allowed;
}

function grant(path: string, ...capabilities: readonly string[]): string {
  return `path "${path}" { capabilities = ${JSON.stringify(capabilities)} }\n`;
}

function boundRule(text: string): string {
  return `path "a" { capabilities = ["read", "list"] ${text} }`;
}

function pageOutcome(list: Acl, data: JsonObject): unknown {
  const decision = decide(list, 'list', 'a/', { data });
  return decision.allowed ? decision.limit : decision.reason;
}

/** Paths that `text` lets read, of all that are asked. */
const READ_PATHS = [
  'kv/a',
  'kv/a/b',
  'kv/a/b/c',
  'kv/x/y/z',
  'kv/team/one/conf',
  'kv/team/two/conf',
  'kv/abc',
  'kv/abd',
];

suite('which rule counts for a read', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'longer prefixes and exact paths come before shorter ones',
      grant('kv/*', 'read') + grant('kv/a/*', 'deny') + grant('kv/a/b/c', 'read'),
      ['kv/a', 'kv/a/b/c', 'kv/x/y/z', 'kv/team/one/conf', 'kv/team/two/conf', 'kv/abc', 'kv/abd'],
    ],
    [
      'a plus stands for one segment, exact comes first',
      grant('kv/team/+/conf', 'read') +
        grant('kv/team/two/conf', 'deny') +
        grant('kv/+/y/z', 'read'),
      ['kv/x/y/z', 'kv/team/one/conf'],
    ],
    [
      'an open end ranks below a closed one',
      grant('kv/+/b*', 'read') + grant('kv/+/b/c', 'deny'),
      ['kv/a/b'],
    ],
    ['an exact rule beats a prefix', grant('kv/a', 'read') + grant('kv/a*', 'deny'), ['kv/a']],
    [
      'a star inside is an ordinary character',
      grant('kv/ab*', 'read') + grant('kv/*/b', 'read'),
      ['kv/abc', 'kv/abd'],
    ],
    ['everything', grant('*', 'read'), READ_PATHS],
    ['a later plus ranks higher', grant('kv/+/b', 'deny') + grant('kv/a/+', 'read'), ['kv/a/b']],
    [
      'fewer pluses rank higher',
      grant('kv/+/+/z', 'deny') + grant('kv/+/y/z', 'read'),
      ['kv/x/y/z'],
    ],
    [
      'a prefix that goes further ranks higher',
      grant('kv/te*', 'read') + grant('kv/+/one/conf', 'deny'),
      ['kv/team/one/conf', 'kv/team/two/conf'],
    ],
    [
      'a plus beats a prefix of the same place',
      grant('kv/*', 'read') + grant('kv/+', 'deny'),
      ['kv/a/b', 'kv/a/b/c', 'kv/x/y/z', 'kv/team/one/conf', 'kv/team/two/conf'],
    ],
    ['a lone plus', grant('+', 'read'), []],
    ['a leading plus', grant('+/abc', 'read'), ['kv/abc']],
    ['a plus and an open end', grant('+/a/*', 'read'), ['kv/a/b', 'kv/a/b/c']],
    ['a slash at the front is dropped', grant('/kv/abc', 'read'), ['kv/abc']],
    ['nothing', '', []],
  ];
  for (const [name, text, readable] of cases) {
    test(name, () => {
      const list = acl(text);
      assert.deepEqual(
        READ_PATHS.filter((path) => allows(list, 'read', path)),
        readable,
      );
    });
  }
});

suite('listing', () => {
  test('exact rules with and without the closing slash', () => {
    const bare = acl(grant('kv/', 'list') + grant('kv/a', 'list'));
    assert.ok(allows(bare, 'list', 'kv/'));
    assert.ok(allows(bare, 'list', 'kv/a/'));
    const slashed = acl(grant('kv/a/', 'list'));
    assert.ok(!allows(slashed, 'list', 'kv/'));
    assert.ok(allows(slashed, 'list', 'kv/a/'));
    assert.ok(!allows(slashed, 'read', 'kv/a'));
  });

  for (const operation of ['list', 'scan'] as const) {
    test(`a deny below a ${operation} grant holds (CVE-2026-12624)`, () => {
      const list = acl(
        grant('m/*', operation) +
          grant('m/private/*', 'deny') +
          grant('m/private/granted/*', operation),
      );
      const paths = ['m/', 'm/test/', 'm/private/', 'm/private/internal/', 'm/private/granted/'];
      assert.deepEqual(
        paths.map((path) => allows(list, operation, path)),
        [true, true, false, false, true],
      );
    });

    test(`a deny without the slash holds for ${operation}`, () => {
      assert.ok(!allows(acl(grant('m/*', operation) + grant('m/a', 'deny')), operation, 'm/a/'));
      const wild = acl(grant('m/*', operation) + grant('m/+/x', 'deny'));
      assert.ok(!allows(wild, operation, 'm/a/x/'));
      assert.ok(allows(wild, operation, 'm/a/y/'));
      // A grant that matches only without the slash does not outrun the rule for the path itself.
      assert.ok(!allows(acl(grant('m/+', operation) + grant('m/*', 'deny')), operation, 'm/a/'));
      assert.ok(allows(acl(grant('m/+', operation)), operation, 'm/a/'));
    });
  }
});

suite('capabilities', () => {
  const operations: readonly (readonly [Operation, string])[] = [
    ['create', 'create'],
    ['read', 'read'],
    ['update', 'update'],
    ['patch', 'patch'],
    ['delete', 'delete'],
    ['list', 'list'],
    ['scan', 'scan'],
    ['renew', 'update'],
    ['revoke', 'update'],
  ];
  test('each operation needs its own', () => {
    for (const capability of [
      'create',
      'read',
      'update',
      'delete',
      'list',
      'sudo',
      'patch',
      'scan',
      'deny',
    ]) {
      const list = acl(grant('x', capability));
      for (const [operation, needed] of operations) {
        assert.equal(
          allows(list, operation, 'x'),
          capability === needed,
          `${capability} ${operation}`,
        );
      }
      assert.ok(allows(list, 'help', 'x'));
      assert.ok(!allows(list, 'header', 'x'));
      assert.equal(decide(list, 'read', 'x').sudo, capability === 'sudo');
    }
  });

  test('as sys/capabilities names them', () => {
    const list = acl(
      grant('secret/data/*', 'read', 'list') +
        grant('secret/data/own', 'create', 'update', 'patch', 'delete', 'sudo') +
        grant('secret/data/no', 'deny') +
        grant('secret/+/plus', 'read') +
        grant('empty'),
    );
    const of = (path: string): readonly string[] => list.capabilities(path, NOW_MS);
    assert.deepEqual(of('secret/data/x'), ['list', 'read']);
    assert.deepEqual(of('secret/data/own'), ['create', 'delete', 'patch', 'sudo', 'update']);
    assert.deepEqual(of('secret/data/no'), ['deny']);
    assert.deepEqual(of('secret/metadata/plus'), ['read']);
    assert.deepEqual(of('secret/data/'), ['list', 'read']);
    assert.deepEqual(of('/secret/data/x'), ['list', 'read']);
    assert.deepEqual(of('other'), ['deny']);
    assert.deepEqual(of('empty'), ['deny']);
  });
});

suite('merging policies', () => {
  test('capabilities unite, deny wins whichever comes first', () => {
    const union = acl(grant('a', 'read'), grant('a', 'update'));
    assert.ok(allows(union, 'read', 'a') && allows(union, 'update', 'a'));
    for (const order of [
      ['read', 'deny'],
      ['deny', 'read'],
    ]) {
      const list = acl(...order.map((capability) => grant('a', capability)));
      const decision = decide(list, 'read', 'a');
      assert.equal(decision.reason, 'denied');
      assert.deepEqual(
        decision.policies.map((policy) => policy.name),
        [`p${order.indexOf('deny')}`],
      );
    }
  });

  test('policies that granted are named', () => {
    const list = acl(grant('a', 'read', 'list'), grant('a', 'update'), grant('a', 'read'));
    const decision = decide(list, 'read', 'a');
    assert.deepEqual(decision.policies, [
      { name: 'p0', namespaceId: 'root', namespacePath: '' },
      { name: 'p2', namespaceId: 'root', namespacePath: '' },
    ]);
    assert.equal(decision.rule, 'a');
  });

  test('the smaller of two bounds counts', () => {
    const list = acl(
      boundRule('max_wrapping_ttl = 90 pagination_limit = 30'),
      boundRule('max_wrapping_ttl = 60 min_wrapping_ttl = 20 pagination_limit = 10'),
      boundRule('min_wrapping_ttl = 40'),
    );
    const at = (wrapTtlSeconds: number): boolean =>
      decide(list, 'read', 'a', { wrapTtlSeconds }).allowed;
    assert.deepEqual([0, 19, 20, 60, 61].map(at), [false, false, true, true, false]);
    assert.equal(decide(list, 'list', 'a', { wrapTtlSeconds: 30 }).limit, 10);
    const contradicting = acl(
      boundRule('max_wrapping_ttl = 10'),
      boundRule('min_wrapping_ttl = 20'),
    );
    for (const wrapTtlSeconds of [5, 10, 15, 20, 30]) {
      assert.equal(decide(contradicting, 'read', 'a', { wrapTtlSeconds }).reason, 'wrapping_ttl');
    }
  });

  test('an allowed list of one policy binds another that has none; any value swallows', () => {
    const list = acl(
      grant('a', 'update'),
      'path "a" { capabilities = ["update"] allowed_parameters = { x = ["1"] } }',
      'path "a" { capabilities = ["update"] allowed_parameters = { x = ["2"], y = [] } }',
      'path "a" { capabilities = ["update"] allowed_parameters = { y = ["3"] } }',
    );
    const at = (data: JsonObject): boolean => decide(list, 'update', 'a', { data }).allowed;
    assert.deepEqual([{ x: '1' }, { x: '2' }, { x: '3' }, { y: 'any' }, { z: '1' }, {}].map(at), [
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
  });
});

const PARAMETERS: readonly string[] = [
  '{"foo":"a"}',
  '{"foo":"z"}',
  '{"bar":"anything"}',
  '{"other":"1"}',
  '{"foo":"a","other":1}',
  '{"FOO":"a"}',
  '{"foo":"prefix"}',
  '{"foo":"a-suf"}',
  '{"bad":"x"}',
  '{"lvl":"high"}',
  '{"lvl":"low"}',
  '{"must":1}',
  '{"n":5}',
  '{"n":"5"}',
  '{"b":true}',
  '{"l":["x","y"]}',
];

suite('parameters', () => {
  // 1 = allowed, in the order of PARAMETERS, as recorded from OpenBao 2.5.5.
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'allowed names and values',
      'allowed_parameters = { "foo" = ["a","b"] "bar" = [] }',
      '1010010000000000',
    ],
    ['any other name', 'allowed_parameters = { "foo" = ["x"] "*" = [] }', '0011000011111111'],
    ['globs', 'allowed_parameters = { "foo" = ["pre*", "*suf", "mid*dle"] }', '0000001100000000'],
    ['denied', 'denied_parameters = { "bad" = [] "lvl" = ["high"] }', '1111111100111111'],
    ['all denied', 'denied_parameters = { "*" = [] }', '0000000000000000'],
    [
      'denied beats allowed',
      'allowed_parameters = { "*" = [] } denied_parameters = { "bad" = [] }',
      '1111111101111111',
    ],
    ['required', 'required_parameters = ["must"]', '0000000000010000'],
    [
      'types',
      'allowed_parameters = { "n" = [5] "b" = [true] "l" = [["x","y"]] }',
      '0000000000000011',
    ],
  ];
  for (const [name, rules, expected] of cases) {
    test(name, () => {
      const list = acl(
        `path "kv/p" { capabilities = ["create", "update", "patch", "read"] ${rules} }`,
      );
      for (const operation of ['create', 'update', 'patch', 'read'] as const) {
        const outcome = PARAMETERS.map((text) => {
          const data = parseJson(text) as JsonObject;
          return decide(list, operation, 'kv/p', { data }).allowed ? '1' : '0';
        });
        assert.equal(outcome.join(''), expected, operation);
      }
    });
  }

  test('deleting and listing check no names', () => {
    const list = acl(
      'path "a" { capabilities = ["delete", "list"] denied_parameters = { "*" = [] } }',
    );
    assert.ok(decide(list, 'delete', 'a', { data: { x: 1 } }).allowed);
    assert.ok(decide(list, 'list', 'a', { data: { x: 1 } }).allowed);
  });

  test('a denied number or object is denied by value', () => {
    const list = acl(
      'path "a" { capabilities = ["update"] denied_parameters = { n = [5, 1.5], o = [{ k = "v" }], l = [[1, "a"]] } }',
    );
    const at = (text: string): boolean =>
      decide(list, 'update', 'a', { data: parseJson(text) as JsonObject }).allowed;
    for (const text of [
      '{"n":5}',
      '{"n":5.0}',
      '{"n":1.5}',
      '{"o":{"k":"v"}}',
      '{"l":[1,"a"]}',
      '{"N":5}',
    ]) {
      assert.ok(!at(text), text);
    }
    for (const text of [
      '{"n":6}',
      '{"n":"5"}',
      '{"o":{"k":"v","x":1}}',
      '{"l":[1]}',
      '{"n":null}',
    ]) {
      assert.ok(at(text), text);
    }
  });

  test('names of the prototype are ordinary names', () => {
    const list = acl(
      'path "a" { capabilities = ["update"] required_parameters = ["constructor"] }',
    );
    assert.ok(!decide(list, 'update', 'a', { data: {} }).allowed);
    const allowed = acl('path "a" { capabilities = ["update"] allowed_parameters = { x = [] } }');
    const data = parseJson('{"__proto__": 1}') as JsonObject;
    assert.ok(!decide(allowed, 'update', 'a', { data }).allowed);
  });
});

suite('page limits', () => {
  const bounded = acl('path "a/" { capabilities = ["list"] pagination_limit = 10 }');
  const required = acl(
    'path "a/" { capabilities = ["list"] pagination_limit = 10 required_parameters = ["limit"] }',
  );
  const free = acl(grant('a/', 'list'));
  const cases: readonly (readonly [JsonObject, unknown, unknown, unknown])[] = [
    [{}, 10, 'page_limit', undefined],
    [{ limit: '5' }, undefined, undefined, undefined],
    [{ limit: 10 }, undefined, undefined, undefined],
    [{ limit: '11' }, 'page_limit', 'page_limit', undefined],
    [{ limit: 'max' }, 10, 10, 0],
    [{ limit: 'x' }, 'page_limit', 'page_limit', undefined],
    [{ limit: '0' }, 10, 10, undefined],
    [{ limit: '-1' }, 10, 10, undefined],
    [{ limit: ['1'] }, 'page_limit', 'page_limit', undefined],
  ];
  for (const [data, whenBounded, whenRequired, whenFree] of cases) {
    test(JSON.stringify(data), () => {
      assert.equal(pageOutcome(bounded, data), whenBounded);
      assert.equal(pageOutcome(required, data), whenRequired);
      assert.equal(pageOutcome(free, data), whenFree);
    });
  }
});

test('a control group holds the request back until it is approved', () => {
  const list = acl(`path "a" { capabilities = ["read", "update"]
    control_group = { factor "f" { controlled_capabilities = ["update"] identity { group_names = ["g"] } } } }`);
  assert.ok(allows(list, 'read', 'a'));
  const decision = decide(list, 'update', 'a');
  assert.deepEqual([decision.allowed, decision.reason], [false, 'control_group']);
  assert.equal(decision.controlGroups.length, 1);
});

suite('time', () => {
  test('rules and policies end at their expiry, and a deny with them', () => {
    const expiring = input(`path "a" { capabilities = ["read"] expiration = ${NOW_MS / 1000 + 10} }
      path "b" { capabilities = ["deny"] expiration = ${NOW_MS / 1000 + 20} }`);
    const whole = { ...input(grant('c', 'read')), expiresAtMs: NOW_MS + 30_000 };
    const list = buildAcl([expiring, whole, input(grant('b', 'read'))], { nowMs: NOW_MS });
    const at = (seconds: number): readonly boolean[] =>
      ['a', 'b', 'c'].map(
        (path) => decide(list, 'read', path, { nowMs: NOW_MS + seconds * 1000 }).allowed,
      );
    assert.deepEqual(at(10), [true, false, true]);
    assert.deepEqual(at(10.001), [false, false, true]);
    assert.deepEqual(at(21), [false, true, true]);
    assert.deepEqual(at(31), [false, true, false]);
  });
});

suite('namespaces', () => {
  test('a policy holds below its own namespace only', () => {
    const list = buildAcl([input(grant('secret/*', 'read') + grant('+/x', 'read'), 'ns1/')], {
      nowMs: NOW_MS,
    });
    assert.ok(allows(list, 'read', 'ns1/secret/a'));
    assert.ok(allows(list, 'read', 'ns1/any/x'));
    assert.ok(!allows(list, 'read', 'secret/a'));
    assert.ok(!allows(list, 'read', 'ns10/secret/a'));
    assert.ok(!allows(list, 'read', 'ns2/x'));
  });

  test('a path of a parent namespace names the child by its path', () => {
    const list = buildAcl([input(grant('ns1/secret/*', 'read') + grant('+/kv/*', 'read'))], {
      nowMs: NOW_MS,
    });
    assert.ok(allows(list, 'read', 'ns1/secret/a'));
    assert.ok(allows(list, 'read', 'ns1/kv/a'));
    assert.ok(!allows(list, 'read', 'ns1/ns2/kv/a'));
  });

  test('root is root in its namespace and below', () => {
    const everywhere = buildAcl([{ policy: ROOT_POLICY, namespaceId: 'root', namespacePath: '' }], {
      nowMs: NOW_MS,
    });
    assert.deepEqual(everywhere.capabilities('any', NOW_MS), ['root']);
    assert.ok(decide(everywhere, 'header', 'sys/seal').isRoot);
    const inside = buildAcl([{ policy: ROOT_POLICY, namespaceId: 'n', namespacePath: 'ns1/' }], {
      nowMs: NOW_MS,
    });
    assert.ok(decide(inside, 'delete', 'ns1/ns2/x').isRoot);
    assert.equal(decide(inside, 'read', 'secret/x').allowed, false);
    assert.deepEqual(inside.capabilities('secret/x', NOW_MS), ['deny']);
  });

  test('root tolerates no company, and its name alone makes no root', () => {
    const root: AclInput = { policy: ROOT_POLICY, namespaceId: 'root', namespacePath: '' };
    assert.throws(() => buildAcl([root, input('')], { nowMs: NOW_MS }), AclError);
    assert.ok(!allows(acl('name = "root"'), 'read', 'x'));
    const named = buildAcl([input('name = "root"', '', 'root')], { nowMs: NOW_MS });
    assert.ok(!allows(named, 'read', 'x') && !named.isRoot);
  });
});

test('templates: a value with a wildcard drops the rule, not the policy (GHSA-59w7-v8rr-pr4p)', () => {
  const policy = input(
    `${grant('kv/data/{{identity.entity.metadata.team}}/*', 'read')}${grant('kv/ok', 'read')}`,
  );
  for (const team of ['+', '*', 'a/..', 'v*', '']) {
    const entity = { id: 'e', name: 'n', metadata: { team }, aliases: new Map() };
    const list = buildAcl([policy], { identity: { entity, groups: [] }, nowMs: NOW_MS });
    assert.ok(!allows(list, 'read', 'kv/data/victim/x'), team);
    assert.ok(!allows(list, 'read', 'kv/data//x'), team);
    assert.ok(allows(list, 'read', 'kv/ok'));
  }
});

suite('rules that add', () => {
  const adding = (path: string, ...capabilities: readonly string[]): string =>
    `path "${path}" { adds = true capabilities = ${JSON.stringify(capabilities)} }\n`;

  test('leave what another rule grants, whichever policy comes first', () => {
    const broad = grant('kv/*', 'create', 'update', 'list');
    const added = adding('kv/a', 'read');
    for (const list of [acl(broad, added), acl(added, broad)]) {
      assert.ok(allows(list, 'read', 'kv/a'));
      assert.ok(allows(list, 'update', 'kv/a'));
      assert.ok(!allows(list, 'read', 'kv/b'));
      assert.ok(!allows(list, 'delete', 'kv/a'));
    }
    assert.ok(!allows(acl(broad, grant('kv/a', 'read')), 'update', 'kv/a'));
  });

  test('grant without any other rule, and unite with an exact one', () => {
    assert.ok(allows(acl(adding('kv/a', 'read')), 'read', 'kv/a'));
    const both = acl(grant('kv/*', 'delete'), grant('kv/a', 'update'), adding('kv/a', 'read'));
    assert.ok(allows(both, 'read', 'kv/a') && allows(both, 'update', 'kv/a'));
    assert.ok(!allows(both, 'delete', 'kv/a'));
  });

  test('take nothing from a deny, nor from what another rule demands', () => {
    assert.ok(!allows(acl(grant('kv/*', 'deny'), adding('kv/a', 'read')), 'read', 'kv/a'));
    assert.ok(!allows(acl(grant('kv/*', 'update'), adding('kv/a', 'deny')), 'update', 'kv/a'));
    const bound = 'path "kv/*" { capabilities = ["update"] denied_parameters = { x = [] } }';
    const list = acl(bound, adding('kv/a', 'read'));
    assert.ok(!decide(list, 'update', 'kv/a', { data: { x: 1 } }).allowed);
    assert.ok(decide(list, 'update', 'kv/a', { data: { y: 1 } }).allowed);
  });

  test('change no listing', () => {
    const broad = grant('kv/*', 'list') + grant('kv/a/*', 'deny');
    assert.ok(!allows(acl(broad, adding('kv/a', 'read')), 'list', 'kv/a/'));
  });

  test('need a path without wildcards, also where a template made one', () => {
    for (const path of ['kv/*', 'kv/+/a']) {
      assert.throws(() => parsePolicy(adding(path, 'read')), /without wildcards/);
    }
  });
});
