/** Signature Version 4, against vectors of the published test suite (aws-sig-v4-test-suite). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSigV4, signSigV4, sigV4Signature } from './sigv4.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const NOW_MS = Date.UTC(2015, 7, 30, 12, 36, 0);
const TIMESTAMP = '20150830T123600Z';
const SCOPE = { date: '20150830', region: 'us-east-1', service: 'service' };
const HEADERS = { host: 'example.amazonaws.com', 'x-amz-date': TIMESTAMP };

for (const [name, method, url, expected] of [
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
] as const)
  test(name, () => {
    const request = {
      method,
      url: new URL(url, 'https://example.amazonaws.com'),
      headers: HEADERS,
      body: '',
    };
    assert.equal(
      sigV4Signature(request, ['x-amz-date', 'host'], TIMESTAMP, SCOPE, SECRET),
      expected,
    );
  });

test('what is signed is taken apart again', () => {
  const credentials = { accessKey: 'AKIDEXAMPLE', secretKey: SECRET, sessionToken: '' };
  const url = new URL('https://example.amazonaws.com/');
  const headers = signSigV4({ method: 'GET', url, body: '' }, credentials, {
    ...SCOPE,
    nowMs: NOW_MS,
  });
  assert.deepEqual(parseSigV4(headers['authorization'] ?? ''), {
    accessKey: 'AKIDEXAMPLE',
    scope: SCOPE,
    signedHeaders: ['host', 'x-amz-date'],
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  });
  for (const wrong of [
    '',
    'Bearer x',
    'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=h, Signature=00',
  ])
    assert.equal(parseSigV4(wrong), undefined);
});
