/** The filter language of lists. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SECRET, SECRET_VERSION } from '../wire/messages.ts';
import type { Message } from '../wire/schema.ts';
import { StatusError } from '../wire/status.ts';
import { matches } from './match.ts';
import { parseFilter } from './parse.ts';

const SECRET_MESSAGE: Message = {
  name: 'projects/p/secrets/prod-db',
  createTime: Date.UTC(2026, 4, 1),
  labels: new Map([
    ['env', 'prod'],
    ['team', 'core'],
  ]),
  replication: { automatic: {} },
  versionAliases: new Map([['live', 3n]]),
};

function fits(filter: string, message: Message = SECRET_MESSAGE, spec = SECRET): boolean {
  const parsed = parseFilter(filter);
  return parsed === undefined || matches(parsed, spec, message);
}

test('fields, comparators and words', () => {
  const yes = [
    '',
    'name:PROD',
    'prod-db',
    'labels.env=prod',
    'labels.env:pr',
    'labels:env',
    'labels.env=prod labels.team=core ',
    'labels.env=prod AND NOT labels.team=other',
    'labels.env=dev OR labels.env=prod',
    '-labels.env=dev',
    'create_time<2026-06-01',
    'createTime>=2026-05-01T00:00:00Z',
    'replication.automatic:*',
    'version_aliases.live=3',
    '(labels.env=dev OR labels.env=prod) AND name:db',
    'labels.env="prod"',
    'labels.nope!=x',
  ];
  const no = [
    'name:dev',
    'labels.env=pro',
    'labels:nope',
    'labels.env=dev',
    'NOT name:db',
    'create_time>2026-06-01',
    'replication.user_managed:*',
    'labels.env!=prod',
    // OR binds closer than AND.
    'name:db AND labels.env=dev OR labels.env=test',
  ];
  assert.deepEqual(
    yes.filter((filter) => !fits(filter)),
    [],
  );
  assert.deepEqual(
    no.filter((filter) => fits(filter)),
    [],
  );
});

test('states of versions', () => {
  const version: Message = { name: 'projects/p/secrets/s/versions/1', state: 'ENABLED' };
  assert.ok(fits('state:ENABLED', version, SECRET_VERSION));
  assert.ok(!fits('state=DISABLED', version, SECRET_VERSION));
});

test('what is no filter is refused, in any form, by the error of the protocol', () => {
  for (const wrong of [
    'name:',
    '(name:a',
    'name:a)',
    ':a',
    'AND',
    '"a',
    'nope=1',
    'create_time<yesterday',
    '('.repeat(50),
  ]) {
    assert.throws(() => fits(wrong), StatusError, wrong);
  }
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(
          'a',
          'b',
          ':',
          '=',
          '<',
          '>',
          '!',
          '(',
          ')',
          '-',
          '"',
          "'",
          ' ',
          '.',
          '*',
        ),
      }),
      (text) => {
        try {
          fits(text);
        } catch (error) {
          assert.ok(error instanceof StatusError);
        }
      },
    ),
  );
});
