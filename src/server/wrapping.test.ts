/** Response wrapping: a wrapped answer is opened once, by whoever holds its token, and by nothing else. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { JsonObject } from '../base/json.ts';
import { openInstance } from './instance-fixture.ts';
import type { Asking, OpenInstance } from './instance-fixture.ts';

let server: OpenInstance;
before(async () => {
  server = await openInstance();
  await server.get('write', 'secret/data/a', { data: { data: { password: 'x' } } });
  for (const name of ['one', 'two']) await server.get('write', `sys/namespaces/${name}`);
});
after(async () => await server.instance.close());

async function wrapped(path = 'secret/data/a', asking: Asking = {}): Promise<string> {
  const { wrap, error } = await server.ask('read', path, { wrapTtlSeconds: 60, ...asking });
  if (wrap === undefined) throw error ?? new Error('not wrapped');
  return wrap.token;
}

interface Envelope {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly auth: { readonly client_token: string } | null;
}

async function unwrapped(asking: Asking): Promise<Envelope | string> {
  const { reply, error } = await server.ask('write', 'sys/wrapping/unwrap', asking);
  return error === undefined ? (JSON.parse(reply?.unwrapped ?? '{}') as Envelope) : error.code;
}

const byOther = (token: string, namespace = ''): Asking => ({ namespace, data: { token } });

suite('a wrapped answer', () => {
  test('is not told, but where it came from is', async () => {
    const { reply, wrap } = await server.ask('read', 'secret/data/a', { wrapTtlSeconds: 60 });
    assert.equal(JSON.stringify(reply).includes('password'), false);
    assert.equal(wrap?.creationPath, 'secret/data/a');
    const shown = await server.get('write', 'sys/wrapping/lookup', {
      token: null,
      data: { token: wrap?.token ?? '' },
    });
    assert.equal(shown['creation_path'], 'secret/data/a');
    assert.equal(shown['creation_ttl'], 60);
  });

  test('is asked for by text, or the request is refused', async () => {
    for (const path of ['lookup', 'unwrap', 'rewrap']) {
      for (const token of ['', 7, {}, ['a']]) {
        const outcome = await server.outcome('write', `sys/wrapping/${path}`, { data: { token } });
        assert.equal(outcome, 'permission_denied', path);
      }
      const { error } = await server.ask('write', `sys/wrapping/${path}`, {
        token: null,
        data: { token: await server.makeToken() },
      });
      // Nobody learns from it that there is such a token.
      assert.equal(error?.code, 'invalid_request', path);
    }
  });

  test('is looked at first, whatever is asked of it', async () => {
    for (const path of ['lookup', 'unwrap', 'rewrap']) {
      for (const operation of ['delete', 'header'] as const) {
        const refusal = (data: JsonObject): Promise<string> =>
          server.outcome(operation, `sys/wrapping/${path}`, { data });
        assert.equal(await refusal({ token: await wrapped() }), 'unsupported_operation', path);
        assert.equal(await refusal({ token: 'nope' }), 'invalid_request', path);
        const unknown = await server.outcome(operation, `sys/wrapping/${path}`, { token: 'nope' });
        assert.equal(unknown, 'invalid_request', path);
      }
    }
  });

  test('is never a listing of nothing', async () => {
    await server.get('write', 'sys/mounts/none', { data: { type: 'kv' } });
    for (const path of ['none/', 'sys/policies/password/']) {
      const { wrap } = await server.ask('list', path, { wrapTtlSeconds: 60 });
      assert.equal(wrap, undefined, path);
    }
  });

  test('is also what only warns', async () => {
    const { wrap } = await server.ask('write', 'sys/leases/tidy', { wrapTtlSeconds: 60 });
    assert.equal(wrap?.creationPath, 'sys/leases/tidy');
  });

  test('is opened once: by its own token, or by another that may', async () => {
    const [own, other] = [await wrapped(), await wrapped()];
    for (const asking of [{ token: own }, byOther(other)]) {
      const envelope = await unwrapped(asking);
      assert.ok(typeof envelope === 'object');
      assert.deepEqual(envelope.data?.['data'], { password: 'x' });
    }
    assert.equal(await unwrapped({ token: own }), 'invalid_request');
    assert.equal(await unwrapped(byOther(own)), 'invalid_request');
    assert.equal(await unwrapped(byOther(other)), 'invalid_request');
  });

  test('is not opened by nobody, who hears of a spent one what everybody hears', async () => {
    const token = await wrapped();
    const byNobody: Asking = { token: null, data: { token } };
    assert.equal(await unwrapped(byNobody), 'permission_denied');
    assert.equal(typeof (await unwrapped({ token })), 'object');
    assert.equal(await unwrapped(byNobody), 'invalid_request');
    assert.equal(await unwrapped({ token: null }), 'permission_denied');
  });

  test('in the form of another protocol opens as it was, a refusal too; what tells of the server is never wrapped', async () => {
    for (const path of [
      'identity/oidc/.well-known/keys',
      'identity/oidc/.well-known/openid-configuration',
      'identity/oidc/provider/default/userinfo',
    ]) {
      const plain = (await server.ask('read', path)).reply;
      const { wrap, headers } = await server.ask('read', path, { wrapTtlSeconds: 60 });
      assert.equal(headers?.['Cache-Control'], undefined, path);
      const { reply } = await server.ask('write', 'sys/wrapping/unwrap', {
        token: wrap?.token ?? '',
      });
      assert.equal(reply?.raw?.contentType, 'application/json', path);
      assert.equal(reply?.status, plain?.status ?? 200, path);
      assert.deepEqual(JSON.parse(String(reply?.raw?.body)), plain?.data, path);
    }
    const { wrap } = await server.ask('read', 'sys/seal-status', { wrapTtlSeconds: 60 });
    assert.equal(wrap, undefined);
  });

  test('that is no JSON of ours is kept back as well, and opens as what it was', async () => {
    const path = 'sys/metrics';
    const plain = await server.ask('read', path);
    const opened = async (token: string | undefined): Promise<void> => {
      const asking = { token: token ?? '' };
      const { reply } = await server.ask('write', 'sys/wrapping/unwrap', asking);
      assert.equal(reply?.raw?.contentType, plain.reply?.raw?.contentType);
      assert.deepEqual(
        Object.keys(JSON.parse(String(reply?.raw?.body)) as object),
        Object.keys(JSON.parse(String(plain.reply?.raw?.body)) as object),
      );
    };
    const told = await server.ask('read', path, { wrapTtlSeconds: 60 });
    assert.equal(told.reply?.raw, undefined);
    await opened(told.wrap?.token);
    const again = await server.ask('write', 'sys/wrapping/rewrap', byOther(await wrapped(path)));
    await opened(again.wrap?.token);
  });

  test('goes to exactly one of many who race for it', async () => {
    const token = await wrapped();
    const opened = await Promise.all(
      Array.from({ length: 20 }, (_, at) => unwrapped(at % 2 === 0 ? { token } : byOther(token))),
    );
    assert.equal(opened.filter((each) => typeof each === 'object').length, 1);
  });

  test('races with its own renewal: one of both gets it', async () => {
    for (let round = 0; round < 5; round++) {
      const token = await wrapped();
      const [opened, renewed] = await Promise.all([
        unwrapped(byOther(token)),
        server.ask('write', 'sys/wrapping/rewrap', byOther(token)),
      ]);
      assert.equal(typeof opened === 'object', renewed.wrap === undefined);
    }
  });

  test('expires', async () => {
    const token = await wrapped();
    await server.pass(59);
    const { wrap } = await server.ask('write', 'sys/wrapping/rewrap', byOther(token));
    await server.pass(59);
    assert.equal(typeof (await unwrapped(byOther(wrap?.token ?? ''))), 'object');
    const other = await wrapped();
    server.clock.advance(60_000);
    assert.equal(await unwrapped(byOther(other)), 'invalid_request');
  });

  test('keeps its path and time to live when it is wrapped anew, and the old token is none', async () => {
    const token = await wrapped();
    const { wrap } = await server.ask('write', 'sys/wrapping/rewrap', byOther(token));
    assert.equal(wrap?.creationPath, 'secret/data/a');
    assert.equal(wrap?.ttlSeconds, 60);
    assert.equal(await unwrapped(byOther(token)), 'invalid_request');
    assert.equal(typeof (await unwrapped(byOther(wrap?.token ?? ''))), 'object');
  });

  test('is opened for nothing else: its token may do no more', async () => {
    for (const [operation, path] of [
      ['read', 'auth/token/lookup-self'],
      ['write', 'cubbyhole/x'],
      ['read', 'secret/data/a'],
      ['write', 'auth/token/renew-self'],
      ['write', 'auth/token/create'],
    ] as const) {
      const token = await wrapped();
      const { reply, auth } = await server.ask(operation, path, { token });
      assert.equal(auth, undefined, path);
      assert.equal(JSON.stringify(reply ?? {}).includes('password'), false, path);
    }
  });

  test('is also read by old clients from its cubbyhole, once', async () => {
    const token = await wrapped();
    const { response } = await server.get('read', 'cubbyhole/response', { token });
    assert.ok(String(response).includes('password'));
    assert.equal(
      await server.outcome('read', 'cubbyhole/response', { token }),
      'permission_denied',
    );
    assert.equal(await unwrapped(byOther(token)), 'invalid_request');
  });

  test('is not one that another token opens', async () => {
    const token = await server.makeToken();
    for (const text of [token, 'nonsense', `${await wrapped()}x`]) {
      assert.equal(await unwrapped(byOther(text)), 'invalid_request', text);
    }
  });

  test('opens by itself where no namespace is named, and goes on for no longer than is asked', async () => {
    const path = 'sys/policies/acl/default';
    const own = await wrapped(path, { namespace: 'one/' });
    const looked = await server.ask('write', 'sys/wrapping/lookup', { token: own });
    assert.equal(looked.reply?.data?.['creation_path'], path);
    for (const [wrapTtlSeconds, expected] of [
      [0, 60],
      [600, 60],
      [20, 20],
    ] as const) {
      const data = { token: await wrapped() };
      const { wrap } = await server.ask('write', 'sys/wrapping/rewrap', { data, wrapTtlSeconds });
      assert.equal(wrap?.ttlSeconds, expected);
    }
    assert.equal(typeof (await unwrapped({ token: own })), 'object');
  });

  test('is wrapped again when it is opened under wrapping', async () => {
    const asking = { token: await wrapped(), wrapTtlSeconds: 60 };
    const { wrap } = await server.ask('write', 'sys/wrapping/unwrap', asking);
    assert.equal(wrap?.creationPath, 'sys/wrapping/unwrap');
    const { reply } = await server.ask('write', 'sys/wrapping/unwrap', { token: wrap.token });
    const { data } = JSON.parse(String(reply?.raw?.body)) as Envelope;
    assert.deepEqual(data?.['data'], { password: 'x' });
  });

  test('belongs to its namespace', async () => {
    await server.get('write', 'cubbyhole/x', { namespace: 'one/', data: { a: 'b' } });
    const token = await wrapped('sys/policies/acl/default', { namespace: 'one/' });
    assert.equal(await unwrapped(byOther(token, 'two/')), 'invalid_request');
    assert.equal(await unwrapped(byOther(token, '')), 'invalid_request');
    assert.equal(typeof (await unwrapped(byOther(token, 'one/'))), 'object');
    const own = await wrapped('sys/policies/acl/default', { namespace: 'one/' });
    assert.notEqual(typeof (await unwrapped({ token: own, namespace: 'two/' })), 'object');
  });

  test('may be a login or a new token, which nobody sees before', async () => {
    const { wrap, auth } = await server.ask('write', 'auth/token/create', {
      wrapTtlSeconds: 60,
      data: { policies: ['default'] },
    });
    assert.equal(auth, undefined);
    assert.ok((wrap?.wrappedAccessor ?? '').length > 0);
    const envelope = await unwrapped({ token: wrap?.token ?? '' });
    const inner = typeof envelope === 'object' ? (envelope.auth?.client_token ?? '') : '';
    assert.equal(await server.outcome('read', 'auth/token/lookup-self', { token: inner }), 'ok');
  });

  test('leaves nothing behind', async () => {
    const { begin, tokens } = server.instance.services;
    const token = await wrapped();
    const view = begin().view('root', `cubbyhole/${tokens.idOf(token)}/`);
    assert.equal((await view.list('')).length, 1);
    await unwrapped({ token });
    await server.pass(0);
    assert.equal((await view.list('')).length, 0);
  });
});

suite('a wrapping token in JWT form', () => {
  const asJwt: Asking = { call: { wrapFormat: 'jwt' } };
  const part = (token: string, at: number): Record<string, unknown> =>
    JSON.parse(Buffer.from(token.split('.')[at] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;

  test('says what it is, and opens once', async () => {
    const token = await wrapped('secret/data/a', asJwt);
    assert.deepEqual(part(token, 0), { alg: 'ES512', typ: 'JWT' });
    const claims = part(token, 1);
    assert.equal(claims['type'], 'wrapping');
    assert.equal(Number(claims['exp']) - Number(claims['iat']), 60);
    assert.equal(typeof (await unwrapped({ token })), 'object');
    assert.equal(await unwrapped(byOther(token)), 'invalid_request');
    const other = await wrapped('secret/data/a', asJwt);
    const shown = await server.get('write', 'sys/wrapping/lookup', {
      token: null,
      data: { token: other },
    });
    assert.equal(shown['creation_path'], 'secret/data/a');
    const { wrap } = await server.ask('write', 'sys/wrapping/rewrap', {
      ...byOther(other),
      ...asJwt,
    });
    assert.equal(typeof (await unwrapped(byOther(wrap?.token ?? ''))), 'object');
  });

  test('is no token when a bit of it is changed, or its signature is left out', async () => {
    const token = await wrapped('secret/data/a', asJwt);
    const [head = '', body = '', signature = ''] = token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const flipped =
      signature.slice(0, 40) + (signature[40] === 'A' ? 'B' : 'A') + signature.slice(41);
    for (const forged of [
      `${head}.${body}.${flipped}`,
      `${head}.${body}.`,
      `${none}.${body}.`,
      `${none}.${body}.${signature}`,
      `${head}.${body.slice(0, -2)}.${signature}`,
      `${head}.${body}.${signature}.x`,
    ]) {
      assert.notEqual(typeof (await unwrapped(byOther(forged))), 'object', forged.slice(-20));
      assert.notEqual(typeof (await unwrapped({ token: forged })), 'object');
    }
    assert.equal(typeof (await unwrapped({ token })), 'object');
  });
});
