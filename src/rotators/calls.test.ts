/** Where rotations may call, and where not. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SettingsError } from '../targets/database.ts';
import { assertUrl } from './calls.ts';

suite('an address that a policy names', () => {
  for (const host of [
    '169.254.169.254',
    '0xa9.0xfe.0xa9.0xfe',
    '2852039166',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
  ]) {
    test(`is not ${host}, where a cloud hands out credentials`, () => {
      assert.throws(() => assertUrl(`http://${host}/latest`), SettingsError);
    });
  }

  test('may be private, and must be that of a web server', () => {
    for (const url of ['https://10.0.0.1/', 'http://127.0.0.1:8080/x', 'https://api.example/']) {
      assertUrl(url);
    }
    for (const url of ['file:///etc/passwd', 'ftp://h/', 'nonsense', '//h/']) {
      assert.throws(() => assertUrl(url), SettingsError);
    }
  });
});
