/** What people are told beside an error, and when they are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, ConnectionError } from '../../client/errors.ts';
import { hintFor } from './hints.ts';

function refusal(status: number, tokenSent: boolean): ApiError {
  return new ApiError({
    status,
    errors: ['permission denied'],
    method: 'GET',
    url: 'u',
    tokenSent,
  });
}

test('a refusal without a token names the token; others speak for themselves', () => {
  assert.match(hintFor(refusal(403, false), {}) ?? '', /VAULT_TOKEN/);
  assert.equal(hintFor(refusal(403, true), {}), undefined);
  assert.equal(hintFor(refusal(404, false), {}), undefined);
});

test('an address that was not set, or speaks another protocol', () => {
  const refused = new ConnectionError('Get "https://127.0.0.1:8200": refused', 'ECONNREFUSED');
  assert.match(hintFor(refused, {}) ?? '', /VAULT_ADDR is not set/);
  assert.equal(hintFor(refused, { BAO_ADDR: 'http://a' }), undefined);
  const plain = new ConnectionError('http: server gave HTTP response to HTTPS client', 'EPROTO');
  assert.match(hintFor(plain, { VAULT_ADDR: 'https://a' }) ?? '', /http:\/\//);
  assert.equal(hintFor(new Error('else'), {}), undefined);
});
