/** Signature Version 4: AWS's published examples, requests of real SDKs, and a great many forgeries. */
import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AccessKeyEvidence } from '../../../model/evidence.ts';
import type { WireRequest } from '../../facade.ts';
import { AwsError } from '../errors.ts';
import type { Service } from '../errors.ts';
import { canonicalRequest, sha256Hex, stringToSign } from './canonical.ts';
import { checkScope, evidenceOf, readSignature } from './signature.ts';

interface Vector {
  readonly name: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: string;
}

function vectors(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`./vectors/${file}`, import.meta.url), 'utf8'));
}

const PUBLISHED = vectors('published.json') as {
  secretAccessKey: string;
  date: string;
  scope: [string, string, string];
  requests: (Vector & { signature: string })[];
};
const GENUINE = vectors('genuine.json') as {
  accessKeyId: string;
  secretAccessKey: string;
  requests: Vector[];
};

const keys = new Map<string, Buffer>();

function signatureOf(secret: string, scope: readonly string[], text: string): Buffer {
  const name = [secret, ...scope].join('/');
  let key = keys.get(name);
  if (key === undefined) {
    key = Buffer.from(`AWS4${secret}`);
    for (const part of [...scope, 'aws4_request'])
      key = createHmac('sha256', key).update(part).digest();
    keys.set(name, key);
  }
  return createHmac('sha256', key).update(text).digest();
}

function wire(vector: Vector): WireRequest {
  const headers = Object.create(null) as Record<string, string>;
  for (let index = 0; index < vector.headers.length; index += 2) {
    headers[(vector.headers[index] ?? '').toLowerCase()] = vector.headers[index + 1] ?? '';
  }
  return {
    method: vector.method,
    target: vector.target,
    headers,
    rawHeaders: vector.headers,
  } as WireRequest;
}

/** Everything that the facade and the core check, with the clock at the time of signing; undefined when it was refused. */
function verified(vector: Vector, secret = GENUINE.secretAccessKey): AccessKeyEvidence | undefined {
  try {
    const request = wire(vector);
    const signature = readSignature(request);
    const [, y, mo, d, h, mi, s] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(signature.amzDate) ?? [];
    const nowMs = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
    checkScope(signature, signature.service as Service, nowMs);
    // The id of a key is not signed: it names the secret that the signature must be under.
    if (signature.credential !== GENUINE.accessKeyId) return undefined;
    const evidence = evidenceOf(request, signature, Buffer.from(vector.body));
    return timingSafeEqual(signatureOf(secret, evidence.scope, evidence.text), evidence.signature)
      ? evidence
      : undefined;
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}

describe('published examples', () => {
  for (const vector of PUBLISHED.requests) {
    test(vector.name, () => {
      const authorization =
        vector.headers[vector.headers.findIndex((each) => /^authorization$/i.test(each)) + 1];
      const list =
        /SignedHeaders=([^,]+)/.exec(authorization ?? '')?.[1] ??
        /X-Amz-SignedHeaders=([^&]+)/.exec(vector.target)?.[1];
      const canonical = canonicalRequest({
        method: vector.method,
        target: vector.target,
        rawHeaders: vector.headers,
        signedHeaders: decodeURIComponent(list ?? '').split(';'),
        bodyHash: sha256Hex(vector.body),
      });
      const text = stringToSign(
        PUBLISHED.date,
        [...PUBLISHED.scope, 'aws4_request'].join('/'),
        canonical,
      );
      assert.equal(
        signatureOf(PUBLISHED.secretAccessKey, PUBLISHED.scope, text).toString('hex'),
        vector.signature,
      );
    });
  }
});

describe('requests of real SDKs', () => {
  for (const [index, vector] of GENUINE.requests.entries()) {
    test(`${vector.name} (${index})`, () => {
      assert.ok(verified(vector) !== undefined);
      assert.equal(verified(vector, 'another'), undefined);
      assert.equal(verified({ ...vector, body: `${vector.body} ` }), undefined);
    });
  }
});

/** A change of a request that its signature must not survive. */
type Forge = (vector: Vector, seed: number) => Vector | undefined;

function changedText(text: string, seed: number): string {
  const at = text.length === 0 ? 0 : seed % text.length;
  const kinds = [
    text.slice(0, at) + String.fromCharCode(33 + (seed % 90)) + text.slice(at),
    text.slice(0, at) + text.slice(at + 1),
    text.slice(0, at) +
      String.fromCharCode(((text.charCodeAt(at) || 65) ^ (1 << (seed % 5))) & 0x7f) +
      text.slice(at + 1),
  ];
  return kinds[seed % kinds.length] ?? text;
}

function signedNames(vector: Vector): readonly string[] {
  const list = vector.headers
    .map((each) => /SignedHeaders=([^,]+)/.exec(each)?.[1])
    .find((each) => each !== undefined);
  return (list ?? '').split(';');
}

const FORGERIES: readonly Forge[] = [
  (vector, seed) => ({ ...vector, body: changedText(vector.body, seed) }),
  (vector, seed) => ({ ...vector, method: ['GET', 'PUT', 'DELETE', 'PATCH'][seed % 4] ?? 'GET' }),
  (vector, seed) => ({
    ...vector,
    target: ['/?a=b', '/x', '/?', '/?Action=DeleteSecret', '//x'][seed % 5] ?? '/x',
  }),
  (vector, seed) => {
    // A signed header, or the signature itself, says something else.
    const names = [...signedNames(vector), 'authorization'];
    const name = names[seed % names.length] ?? '';
    const index = vector.headers.findIndex(
      (each, at) => at % 2 === 0 && each.toLowerCase() === name,
    );
    if (index < 0) return undefined;
    const headers = [...vector.headers];
    headers[index + 1] = changedText(headers[index + 1] ?? '', Math.floor(seed / 7));
    return { ...vector, headers };
  },
  (vector, seed) => {
    // A signed header is gone, or is there twice.
    const names = signedNames(vector);
    const name = names[seed % names.length] ?? '';
    const index = vector.headers.findIndex(
      (each, at) => at % 2 === 0 && each.toLowerCase() === name,
    );
    if (index < 0) return undefined;
    const headers = [...vector.headers];
    if (seed % 2 === 0) headers.splice(index, 2);
    else
      headers.push(vector.headers[index] ?? '', changedText(vector.headers[index + 1] ?? '', seed));
    return { ...vector, headers };
  },
  (vector, seed) => {
    // Another operation, named by a header beside what was signed.
    const unsigned = ['x-amz-target', 'x-amz-security-token', 'x-amz-content-sha256', 'x-amz-date'];
    return {
      ...vector,
      headers: [...vector.headers, unsigned[seed % 4] ?? '', 'secretsmanager.DeleteSecret'],
    };
  },
];

/** What is signed is the text without space around it and with single spaces: such changes are none. */
function isSame(a: Vector, b: Vector): boolean {
  const normal = (vector: Vector): string =>
    JSON.stringify([
      vector.method,
      vector.target === '/?' ? '/' : vector.target,
      vector.body,
      vector.headers.map((each, at) =>
        at % 2 === 0 ? each.toLowerCase() : each.trim().replace(/ +/g, ' '),
      ),
    ]);
  return normal(a) === normal(b);
}

test('of a hundred thousand forged requests none is accepted', () => {
  const wanted = 100_000;
  let tried = 0;
  const accepted: string[] = [];
  for (let round = 0; tried < wanted; round++) {
    for (const vector of GENUINE.requests) {
      const forge = FORGERIES[round % FORGERIES.length];
      const forged = forge?.(vector, Math.floor(round / FORGERIES.length) * 31 + round);
      if (forged === undefined || isSame(forged, vector)) continue;
      tried++;
      const passed = verified(forged);
      if (passed !== undefined && !isHarmless(forged, vector))
        accepted.push(`${vector.name}: ${JSON.stringify(forged)}`);
    }
  }
  assert.deepEqual(accepted.slice(0, 5), []);
});

/** The spacing inside Authorization says nothing, as long as every part of it is the same. */
function isHarmless(forged: Vector, vector: Vector): boolean {
  const parts = (each: Vector): string => each.headers.join('\n').replaceAll(' ', '');
  return (
    forged.body === vector.body &&
    forged.method === vector.method &&
    parts(forged) === parts(vector)
  );
}

test('nothing that is sent as a signature crashes the reader', () => {
  const text = fc.string({ maxLength: 200 });
  fc.assert(
    fc.property(text, text, text, (authorization, target, date) => {
      const headers = [
        'host',
        'a',
        'authorization',
        `AWS4-HMAC-SHA256 ${authorization}`,
        'x-amz-date',
        date,
      ];
      assert.equal(
        verified({ name: '', method: 'POST', target: `/?${target}`, headers, body: '' }),
        undefined,
      );
    }),
  );
});

describe('time, scope and form', () => {
  const [vector] = GENUINE.requests;
  const at = Date.UTC(2026, 10, 22, 3, 13, 37);
  const scoped = (service: Service, nowMs: number): void => {
    assert.ok(vector !== undefined);
    checkScope(readSignature(wire(vector)), service, nowMs);
  };

  test('five minutes either way, and not a millisecond more', () => {
    scoped('secretsmanager', at + 300_000);
    scoped('secretsmanager', at - 300_000);
    assert.throws(
      () => scoped('secretsmanager', at + 301_000),
      /Signature expired: 20261122T031337Z is now earlier than/,
    );
    assert.throws(() => scoped('secretsmanager', at - 301_000), /Signature not yet current/);
  });

  test('a signature for one service is none for another', () => {
    assert.throws(() => scoped('kms', at), /scoped to correct service/);
  });

  test('presigned URLs are good as long as they say, and at most seven days', () => {
    const presigned = (expires: string): Vector => ({
      name: '',
      method: 'POST',
      target:
        '/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIALABEXAMPLE000000%2F20261122%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20261122T031337Z' +
        `&X-Amz-Expires=${expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=4f7970e99ac6320cdb5a633a34c087c544650d3d2ea6cae945b0f30b0e8b077e`,
      headers: ['Host', '127.0.0.1:9443'],
      body: '',
    });
    assert.ok(verified(presigned('3600')) !== undefined);
    assert.equal(verified(presigned('3601')), undefined);
    for (const bad of ['0', '604801', '-1', '1e3', ''])
      assert.throws(() => readSignature(wire(presigned(bad))), AwsError);
    const signature = readSignature(wire(presigned('3600')));
    checkScope(signature, 'sts', at + 3_600_000);
    assert.throws(() => checkScope(signature, 'sts', at + 3_601_000), /Signature expired/);
  });

  test('another algorithm, unsigned payloads and repeated headers are refused', () => {
    assert.ok(vector !== undefined);
    const change = (from: RegExp, to: string): Vector => ({
      ...vector,
      headers: vector.headers.map((each) => each.replace(from, to)),
    });
    assert.throws(
      () => readSignature(wire(change(/^AWS4-HMAC-SHA256/, 'AWS4-ECDSA-P256-SHA256'))),
      /algorithm/,
    );
    assert.throws(() => readSignature(wire(change(/host;/, ''))), /'Host' must be/);
    assert.throws(() => readSignature(wire(change(/;x-amz-target/, ''))), /'x-amz-target' must be/);
    assert.throws(
      () => readSignature(wire({ ...vector, headers: [...vector.headers, 'X-Amz-Target', 'x'] })),
      /must not be repeated/,
    );
    const request = wire(vector);
    const unsigned = {
      ...request,
      headers: { ...request.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    };
    assert.throws(
      () => evidenceOf(unsigned, readSignature(request), Buffer.from(vector.body)),
      AwsError,
    );
  });
});
