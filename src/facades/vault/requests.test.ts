/** From the wire to the core: verbs, parameters, tokens, bodies, and what is refused before the core sees it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { RequestError } from '../../model/errors.ts';
import type { WireRequest } from '../facade.ts';
import { ask, callOf, dataOf, json, wireRequest } from './facade.testkit.ts';
import type { Sent } from './facade.testkit.ts';
import { createVaultFacade } from './vault-facade.ts';

async function wrapSeconds(text: string): Promise<number> {
  return (await callOf({ target: '/v1/x', headers: [['X-Vault-Wrap-TTL', text]] })).wrapTtlSeconds;
}

function post(body: string | Buffer, type?: string): Sent {
  return {
    method: 'POST',
    target: '/v1/x',
    body,
    headers: type === undefined ? [] : [['Content-Type', type]],
  };
}

function patch(type: string): Sent {
  return { ...post('{"a":1}', type), method: 'PATCH' };
}

describe('what reaches the core', () => {
  const VERBS: readonly (readonly [string, string, string, string])[] = [
    ['GET', '/v1/kv/a', 'read', 'kv/a'],
    ['POST', '/v1/kv/a', 'write', 'kv/a'],
    ['PUT', '/v1/kv/a', 'write', 'kv/a'],
    ['PATCH', '/v1/kv/a', 'patch', 'kv/a'],
    ['DELETE', '/v1/kv/a', 'delete', 'kv/a'],
    ['LIST', '/v1/kv/a', 'list', 'kv/a/'],
    ['LIST', '/v1/kv/a/', 'list', 'kv/a/'],
    ['SCAN', '/v1/kv', 'scan', 'kv/'],
    ['HEAD', '/v1/kv/a', 'header', 'kv/a'],
    ['GET', '/v1/kv/a?list=true', 'list', 'kv/a/'],
    ['GET', '/v1/kv/a?list=TRUE', 'list', 'kv/a/'],
    ['GET', '/v1/kv/a?list=0', 'read', 'kv/a'],
    ['GET', '/v1/kv/a?list', 'read', 'kv/a'],
    ['GET', '/v1/kv/a?scan=t', 'scan', 'kv/a/'],
    ['POST', '/v1/kv/a?list=true', 'write', 'kv/a'],
    ['GET', '/v1/kv/a?help=1', 'help', 'kv/a'],
    ['GET', '/v1/sys/health?list=true', 'read', 'sys/health'],
    ['GET', '/v1/sys/seal-status?scan=true', 'read', 'sys/seal-status'],
    ['LIST', '/v1/sys/leader', 'list', 'sys/leader/'],
    ['GET', '/v1/kv/a?', 'read', 'kv/a'],
    ['GET', '/v1/kv/a/', 'read', 'kv/a/'],
    ['GET', '/v1/', 'read', ''],
  ];
  for (const [method, target, operation, path] of VERBS) {
    test(`${method} ${target} is ${operation} of ${path}`, async () => {
      const headers = [['Content-Type', 'application/merge-patch+json']] as const;
      const call = await callOf({ method, target, headers: method === 'PATCH' ? headers : [] });
      assert.deepEqual([call.operation, call.path], [operation, path]);
    });
  }

  test('query parameters become data; repeated ones become a list; broken ones are left out', async () => {
    const call = await callOf({
      target: '/v1/x?a=1&b=2&a=3&c=%zz&list=false&help=&d=x+y%21&e;f=1&g',
    });
    assert.deepEqual({ ...call.query }, { a: ['1', '3'], b: '2', list: 'false', d: 'x y!', g: '' });
  });

  test('the list flag itself is no data', async () => {
    const call = await callOf({ target: '/v1/x?list=true&after=k&limit=5' });
    assert.deepEqual({ ...call.query }, { after: 'k', limit: '5' });
  });

  test('a parameter named like a property of Object is only data', async () => {
    const call = await callOf({ target: '/v1/x?__proto__=1&constructor=2' });
    assert.equal(Object.getPrototypeOf(call.query), null);
    assert.deepEqual(Object.keys(call.query), ['__proto__', 'constructor']);
  });

  const TOKENS: readonly (readonly [readonly (readonly [string, string])[], string | undefined])[] =
    [
      [[['X-Vault-Token', 't']], 't'],
      [[['Authorization', 'Bearer  t ']], 't'],
      [[['Authorization', 'Bearer']], undefined],
      [[['Authorization', 't']], undefined],
      [[['Authorization', 'Basic dDp0']], undefined],
      [
        [
          ['X-Vault-Token', 'a'],
          ['Authorization', 'Bearer b'],
        ],
        'a',
      ],
      [[['Cookie', 'token=t']], undefined],
      [[], undefined],
    ];
  for (const [headers, token] of TOKENS) {
    test(`token of ${JSON.stringify(headers)}`, async () => {
      assert.equal((await callOf({ target: '/v1/x', headers })).token, token);
    });
  }

  test('credentials and forwarded certificates are not among the headers (CVE-2026-4525)', async () => {
    const { headers } = await callOf({
      target: '/v1/x',
      headers: [
        ['X-Vault-Token', 'SECRET'],
        ['Authorization', 'Bearer SECRET'],
        ['Cookie', 'SECRET'],
        ['X-Vault-MFA', 'm:SECRET'],
        ['X-Vault-Inline-Auth-Parameter-0', 'SECRET'],
        ['Client-Cert', 'SECRET'],
        ['X-Processed-Tls-Client-Certificate', 'SECRET'],
        ['X-Trace', 'kept'],
      ],
    });
    assert.deepEqual({ ...headers }, { 'x-trace': 'kept' });
    const basic = await callOf({ target: '/v1/x', headers: [['Authorization', 'Basic Yzpz']] });
    assert.equal(basic.headers['authorization'], 'Basic Yzpz');
  });

  test('wrapping TTLs', async () => {
    const GOOD = {
      '': 0,
      '0': 0,
      '60': 60,
      '5m': 300,
      '1h30m': 5400,
      '5d': 432_000,
      '0.5h': 1800,
      '300ms': 1,
    };
    for (const [text, expected] of Object.entries(GOOD))
      assert.equal(await wrapSeconds(text), expected);
    for (const text of ['-5', 'x', '1h1', '1e3', '1.5', '10x', '9999999999', '\u00d9\u00a3']) {
      const reply = await ask({ target: '/v1/x', headers: [['X-Vault-Wrap-TTL', text]] });
      assert.equal(reply.status, 400, text);
    }
  });

  test('the namespace header is canonical and comes back as sent', async () => {
    let namespace: string | undefined;
    const reply = await ask(
      { target: '/v1/x', headers: [['X-Vault-Namespace', '/a/b']] },
      (call) => {
        namespace = call.namespace;
        return {};
      },
    );
    assert.equal(namespace, 'a/b/');
    assert.equal(reply.headers['X-Vault-Namespace'], '/a/b');
    const bad = await ask({ target: '/v1/x', headers: [['X-Vault-Namespace', '../x']] });
    assert.equal(bad.status, 404);
  });
});

describe('bodies', () => {
  const FORM = 'application/x-www-form-urlencoded';

  const GOOD: readonly (readonly [string, string | undefined, unknown])[] = [
    ['{"a":1}', undefined, { a: 1 }],
    ['{"a":1}', FORM, { a: 1 }],
    [' \n{"a":1}\n\n', FORM, { a: 1 }],
    ['a=1&b=x+y&a=2', FORM, { a: '1,2', b: 'x y' }],
    ['', undefined, {}],
    [' ', undefined, {}],
    ['null', undefined, {}],
    ['{"a":1}{"b":2}', undefined, { a: 1 }],
    ['{"a":"}{"} {"b":"\\"}"}', undefined, { a: '}{' }],
    ['{"a":1,"a":2}', undefined, { a: 2 }],
    ['{"":1}', undefined, { '': 1 }],
    ['{"a":"\\ud800"}', undefined, { a: '\ufffd' }],
    ['{"a":"\\ud83d\\ude00"}', undefined, { a: '😀' }],
  ];
  for (const [body, type, expected] of GOOD) {
    test(`${JSON.stringify(body)} as ${type ?? 'JSON'}`, async () => {
      assert.deepEqual({ ...((await dataOf(post(body, type))) as object) }, expected);
    });
  }

  const BAD = [
    '{',
    '}',
    '[]',
    'true',
    '1',
    '"s"',
    '{"a":}',
    "{'a':1}",
    '{"a":1,}',
    '{a:1}',
    '\ufeff{"a":1}',
    '{"a":NaN}',
    '{"a":01}',
    '{"a":1e400}',
    '{"a":[-1E+999]}',
    '{"a":"\\x"}',
    '{"a":"\u0001"}',
    '// c\n{"a":1}',
    '{"a":1}]',
    '{"a":1}garbage',
    '{"a":1}{',
    `{"a":${'['.repeat(600)}${']'.repeat(600)}}`,
    `{"a":${'['.repeat(100_000)}`,
  ];
  for (const body of BAD) {
    test(`refuses ${JSON.stringify(body.slice(0, 30))}`, async () => {
      assert.equal(await dataOf(post(body)), 'invalid_request');
    });
  }

  test('bytes that are not UTF-8 become replacement characters', async () => {
    const data = await dataOf(post(Buffer.from('7b2261223a22fffe227d', 'hex')));
    assert.deepEqual({ ...(data as object) }, { a: '\ufffd\ufffd' });
  });

  test('numbers keep their text, __proto__ is an ordinary key', async () => {
    const text = '{"big":12345678901234567890,"one":1.0,"__proto__":{"root":true}}';
    const data = (await dataOf(post(text))) as Record<string, unknown>;
    assert.equal(JSON.stringify(data), text);
    assert.equal(Object.getPrototypeOf(data), null);
    assert.equal(({} as Record<string, unknown>)['root'], undefined);
  });

  test('an error never repeats what was sent', async () => {
    const reply = await ask(post('{"a":"S3CRET'), async (call) => {
      await call.readBody();
      return {};
    });
    assert.equal(reply.status, 400);
    assert.ok(!String(reply.body).includes('S3CRET'));
  });

  test('size, depth and number of values are limited, each by its own name', async () => {
    const limits = { bytesMax: 100, depthMax: 3, valuesMax: 10 };
    const status = async (body: string): Promise<number> =>
      (
        await ask(
          post(body),
          async (call) => {
            await call.readBody();
            return {};
          },
          { limits },
        )
      ).status;
    assert.equal(await status('{"a":[1,2,3]}'), 204);
    assert.equal(await status(`{"a":"${'x'.repeat(200)}"}`), 413);
    assert.equal(await status('{"a":[[[]]]}'), 400);
    assert.equal(await status('{"a":[1,2,3,4,5,6,7,8,9,10,11]}'), 400);
  });

  test('merge patches need their content type', async () => {
    assert.deepEqual(
      { ...((await dataOf(patch('application/merge-patch+json; charset=utf-8'))) as object) },
      { a: 1 },
    );
    // They are told so before anybody asks who sends them.
    let calls = 0;
    const handle = (): never => {
      calls++;
      throw new RequestError('permission_denied', 'no');
    };
    assert.equal((await ask(patch('application/json'), handle)).status, 415);
    assert.equal((await ask(patch(''), handle)).status, 400);
    assert.equal(calls, 0);
    // Where nothing can be patched, in whatever form, that is what they are told.
    await ask({ ...patch('application/json'), target: '/v1/sys/health' }, handle);
    assert.equal(calls, 1);
  });

  test('a path that a listener serves to anybody is read, with any flags, and nothing else', async () => {
    const facade = createVaultFacade({
      log: silentLog,
      handle: () => assert.fail('asked the core'),
      open: new Map([['sys/metrics', () => ({ bare: true, data: { up: 1 } })]]),
    });
    const status = async (method: string, query = ''): Promise<number> =>
      (await facade.handle(wireRequest({ method, target: `/v1/sys/metrics${query}` }))).status;
    for (const query of ['', '?list=true', '?scan=true'])
      assert.equal(await status('GET', query), 200);
    for (const method of ['POST', 'LIST', 'DELETE', 'HEAD', 'PATCH'])
      assert.equal(await status(method), 405, method);
  });

  test('reads, deletes and lists have no body', async () => {
    for (const method of ['GET', 'DELETE', 'LIST', 'HEAD']) {
      assert.deepEqual({ ...((await dataOf({ ...post('garbage'), method })) as object) }, {});
    }
  });

  test('the body is not read until the core asks for it', async () => {
    const request = wireRequest(post('{}'));
    let reads = 0;
    const counting: WireRequest = {
      ...request,
      readBody: (bytesMax) => {
        reads++;
        return request.readBody(bytesMax);
      },
    };
    const facade = createVaultFacade({
      log: silentLog,
      handle: () =>
        Promise.resolve({
          requestId: 'i',
          namespacePath: '',
          error: new RequestError('rate_limited', 'request path "x": rate limit quota exceeded'),
        }),
    });
    assert.equal((await facade.handle(counting)).status, 429);
    assert.equal(reads, 0);
  });
});

describe('a path with a slash before it', () => {
  const LED: readonly (readonly [string, string])[] = [
    ['/v1//secret/data/app', '/v1/secret/data/app'],
    ['/v1///kv?list=true', '/v1/kv?list=true'],
    ['/v1//evil.example/x', '/v1/evil.example/x'],
  ];
  for (const [target, location] of LED) {
    test(`a read of ${target} is led to ${location}`, async () => {
      let reached = false;
      const reply = await ask({ target }, () => {
        reached = true;
        return {};
      });
      assert.deepEqual([reply.status, reply.headers['Location']], [307, location]);
      assert.equal(reached, false);
    });
  }
  for (const sent of [
    { method: 'POST', target: '/v1//kv/a' },
    { method: 'DELETE', target: '/v1//kv/a' },
    { target: '/v1/kv//a' },
    { target: '/v1//kv/\u00e9' },
    { target: '/v1//' },
  ]) {
    test(`${sent.method ?? 'GET'} ${sent.target} is refused`, async () => {
      assert.equal((await ask(sent)).status, 400);
    });
  }
});

describe('what is refused at the edge', () => {
  const REFUSED: readonly (readonly [string, Sent, number])[] = [
    ['unknown verb', { method: 'PURGE', target: '/v1/x' }, 405],
    ['genuine LINK', { method: 'LINK', target: '/v1/x' }, 405],
    ['TRACE', { method: 'TRACE', target: '/v1/x' }, 405],
    ['list flag', { target: '/v1/x?list=yes' }, 400],
    ['list and scan', { target: '/v1/x?list=1&scan=1' }, 400],
    ['write to a folder', { method: 'POST', target: '/v1/kv/a/' }, 400],
    ['patch of a folder', { method: 'PATCH', target: '/v1/kv/a/' }, 400],
    ['dot segments', { target: '/v1/kv/../sys' }, 400],
    ['absolute form', { target: 'http://evil/v1/x' }, 400],
    ['asterisk form', { method: 'OPTIONS', target: '*' }, 400],
    ['outside /v1/', { target: '/foo' }, 404],
    ['/v1', { target: '/v1' }, 404],
    ['/V1/', { target: '/V1/kv/a' }, 404],
    ['//v1/', { target: '//v1/kv/a' }, 404],
    ['/', { target: '/' }, 404],
    [
      'two tokens',
      {
        target: '/v1/x',
        headers: [
          ['X-Vault-Token', 'a'],
          ['x-vault-token', 'b'],
        ],
      },
      400,
    ],
    [
      'two Authorization',
      {
        target: '/v1/x',
        headers: [
          ['Authorization', 'a'],
          ['Authorization', 'b'],
        ],
      },
      400,
    ],
    [
      'two Host',
      {
        target: '/v1/x',
        headers: [
          ['Host', 'a'],
          ['Host', 'b'],
        ],
      },
      400,
    ],
    [
      'two namespaces',
      {
        target: '/v1/x',
        headers: [
          ['X-Vault-Namespace', 'a'],
          ['X-Vault-Namespace', 'b'],
        ],
      },
      400,
    ],
    ['override', { target: '/v1/x', headers: [['X-Vault-Policy-Override', 'junk']] }, 400],
    ['too many parameters', { target: `/v1/x?${'a&'.repeat(1001)}` }, 400],
  ];
  for (const [name, sent, status] of REFUSED) {
    test(name, async () => {
      let reached = false;
      const reply = await ask(sent, () => {
        reached = true;
        return {};
      });
      assert.equal(reply.status, status);
      assert.equal(reached, false);
      assert.ok(Array.isArray((json(reply) as { errors: unknown }).errors));
    });
  }

  test('a repeated header that may repeat is fine', async () => {
    const call = await callOf({
      target: '/v1/x',
      headers: [
        ['X-Trace', 'a'],
        ['X-Trace', 'b'],
      ],
    });
    assert.equal(call.headers['x-trace'], 'a, b');
  });
});
