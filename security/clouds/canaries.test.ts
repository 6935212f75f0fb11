/**
 * Canaries in every member of every operation of AWS Secrets Manager, and in the members that Azure and Google have, as text and in wrong
 * types: no crash, none in an error, none in a log. Names of secrets are paths, which both show on purpose.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SECRETS_OPERATIONS } from '../../src/facades/aws/secrets/operations.ts';
import { linesWith } from '../evidence.ts';
import { startCloudTarget } from './cloud-target.ts';
import type { Answer, CloudTarget } from './cloud-target.ts';

const CANARY = 'cAnArY-5fd033';
/** Members that name secrets: they become paths. */
const NAMES = new Set(['SecretId', 'Name', 'SecretIdList']);
/** Labels and ids of versions: AWS's own texts name them, since people have to find them. */
const NAMED_IN_ERRORS = new Set(['VersionStage', 'VersionId']);
const USUAL: Readonly<Record<string, unknown>> = {
  SecretId: 'mine/x',
  Name: 'mine/new',
  ClientRequestToken: 'c'.repeat(32),
  VersionStage: 'AWSCURRENT',
  TagKeys: ['a'],
  Tags: [{ Key: 'a', Value: 'b' }],
  ResourcePolicy: '{}',
  AddReplicaRegions: [{ Region: 'eu-west-1' }],
  ReplicaRegions: ['eu-west-1'],
  RemoveReplicaRegions: ['eu-west-1'],
};
/** The same text as itself and in places where it does not belong. */
const SHAPES: readonly unknown[] = [
  CANARY,
  [CANARY],
  [[CANARY]],
  { Key: CANARY, Value: [CANARY] },
  [{ Key: CANARY, Values: [CANARY], Value: CANARY }],
  `${CANARY}\u0000`,
  CANARY.repeat(200),
];

let target: CloudTarget;
before(async () => {
  target = await startCloudTarget();
  const token = `"ClientRequestToken":"${'t'.repeat(32)}"`;
  const { status, text } = await target.aws('CreateSecret', `{"Name":"mine/x",${token}}`);
  assert.equal(status, 200, text);
});
after(async () => {
  await target.stop();
});

function assertSilent(answer: Answer, what: string, named = false): void {
  assert.ok(answer.status < 500, `${what}: ${answer.status} ${answer.text}`);
  if (answer.status < 400 || named) return;
  assert.deepEqual(linesWith(answer.text, CANARY), [], what);
}

for (const [name, { input }] of SECRETS_OPERATIONS) {
  test(`AWS ${name}`, async () => {
    const required = Object.entries(input).filter(([, { required: must }]) => must === true);
    const usual = Object.fromEntries(required.map(([member]) => [member, USUAL[member]]));
    for (const member of Object.keys(input)) {
      if (NAMES.has(member)) continue;
      for (const shape of SHAPES) {
        const body = JSON.stringify({ ...usual, [member]: shape });
        const what = `${name} ${member} ${JSON.stringify(shape).slice(0, 60)}`;
        assertSilent(await target.aws(name, body), what, NAMED_IN_ERRORS.has(member));
      }
    }
    await target.alive();
  });
}

test('Azure', async () => {
  for (const member of ['value', 'contentType', 'tags', 'attributes', 'managed']) {
    for (const shape of SHAPES) {
      const body = JSON.stringify({ value: 'usual', [member]: shape });
      const what = `${member} ${JSON.stringify(shape).slice(0, 60)}`;
      assertSilent(await target.azure('PUT', '/secrets/mine-x', body), what);
      assertSilent(await target.azure('PATCH', '/secrets/mine-x', body), what);
      assertSilent(await target.azure('POST', '/secrets/restore', body), what);
    }
  }
  await target.alive();
});

test('Google', async () => {
  const made = await target.google(
    'POST',
    'secrets?secretId=mine-y',
    '{"replication":{"automatic":{}}}',
  );
  assert.equal(made.status, 200, made.text);
  const members = ['labels', 'annotations', 'topics', 'expireTime', 'ttl', 'etag', 'rotation'];
  for (const member of [...members, 'versionAliases', 'replication', 'payload', 'name']) {
    for (const shape of SHAPES) {
      const body = JSON.stringify({ [member]: shape });
      const what = `${member} ${JSON.stringify(shape).slice(0, 60)}`;
      assertSilent(await target.google('PATCH', `secrets/mine-y?updateMask=${member}`, body), what);
      assertSilent(await target.google('POST', 'secrets/mine-y:addVersion', body), what);
      assertSilent(await target.google('POST', 'secrets/mine-y:setIamPolicy', body), what);
      assertSilent(await target.google('POST', 'secrets/mine-y:testIamPermissions', body), what);
    }
  }
  await target.alive();
});

test('none is in a log', () => {
  assert.deepEqual(linesWith(target.written(), CANARY), []);
});
