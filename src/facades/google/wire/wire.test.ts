/** Messages in binary and JSON form, gRPC frames and statuses, paths of methods. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMessage } from './binary-reader.ts';
import { encodeMessage } from './binary-writer.ts';
import { isGrpc } from '../recognise.ts';
import { encodeGrpcMessage, errorTrailers, frame, timeoutMs, unframe } from './grpc.ts';
import { jsonOfMessage, messageOfJson } from './json-form.ts';
import {
  ACCESSED,
  ADD_VERSION,
  BY_NAME,
  CREATE_SECRET,
  LIST,
  SECRET,
  UPDATE_SECRET,
} from './messages.ts';
import { grpcMethod, restCall } from './methods.ts';
import { MessageError } from './schema.ts';
import type { Message } from './schema.ts';
import { StatusError } from './status.ts';

const hex = (text: string): Buffer => unframe(Buffer.from(text, 'hex'));

test('reads what the Python client sends by gRPC', () => {
  // From a recorded CreateSecret and AddSecretVersion.
  assert.deepEqual(
    decodeMessage(
      CREATE_SECRET,
      hex(
        '00000000370a0a70726f6a656374732f70120464656d6f1a2312020a0022060a01611201623a0308901c5a080a0470726f6410016a060a016b120176',
      ),
    ),
    {
      parent: 'projects/p',
      secretId: 'demo',
      secret: {
        replication: { automatic: {} },
        labels: new Map([['a', 'b']]),
        ttl: 3600,
        versionAliases: new Map([['prod', 1n]]),
        annotations: new Map([['k', 'v']]),
      },
    },
  );
  assert.deepEqual(
    decodeMessage(
      ADD_VERSION,
      hex('00000000260a1770726f6a656374732f702f736563726574732f64656d6f120b0a077061796c6f61641001'),
    ),
    {
      parent: 'projects/p/secrets/demo',
      payload: { data: Buffer.from('payload'), dataCrc32c: 1n },
    },
  );
});

const label = fc.string({ minLength: 1, maxLength: 8 });
const secretMessage: fc.Arbitrary<Message> = fc
  .record(
    {
      name: fc.string({ minLength: 1 }),
      createTime: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
      labels: fc.array(fc.tuple(label, fc.string()), { minLength: 1 }).map((list) => new Map(list)),
      topics: fc.array(
        fc.string({ minLength: 1 }).map((name) => ({ name })),
        { minLength: 1 },
      ),
      ttl: fc.integer({ min: -1e9, max: 1e9 }),
      versionAliases: fc
        .array(fc.tuple(label, fc.bigInt({ min: 1n, max: 2n ** 62n })), { minLength: 1 })
        .map((list) => new Map(list)),
      secretType: fc.constantFrom('CERTIFICATE', 'OTHER'),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((record) => ({ ...record }));

test('a message comes back from its binary form and from its JSON form', () => {
  fc.assert(
    fc.property(secretMessage, fc.boolean(), (message, enumsAsNumbers) => {
      assert.deepEqual(decodeMessage(SECRET, encodeMessage(SECRET, message)), message);
      const shown = JSON.stringify(jsonOfMessage(SECRET, message, { enumsAsNumbers }));
      assert.deepEqual(messageOfJson(SECRET, JSON.parse(shown)), message);
    }),
  );
});

test('no bytes make the reader fail in any other way than by its own error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeMessage(CREATE_SECRET, Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof MessageError);
      }
    }),
  );
});

test('refuses lengths that lie, endless numbers, wrong types and text that is not UTF-8', () => {
  for (const bytes of [
    '0aff',
    '0affffffffffffffffff01',
    '08ffffffffffffffffffff01',
    '0801',
    '0a02c328',
  ]) {
    assert.throws(() => decodeMessage(BY_NAME, Buffer.from(bytes, 'hex')), MessageError, bytes);
  }
});

test('passes over fields that it does not know, and takes packed and single values of a list', () => {
  const message = decodeMessage(BY_NAME, Buffer.from('0a0161fa0603616263980701', 'hex'));
  assert.deepEqual(message, { name: 'a' });
});

test('an absent checksum differs from one that is 0', () => {
  const payload = { data: Buffer.from('x'), dataCrc32c: 0n };
  const sent = decodeMessage(ACCESSED, encodeMessage(ACCESSED, { payload }));
  assert.deepEqual(sent, { payload });
  const without = { payload: { data: Buffer.from('x') } };
  assert.deepEqual(decodeMessage(ACCESSED, encodeMessage(ACCESSED, without)), without);
});

test('JSON: int64 as text, both spellings of names, masks, unknown names refused without repeating them', () => {
  const sent = { update_mask: 'labels,versionAliases', secret: { version_aliases: { a: '7' } } };
  assert.deepEqual(messageOfJson(UPDATE_SECRET, sent), {
    updateMask: ['labels', 'version_aliases'],
    secret: { versionAliases: new Map([['a', 7n]]) },
  });
  assert.throws(
    () => messageOfJson(SECRET, { hunter2: 'x' }),
    (error: Error) => error instanceof MessageError && !error.message.includes('hunter2'),
  );
  for (const wrong of [
    { labels: 'x' },
    { labels: { a: 1 } },
    { ttl: 3600 },
    { ttl: '1h' },
    { topics: {} },
  ]) {
    assert.throws(() => messageOfJson(SECRET, wrong), MessageError, JSON.stringify(wrong));
  }
  assert.throws(() => messageOfJson(LIST, { pageSize: '4294967296' }), MessageError);
});

test('frames: one whole message, not compressed', () => {
  const message = Buffer.from('abc');
  assert.deepEqual(unframe(frame(message)), message);
  for (const wrong of ['', '0000', '0100000000', '00000000ff61', '000000000161000000000161']) {
    assert.throws(() => unframe(Buffer.from(wrong, 'hex')), MessageError, wrong);
  }
});

test('status messages escape only what is not printable', () => {
  assert.equal(encodeGrpcMessage('a/b [x] 50% ä\n'), 'a/b [x] 50%25 %C3%A4%0A');
  assert.deepEqual(errorTrailers(new StatusError('NOT_FOUND', 'no')), {
    'grpc-status': '5',
    'grpc-message': 'no',
  });
});

test('deadlines in every unit that clients were seen to send', () => {
  const read = ['1M', '60100m', '7995927u', '2S', '1H', '5n', '123456789S', 'x', ''].map(timeoutMs);
  assert.deepEqual(
    read.map((ms) => (ms === undefined ? ms : Math.round(ms))),
    [60_000, 60_100, 7996, 2000, 3_600_000, 0, undefined, undefined, undefined],
  );
  assert.ok(isGrpc('application/grpc') && isGrpc('application/grpc+proto'));
  assert.ok(!isGrpc('application/grpc-web') && !isGrpc('application/json') && !isGrpc(undefined));
});

test('paths of gRPC and REST name methods', () => {
  assert.equal(
    grpcMethod('/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion'),
    'AccessSecretVersion',
  );
  assert.equal(grpcMethod('/google.cloud.location.Locations/ListLocations'), 'ListLocations');
  assert.equal(grpcMethod('/google.cloud.location.Locations/GetSecret'), undefined);
  assert.equal(
    grpcMethod('/google.cloud.secretmanager.v1.SecretManagerService/constructor'),
    undefined,
  );
  const call = (verb: string, path: string): unknown => {
    const found = restCall(verb, path);
    return found === undefined ? undefined : [found.method, found.resource];
  };
  assert.deepEqual(call('POST', 'projects/p/secrets'), ['CreateSecret', 'projects/p']);
  assert.deepEqual(call('GET', 'projects/p/locations/eu/secrets'), [
    'ListSecrets',
    'projects/p/locations/eu',
  ]);
  assert.deepEqual(call('GET', 'projects/p/secrets/s/versions/latest:access'), [
    'AccessSecretVersion',
    'projects/p/secrets/s/versions/latest',
  ]);
  assert.deepEqual(call('GET', 'projects/p/secrets/s/versions'), [
    'ListSecretVersions',
    'projects/p/secrets/s',
  ]);
  assert.deepEqual(call('POST', 'projects/p/secrets/s:addVersion'), [
    'AddSecretVersion',
    'projects/p/secrets/s',
  ]);
  assert.deepEqual(call('GET', 'projects/p/locations'), ['ListLocations', 'projects/p']);
  assert.deepEqual(call('GET', 'projects/p/locations/eu'), [
    'GetLocation',
    'projects/p/locations/eu',
  ]);
  for (const path of [
    'projects/p/secrets/',
    'projects//secrets',
    'projects/p',
    'projects/p/secrets/s:nope',
  ]) {
    assert.equal(call('GET', path), undefined, path);
  }
});
