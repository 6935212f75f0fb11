/** Names of secrets that try to lead elsewhere: whatever the spelling, policies judge what is read. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { PROJECT, startCloudTarget } from './cloud-target.ts';
import type { Answer, CloudTarget } from './cloud-target.ts';

const RUNS = 150;
const THEIRS = /not-for-callers/;

let target: CloudTarget;
before(async () => {
  target = await startCloudTarget();
});
after(async () => {
  await target.stop();
});

/** Spellings of a way from what callers may read to what they may not. */
const TRICKS: readonly string[] = [
  'mine/../theirs/db',
  'mine/..%2ftheirs/db',
  'mine/%2e%2e/theirs/db',
  'mine/.%2e/theirs/db',
  'mine/%252e%252e%252ftheirs/db',
  'mine/..\\theirs\\db',
  'mine//../theirs/db',
  './theirs/db',
  '/theirs/db',
  '//theirs/db',
  'theirs//db',
  'theirs/db/',
  'theirs/./db',
  'theirs%2fdb',
  'theirs%2Fdb',
  'theirs%00db',
  'theirs/db\u0000',
  'Theirs/Db',
  'THEIRS/DB',
  'theirs/ｄb',
  'theirs\u2215db',
  '../data/theirs/db',
  '../../sys/mounts',
  'mine/../../metadata/theirs/db',
  'data/theirs/db',
  'secret/data/theirs/db',
];

async function everywhere(name: string): Promise<readonly Answer[]> {
  // oxlint-disable-next-line no-control-regex -- all that a request line cannot hold
  const path = name.replaceAll(/[\u0000-\u0020\u007F-\uFFFF]/g, (character) =>
    encodeURIComponent(character),
  );
  const encoded = encodeURIComponent(name);
  const project = `projects/${PROJECT}/secrets`;
  return await Promise.all([
    target.aws('GetSecretValue', JSON.stringify({ SecretId: name })),
    target.aws('DescribeSecret', JSON.stringify({ SecretId: name })),
    target.aws('BatchGetSecretValue', JSON.stringify({ SecretIdList: [name] })),
    target.aws(
      'DeleteSecret',
      JSON.stringify({ SecretId: name, ForceDeleteWithoutRecovery: true }),
    ),
    target.azure('GET', `/secrets/${path}`),
    target.azure('GET', `/secrets/${encoded}`),
    target.azure('DELETE', `/secrets/${encoded}`),
    target.google('GET', `secrets/${path}/versions/latest:access`),
    target.google('GET', `secrets/${encoded}/versions/latest:access`),
    target.google('DELETE', `secrets/${encoded}`),
    target.send(`/v1/${project}/mine-x/../${path}/versions/latest:access`, {
      headers: { authorization: `Bearer ${target.token}` },
    }),
  ]);
}

async function assertNothingGot(name: string): Promise<void> {
  for (const { status, text } of await everywhere(name)) {
    assert.doesNotMatch(text, THEIRS, name);
    assert.ok(status < 500, `${name}: ${status} ${text}`);
  }
}

for (const name of TRICKS) {
  test(JSON.stringify(name), async () => {
    await assertNothingGot(name);
  });
}

test('names made of pieces of such ways', async () => {
  const piece = fc.constantFrom(
    'mine',
    'theirs',
    'db',
    '..',
    '.',
    '/',
    '//',
    '%2f',
    '%2e%2e',
    '\\',
    '%5c',
    '%00',
    ';',
    '?',
    '#',
    'data',
    'metadata',
    'secret',
    ':access',
    'versions/1',
    ' ',
    '\u202e',
    'DB',
    '%25',
    '+',
    '@',
    '!',
  );
  const name = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
  await fc.assert(fc.asyncProperty(name, assertNothingGot), { numRuns: RUNS });
});

test('what is theirs is still there, and the server answers', async () => {
  const read = await target.server.api.expect('GET', 'secret/data/theirs/db', {
    token: target.server.rootToken,
  });
  assert.match(JSON.stringify(read), THEIRS);
  await target.alive();
});
