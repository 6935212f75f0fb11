/** One canonical path: what is accepted, what is refused, and that no spelling of a dot or a slash slips through. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RequestError } from '../../model/errors.ts';
import { canonicalNamespace, canonicalPath } from './path.ts';

function refused(raw: string): boolean {
  try {
    canonicalPath(raw);
    return false;
  } catch (error) {
    assert.ok(error instanceof RequestError && error.code === 'invalid_request');
    return true;
  }
}

describe('canonicalPath', () => {
  const ACCEPTED: readonly (readonly [string, string])[] = [
    ['/v1/kv/a', '/v1/kv/a'],
    ['/v1/kv/a/', '/v1/kv/a/'],
    ['/v1/kv/%61', '/v1/kv/a'],
    ['/v1/kv/a%2Fb', '/v1/kv/a/b'],
    ['/v1/kv%2fa', '/v1/kv/a'],
    ['/v1/kv/%C3%A9', '/v1/kv/é'],
    ['/v1/kv/a%20b', '/v1/kv/a b'],
    ['/v1/kv/a+b', '/v1/kv/a+b'],
    ['/v1/kv/a;x', '/v1/kv/a;x'],
    ['/v1/kv/a#frag', '/v1/kv/a#frag'],
    ['/v1/kv/a\\b', '/v1/kv/a\\b'],
    ['/v1/kv/pct%25', '/v1/kv/pct%'],
    ['/v1/users/user..x', '/v1/users/user..x'],
    ['/v1/kv/a..b', '/v1/kv/a..b'],
    ['/v1/kv/...', '/v1/kv/...'],
    ['/v1/kv/.hidden', '/v1/kv/.hidden'],
    ['/v1/pki/ocsp/MFQwUj//BQADCAkK+a==', '/v1/pki/ocsp/MFQwUj//BQADCAkK+a=='],
  ];
  for (const [raw, expected] of ACCEPTED) {
    test(`accepts ${raw}`, () => assert.equal(canonicalPath(raw), expected));
  }

  const REFUSED = [
    // CVE-2026-3605 and its relatives
    '/v1/kv/metadata/a/..%2fb%2fs',
    '/v1/kv/metadata/a/%2e%2e/b/s',
    '/v1/kv/metadata/a/.%2e/b/s',
    '/v1/kv/metadata/a/%2e./b/s',
    '/v1/kv/metadata/a/%252e%252e%2fb%2fs',
    '/v1/kv/metadata/a/..%5cb%5cs',
    '/v1/kv/metadata/a/..\\b',
    '/v1/kv/metadata/a/..',
    '/v1/kv/metadata/a/../',
    '/v1/./kv/metadata/a',
    '/v1/../v1/kv/a',
    '/v1/kv/%2e',
    '/v1/kv/..%2Fup',
    '/v1/kv/a%252fb',
    '/v1/kv/a%2500',
    '/v1/kv//a',
    '/v1//kv/a',
    '/v1/kv/a//',
    '/v1/kv/%2f/a',
    '/v1/kv/a%00b',
    '/v1/kv/a%0d%0ab',
    '/v1/kv/a%',
    '/v1/kv/a%zz',
    '/v1/kv/%c0%ae%c0%ae/b',
    '/v1/kv/%e0%80%ae',
    '/v1/kv/%ff',
    '/v1/kv/%ed%a0%80',
    '/v1/kv/%e2%80%8b',
    '/v1/kv/\u00e9',
    '/v1//pki/ocsp/AAAA//AA',
    '/v1/pki/ocsp/AA//../AA',
    '/v1/kv//x/ocsp/AA',
  ];
  for (const raw of REFUSED) {
    test(`refuses ${JSON.stringify(raw)}`, () => assert.ok(refused(raw)));
  }

  const piece = fc.constantFrom(
    'a',
    'B',
    '.',
    '..',
    '/',
    '//',
    '\\',
    '%',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '%25',
    '%00',
    '%c3%a9',
    'é',
    ' ',
    '+',
    '~',
  );
  const rawPath = fc
    .oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
    )
    .map((tail) => `/v1/${tail}`);

  test('what it accepts has no dot segment and no empty one, whatever separates', () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        if (refused(raw)) return;
        const path = canonicalPath(raw);
        const segments = path.split(/[/\\]/);
        assert.ok(!segments.includes('.') && !segments.includes('..'));
        assert.ok(!path.includes('//'));
        assert.ok(!/%(?:2e|2f|5c|00)/i.test(path));
        assert.ok(!path.includes('\u0000'));
      }),
      { numRuns: 2000 },
    );
  });

  test('is idempotent: the canonical form, sent again, is itself', () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        if (refused(raw)) return;
        const path = canonicalPath(raw);
        const sent = path.split('/').map(encodeURIComponent).join('/');
        assert.equal(canonicalPath(sent), path);
      }),
      { numRuns: 2000 },
    );
  });

  test('a long path with many decoys is judged in linear time', () => {
    const started = performance.now();
    assert.ok(refused(`/v1/${'/ocsp/A'.repeat(9000)}.`));
    assert.ok(refused(`/v1/${'a/ocsp/AA//'.repeat(6000)}!`));
    assert.ok(performance.now() - started < 500);
  });
});

describe('canonicalNamespace', () => {
  const CASES: readonly (readonly [string, string | undefined])[] = [
    ['', ''],
    ['/', ''],
    ['root', ''],
    ['root/', ''],
    ['ns1', 'ns1/'],
    ['/ns1/ns2/', 'ns1/ns2/'],
    ['none/such', 'none/such/'],
    ['ns1/root', 'ns1/root/'],
    ['../x', undefined],
    ['a/../b', undefined],
    ['a//b', undefined],
    ['a\\..\\b', undefined],
    ['n\u00e9', undefined],
  ];
  for (const [header, expected] of CASES) {
    test(JSON.stringify(header), () => assert.equal(canonicalNamespace(header), expected));
  }
});
