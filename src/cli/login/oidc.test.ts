/** The browser's side of a login on the command line: who may come back to the listener, and what polls ask. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client } from '../../client/client.ts';
import { browserLogin } from './oidc.ts';
import { startStub } from '../scripts/stub.ts';
import type { StubAnswer } from '../scripts/stub.ts';
import type { Terminal } from '../terminal.ts';

const AUTH = JSON.stringify({ auth: { client_token: 'hvs.ada', policies: [] } });
const said: string[] = [];
const terminal = {
  complain: (text: string) => void said.push(text),
  stderrIsTty: false,
  environment: {},
} as unknown as Terminal;

function answer(method: string, path: string, body: unknown, status = 200): StubAnswer {
  return { method, path, status, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

function begun(data: Record<string, unknown>): StubAnswer {
  return answer('PUT', '/v1/auth/oidc/oidc/auth_url', { data });
}

/** A free port: the listener of the test takes it over. */
async function freePort(): Promise<string> {
  const stub = await startStub([]);
  await stub.close();
  return URL.parse(stub.address)?.port ?? '';
}

interface Outcome {
  readonly token: string | undefined;
  readonly seen: readonly { readonly path: string; readonly body: string }[];
}

async function run(
  answers: readonly StubAnswer[],
  values: Record<string, string>,
  open: (port: string) => Promise<void> = async () => {},
): Promise<Outcome> {
  const stub = await startStub(answers);
  const port = await freePort();
  const client = new Client({ address: stub.address });
  try {
    const secret = await browserLogin(
      { terminal, client, open: async () => open(port) },
      'oidc',
      new Map(Object.entries({ port, listenaddress: '127.0.0.1', ...values })),
    );
    return { token: secret.auth?.clientToken, seen: stub.seen };
  } finally {
    client.close();
    await stub.close();
  }
}

suite('the mode client', () => {
  test('only a return with the state of this login counts', async () => {
    const { token, seen } = await run(
      [
        begun({ auth_url: 'https://op.example/auth?state=S' }),
        {
          method: 'GET',
          path: '*',
          status: 200,
          body: AUTH,
        },
      ],
      {},
      async (port) => {
        // Not awaited: the answer comes when the login is over.
        void (async () => {
          for (const query of ['', '?state=other&code=c', '?state=S&code=c']) {
            await fetch(`http://127.0.0.1:${port}/oidc/callback${query}`);
          }
        })();
      },
    ).catch((error: unknown) => ({ token: String(error), seen: [] }));
    assert.equal(token, 'hvs.ada');
    assert.match(
      seen[1]?.path ?? '',
      /^\/v1\/auth\/oidc\/oidc\/callback\?state=S&code=c&client_nonce=\w{20}$/,
    );
    assert.match(seen[0]?.body ?? '', /"redirect_uri":"http:\/\/localhost:\d+\/oidc\/callback"/);
  });

  test('a server that does not begin the login says nothing, we say where to look', async () => {
    await assert.rejects(run([begun({ auth_url: '' })], {}), /allowed_redirect_uris/);
    const direct = begun({ auth_url: 'https://x', state: 'S', poll_interval: '1' });
    await assert.rejects(run([direct], {}), /callbackmode=direct/);
  });
});

suite('the mode direct', () => {
  test('polls until the login is over', async () => {
    const poll = '/v1/auth/oidc/oidc/poll';
    const { token, seen } = await run(
      [
        begun({ auth_url: 'https://x', state: 'S', poll_interval: '0.01' }),
        answer('PUT', poll, { errors: ['authorization_pending'] }, 400),
        answer('PUT', poll, { errors: ['slow_down'] }, 400),
        answer('PUT', poll, AUTH),
      ],
      { callbackmode: 'direct', skip_browser: 'true' },
    );
    assert.equal(token, 'hvs.ada');
    assert.match(seen[0]?.body ?? '', /\/v1\/auth\/oidc\/oidc\/callback/);
    assert.equal(seen[1]?.body, seen[2]?.body);
  });
});
