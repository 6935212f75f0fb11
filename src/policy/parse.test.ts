/** Policies as text: every key, every refusal, and that only its own error escapes. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { CREATE, DELETE, DENY, LIST, PATCH, READ, SCAN, SUDO, UPDATE } from './capability.ts';
import { DEFAULT_POLICY_TEXT } from './builtin.ts';
import { POLICY_LIMITS, parsePolicy } from './parse.ts';
import { PolicyError } from './policy.ts';
import type { PathRule } from './policy.ts';

function rule(body: string): PathRule {
  const [first] = parsePolicy(`path "x" { ${body} }`).rules;
  return first ?? assert.fail('no rule');
}

function failure(text: string): PolicyError {
  try {
    parsePolicy(text, 'p');
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    return error;
  }
  return assert.fail(`parsed: ${text}`);
}

/** Rules without their places. */
function withoutLines(text: string): unknown {
  return parsePolicy(text).rules.map(({ line: _line, ...rest }) => rest);
}

suite('what a policy may say', () => {
  test('all capabilities', () => {
    const { permissions } = rule(
      'capabilities = ["create", "read", "update", "delete", "list", "sudo", "patch", "scan"]',
    );
    assert.equal(
      permissions.capabilities,
      CREATE | READ | UPDATE | DELETE | LIST | SUDO | PATCH | SCAN,
    );
  });

  test('deny leaves nothing else', () => {
    const { permissions } = rule('capabilities = ["read", "deny"] required_parameters = ["a"]');
    assert.equal(permissions.capabilities, DENY);
    assert.deepEqual(permissions.requiredParameters, []);
  });

  test('the one-word form adds to capabilities', () => {
    const write = CREATE | READ | UPDATE | DELETE | LIST;
    assert.equal(rule('policy = "read"').permissions.capabilities, READ | LIST);
    assert.equal(rule('policy = "write"').permissions.capabilities, write);
    assert.equal(rule('policy = "sudo"').permissions.capabilities, write | SUDO);
    assert.equal(rule('policy = "deny" capabilities = ["read"]').permissions.capabilities, DENY);
    assert.equal(
      rule('policy = "read" capabilities = ["patch"]').permissions.capabilities,
      READ | LIST | PATCH,
    );
  });

  test('parameters: names are lower-cased, repeated ones are united, any value swallows', () => {
    const { permissions } = rule(`
      allowed_parameters = { "Foo" = ["a"], "foo" = ["b"], "*" = [], "n" = [5, true, ["x"]] }
      denied_parameters = { "Bad" = ["x"], "bad" = [] }
      required_parameters = ["One", "two"]`);
    assert.deepEqual(Object.fromEntries(permissions.allowedParameters ?? []), {
      foo: ['b', 'a'],
      '*': [],
      n: [5, true, ['x']],
    });
    assert.deepEqual(Object.fromEntries(permissions.deniedParameters ?? []), { bad: [] });
    assert.deepEqual(permissions.requiredParameters, ['one', 'two']);
  });

  test('bounds, comments, expiry, methods', () => {
    const parsed = rule(`
      capabilities = ["list"]
      comment = "why"
      min_wrapping_ttl = 10
      max_wrapping_ttl = "1h"
      pagination_limit = "20"
      mfa_methods = ["totp"]
      expiration = "2030-01-02T03:04:05Z"
      list_scan_response_keys_filter_path = "{{ .path }}{{ .key }}"`);
    assert.equal(parsed.comment, 'why');
    assert.equal(parsed.expiresAtMs, Date.UTC(2030, 0, 2, 3, 4, 5));
    assert.equal(rule('expiration = 60').expiresAtMs, 60_000);
    assert.equal(rule('expiration = ""').expiresAtMs, undefined);
    const { permissions } = parsed;
    assert.equal(permissions.minWrappingTtlSeconds, 10);
    assert.equal(permissions.maxWrappingTtlSeconds, 3600);
    assert.equal(permissions.paginationLimit, 20);
    assert.deepEqual(permissions.mfaMethods, ['totp']);
    assert.equal(permissions.responseKeysFilterPath, '{{ .path }}{{ .key }}');
  });

  test('control groups', () => {
    const { permissions } = rule(`
      capabilities = ["read", "update"]
      control_group = {
        ttl = "4h"
        factor "ops" {
          controlled_capabilities = ["update"]
          identity { group_names = ["a", "b"] approvals = 2 }
        }
        factor "any" { identity = { group_ids = ["g"] } }
      }`);
    assert.deepEqual(permissions.controlGroups, [
      {
        ttlSeconds: 14_400,
        selfAuthorizationAllowed: false,
        factors: [
          {
            name: 'ops',
            controlledCapabilities: ['update'],
            groupNames: ['a', 'b'],
            groupIds: [],
            approvals: 2,
          },
          {
            name: 'any',
            controlledCapabilities: [],
            groupNames: [],
            groupIds: ['g'],
            approvals: 1,
          },
        ],
      },
    ]);
  });

  test('HCL and JSON say the same', () => {
    const json = `{"name": "n", "path": {"secret/*": {"capabilities": ["read"],
      "allowed_parameters": {"a": ["b", [1, true]]}}, "/lead": {"policy": "deny"}}}`;
    const hcl = `name = "n"
      path "secret/*" { capabilities = ["read"] allowed_parameters = { "a" = ["b", [1, true]] } }
      path "/lead" { policy = "deny" }`;
    assert.deepEqual(withoutLines(json), withoutLines(hcl));
    assert.equal(parsePolicy(hcl).name, 'n');
    assert.equal(parsePolicy(hcl, 'stored').name, 'stored');
    assert.equal(parsePolicy(hcl).rules[1]?.path, 'lead');
  });

  const accepted = [
    ' ',
    '# only a comment',
    'path "x" {}',
    'path "x" { capabilities = [] }',
    'path "**" { capabilities = ["read"] }',
    'path "a/b+" { capabilities = ["read"] }',
    'path "x" { capabilities = ["read"] }\npath "x" { capabilities = ["list"] }',
    '{"path": ',
  ];
  for (const text of accepted)
    test(`accepts ${JSON.stringify(text)}`, () => void parsePolicy(text));

  test('the built-in default policy parses and has templates', () => {
    assert.equal(parsePolicy(DEFAULT_POLICY_TEXT).templated, true);
  });
});

suite('what is refused', () => {
  const cases: readonly (readonly [string, RegExp, number?, number?])[] = [
    [
      'path "x" {',
      /^failed to parse policy: At 1:11: object expected closing RBRACE got: EOF$/,
      1,
      11,
    ],
    ['path "x" { capabilities = ["fly"] }', /path "x": invalid capability "fly"/, 1, 6],
    [
      'path "x" { capabilities = "read" }',
      /path "x": At 1:27: capabilities: expected a list/,
      1,
      27,
    ],
    ['nonsense "x" { }', /1 error occurred:\n\t\* invalid key "nonsense" on line 1\n/, 1, 1],
    ['path "x" { unknown = 1 }', /\* path "x": invalid key "unknown" on line 1/, 1, 12],
    ['path "x" {\n a = 1\n b = 2 }', /2 errors occurred:.*"a" on line 2.*"b" on line 3/s, 2, 2],
    ['path x', /key 'path x' expected start of object/, 1, 7],
    ['{"path": {"x": {"capabilities": ["nope"]}}}', /invalid capability "nope"/, 1, 11],
    ['path "x" { policy = "bad" }', /invalid policy "bad"/],
    [
      'path "x" { capabilities = ["read"] min_wrapping_ttl = "1h" max_wrapping_ttl = "1m" }',
      /max_wrapping_ttl cannot be less than min_wrapping_ttl/,
    ],
    ['path "x" { max_wrapping_ttl = "abc" }', /error parsing max_wrapping_ttl/, 1, 31],
    ['path "a/+*" { capabilities = ["read"] }', /invalid use of wildcards \('\+\*' is forbidden\)/],
    ['path "x" { allowed_parameters = "a" }', /At 1:33: allowed_parameters: expected an object/],
    ['path "x" { allowed_parameters = { a = "b" } }', /expected a list/],
    ['path "x" { denied_parameters = { a "b" {} } }', /takes no label/],
    ['path "x" { required_parameters = [true] }', /expected a string/],
    ['path "x" { pagination_limit = 1.5 }', /expected a whole number/],
    ['path "x" { expiration = "soon" }', /invalid expiration time/],
    ['path "x{{" { }', /invalid template: unbalanced/],
    ['path "x}}" { }', /invalid template: unbalanced/],
    ['path "{{a}}b}}" { }', /invalid template: unbalanced/],
    [
      'path "x" { capabilities = ["read"] list_scan_response_keys_filter_path = "{{ .key }}" }',
      /needs the list capability/,
    ],
    [
      'path "x" { capabilities = ["list"] list_scan_response_keys_filter_path = "{{ .path }}" }',
      /same for different keys/,
    ],
    ['path "x" { control_group = { ttl = "1h" } }', /a factor is needed/],
    ['path "x" { control_group = { factor "a" { } } }', /identity is needed/],
    ['path "x" { control_group = { nope = 1 } }', /invalid key "nope"/],
    ['path { capabilities = ["read"] }', /path: expected an object, got a string/],
    ['path "a" "b" { }', /1 label/],
    ['path = "x"', /expected an object/],
    ['name = ["x"]', /expected a string/],
  ];
  for (const [text, message, line, column] of cases) {
    test(JSON.stringify(text), () => {
      const error = failure(text);
      assert.match(error.message, /^failed to parse policy: /);
      assert.match(error.message, message);
      if (line !== undefined) assert.deepEqual([error.line, error.column], [line, column]);
    });
  }

  test('a text above the limit', () => {
    assert.match(failure('#'.repeat(POLICY_LIMITS.bytesMax + 1)).message, /longer than/);
  });

  test('random bodies parse or fail with PolicyError', () => {
    const keys = fc.constantFrom(
      'capabilities',
      'policy',
      'allowed_parameters',
      'min_wrapping_ttl',
      'control_group',
      'adds',
      'expiration',
      'pagination_limit',
      'list_scan_response_keys_filter_path',
      'zzz',
    );
    const values = fc.constantFrom(
      '1',
      '"1h"',
      '["read", "list"]',
      '{ a = ["x"] }',
      'true',
      '{}',
      '[[1]]',
      '"{{ .key | truncate 3 }}"',
      '-5',
      '1.5',
      '[{}]',
      '99999999999999',
    );
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(fc.tuple(keys, values), { maxLength: 4 }),
        (path, pairs) => {
          const body = pairs.map(([key, value]) => `${key} = ${value}`).join('\n');
          try {
            parsePolicy(`path ${JSON.stringify(path)} {\n${body}\n}`);
          } catch (error) {
            assert.ok(error instanceof PolicyError, String(error));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
