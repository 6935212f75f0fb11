/** Secrets that came in with their history, as clients of the AWS API and of the Vault API find them; and who may bring one in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opened, token } from './aws-fixture.ts';

const DAY_MS = 86_400_000;

test('a history that was imported is the one that AWS’s clients had', async (context) => {
  const { server, ask } = await opened(context);
  const [first, second, third] = [token(), token(), token()];
  const start = server.clock.nowMs() - 100 * DAY_MS;
  const time = (day: number): string => new Date(start + day * DAY_MS).toISOString();
  const version = (number: number, id: string): Record<string, string | number> => ({
    version: number,
    created_time: time(number),
    write_token: id,
    encoding: 'text',
    value: `value ${number}`,
  });
  await server.get('write', 'secret/import/prod/db', {
    data: {
      cas: 0,
      created_time: time(0),
      current_version: 2,
      previous_version: 1,
      labels: { AWSPENDING: 3 },
      attributes: { description: 'of the shop' },
      custom_metadata: { team: 'ops' },
      versions: [version(1, first), version(2, second), version(3, third)],
    },
  });
  const current = await ask('GetSecretValue', { SecretId: 'prod/db' });
  assert.deepEqual(
    [
      current['SecretString'],
      current['VersionId'],
      current['VersionStages'],
      current['CreatedDate'],
    ],
    ['value 2', second, ['AWSCURRENT'], (start + 2 * DAY_MS) / 1000],
  );
  const byStage = async (stage: string): Promise<unknown> =>
    (await ask('GetSecretValue', { SecretId: 'prod/db', VersionStage: stage }))['SecretString'];
  assert.deepEqual(
    [await byStage('AWSPREVIOUS'), await byStage('AWSPENDING')],
    ['value 1', 'value 3'],
  );
  const described = await ask('DescribeSecret', { SecretId: 'prod/db' });
  assert.deepEqual(described['VersionIdsToStages'], {
    [first]: ['AWSPREVIOUS'],
    [second]: ['AWSCURRENT'],
    [third]: ['AWSPENDING'],
  });
  assert.deepEqual(
    [described['Description'], described['Tags']],
    ['of the shop', [{ Key: 'team', Value: 'ops' }]],
  );
  // The life of the secret goes on from there.
  const next = token();
  await ask('PutSecretValue', {
    SecretId: 'prod/db',
    SecretString: 'next',
    ClientRequestToken: next,
  });
  assert.deepEqual(
    [await byStage('AWSCURRENT'), await byStage('AWSPREVIOUS')],
    ['next', 'value 2'],
  );
  const { data } = await server.get('read', 'secret/data/prod/db', { data: { version: 1 } });
  assert.deepEqual(data, { value: 'value 1' });
});

test('to write a past takes sudo on its path, and nothing else does', async (context) => {
  const { server } = await opened(context);
  const policies: Readonly<Record<string, string>> = {
    writer: 'path "secret/data/*" { capabilities = ["create", "read", "update", "delete"] }',
    most: 'path "secret/*" { capabilities = ["create", "read", "update", "delete", "list", "patch"] }',
    importer: 'path "secret/import/shop/*" { capabilities = ["create", "update", "sudo"] }',
  };
  for (const [name, policy] of Object.entries(policies)) {
    await server.get('write', `sys/policies/acl/${name}`, { data: { policy } });
  }
  const data = {
    cas: 0,
    versions: [{ version: 1, created_time: '2020-01-01T00:00:00Z', data: { a: 'b' } }],
  };
  const outcome = async (policy: string, path: string): Promise<string> =>
    await server.outcome('write', path, { token: await server.tokenFor(policy), data });
  assert.equal(await outcome('writer', 'secret/import/shop/a'), 'permission_denied');
  assert.equal(await outcome('most', 'secret/import/shop/a'), 'permission_denied');
  assert.equal(await outcome('importer', 'secret/import/other/a'), 'permission_denied');
  assert.equal(await outcome('importer', 'secret/data/shop/a'), 'permission_denied');
  assert.equal(await outcome('importer', 'secret/import/shop/a'), 'ok');
  assert.equal(await outcome('importer', 'secret/import/shop/a'), 'invalid_request');
});

test('a secret without versions keeps its settings', async (context) => {
  const { server } = await opened(context);
  const data = { cas: 0, versions: [], current_version: 0, custom_metadata: { of: 'nobody' } };
  await server.get('write', 'secret/import/empty', { data });
  const shown = await server.get('read', 'secret/metadata/empty');
  assert.deepEqual([shown['versions'], shown['custom_metadata']], [{}, { of: 'nobody' }]);
  await server.get('write', 'secret/data/empty', {
    data: { data: { a: 'b' }, options: { cas: 0 } },
  });
});
