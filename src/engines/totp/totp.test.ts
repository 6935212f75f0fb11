/** One-time passwords: made as authenticators make them, taken once, in one spelling. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import { testReadBack, testSurvival } from '../backend-behaviour.contract.ts';
import { testBackendDeclaration } from '../backend.contract.ts';
import { formatKeyUri, parseKeyUri } from './key-uri.ts';
import { qrCodePng } from './qr-code.ts';
import { totpBackend } from './totp.ts';

const totp = totpBackend({ random: systemRandom });
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

testBackendDeclaration(totp);
testReadBack(totp, [
  {
    path: 'keys/a',
    body: { key: SECRET, issuer: 'I', account_name: 'x@y' },
    shows: { issuer: 'I', account_name: 'x@y', digits: 6, period: 30, algorithm: 'SHA1' },
    listed: { path: 'keys', name: 'a' },
  },
]);
testSurvival(totp);

test('codes are those of RFC 6238', async () => {
  const bench = await openBench(totp);
  await bench.call('write', 'keys/k', { key: SECRET, digits: 8 });
  for (const [seconds, code] of [
    [59, '94287082'],
    [1111111109, '07081804'],
    [20000000000, '65353130'],
  ] as const) {
    bench.nowMs = seconds * 1000;
    assert.deepEqual((await bench.call('read', 'code/k'))?.data, { code });
    assert.deepEqual((await bench.call('write', 'code/k', { code }))?.data, { valid: true });
  }
});

test('a code counts once, in every spelling (CVE-2025-6014, CVE-2025-55000)', async () => {
  const bench = await openBench(totp);
  await bench.call('write', 'keys/k', { key: SECRET });
  bench.nowMs = 59_000;
  const code = '287082';
  assert.deepEqual((await bench.call('write', 'code/k', { code }))?.data, { valid: true });
  const wide = '２８７０８２';
  const spellings = [
    code,
    ` ${code}`,
    `${code} `,
    '287 082',
    `${code}\n`,
    `\t${code}`,
    wide,
    `0${code}`,
    `+${code}`,
    '28708²',
  ];
  for (const spelling of spellings) {
    assert.equal((await bench.fail('write', 'code/k', { code: spelling })).code, 'invalid_request');
  }
  bench.nowMs += 30_000;
  assert.match((await bench.fail('write', 'code/k', { code })).message, /already used/);
});

test('codes of the neighbouring periods are taken as the skew says, each once', async () => {
  const bench = await openBench(totp);
  await bench.call('write', 'keys/loose', { key: SECRET });
  await bench.call('write', 'keys/strict', { key: SECRET, skew: 0 });
  bench.nowMs = 59_000;
  const { code } = (await bench.call('read', 'code/loose'))?.data ?? {};
  const sent = { code: String(code) };
  const NO = { valid: false };
  bench.nowMs = 90_000;
  assert.deepEqual((await bench.call('write', 'code/loose', sent))?.data, NO);
  assert.deepEqual((await bench.call('write', 'code/strict', sent))?.data, NO);
  bench.nowMs = 89_999;
  assert.deepEqual((await bench.call('write', 'code/strict', sent))?.data, NO);
  assert.deepEqual((await bench.call('write', 'code/loose', sent))?.data, { valid: true });
  bench.nowMs = 61_000;
  assert.match((await bench.fail('write', 'code/loose', sent)).message, /already used/);
});

test('of two checks of one code at the same time, one succeeds', async () => {
  const bench = await openBench(totp);
  await bench.call('write', 'keys/k', { key: SECRET });
  bench.nowMs = 59_000;
  const results = await Promise.allSettled([
    bench.call('write', 'code/k', { code: '287082' }),
    bench.call('write', 'code/k', { code: '287082' }),
  ]);
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
});

test('a key that is made here is shown once and works', async () => {
  const bench = await openBench(totp);
  const body = { generate: true, issuer: 'My Org & Co', account_name: 'a+b@x.org' };
  const { url, barcode } = (await bench.call('write', 'keys/g', body))?.data ?? {};
  const uri = parseKeyUri(String(url));
  assert.equal(uri?.issuer, body.issuer);
  assert.equal(uri.accountName, body.account_name);
  assert.ok(Buffer.from(String(barcode), 'base64').subarray(1, 4).equals(Buffer.from('PNG')));
  await bench.call('write', 'keys/other', { url: String(url) });
  const { code } = (await bench.call('read', 'code/other'))?.data ?? {};
  assert.deepEqual((await bench.call('write', 'code/g', { code: String(code) }))?.data, {
    valid: true,
  });
  assert.ok(!JSON.stringify((await bench.call('read', 'keys/g'))?.data).includes(uri.secret));
  assert.equal(await bench.call('write', 'keys/h', { ...body, exported: false }), undefined);
});

test('addresses without an issuer parameter name it in their label', () => {
  const uri = parseKeyUri('otpauth://totp/Vault:test@test.com?secret=ABCD&period=60');
  assert.deepEqual(
    { ...uri },
    {
      issuer: 'Vault',
      accountName: 'test@test.com',
      secret: 'ABCD',
      period: '60',
      digits: undefined,
      algorithm: undefined,
    },
  );
  assert.equal(parseKeyUri('nothing'), undefined);
});

test('the picture is a square PNG with a quiet zone', async () => {
  const uri = formatKeyUri({
    issuer: 'I',
    accountName: 'a',
    secret: SECRET,
    periodSeconds: 30,
    digits: 6,
    algorithm: 'SHA1',
  });
  const png = await qrCodePng(uri, 200);
  assert.ok(png !== undefined);
  assert.equal(png.readUInt32BE(16), 200);
  const dataAt = png.indexOf('IDAT') + 4;
  const pixels = inflateSync(png.subarray(dataAt, dataAt + png.readUInt32BE(dataAt - 8)));
  assert.equal(pixels.length, 26 * 200);
  assert.ok(
    pixels.subarray(1, 26).every((byte) => byte === 0xff),
    'the first row is white',
  );
  assert.ok(pixels.some((byte) => byte === 0));
  assert.equal(await qrCodePng(uri, 20), undefined);
});

test('names are those of the reference: with an @, without spaces', async () => {
  const bench = await openBench(totp);
  await bench.call('write', 'keys/a.b@x.org', { key: SECRET });
  await bench.call('read', 'code/a.b@x.org');
  for (const name of ['a b', '..', '@', 'a@']) {
    assert.equal((await bench.fail('write', `keys/${name}`, { key: SECRET })).code, 'not_found');
  }
});

test('padding that is not whole is refused, and names stay legible in the address', async () => {
  const bench = await openBench(totp);
  const key = 'HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ';
  await bench.fail('write', 'keys/k', { key: `${key}=` });
  await bench.call('write', 'keys/k', { key });
  const made = await bench.call('write', 'keys/g', {
    generate: true,
    issuer: 'a:b&c',
    account_name: "o'neil@x/y",
  });
  const url = String(made?.data?.['url']);
  assert.match(url, /^otpauth:\/\/totp\/a:b&c:o%27neil@x\/y\?/);
  assert.equal(new URL(url).searchParams.get('issuer'), 'a:b&c');
});
