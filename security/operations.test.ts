/** Wrapping, audit, logs, rekeying and limits: published weaknesses tried on a running server. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { textOf } from './evidence.ts';
import { Target } from './target.ts';

let target: Target;
before(async () => {
  target = await Target.start({ auditCreation: true, bodyBytesMax: 1024 * 1024 });
});
after(async () => {
  await target.close();
});

const CANARY = 'canary-8d20b1';

async function wrapped(): Promise<string> {
  const { wrap_info: info } = await target.expect('POST', 'sys/wrapping/wrap', {
    body: { value: CANARY },
    headers: { 'X-Vault-Wrap-TTL': '60s' },
  });
  return textOf(info, 'token');
}

suite('response wrapping', () => {
  test('exactly one of many unwraps succeeds', async () => {
    const token = await wrapped();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_none, index) =>
        index % 2 === 0
          ? target.call('POST', 'sys/wrapping/unwrap', { token })
          : target.callTls('POST', 'sys/wrapping/unwrap', { body: { token } }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ text }) => text.includes(CANARY)).length, 1);
    target.assertSecret(CANARY);
    target.assertSecret(token);
  });

  test('a wrapping token does nothing else, and not in another namespace', async () => {
    await target.expect('PUT', 'sys/namespaces/wrap1');
    const token = await wrapped();
    for (const [method, path] of [
      ['GET', 'secret/data/x'],
      ['GET', 'auth/token/lookup-self'],
      ['POST', 'auth/token/renew-self'],
      ['POST', 'auth/token/create'],
      ['POST', 'sys/capabilities-self'],
    ] as const) {
      const fresh = await wrapped();
      const { status } = await target.call(method, path, { token: fresh, body: {} });
      assert.equal(status, 403, path);
    }
    const elsewhere = await target.call('POST', 'sys/wrapping/unwrap', {
      namespace: 'wrap1',
      body: { token },
    });
    assert.notEqual(elsewhere.status, 200);
    target.assertSecret(CANARY, elsewhere);
  });

  test('a swapped token shows by its creation path', async () => {
    const { wrap_info: info } = await target.expect('GET', 'sys/policies/acl/default', {
      headers: { 'X-Vault-Wrap-TTL': '60s' },
    });
    const { data } = await target.expect('POST', 'sys/wrapping/lookup', {
      token: null,
      body: { token: textOf(info, 'token') },
    });
    assert.equal(textOf(data, 'creation_path'), 'sys/policies/acl/default');
  });
});

suite('audit', () => {
  test('SEC-52: a device in clear leaves the others hashed, tokens and accessors are hashed', async () => {
    const raw = join(target.folder, 'raw.log');
    await target.expect('PUT', 'sys/audit/raw', {
      body: { type: 'file', options: { file_path: raw, log_raw: 'true' } },
    });
    const { auth } = await target.expect('POST', 'auth/token/create', { body: { ttl: '1h' } });
    const token = textOf(auth, 'client_token');
    await target.expect('POST', 'secret/data/in52', { token, body: { data: { a: CANARY } } });
    await target.expect('DELETE', 'sys/audit/raw');
    target.assertSecret(CANARY);
    target.assertSecret(token);
    target.assertSecret(textOf(auth, 'accessor'));
  });

  test('SEC-71: no audit file with bits, in places or through links that make it a program', async () => {
    const link = join(target.folder, 'link.log');
    symlinkSync(join(target.folder, 'nowhere', 'x'), link);
    mkdirSync(join(target.folder, 'made'), { recursive: true });
    for (const options of [
      { mode: '0777' },
      { mode: '04755' },
      { mode: '0755' },
      { prefix: '#!/bin/sh\n' },
      { file_path: 'relative.log' },
      { file_path: link },
      { file_path: `${target.folder}/a\0b` },
      { path: join(target.folder, 'legacy.log'), file_path: '' },
    ]) {
      const file = join(target.folder, 'made', 'evil.log');
      const { status } = await target.call('PUT', 'sys/audit/evil', {
        body: { type: 'file', options: { file_path: file, ...options } },
      });
      assert.equal(status, 400, JSON.stringify(options));
      assert.ok(!existsSync(file), JSON.stringify(options));
    }
  });

  test('SEC-71: creation through the API is off unless the configuration opens it', async (context) => {
    const closed = await Target.start();
    context.after(() => closed.close());
    const file = join(closed.folder, 'more.log');
    const { status } = await closed.call('PUT', 'sys/audit/more', {
      body: { type: 'file', options: { file_path: file } },
    });
    assert.ok(status === 400 || status === 403, `${status}`);
    assert.ok(!existsSync(file));
  });

  test('SEC-76: what is written is for the owner only', () => {
    for (const name of readdirSync(target.folder)) {
      if (!name.endsWith('audit.log')) continue;
      assert.equal(statSync(join(target.folder, name)).mode & 0o077, 0, name);
    }
  });
});

suite('keys and limits', () => {
  test('SEC-60: nobody without a token starts, feeds, cancels or sees a rekey or a root generation', async () => {
    await target.changesNothing(async () => {
      for (const path of [
        'sys/rekey/init',
        'sys/rekey/update',
        'sys/rekey/verify',
        'sys/rekey/backup',
        'sys/generate-root/attempt',
        'sys/generate-root/update',
      ]) {
        for (const method of ['GET', 'PUT', 'POST', 'DELETE']) {
          for (const token of [null, 's.garbagegarbagegarbagegar']) {
            const body = method.startsWith('P') ? { body: { key: CANARY, nonce: CANARY } } : {};
            const received = await target.call(method, path, { token, ...body });
            assert.ok(
              [403, 404, 405].includes(received.status),
              `${method} ${path}: ${received.status}`,
            );
            target.assertSecret(CANARY, received);
          }
        }
      }
    });
  });

  test('SEC-40: renewing near its end never makes a token immortal', async () => {
    const { auth } = await target.expect('POST', 'auth/token/create', {
      body: { policies: ['default'], ttl: '2s', explicit_max_ttl: '2s' },
    });
    const token = textOf(auth, 'client_token');
    const deadlineMs = performance.now() + 10_000;
    for (let status = 200; status !== 403;) {
      assert.ok(performance.now() < deadlineMs, 'the token outlives its maximum');
      const renewed = await target.call('POST', 'auth/token/renew-self', {
        token,
        body: { increment: '1h' },
      });
      ({ status } = renewed);
      if (status === 200) {
        const { auth: now } = JSON.parse(renewed.text) as { auth: { lease_duration: number } };
        assert.ok(now.lease_duration > 0 && now.lease_duration <= 2, renewed.text);
      }
      // Less than a second before its end there is nothing left to renew.
      assert.ok([200, 400, 403].includes(status), renewed.text);
      const looked = await target.call('GET', 'auth/token/lookup-self', { token });
      assert.ok(!looked.text.includes('"expire_time":null'), looked.text);
    }
    assert.equal((await target.call('GET', 'auth/token/lookup-self', { token })).status, 403);
  });

  test('SEC-54: a rate limit refuses before the body is read', async () => {
    await target.expect('POST', 'sys/quotas/rate-limit/tight', {
      body: { rate: 0.001, path: 'secret/' },
    });
    await target.call('GET', 'secret/data/first', { token: null });
    const huge = Buffer.alloc(900_000, '[');
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => target.call('POST', 'secret/data/x', { raw: huge })),
    );
    await target.expect('DELETE', 'sys/quotas/rate-limit/tight');
    // A body that had been parsed would have been refused with 400.
    for (const { status } of answers) assert.equal(status, 429);
  });

  test('SEC-55: a body over the limit is refused by its announced length', async () => {
    const received = await target.call('POST', 'secret/data/x', {
      raw: Buffer.alloc(2_000_000, 'a'),
    });
    assert.equal(received.status, 413);
  });
});
