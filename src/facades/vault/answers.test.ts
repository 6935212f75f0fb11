/** From the core to the wire: the envelope, errors, and cross-origin headers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseJson } from '../../base/json.ts';
import type { Answer } from '../../core/call.ts';
import {
  RequestError,
  invalidRequest,
  notFound,
  permissionDenied,
  unsupportedOperation,
} from '../../model/errors.ts';
import type { CorsSettings } from './cors.ts';
import { ask, json } from './facade.testkit.ts';
import type { Sent } from './facade.testkit.ts';

function cross(method: string, origin: string, asked?: string): Sent {
  return {
    method,
    target: '/v1/x',
    headers: [
      ['Origin', origin],
      ...(asked === undefined ? [] : [['Access-Control-Request-Method', asked] as const]),
    ],
  };
}

describe('answers', () => {
  const read: Sent = { target: '/v1/x' };
  const EMPTY = {
    request_id: 'id-1',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: null,
    auth: null,
  };

  test('the envelope has its eight keys in order', async () => {
    const reply = await ask(read, () => ({ reply: { data: { a: 1 } } }));
    assert.equal(reply.status, 200);
    assert.equal(
      reply.body,
      '{"request_id":"id-1","lease_id":"","renewable":false,"lease_duration":0,"data":{"a":1},"wrap_info":null,"warnings":null,"auth":null}\n',
    );
  });

  test('numbers go out as they came in', async () => {
    const data = { n: parseJson('12345678901234567890'), f: parseJson('1.0') };
    const reply = await ask(read, () => ({ reply: { data } }));
    assert.ok(String(reply.body).includes('"data":{"n":12345678901234567890,"f":1.0}'));
  });

  test('leases, warnings and status', async () => {
    const reply = await ask(read, () => ({
      reply: { data: { data: null }, warnings: ['w'], status: 404 },
      lease: { id: 'x/1', renewable: true, durationSeconds: 60 },
    }));
    assert.equal(reply.status, 404);
    assert.deepEqual(json(reply), {
      ...EMPTY,
      lease_id: 'x/1',
      renewable: true,
      lease_duration: 60,
      data: { data: null },
      warnings: ['w'],
    });
  });

  test('nothing to say: 404 for reads and lists, 204 for the rest', async () => {
    for (const method of ['GET', 'LIST', 'HEAD'])
      assert.equal((await ask({ ...read, method })).status, 404);
    for (const method of ['POST', 'DELETE', 'PATCH']) {
      const headers = [['Content-Type', 'application/merge-patch+json']] as const;
      const reply = await ask({ ...read, method, headers });
      assert.deepEqual([reply.status, reply.body], [204, '']);
    }
    assert.equal((await ask({ ...read, method: 'POST' }, () => ({ reply: {} }))).status, 200);
  });

  test('a list without keys is 404 unless it warns or says something else', async () => {
    const list: Sent = { ...read, method: 'LIST' };
    const status = async (reply: NonNullable<Answer['reply']>): Promise<number> =>
      (await ask(list, () => ({ reply }))).status;
    assert.equal(await status({ data: { keys: [] } }), 404);
    assert.equal(await status({ data: {} }), 404);
    assert.equal(await status({ data: { keys: ['a'] } }), 200);
    assert.equal(await status({ data: { other: 1 } }), 200);
    assert.equal(await status({ data: {}, warnings: ['w'] }), 200);
  });

  test('data also at the top level where clients look for it there', async () => {
    const reply = await ask(read, () => ({ reply: { data: { term: 1 }, injectTopLevel: true } }));
    assert.deepEqual(json(reply), { term: 1, ...EMPTY, data: { term: 1 } });
  });

  test('bare and raw replies', async () => {
    const bare = await ask(read, () => ({
      reply: { data: { sealed: true }, bare: true, status: 503 },
    }));
    assert.deepEqual([bare.status, json(bare)], [503, { sealed: true }]);
    const raw = await ask(read, () => ({
      reply: { raw: { contentType: 'application/pkix-cert', body: Buffer.from([1, 2]) } },
    }));
    assert.equal(raw.headers['Content-Type'], 'application/pkix-cert');
    assert.deepEqual(raw.body, Buffer.from([1, 2]));
  });

  test('a login', async () => {
    const reply = await ask({ ...read, method: 'POST' }, () => ({
      auth: {
        clientToken: 's.t',
        accessor: 'acc',
        policies: ['default'],
        tokenPolicies: ['default'],
        identityPolicies: [],
        metadata: null,
        leaseDurationSeconds: 60,
        renewable: true,
        entityId: '',
        tokenType: 'service',
        orphan: true,
        numUses: 0,
      },
    }));
    assert.deepEqual(json(reply), {
      ...EMPTY,
      auth: {
        client_token: 's.t',
        accessor: 'acc',
        policies: ['default'],
        token_policies: ['default'],
        metadata: null,
        lease_duration: 60,
        renewable: true,
        entity_id: '',
        token_type: 'service',
        orphan: true,
        mfa_requirement: null,
        num_uses: 0,
      },
    });
  });

  test('a wrapped answer shows nothing but the wrapping token', async () => {
    const reply = await ask(read, () => ({
      reply: { data: { secret: 1 } },
      wrap: {
        token: 's.w',
        accessor: 'acc',
        ttlSeconds: 60,
        creationTime: '2026-11-22T05:31:31.123000000Z',
        creationPath: 'x',
      },
    }));
    assert.deepEqual(json(reply), {
      ...EMPTY,
      request_id: '',
      wrap_info: {
        token: 's.w',
        accessor: 'acc',
        ttl: 60,
        creation_time: '2026-11-22T05:31:31.123000000Z',
        creation_path: 'x',
      },
    });
  });

  const ERRORS: readonly (readonly [RequestError, number, unknown])[] = [
    [invalidRequest('bad'), 400, { errors: ['bad'] }],
    [notFound(), 404, { errors: [] }],
    [
      notFound('unsupported path'),
      404,
      { errors: ['1 error occurred:\n\t* unsupported path\n\n'] },
    ],
    [unsupportedOperation(), 405, { errors: ['1 error occurred:\n\t* unsupported operation\n\n'] }],
    [permissionDenied('why'), 403, { errors: ['permission denied'] }],
    [new RequestError('sealed', 'Vault is sealed'), 503, { errors: ['Vault is sealed'] }],
    [invalidRequest('e', { data: { a: 1 } }), 400, { errors: ['e'], data: { a: 1 } }],
    [new RequestError('internal', 'x', { vaultStatus: 418 }), 418, { errors: ['x'] }],
  ];
  for (const [error, status, body] of ERRORS) {
    test(`error ${error.code} ${JSON.stringify(error.message)}`, async () => {
      const reply = await ask(read, () => ({
        error,
        headers: { 'Retry-After': '1' },
      }));
      assert.deepEqual([reply.status, json(reply)], [status, body]);
      assert.equal(reply.headers['Retry-After'], '1');
    });
  }

  test('a core that breaks its word gives 500 and no detail', async () => {
    const reply = await ask(read, () => {
      throw new Error('S3CRET');
    });
    assert.equal(reply.status, 500);
    assert.ok(!String(reply.body).includes('S3CRET'));
  });

  test('OPTIONS without CORS is judged like any request and then has no method', async () => {
    assert.equal(
      (await ask({ ...read, method: 'OPTIONS' }, () => ({ reply: { data: {} } }))).status,
      405,
    );
    assert.equal(
      (await ask({ ...read, method: 'OPTIONS' }, () => ({ error: permissionDenied() }))).status,
      403,
    );
  });
});

describe('CORS', () => {
  const settings: CorsSettings = {
    enabled: true,
    allowedOrigins: ['https://a.example'],
    allowedHeaders: ['X-Vault-Token', 'X-Custom'],
  };
  const options = { cors: () => settings };

  test('an allowed origin is named in the reply', async () => {
    const reply = await ask(
      cross('GET', 'https://a.example'),
      () => ({ reply: { data: {} } }),
      options,
    );
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['Access-Control-Allow-Origin'], 'https://a.example');
    assert.equal(reply.headers['Vary'], 'Origin');
  });

  test('another origin is refused, and so is a preflight for a verb of no use', async () => {
    assert.equal((await ask(cross('GET', 'https://evil.example'), undefined, options)).status, 403);
    assert.equal(
      (await ask(cross('OPTIONS', 'https://a.example', 'TRACE'), undefined, options)).status,
      405,
    );
  });

  test('a preflight is answered without the core', async () => {
    const reply = await ask(
      cross('OPTIONS', 'https://a.example', 'LIST'),
      () => assert.fail('reached the core'),
      options,
    );
    assert.equal(reply.status, 200);
    assert.equal(
      reply.headers['Access-Control-Allow-Methods'],
      'DELETE,GET,OPTIONS,POST,PUT,LIST,SCAN',
    );
    assert.equal(reply.headers['Access-Control-Allow-Headers'], 'X-Vault-Token,X-Custom');
    assert.equal(reply.headers['Access-Control-Max-Age'], '300');
  });
});
