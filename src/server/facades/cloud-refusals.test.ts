/** What the audit log tells of requests of Azure's and Google's APIs that never come to the core. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KeptLog } from '../audit-fixture.ts';
import { world as azure } from './azure-fixture.ts';
import type { Send as AzureSend } from './azure-fixture.ts';
import { HOST, P, world as google } from './google-fixture.ts';
import { wireRequest } from './facade-fixture.ts';

const CANARY = 'canary-of-nobody';

interface Line {
  readonly type: string;
  readonly request?: Readonly<Record<string, unknown>>;
}

/** The operations of refusals in their protocol's words, one per answer; nothing of what was sent stands beside them. */
function refusedIn(log: KeptLog): unknown[] {
  assert.ok(!log.text.includes(CANARY));
  return log.lines
    .map((line) => JSON.parse(line) as Line)
    .filter(({ type, request }) => type === 'response' && request?.['path'] === '/')
    .map(({ request }) => request?.['protocol_operation']);
}

async function logged<World>(open: (log: KeptLog) => Promise<World>): Promise<[KeptLog, World]> {
  const log = new KeptLog();
  return [log, await open(log)];
}

suite('Azure Key Vault', () => {
  const open = (log: KeptLog) => azure({ audit: [log.type] });

  for (const [what, ask, action] of [
    [
      'a version of the API that is not',
      (send) => send('GET', `/secrets/a?api-version=${CANARY}`),
      'keyvault:secret/get',
    ],
    ['a method that is not', (send) => send('TRACE', '/secrets/a'), 'keyvault:unknown'],
    ['an address that is not', (send) => send('GET', `/${CANARY}`), 'keyvault:unknown'],
    [
      'a token request without a proof',
      (send) => send('POST', '/adfs/oauth2/token', `grant_type=${CANARY}`),
      'oauth2:token',
    ],
  ] as readonly [string, (send: AzureSend) => ReturnType<AzureSend>, string][]) {
    test(`${what} is recorded`, async () => {
      const [log, { send, server }] = await logged(open);
      const { status } = await ask(send);
      assert.ok(status >= 400 && status < 500, String(status));
      assert.deepEqual(refusedIn(log), [action]);
      await server.instance.close();
    });
  }

  test('a first request without a token is answered with where to get one, and that is no record', async () => {
    const [log, { send, server }] = await logged(open);
    assert.equal((await send('GET', '/secrets/a', undefined, { token: null })).status, 401);
    assert.deepEqual(refusedIn(log), []);
    await server.instance.close();
  });

  test('a flood fills no disk, and where nothing can be recorded a refusal is no answer', async () => {
    const [log, { send, server }] = await logged(open);
    for (let count = 0; count < 100; count++) await send('GET', '/nothing');
    assert.equal(refusedIn(log).length, 60);
    server.clock.advance(1_000);
    log.mode = 'fails';
    assert.equal((await send('GET', '/nothing')).status, 500);
    await server.instance.close();
  });
});

suite('Google Secret Manager', () => {
  const open = (log: KeptLog) => google({ audit: [log.type] });
  const service = 'google.cloud.secretmanager.v1.SecretManagerService';
  /** Unsigned, and for whom it is not even said. */
  const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`;

  test('what comes without a token, with a forged one, or cannot be read is recorded', async () => {
    const [log, { send, facade, server }] = await logged(open);
    assert.equal((await send('GET', `${P}/secrets/${CANARY}`, undefined, null)).status, 401);
    assert.equal((await send('GET', `${P}/secrets/a`, undefined, forged)).status, 401);
    assert.equal((await send('POST', `${P}/secrets?secretId=a`, `{"${CANARY}`)).status, 400);
    assert.equal((await send('GET', `${P}/${CANARY}`)).status, 404);
    const form = { 'content-type': 'application/x-www-form-urlencoded', host: HOST };
    const grant = wireRequest('/google/token', { method: 'POST', headers: form, body: CANARY });
    assert.equal((await facade.handle(grant)).status, 400);
    const headers = { 'content-type': 'application/grpc', host: HOST };
    const call = wireRequest(`/${service}/ListSecrets`, { method: 'POST', headers, body: CANARY });
    assert.equal((await facade.handle(call)).headers['grpc-status'], '16');
    assert.deepEqual(refusedIn(log), [
      `${service}.GetSecret`,
      `${service}.GetSecret`,
      `${service}.CreateSecret`,
      `${service}.Unknown`,
      'oauth2:Token',
      `${service}.ListSecrets`,
    ]);
    await server.instance.close();
  });

  test('where nothing can be recorded a refusal is no answer', async () => {
    const [log, { send, facade, server }] = await logged(open);
    log.mode = 'fails';
    assert.equal((await send('GET', `${P}/secrets/a`, undefined, null)).status, 500);
    const grant = wireRequest('/google/token', {
      method: 'POST',
      headers: { host: HOST },
      body: 'a',
    });
    assert.equal((await facade.handle(grant)).status, 500);
    await server.instance.close();
  });
});
