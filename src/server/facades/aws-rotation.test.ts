/** Rotation by functions outside, in the four steps of AWS's contract. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { ACCOUNT, opened, REGION, token } from './aws-fixture.ts';
import type { Client } from './aws-fixture.ts';

describe('rotation', () => {
  /** The published template of AWS in a few lines: what it reads and writes is the contract. */
  async function rotator(
    context: TestContext,
    aws: Client,
    broken: () => boolean,
  ): Promise<{ url: string; steps: string[] }> {
    const steps: string[] = [];
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        void run(JSON.parse(text) as Record<string, string>).then(
          () => response.end('null'),
          () => response.end('{"errorMessage":"it failed","errorType":"ValueError"}'),
        );
      });
    });
    async function run({
      Step: step = '',
      SecretId: id = '',
      ClientRequestToken: version = '',
    }: Record<string, string>): Promise<void> {
      steps.push(step);
      const { VersionIdsToStages: stages } = await aws.ask('DescribeSecret', { SecretId: id });
      const own = (stages as Record<string, string[]>)[version];
      assert.ok(own?.includes('AWSPENDING') === true || own?.includes('AWSCURRENT') === true);
      if (step === 'createSecret') {
        const { status } = await aws.reply('GetSecretValue', {
          SecretId: id,
          VersionId: version,
          VersionStage: 'AWSPENDING',
        });
        if (status !== 200) {
          await aws.ask('PutSecretValue', {
            SecretId: id,
            ClientRequestToken: version,
            SecretString: `made ${version}`,
            VersionStages: ['AWSPENDING'],
          });
        }
      }
      if (step === 'testSecret' && broken()) throw new Error('not accepted');
      if (step === 'finishSecret') {
        const current = Object.entries(stages as Record<string, string[]>).find(([, labels]) =>
          labels.includes('AWSCURRENT'),
        );
        if (current?.[0] === version) return;
        const move = {
          SecretId: id,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: version,
          RemoveFromVersionId: current?.[0],
        };
        await aws.ask('UpdateSecretVersionStage', move);
      }
    }
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => server.close());
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, steps };
  }

  test('the four steps make a new version current, at once and when it is due', async (context) => {
    const { server, ...aws } = await opened(context);
    const { url, steps } = await rotator(context, aws, () => false);
    await server.get('write', 'secret/functions/rotate-db', { data: { kind: 'lambda', url } });
    await aws.ask('CreateSecret', {
      Name: 'db',
      SecretString: 'first',
      ClientRequestToken: token(),
    });
    const version = token();
    await aws.ask('RotateSecret', {
      SecretId: 'db',
      ClientRequestToken: version,
      RotationLambdaARN: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:rotate-db`,
      RotationRules: { AutomaticallyAfterDays: 30 },
    });
    await server.pass(1);
    assert.deepEqual(steps, ['createSecret', 'setSecret', 'testSecret', 'finishSecret']);
    const current = await aws.ask('GetSecretValue', { SecretId: 'db' });
    assert.deepEqual([current['VersionId'], current['SecretString']], [version, `made ${version}`]);
    const shown = await aws.ask('DescribeSecret', { SecretId: 'db' });
    assert.equal(shown['RotationEnabled'], true);
    assert.ok(Number(shown['LastRotatedDate']) > 0 && Number(shown['NextRotationDate']) > 0);
    await server.pass(30 * 86_400 + 5);
    assert.equal(steps.length, 8);
    assert.notEqual((await aws.ask('GetSecretValue', { SecretId: 'db' }))['VersionId'], version);
    await aws.ask('CancelRotateSecret', { SecretId: 'db' });
    await server.pass(30 * 86_400 + 5);
    assert.equal(steps.length, 8);
  });

  test('what fails is tried again as a whole, and the current value stays meanwhile', async (context) => {
    const { server, ...aws } = await opened(context);
    let broken = true;
    const { url, steps } = await rotator(context, aws, () => broken);
    await server.get('write', 'secret/functions/f', { data: { kind: 'lambda', url } });
    await aws.ask('CreateSecret', {
      Name: 'db',
      SecretString: 'first',
      ClientRequestToken: token(),
    });
    const rotate = {
      SecretId: 'db',
      ClientRequestToken: token(),
      RotationLambdaARN: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:f`,
    };
    await aws.ask('RotateSecret', rotate);
    await server.pass(1);
    assert.deepEqual(steps, ['createSecret', 'setSecret', 'testSecret']);
    assert.equal((await aws.ask('GetSecretValue', { SecretId: 'db' }))['SecretString'], 'first');
    assert.equal(
      await aws.refused('RotateSecret', { ...rotate, ClientRequestToken: token() }),
      'InvalidRequestException',
    );
    broken = false;
    await server.pass(31);
    assert.equal(steps.length, 7);
    assert.equal(
      (await aws.ask('GetSecretValue', { SecretId: 'db' }))['VersionId'],
      rotate.ClientRequestToken,
    );
  });

  for (const [expression, due] of [
    ['cron(0 8 * * ? *)', '2030-01-01T08:00'],
    ['cron(0 /8 * * ? *)', '2030-01-01T08:00'],
    ['cron(0 2/10 * * ? *)', '2030-01-01T02:00'],
    ['cron(0 8/8 ? * * *)', '2030-01-01T08:00'],
    ['cron(0 17 L * ? *)', '2030-01-31T17:00'],
    ['cron(0 8 ? * 2-6 *)', '2030-01-01T08:00'],
    ['cron(0 8 ? * 7,1 *)', '2030-01-05T08:00'],
    ['cron(0 8 ? * 2/2 *)', '2030-01-02T08:00'],
    // The third Friday, the first Sunday, the last Sunday.
    ['cron(0 16 ? * 6#3 *)', '2030-01-18T16:00'],
    ['cron(0 0 ? * 1#1 *)', '2030-01-06T00:00'],
    ['cron(0 18 ? * 1L *)', '2030-01-27T18:00'],
    ['cron(0 0 1 3/4 ? *)', '2030-03-01T00:00'],
  ] as const) {
    test(`${expression} is understood as AWS does`, async (context) => {
      const { ask, server } = await opened(context);
      await server.get('write', 'secret/functions/rot', { data: { url: 'http://127.0.0.1:1/' } });
      await ask('CreateSecret', { Name: 'db', SecretString: 'v', ClientRequestToken: token() });
      await ask('RotateSecret', {
        SecretId: 'db',
        ClientRequestToken: token(),
        RotationLambdaARN: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:rot`,
        RotationRules: { ScheduleExpression: expression },
        RotateImmediately: false,
      });
      const { NextRotationDate: next } = await ask('DescribeSecret', { SecretId: 'db' });
      assert.equal(new Date(Number(next) * 1000).toISOString().slice(0, 16), due);
    });
  }

  test('only registered functions are called', async (context) => {
    const { ask, refused } = await opened(context);
    await ask('CreateSecret', { Name: 'db', SecretString: 'v', ClientRequestToken: token() });
    const rotate = { SecretId: 'db', ClientRequestToken: token() };
    assert.equal(await refused('RotateSecret', rotate), 'InvalidRequestException');
    const arn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:none`;
    assert.equal(
      await refused('RotateSecret', { ...rotate, RotationLambdaARN: arn }),
      'AccessDeniedException',
    );
    assert.equal(
      await refused('RotateSecret', { ...rotate, RotationLambdaARN: 'http://127.0.0.1/' }),
      'InvalidParameterException',
    );
    const rules = [
      { AutomaticallyAfterDays: 3, ScheduleExpression: 'rate(4 hours)' },
      { ScheduleExpression: 'rate(3 hours)' },
      { ScheduleExpression: 'cron(0 0 1 1 ? 2030)' },
      { ScheduleExpression: 'every day' },
    ];
    for (const RotationRules of rules) {
      assert.equal(
        await refused('RotateSecret', { ...rotate, RotationLambdaARN: arn, RotationRules }),
        'InvalidParameterException',
      );
    }
  });
});
