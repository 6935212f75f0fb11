/** The audit log of all four protocols in the formats of collectors: what their schemas demand is there, and no value is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { EXPORTERS } from '../../audit/export/exporters.ts';
import { KeptLog } from '../audit-fixture.ts';
import { ACCOUNT, REGION, opened, token } from './aws-fixture.ts';

const CANARY = 'cAnArY-77ab01';

/** "Optional: False" in CloudTrail's description of record contents, version 1.11. */
const CLOUDTRAIL_REQUIRED = [
  'eventTime',
  'eventVersion',
  'userIdentity',
  'eventSource',
  'eventName',
  'awsRegion',
  'sourceIPAddress',
  'requestParameters',
  'responseElements',
  'eventID',
  'eventType',
  'recipientAccountId',
  'eventCategory',
];

type Json = Readonly<Record<string, unknown>>;

function exported(log: KeptLog, format: string): readonly string[] {
  const write = EXPORTERS.get(format);
  assert.ok(write !== undefined);
  return log.text
    .replaceAll('}{', '}\n{')
    .split('\n')
    .map((line) => write(line))
    .filter((line) => line !== undefined);
}

function identityOf(event: Json | undefined): Json {
  return (event?.['userIdentity'] ?? {}) as Json;
}

/** What was done to a secret by AWS's API and by others, good and bad. */
async function used(t: TestContext): Promise<KeptLog> {
  const log = new KeptLog();
  const client = await opened(t, undefined, [log.type]);
  const { server } = client;
  await client.ask('CreateSecret', {
    Name: 'prod/db',
    SecretString: CANARY,
    Description: CANARY,
    ClientRequestToken: token(),
  });
  await client.ask('GetSecretValue', { SecretId: 'prod/db' });
  await client.refused('GetSecretValue', { SecretId: `missing-${ACCOUNT}` });
  await client.reply('GetSecretValue', { SecretId: 'prod/db' }, { ...client.key, secret: CANARY });
  await client.sts('GetCallerIdentity');
  await server.ask('read', 'secret/data/prod/db');
  await server.ask('write', 'secret/data/prod/db', { data: { data: { a: CANARY } } });
  await server.ask('read', 'secret/data/prod/db', { token: null });
  return log;
}

test('CloudTrail: calls of AWS’s API look as CloudTrail writes them', async (t) => {
  const log = await used(t);
  const events = exported(log, 'cloudtrail').map((line) => JSON.parse(line) as Json);
  for (const event of events) {
    for (const name of CLOUDTRAIL_REQUIRED) assert.ok(name in event, name);
    assert.match(String(event['eventTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(String(event['recipientAccountId']), /^\d{12}$/);
  }
  const named = (name: string): Json[] => events.filter((event) => event['eventName'] === name);
  const [created] = named('CreateSecret');
  assert.equal(created?.['readOnly'], false);
  assert.deepEqual(Object.keys(created?.['requestParameters'] as Json).sort(), [
    'clientRequestToken',
    'description',
    'name',
    'secretString',
  ]);
  for (const value of Object.values(created?.['requestParameters'] as Json)) {
    assert.match(String(value), /^hmac-sha256:/);
  }
  const [read, missing, forged] = named('GetSecretValue');
  const identity = identityOf(read);
  assert.equal(identity['type'], 'IAMUser');
  assert.equal(identity['accountId'], ACCOUNT);
  assert.match(String(identity['arn']), new RegExp(`^arn:aws:iam::${ACCOUNT}:user/`));
  assert.match(String(identity['accessKeyId']), /^AKIA/);
  assert.deepEqual(
    [read?.['eventSource'], read?.['awsRegion'], read?.['readOnly'], read?.['errorCode']],
    ['secretsmanager.amazonaws.com', REGION, true, undefined],
  );
  assert.deepEqual(read?.['resources'], [
    {
      accountId: ACCOUNT,
      type: 'AWS::SecretsManager::Secret',
      ARN: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:prod/db`,
    },
  ]);
  assert.equal(missing?.['errorCode'], 'ResourceNotFoundException');
  assert.equal(forged?.['errorCode'], 'InvalidSignatureException');
  assert.equal(identityOf(forged)['type'], 'Unknown');
  assert.equal(named('GetCallerIdentity')[0]?.['eventSource'], 'sts.amazonaws.com');
  const others = events.filter((event) => event['eventSource'] === 'vault.strongroom');
  assert.ok(others.length >= 3);
  const denied = others.find((event) => event['errorCode'] === 'AccessDenied');
  assert.equal(identityOf(denied)['type'], 'Unknown');
  for (const event of others) assert.equal(event['eventType'], 'ActivityLog');
});

test('no format repeats a value, and each line is one event', async (t) => {
  const log = await used(t);
  const counts = new Set<number>();
  for (const format of EXPORTERS.keys()) {
    const lines = exported(log, format);
    counts.add(lines.length);
    for (const line of lines) {
      assert.equal(line.includes(CANARY), false, `${format}: ${line}`);
      assert.doesNotMatch(line, /[\r\n]/);
    }
  }
  assert.equal(counts.size, 1);
});
