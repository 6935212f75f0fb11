/** Which addresses anyone may have the server connect to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPublicAddress } from './reach.ts';

const REFUSED =
  '127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 198.18.0.1 ' +
  '224.0.0.1 255.255.255.255 :: ::1 fe80::1 fc00::1 fd00::1 ff02::1 64:ff9b::a00:1 2002:a00:1:: ::ffff:127.0.0.1 ' +
  '::ffff:10.0.0.1 2001:db8::1 2001::1';
const REACHED = '1.1.1.1 172.32.0.1 2606:4700::1111 ::ffff:1.1.1.1';

test('SEC-68: only what is public is public', () => {
  for (const address of REFUSED.split(' ')) assert.equal(isPublicAddress(address), false, address);
  for (const address of REACHED.split(' ')) assert.equal(isPublicAddress(address), true, address);
});
