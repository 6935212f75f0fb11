/** The AWS facade on the whole core: a signed request in, a reply out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACCOUNT, opened, REGION, token } from './aws-fixture.ts';
import type { Key } from './aws-fixture.ts';
import { sendJson, wireRequest } from './facade-fixture.ts';

describe('one secret, two APIs', () => {
  test('what either writes the other reads at once, byte for byte', async (context) => {
    const { server, ask, refused } = await opened(context);
    const exact = '{"b": 1.10,  "a":9007199254740993}';
    await ask('CreateSecret', { Name: 'app/db', SecretString: exact, ClientRequestToken: token() });
    assert.equal((await ask('GetSecretValue', { SecretId: 'app/db' }))['SecretString'], exact);
    const { data } = await server.get('read', 'secret/data/app/db');
    assert.equal(JSON.stringify(data), '{"b":1.10,"a":9007199254740993}');
    await server.get('write', 'secret/data/app/db', { data: { data: { c: 2 } } });
    const current = await ask('GetSecretValue', { SecretId: 'app/db' });
    assert.deepEqual(
      [current['SecretString'], current['VersionStages']],
      ['{"c":2}', ['AWSCURRENT']],
    );
    const previous = await ask('GetSecretValue', {
      SecretId: 'app/db',
      VersionStage: 'AWSPREVIOUS',
    });
    assert.equal(previous['SecretString'], exact);
    await server.get('delete', 'secret/data/app/db');
    assert.equal(
      await refused('GetSecretValue', { SecretId: 'app/db' }),
      'ResourceNotFoundException',
    );
  });

  test('a label that moves back is what every API reads', async (context) => {
    const { server, ask } = await opened(context);
    const [first, second] = [token(), token()];
    await ask('CreateSecret', { Name: 'a', SecretString: 'one', ClientRequestToken: first });
    await ask('PutSecretValue', { SecretId: 'a', SecretString: 'two', ClientRequestToken: second });
    const move = {
      SecretId: 'a',
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: first,
      RemoveFromVersionId: second,
    };
    await ask('UpdateSecretVersionStage', move);
    assert.deepEqual((await server.get('read', 'secret/data/a'))['data'], { value: 'one' });
    const { VersionIdsToStages: stages } = await ask('DescribeSecret', { SecretId: 'a' });
    assert.deepEqual(stages, { [first]: ['AWSCURRENT'], [second]: ['AWSPREVIOUS'] });
  });

  test('binary values, 64 KiB and Unicode come back unchanged; a byte more is refused', async (context) => {
    const { ask, refused } = await opened(context);
    const bytes = Buffer.alloc(65_536, 7).toString('base64');
    await ask('CreateSecret', { Name: 'b', SecretBinary: bytes, ClientRequestToken: token() });
    assert.equal((await ask('GetSecretValue', { SecretId: 'b' }))['SecretBinary'], bytes);
    const text = 'ключ 🔑 \u0000\u001f é';
    await ask('CreateSecret', { Name: 'u', SecretString: text, ClientRequestToken: token() });
    assert.equal((await ask('GetSecretValue', { SecretId: 'u' }))['SecretString'], text);
    const large = { Name: 'l', SecretString: 'x'.repeat(65_537), ClientRequestToken: token() };
    assert.equal(await refused('CreateSecret', large), 'ValidationException');
    const wide = { Name: 'l', SecretString: 'é'.repeat(40_000), ClientRequestToken: token() };
    assert.equal(await refused('CreateSecret', wide), 'ValidationException');
  });
});

describe('rules of the service', () => {
  test('a write is known by its token: the same once more changes nothing, another value is refused', async (context) => {
    const { ask, refused } = await opened(context);
    const id = token();
    const create = { Name: 'a', SecretString: 'v', ClientRequestToken: id };
    assert.equal((await ask('CreateSecret', create))['VersionId'], id);
    await ask('CreateSecret', create);
    assert.equal(
      await refused('CreateSecret', { ...create, ClientRequestToken: token() }),
      'ResourceExistsException',
    );
    const put = { SecretId: 'a', SecretString: 'w', ClientRequestToken: token() };
    await ask('PutSecretValue', put);
    await ask('PutSecretValue', put);
    assert.equal(
      await refused('PutSecretValue', { ...put, SecretString: 'x' }),
      'ResourceExistsException',
    );
    assert.equal(await refused('UpdateSecret', put), 'ResourceExistsException');
    const { Versions: versions } = await ask('ListSecretVersionIds', {
      SecretId: 'a',
      IncludeDeprecated: true,
    });
    assert.equal((versions as unknown[]).length, 2);
    // Unique only within its secret: one client sends the same for all of them.
    await ask('CreateSecret', { ...create, Name: 'b' });
  });

  test('deletion waits, can be taken back, and ends', async (context) => {
    const { server, ask, refused } = await opened(context);
    await ask('CreateSecret', { Name: 'a', SecretString: 'v', ClientRequestToken: token() });
    const { ARN: arn } = await ask('DescribeSecret', { SecretId: 'a' });
    await ask('DeleteSecret', { SecretId: 'a', RecoveryWindowInDays: 7 });
    assert.equal(await refused('GetSecretValue', { SecretId: 'a' }), 'InvalidRequestException');
    assert.equal(
      await refused('TagResource', { SecretId: 'a', Tags: [] }),
      'InvalidRequestException',
    );
    const again = { Name: 'a', SecretString: 'w', ClientRequestToken: token() };
    assert.equal(await refused('CreateSecret', again), 'InvalidRequestException');
    assert.equal(await server.outcome('read', 'secret/data/a'), 'not_found');
    assert.deepEqual((await ask('ListSecrets'))['SecretList'], []);
    const planned = await ask('ListSecrets', { IncludePlannedDeletion: true });
    assert.equal((planned['SecretList'] as unknown[]).length, 1);
    await ask('RestoreSecret', { SecretId: 'a' });
    assert.equal((await ask('GetSecretValue', { SecretId: 'a' }))['SecretString'], 'v');
    await ask('DeleteSecret', { SecretId: 'a' });
    server.clock.advance(30 * 86_400_000);
    assert.equal(await refused('DescribeSecret', { SecretId: 'a' }), 'ResourceNotFoundException');
    await ask('CreateSecret', again);
    assert.notEqual((await ask('DescribeSecret', { SecretId: 'a' }))['ARN'], arn);
    assert.equal(await refused('DescribeSecret', { SecretId: arn }), 'ResourceNotFoundException');
    await ask('DeleteSecret', { SecretId: 'a', ForceDeleteWithoutRecovery: true });
    await ask('DeleteSecret', { SecretId: 'a', ForceDeleteWithoutRecovery: true });
    for (const days of [6, 31, 0]) {
      assert.equal(
        await refused('DeleteSecret', { SecretId: 'a', RecoveryWindowInDays: days }),
        'InvalidParameterException',
      );
    }
  });

  test('names, whole and partial ARNs lead to the secret; others’ do not', async (context) => {
    const { ask, refused } = await opened(context);
    await ask('CreateSecret', {
      Name: 'db-secret',
      SecretString: 'v',
      ClientRequestToken: token(),
    });
    const arn = String((await ask('DescribeSecret', { SecretId: 'db-secret' }))['ARN']);
    for (const id of [arn, arn.slice(0, -7)]) {
      assert.equal((await ask('GetSecretValue', { SecretId: id }))['SecretString'], 'v');
    }
    const foreign = [
      arn.replace(REGION, 'us-east-1'),
      arn.replace(ACCOUNT, '999999999999'),
      `${arn.slice(0, -6)}AAAAAA`,
    ];
    for (const id of foreign) {
      assert.equal(await refused('GetSecretValue', { SecretId: id }), 'ResourceNotFoundException');
    }
    for (const name of ['/a', 'a/', 'a//b', '../a', 'a/./b', 'a b', 'ключ', '']) {
      const create = { Name: name, SecretString: 'v', ClientRequestToken: token() };
      assert.equal(await refused('CreateSecret', create), 'ValidationException', name);
    }
  });

  test('lists go page by page, filtered and sorted', async (context) => {
    const { server, ask } = await opened(context);
    const names = ['a', 'b/c', 'b/d/e', 'f', 'g'];
    for (const [index, name] of names.entries()) {
      server.clock.advance(1000);
      await ask('CreateSecret', {
        Name: name,
        Description: index % 2 === 0 ? 'even number' : 'odd',
        Tags: [{ Key: 'team', Value: index < 3 ? 'red' : 'blue' }],
      });
    }
    await server.get('write', 'secret/data/not an aws name', { data: { data: {} } });
    const all = async (input: object): Promise<string[]> => {
      const found: string[] = [];
      let next: unknown;
      do {
        const page: Readonly<Record<string, unknown>> = await ask('ListSecrets', {
          ...input,
          ...(next === undefined ? {} : { NextToken: next }),
        });
        found.push(...(page['SecretList'] as { Name: string }[]).map(({ Name }) => Name));
        next = page['NextToken'];
      } while (next !== undefined);
      return found;
    };
    for (const MaxResults of [1, 2, 100]) assert.deepEqual(await all({ MaxResults }), names);
    assert.deepEqual(await all({ SortOrder: 'desc', MaxResults: 2 }), names.toReversed());
    const filter = (Key: string, ...Values: string[]): object => ({ Filters: [{ Key, Values }] });
    assert.deepEqual(await all(filter('name', 'b/')), ['b/c', 'b/d/e']);
    assert.deepEqual(await all(filter('name', '!b/')), ['a', 'f', 'g']);
    assert.deepEqual(await all(filter('description', 'EVEN')), ['a', 'b/d/e', 'g']);
    assert.deepEqual(await all(filter('tag-value', 'blue')), ['f', 'g']);
    assert.deepEqual(await all({ ...filter('all', 'red'), MaxResults: 1 }), ['a', 'b/c', 'b/d/e']);
  });

  test('a batch tells of each member what became of it', async (context) => {
    const { ask, refused } = await opened(context);
    await ask('CreateSecret', { Name: 'a', SecretString: 'v', ClientRequestToken: token() });
    const { SecretValues: values, Errors: errors } = await ask('BatchGetSecretValue', {
      SecretIdList: ['a', 'none'],
    });
    assert.deepEqual(
      (values as { SecretString: string }[]).map((each) => each.SecretString),
      ['v'],
    );
    assert.deepEqual(
      (errors as { ErrorCode: string }[]).map((each) => each.ErrorCode),
      ['ResourceNotFoundException'],
    );
    const filtered = await ask('BatchGetSecretValue', {
      Filters: [{ Key: 'name', Values: ['a'] }],
    });
    assert.equal((filtered['SecretValues'] as unknown[]).length, 1);
    assert.equal(await refused('BatchGetSecretValue'), 'InvalidParameterException');
  });

  test('a resource policy takes away, and never opens to the public', async (context) => {
    const { ask, refused } = await opened(context);
    await ask('CreateSecret', { Name: 'a', SecretString: 'v', ClientRequestToken: token() });
    const put = (statement: object): object => ({
      SecretId: 'a',
      ResourcePolicy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    });
    const everybody = { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' };
    assert.equal(await refused('PutResourcePolicy', put(everybody)), 'PublicPolicyException');
    const deny = {
      Effect: 'Deny',
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/app` },
      Action: 'secretsmanager:Get*',
      Resource: '*',
    };
    await ask('PutResourcePolicy', put(deny));
    assert.equal(await refused('GetSecretValue', { SecretId: 'a' }), 'AccessDeniedException');
    for (const chosen of [{ SecretIdList: ['a'] }, { Filters: [{ Key: 'name', Values: ['a'] }] }]) {
      const batch = await ask('BatchGetSecretValue', chosen);
      assert.deepEqual(batch['SecretValues'], []);
      assert.equal(
        (batch['Errors'] as { ErrorCode: string }[])[0]?.ErrorCode,
        'AccessDeniedException',
      );
    }
    await ask('DescribeSecret', { SecretId: 'a' });
    for (const bad of [
      { ...deny, Condition: { NumericEquals: { 'aws:x': 1 } } },
      { ...deny, Condition: { StringEquals: { 'aws:unknown': 'x' } } },
      { ...deny, Action: 's3:*' },
      { ...deny, Extra: 1 },
      { ...deny, NotAction: 'x' },
    ]) {
      assert.equal(
        await refused('PutResourcePolicy', put(bad)),
        'MalformedPolicyDocumentException',
      );
    }
    const valid = await ask('ValidateResourcePolicy', {
      ResourcePolicy: JSON.stringify({ Version: '2012-10-17', Statement: [everybody] }),
    });
    assert.equal(valid['PolicyValidationPassed'], false);
    const elsewhere = { ...deny, Condition: { NotIpAddress: { 'aws:SourceIp': '127.0.0.0/8' } } };
    await ask('PutResourcePolicy', put(elsewhere));
    assert.equal((await ask('GetSecretValue', { SecretId: 'a' }))['SecretString'], 'v');
    const read = await ask('GetResourcePolicy', { SecretId: 'a' });
    assert.equal(
      read['ResourcePolicy'],
      (put(elsewhere) as { ResourcePolicy: string }).ResourcePolicy,
    );
    await ask('DeleteResourcePolicy', { SecretId: 'a' });
    assert.equal((await ask('GetResourcePolicy', { SecretId: 'a' }))['ResourcePolicy'], undefined);
  });
});

describe('who may', () => {
  test('the policies of the entity, in AWS’s words', async (context) => {
    const { ask, reply } = await opened(
      context,
      'path "secret/data/mine/*" { capabilities = ["create", "update", "read"] } path "secret/metadata/mine/*" { capabilities = ["read"] }',
    );
    await ask('CreateSecret', { Name: 'mine/a', SecretString: 'v', ClientRequestToken: token() });
    await ask('DescribeSecret', { SecretId: 'mine/a' });
    for (const [name, input] of [
      ['GetSecretValue', { SecretId: 'theirs/a' }],
      ['DeleteSecret', { SecretId: 'mine/a' }],
      ['TagResource', { SecretId: 'mine/a', Tags: [{ Key: 'k', Value: 'v' }] }],
      ['ListSecrets', {}],
    ] as const) {
      const { status, json } = await reply(name, input);
      assert.deepEqual([status, json['__type']], [400, 'AccessDeniedException'], name);
      assert.match(
        String(json['Message']),
        new RegExp(
          `^User: arn:aws:iam::${ACCOUNT}:user/app is not authorized to perform: secretsmanager:${name}$`,
        ),
      );
    }
  });

  test('signatures that do not hold, keys that are not, and temporary keys', async (context) => {
    const { key, facade, reply, sts, server } = await opened(context);
    await reply('CreateSecret', { Name: 'a', SecretString: 'v', ClientRequestToken: token() });
    const typeOf = async (as: Key): Promise<unknown[]> => {
      const { status, json } = await reply('GetSecretValue', { SecretId: 'a' }, as);
      return [status, json['__type']];
    };
    assert.deepEqual(await typeOf({ ...key, secret: 'wrong' }), [403, 'InvalidSignatureException']);
    assert.deepEqual(await typeOf({ ...key, id: 'AKIAIOSFODNN7EXAMPLE' }), [
      403,
      'UnrecognizedClientException',
    ]);
    assert.deepEqual(await typeOf({ ...key, sessionToken: 'AAAA' }), [
      403,
      'UnrecognizedClientException',
    ]);
    const unsigned = await sendJson(facade, '/', {
      method: 'POST',
      headers: { 'x-amz-target': 'secretsmanager.ListSecrets' },
      body: '{}',
    });
    assert.deepEqual(
      [unsigned.status, unsigned.json['__type']],
      [403, 'MissingAuthenticationTokenException'],
    );
    const made = await sts('GetSessionToken', { DurationSeconds: '900' });
    const part = (name: string): string =>
      new RegExp(`<${name}>([^<]+)</${name}>`).exec(made.body)?.[1] ?? '';
    const session = {
      id: part('AccessKeyId'),
      secret: part('SecretAccessKey'),
      sessionToken: part('SessionToken'),
    };
    assert.deepEqual(await typeOf(session), [200, undefined]);
    assert.deepEqual(await typeOf({ ...session, secret: key.secret }), [
      403,
      'InvalidSignatureException',
    ]);
    assert.deepEqual(
      await typeOf({ ...session, sessionToken: `${session.sessionToken.slice(0, -4)}AAAA` }),
      [403, 'UnrecognizedClientException'],
    );
    assert.deepEqual(await typeOf({ ...key, sessionToken: session.sessionToken }), [
      403,
      'UnrecognizedClientException',
    ]);
    server.clock.advance(901_000);
    assert.deepEqual(await typeOf(session), [403, 'ExpiredTokenException']);
  });

  test('GetCallerIdentity needs no permission, AssumeRoleWithWebIdentity no signature but a role that is bound', async (context) => {
    const { sts, facade } = await opened(context, 'path "x" { capabilities = ["read"] }');
    const who = await sts('GetCallerIdentity');
    assert.match(who.body, new RegExp(`<Arn>arn:aws:iam::${ACCOUNT}:user/app</Arn>`));
    const body = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/app`,
      RoleSessionName: 's1',
      WebIdentityToken: 'a.b.c',
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const refused = await facade.handle(wireRequest('/', { method: 'POST', headers, body }));
    assert.equal(refused.status, 403);
    const denied = await sts('AssumeRole', {
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/app`,
      RoleSessionName: 's1',
    });
    assert.deepEqual(
      [denied.status, /<Code>([^<]+)/.exec(denied.body)?.[1]],
      [403, 'AccessDenied'],
    );
    const narrowed = await sts('GetSessionToken', { Policy: '{}' });
    assert.equal(/<Code>([^<]+)/.exec(narrowed.body)?.[1], 'ValidationError');
  });
});
