/** Password policies: their texts, their passwords, and `sys/policies/password`. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { systemRandom } from '../base/random.ts';
import { openBench } from '../core/backend-bench.contract.ts';
import type { Bench } from '../core/backend-bench.contract.ts';
import {
  DEFAULT_PASSWORD_POLICY,
  PasswordPolicyError,
  generatePassword,
  parsePasswordPolicy,
} from '../policy/password/password-policy.ts';
import { passwordPolicyPaths } from './password-policies.ts';

const TWO_RULES = `length = 20
rule "charset" { charset = "abcdefghij" min-chars = 1 }
rule "charset" { charset = "0123456789" min-chars = 2 }`;

async function open(): Promise<Bench> {
  return openBench({
    type: 'system',
    kind: 'system',
    scope: 'unit',
    summary: 'password policies',
    paths: passwordPolicyPaths({ random: systemRandom }),
  });
}

suite('sys/policies/password', () => {
  test('write, read, list, generate, delete', async () => {
    const bench = await open();
    assert.equal((await bench.fail('list', 'policies/password/')).code, 'not_found');
    await bench.call('write', 'policies/password/p', { policy: TWO_RULES });
    assert.deepEqual((await bench.call('read', 'policies/password/p'))?.data, {
      policy: TWO_RULES,
    });
    assert.deepEqual((await bench.call('list', 'policies/password/'))?.data, { keys: ['p'] });
    const reply = await bench.call('read', 'policies/password/p/generate');
    assert.match(String(reply?.data?.['password']), /^[a-j0-9]{20}$/);
    await bench.call('delete', 'policies/password/p');
    await bench.call('delete', 'policies/password/p');
    for (const path of ['policies/password/p', 'policies/password/p/generate']) {
      const error = await bench.fail('read', path);
      assert.deepEqual([error.code, error.message], ['not_found', 'policy does not exist']);
    }
    assert.equal((await bench.fail('read', 'policies/password/')).code, 'unsupported_operation');
  });

  test('base64 is decoded', async () => {
    const bench = await open();
    const policy = Buffer.from(TWO_RULES).toString('base64');
    await bench.call('write', 'policies/password/b', { policy });
    assert.deepEqual((await bench.call('read', 'policies/password/b'))?.data, {
      policy: TWO_RULES,
    });
  });

  const charset = 'rule "charset" { charset = "abc" }';
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /^missing policy$/],
    ['length = 3', /no charset specified/],
    [charset, /length must be > 0/],
    ['length = 20\nrule "charset" { charset = "" }', /no charset specified/],
    [`length = -3\n${charset}`, /length must be > 0/],
    [`length = 3\n${charset}`, /between 4 and 100/],
    [`length = 101\n${charset}`, /between 4 and 100/],
    [
      'length = 4\nrule "charset" { charset = "abc" min-chars = 5 }',
      /specified rules require at least 5 characters but 4 is specified/,
    ],
    [
      'length = 10\nrule "bogus" { x = 1 }',
      /unable to parse rule bogus: unrecognized rule type bogus/,
    ],
    [`length = "x"\n${charset}`, /failed to decode configuration: At 1:10: 'length'/],
    ['garbage {', /unable to decode: At 1:10: object expected closing RBRACE got: EOF/],
    ['length = 20\nrule "charset" { charset = "\u0007" }', /non-printable character in charset/],
    ['length = 20\nrule "charset" { charset = "a\u2028" }', /non-printable character in charset/],
    ['length = 8\nrule "charset" { charset = 5 }', /'charset' expected a text/],
    [`length = 8\n${charset}\nrule "charset" { min-chars = 1 }`, /empty charset/],
    // Ninety of a hundred characters from one of 101: no draw would ever pass.
    [
      `length = 100\n${charset}\nrule "charset" { charset = "Z" min-chars = 90 }`,
      /unable to generate/,
    ],
  ];
  for (const [policy, message] of refused) {
    test(`refuses ${JSON.stringify(policy)}`, async () => {
      const error = await (await open()).fail('write', 'policies/password/bad', { policy });
      assert.equal(error.code, 'invalid_request');
      assert.match(error.message, message);
    });
  }

  const accepted = [
    'length = 10\nrule "charset" { charset = "aä😀" min-chars = 1 }',
    '{"length": 8, "rule": [{"charset": {"charset": "abc", "min-chars": 1}}]}',
    'length = 8.9\nrule "charset" { charset = "abc" min-chars = 1.5 }',
    'length = 8\nrule "charset" { charset = "abc" min-chars = -1 }',
    'length=8\nunknown=1\nrule "charset" { charset = "ab" other = 2 }',
  ];
  for (const policy of accepted) {
    test(`accepts ${JSON.stringify(policy)}`, async () => {
      assert.equal(
        await (await open()).call('write', 'policies/password/ok', { policy }),
        undefined,
      );
    });
  }
});

suite('generating passwords', () => {
  test('every rule holds, whatever the policy', () => {
    const rule = fc.record({ charset: fc.stringMatching(/^[a-zA-Z0-9]{5,30}$/), min: fc.nat(2) });
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 60 }),
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        (length, rules) => {
          const policy = parsePasswordPolicy(
            `length = ${length}\n${rules.map(({ charset, min }) => `rule "charset" { charset = "${charset}" min-chars = ${min} }`).join('\n')}`,
          );
          let password: string;
          try {
            password = generatePassword(policy, systemRandom);
          } catch (error) {
            assert.ok(error instanceof PasswordPolicyError);
            return;
          }
          assert.equal(password.length, length);
          for (const { charset, min } of rules) {
            assert.ok(Array.from(password).filter((char) => charset.includes(char)).length >= min);
          }
        },
      ),
    );
  });

  test('characters are equally likely', () => {
    const policy = parsePasswordPolicy(
      'length = 100\nrule "charset" { charset = "abc" }\nrule "charset" { charset = "cde" }',
    );
    const counts = new Map<string, number>();
    for (let round = 0; round < 200; round++) {
      for (const char of generatePassword(policy, systemRandom)) {
        counts.set(char, (counts.get(char) ?? 0) + 1);
      }
    }
    assert.deepEqual([...counts.keys()].sort(), ['a', 'b', 'c', 'd', 'e']);
    // 4000 expected each; the deviation of one is about 57.
    for (const count of counts.values()) assert.ok(Math.abs(count - 4000) < 400, String(count));
  });

  test('bytes that would favour some characters are dropped', () => {
    const bytes = [255, 254, 253, 252, 251, 0, 62, 63];
    const random = { bytes: (): Buffer => Buffer.from(bytes) };
    const chars = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-';
    const policy = parsePasswordPolicy(`length = 4\nrule "charset" { charset = "${chars}" }`);
    // 63 characters: 252 to 255 are dropped, 251 is the last character, 62 too, 0 and 63 the first.
    assert.equal(generatePassword(policy, random), 'z-z-');
  });

  test('the policy that stands in where none is named', () => {
    const password = generatePassword(DEFAULT_PASSWORD_POLICY, systemRandom);
    assert.match(password, /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*-)[a-zA-Z\d-]{20}$/);
  });
});
