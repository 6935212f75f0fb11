/** Bad input at the AWS, Azure and Google endpoints: each gets an error of that API's own shape, and none of it is repeated or kept. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { linesWith } from '../evidence.ts';
import { startCloudTarget } from './cloud-target.ts';
import type { Answer, CloudTarget } from './cloud-target.ts';

const CANARY = 'cAnArY-19c2d7';
const MEBI = 1024 * 1024;

let target: CloudTarget;
before(async () => {
  target = await startCloudTarget();
  // What is written to is there, so that nothing is refused for not being found.
  const made = [
    await target.aws('CreateSecret', `{"Name":"mine/x","ClientRequestToken":"${'c'.repeat(32)}"}`),
    await target.google('POST', 'secrets?secretId=mine-x', '{"replication":{"automatic":{}}}'),
  ];
  for (const { status, text } of made) assert.equal(status, 200, text);
});
after(async () => {
  await target.stop();
});

interface Api {
  /** Sends the body to what writes a value. */
  readonly send: (body: string | Buffer) => Promise<Answer>;
  /** A body whose value is this JSON text. */
  readonly wrap: (value: string) => string;
  /** Whether the text is an error as this API writes it. */
  readonly isError: (answer: Answer) => boolean;
}

function json(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const APIS: Readonly<Record<string, Api>> = {
  aws: {
    send: (body) => target.aws('PutSecretValue', body),
    wrap: (value) =>
      `{"SecretId":"mine/x","ClientRequestToken":"${'a'.repeat(32)}","SecretString":${value}}`,
    isError: ({ text, headers }) =>
      /^[A-Z]\w+(?:Exception|Error)$/.test(String(json(text)['__type'])) &&
      String(headers['content-type']).startsWith('application/x-amz-json-1.1'),
  },
  azure: {
    send: (body) => target.azure('PUT', '/secrets/mine-x', body),
    wrap: (value) => `{"value":${value}}`,
    isError: ({ text }) => {
      const { code, message } = (json(text)['error'] ?? {}) as Record<string, unknown>;
      return /^[A-Z]\w+$/.test(String(code)) && typeof message === 'string' && message !== '';
    },
  },
  google: {
    send: (body) => target.google('POST', 'secrets/mine-x:addVersion', body),
    wrap: (value) => `{"payload":{"data":${value}}}`,
    isError: ({ text, status }) => {
      const error = (json(text)['error'] ?? {}) as Record<string, unknown>;
      return error['code'] === status && /^[A-Z_]+$/.test(String(error['status']));
    },
  },
};

function many(count: number, make: (index: number) => string): string {
  return Array.from({ length: count }, (_none, index) => make(index)).join(',');
}

/** By name: what is sent. All of it must be refused. */
const BODIES: Readonly<Record<string, (api: Api) => string | Buffer>> = {
  'no JSON': () => CANARY,
  'half JSON': ({ wrap }) => wrap(`"${CANARY}"`).slice(0, -1),
  'a text': () => `"${CANARY}"`,
  'a list': () => `["${CANARY}"]`,
  null: () => 'null',
  'no UTF-8': () => Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
  'a lone surrogate half': ({ wrap }) => wrap(`"${CANARY}\\ud800"`),
  'a number in place of the value': ({ wrap }) => wrap('7'),
  'an object in place of the value': ({ wrap }) => wrap(`{"a":"${CANARY}"}`),
  'a list in place of the value': ({ wrap }) => wrap(`["${CANARY}"]`),
  'a twisted prototype alone': () =>
    `{"__proto__":{"value":"${CANARY}","SecretString":"${CANARY}","SecretId":"mine/x","payload":{"data":"${CANARY}"}}}`,
  'a twisted constructor': () => `{"constructor":{"prototype":{"value":"${CANARY}"}}}`,
  'deep lists': ({ wrap }) => wrap('['.repeat(100_000)),
  'deep and closed': ({ wrap }) => wrap(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`),
  '10^5 keys': () => `{${many(100_000, (index) => `"${index}":1`)}}`,
  '10^6 empty objects': ({ wrap }) => wrap(`[${many(1_000_000, () => '{}')}]`),
  'a value that is too long': ({ wrap }) => wrap(`"${CANARY}${'a'.repeat(128 * 1024)}"`),
  '33 MiB': () => Buffer.alloc(33 * MEBI, 'a'),
};

for (const [name, api] of Object.entries(APIS)) {
  suite(`${name}: bodies`, () => {
    for (const [what, make] of Object.entries(BODIES)) {
      test(what, async () => {
        const answer = await api.send(make(api));
        assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
        assert.ok(api.isError(answer), answer.text.slice(0, 300));
        assert.deepEqual(linesWith(answer.text, CANARY), []);
        await target.alive();
      });
    }
  });
}

suite('one request for two protocols', () => {
  test('the token of one API is none of another, and opens nothing where a signature is wanted', async () => {
    const root = {
      'x-vault-token': target.server.rootToken,
      authorization: `Bearer ${target.server.rootToken}`,
    };
    const unsigned = await target.send('/', {
      method: 'POST',
      headers: { ...root, 'x-amz-target': 'secretsmanager.GetSecretValue' },
      body: '{"SecretId":"theirs/db"}',
    });
    assert.equal(unsigned.status, 403);
    assert.equal(json(unsigned.text)['__type'], 'IncompleteSignatureException');
  });

  test('headers that a signature does not cover change nothing', async () => {
    const { status, text } = await target.aws('GetSecretValue', '{"SecretId":"theirs/db"}', {
      headers: {
        'x-vault-token': target.server.rootToken,
        'x-vault-namespace': 'other',
        'x-amz-security-token': 'smuggled',
        'x-forwarded-for': '10.0.0.1',
      },
    });
    assert.ok(status === 400 || status === 403, `${status} ${text}`);
    assert.doesNotMatch(text, /not-for-callers/);
  });

  test('a target, a host or a credential that comes twice is refused', async () => {
    const twice: readonly (readonly string[])[] = [
      [
        'Host',
        'a',
        'X-Amz-Target',
        'secretsmanager.ListSecrets',
        'X-Amz-Target',
        'secretsmanager.GetSecretValue',
      ],
      ['Host', 'attacked.kv.example.com', 'Host', 'other.kv.example.com'],
      ['Host', 'a', 'Authorization', 'Bearer a', 'Authorization', `Bearer ${target.token}`],
    ];
    for (const headers of twice) {
      const { status, text } = await target.send('/secrets/mine-x?api-version=7.6', {
        rawHeaders: headers,
      });
      assert.ok(status >= 400 && status < 500, `${status} ${text}`);
      assert.doesNotMatch(text, /"value"/);
    }
    await target.alive();
  });
});

test('nothing of what was sent is in a log', () => {
  assert.deepEqual(linesWith(target.written(), CANARY), []);
});
