/** What the audit log tells of requests of AWS's API that are refused before anything is known of their senders. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptLog } from '../audit-fixture.ts';
import { opened } from './aws-fixture.ts';
import { wireRequest } from './facade-fixture.ts';

const TARGET = { host: 'localhost', 'x-amz-target': 'secretsmanager.GetSecretValue' };

interface Line {
  readonly type: string;
  readonly error?: string;
  readonly request?: Readonly<Record<string, unknown>>;
}

/** The records of requests that came without a signature. */
function unsigned(log: KeptLog): readonly Line[] {
  return log.lines
    .map((line) => JSON.parse(line) as Line)
    .filter(({ error }) => error?.includes('Missing Authentication Token') === true);
}

test('a request without a signature is recorded under the id of its answer, and nothing of its body is', async (context) => {
  const log = new KeptLog();
  const { facade } = await opened(context, undefined, [log.type]);
  const body = JSON.stringify({ SecretId: 'canary-of-nobody' });
  const reply = await facade.handle(wireRequest('/', { method: 'POST', headers: TARGET, body }));
  assert.equal(reply.status, 403);
  assert.deepEqual(
    unsigned(log).map(({ type, request }) => [type, request?.['id'], request?.['operation']]),
    ['request', 'response'].map((type) => [type, reply.headers['x-amzn-RequestId'], 'read']),
  );
  assert.match(log.text, /"secretsmanager:GetSecretValue"/);
  assert.ok(!log.text.includes('canary-of-nobody'));
});

test('an action that is no word of the API does not get into the log', async (context) => {
  const log = new KeptLog();
  const { facade } = await opened(context, undefined, [log.type]);
  const headers = { host: 'localhost', 'content-type': 'application/x-www-form-urlencoded' };
  const body = `Action=${'x'.repeat(50_000)}&Version=2011-06-15`;
  const before = log.text.length;
  const reply = await facade.handle(wireRequest('/', { method: 'POST', headers, body }));
  assert.equal(reply.status, 403);
  assert.match(log.text, /"sts:Unknown"/);
  assert.ok(log.text.length - before < 10_000);
});

test('an operation that comes without a signature and is not served is called that', async (context) => {
  const { facade } = await opened(context);
  const headers = { host: 'localhost', 'content-type': 'application/x-www-form-urlencoded' };
  const body = 'Action=AssumeRoleWithSAML&Version=2011-06-15';
  const reply = await facade.handle(wireRequest('/', { method: 'POST', headers, body }));
  assert.match(reply.body.toString(), /<Code>InvalidAction<\/Code>/);
});

test('a flood of them is answered, but fills no disk; what was left out is counted', async (context) => {
  const log = new KeptLog();
  const { facade, server, ask } = await opened(context, undefined, [log.type]);
  const refusals = (): number => unsigned(log).filter(({ type }) => type === 'response').length;
  const garbage = async (): Promise<number> =>
    (await facade.handle(wireRequest('/', { method: 'POST', headers: TARGET, body: '{}' }))).status;
  for (let count = 0; count < 500; count++) assert.equal(await garbage(), 403);
  assert.equal(refusals(), 60);
  // Who proves who he is is recorded as ever.
  const recorded = log.of('secret/').length;
  await ask('ListSecrets');
  assert.equal(log.of('secret/').length, recorded + 2);
  server.clock.advance(1_000);
  assert.equal(await garbage(), 403);
  assert.equal(await garbage(), 403);
  assert.equal(refusals(), 61);
  assert.equal(unsigned(log).at(-1)?.request?.['refusals_not_recorded'], 440);
});

test('where nothing can be recorded, a refusal within the limits is no answer', async (context) => {
  const log = new KeptLog();
  const { facade } = await opened(context, undefined, [log.type]);
  log.mode = 'fails';
  const reply = await facade.handle(wireRequest('/', { method: 'POST', headers: TARGET }));
  assert.equal(reply.status, 500);
});
