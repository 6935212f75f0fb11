/** Which addresses a login may lead back to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRegisteredRedirect } from './authorize-path.ts';

const REGISTERED = ['https://app.example/cb', 'http://127.0.0.1:8250/oidc', 'http://[::1]/cb'];

const CASES: readonly (readonly [string, boolean])[] = [
  ['https://app.example/cb', true],
  ['https://app.example/cb/', false],
  ['https://app.example/cb?x=1', false],
  ['https://app.example:443/cb', false],
  ['https://APP.example/cb', false],
  ['https://app.example.evil/cb', false],
  ['https://user@app.example/cb', false],
  ['http://127.0.0.1:1/oidc', true],
  ['http://127.0.0.1/oidc', true],
  ['http://127.0.0.1:1/other', false],
  ['https://127.0.0.1:1/oidc', false],
  ['http://localhost:8250/oidc', false],
  ['http://x@127.0.0.1:8250/oidc', false],
  ['http://[::1]:99/cb', true],
  ['not an address', false],
  ['', false],
];

for (const [address, allowed] of CASES) {
  test(`${JSON.stringify(address)} is ${allowed ? 'registered' : 'not'}`, () => {
    assert.equal(isRegisteredRedirect(address, REGISTERED), allowed);
  });
}
