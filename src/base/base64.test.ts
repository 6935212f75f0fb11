/** Base64 as strict as Go's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeBase64, decodeBase64Url } from './base64.ts';

test('what was encoded is decoded, with line ends in it too', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const buffer = Buffer.from(bytes);
      const text = buffer.toString('base64');
      assert.deepEqual(decodeBase64(text), buffer);
      assert.deepEqual(decodeBase64(`${text.slice(0, 5)}\r\n${text.slice(5)}`), buffer);
      assert.deepEqual(decodeBase64Url(buffer.toString('base64url')), buffer);
    }),
  );
});

test('what is no base64 is refused', () => {
  for (const text of ['%', 'a', 'YQ', 'YQ=', 'YQ===', 'Y Q=', 'YQ==YQ==', '=', 'YQ-_', 'YQ==x']) {
    assert.equal(decodeBase64(text), undefined, text);
  }
  for (const text of ['%', 'a', 'YQ==', 'a+b/']) assert.equal(decodeBase64Url(text), undefined);
});

test('loose last bits are read, as Go reads them', () => {
  assert.deepEqual(decodeBase64('YR=='), Buffer.from('a'));
});
