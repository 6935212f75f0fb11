/** Nothing that may hold a secret is shown of the configuration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfigText } from '../../base/config/read-config.ts';
import { sanitizedConfig } from './sanitized.ts';
import { decodeConfig } from './server-config.ts';

test('the sanitized configuration holds no canary', () => {
  const key = Buffer.alloc(32, 'c4n4ry').toString('hex');
  const config = decodeConfig(
    parseConfigText(
      `storage "sqlite" { path = "/data/c4n4ry" }
       seal "static" { current_key_id = "c4n4ry" current_key = "${key}" }
       audit "http" "a" { description = "c4n4ry" options { uri = "https://u:c4n4ry@h/" headers = "{\\"X\\":\\"c4n4ry\\"}" } }
       listener "tcp" { address = "a:1" tls_disable = true custom_response_headers { default = { X = "c4n4ry" } } }
       listener "unix" { address = "/run/a.sock" }
       max_lease_ttl = "1000h"`,
      'a.hcl',
    ),
    'a.hcl',
    { environment: {}, warn: () => {} },
  );
  const shown = sanitizedConfig(config);
  const text = JSON.stringify(shown);
  assert.equal(text.includes('c4n4ry'), false);
  assert.equal(text.includes(key), false);
  assert.equal(shown['max_lease_ttl'], 3_600_000);
  assert.deepEqual(shown['listeners'], [
    { type: 'tcp', config: { address: 'a:1', tls_disable: true } },
    { type: 'unix', config: { address: '/run/a.sock' } },
  ]);
  assert.deepEqual(shown['seals'], [{ type: 'static', disabled: false }]);
});
