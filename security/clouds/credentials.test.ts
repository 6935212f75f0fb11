/** Credentials of the three clouds over the wire: altered, replayed, of another service, without a signature, or of another algorithm. */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, createPrivateKey, sign } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { PROJECT, startCloudTarget } from './cloud-target.ts';
import type { Answer, Change, CloudTarget } from './cloud-target.ts';

const HOUR_SECONDS = 3600;
const CLOCK_SKEW_MS = 6 * 60_000;

let target: CloudTarget;
before(async () => {
  target = await startCloudTarget();
  const body = `{"Name":"mine/x","ClientRequestToken":"${'t'.repeat(32)}","SecretString":"mine"}`;
  assert.equal((await target.aws('CreateSecret', body)).status, 200);
});
after(async () => {
  await target.stop();
});

const READ = '{"SecretId":"mine/x"}';

suite('AWS', () => {
  const forged: Readonly<Record<string, () => Change>> = {
    'another body': () => ({ body: '{"SecretId":"mine/y"}' }),
    'another operation': () => ({ headers: { 'x-amz-target': 'secretsmanager.DeleteSecret' } }),
    'another host': () => ({ headers: { host: 'elsewhere' } }),
    'another date': () => ({ headers: { 'x-amz-date': '20200101T000000Z' } }),
    'a signature of the future': () => ({ skewMs: CLOCK_SKEW_MS }),
    'a signature of the past': () => ({ skewMs: -CLOCK_SKEW_MS }),
    'another service': () => ({ service: 'kms' }),
    'another secret': () => ({ key: { id: target.accessKey.id, secret: 'x'.repeat(40) } }),
    'an empty secret': () => ({ key: { id: target.accessKey.id, secret: '' } }),
    'an unknown key': () => ({ key: { ...target.accessKey, id: 'AKIAQAAAAAAAAAAAAAAA' } }),
    'the name of a method of Object': () => ({ key: { ...target.accessKey, id: '__proto__' } }),
    'no signature': () => ({ headers: { authorization: '' } }),
    'another algorithm': () => ({ headers: { authorization: 'AWS4-HMAC-SHA1 Credential=a' } }),
    'the algorithm alone': () => ({ headers: { authorization: 'AWS4-HMAC-SHA256' } }),
    'a bearer': () => ({ headers: { authorization: `Bearer ${target.token}` } }),
  };
  for (const [name, change] of Object.entries(forged)) {
    test(name, async () => {
      const { status, text } = await target.aws('GetSecretValue', READ, change());
      assert.ok(status >= 400 && status < 500, `${status}`);
      const { __type: type } = JSON.parse(text) as Record<string, unknown>;
      assert.match(String(type), /^[A-Z]\w+Exception$/);
      assert.doesNotMatch(text, /"mine"/);
    });
  }

  test('a good one is taken', async () => {
    assert.equal((await target.aws('GetSecretValue', READ)).status, 200);
  });
});

/** A JSON Web Token with this header and these claims. */
function tokenOf(
  header: object,
  claims: object,
  signature: (signed: string) => Buffer = () => Buffer.alloc(0),
): string {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${signature(signed).toString('base64url')}`;
}

suite('Google', () => {
  let file: {
    readonly client_email: string;
    readonly private_key: string;
    readonly private_key_id: string;
  };
  before(async () => {
    const issued = await target.server.api.expect(
      'PUT',
      'identity/credential/service-account-key',
      {
        token: target.server.rootToken,
        body: {
          entity_name: 'caller',
          bound_to: PROJECT,
          token_uri: 'https://localhost/google/token',
        },
      },
    );
    file = issued['data'] as typeof file;
  });

  const ask = async (bearer: string): Promise<Answer> =>
    await target.send(`/v1/projects/${PROJECT}/secrets/mine-x`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
  const claims = (): Record<string, unknown> => {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: file.client_email,
      sub: file.client_email,
      aud: 'https://secretmanager.googleapis.com/',
      iat: now,
      exp: now + HOUR_SECONDS,
    };
  };
  const header = (): Record<string, unknown> => ({
    alg: 'RS256',
    typ: 'JWT',
    kid: file.private_key_id,
  });
  const rsa = (signed: string): Buffer =>
    sign('sha256', Buffer.from(signed), createPrivateKey(file.private_key));
  const publicPem = (): string | Buffer =>
    createPublicKey(file.private_key).export({ type: 'spki', format: 'pem' });

  const forged: Readonly<Record<string, () => string>> = {
    'no algorithm': () => tokenOf({ ...header(), alg: 'none' }, claims()),
    'no algorithm, with a signature': () => tokenOf({ ...header(), alg: 'None' }, claims(), rsa),
    'the public key as the secret of HS256': () =>
      tokenOf({ ...header(), alg: 'HS256' }, claims(), (signed) =>
        createHmac('sha256', publicPem()).update(signed).digest(),
      ),
    'a key that it brings along': () =>
      tokenOf({ ...header(), jwk: { kty: 'oct', k: '' } }, claims()),
    'an address of keys': () => tokenOf({ ...header(), jku: 'http://127.0.0.1:1/' }, claims()),
    'an unknown key': () => tokenOf({ ...header(), kid: '../../x' }, claims(), rsa),
    'a kid that is no text': () => tokenOf({ ...header(), kid: ['a'] }, claims(), rsa),
    'another audience': () => tokenOf(header(), { ...claims(), aud: 'https://example.com/' }, rsa),
    'an audience among others': () =>
      tokenOf(header(), { ...claims(), aud: ['https://example.com/'] }, rsa),
    'an expired one': () => tokenOf(header(), { ...claims(), iat: 1, exp: 2 }, rsa),
    'one without end': () => tokenOf(header(), { ...claims(), exp: 1e300 }, rsa),
    'another issuer': () => tokenOf(header(), { ...claims(), iss: 'root', sub: 'root' }, rsa),
    'half a token': () => tokenOf(header(), claims(), rsa).slice(0, -300),
    'three dots': () => '...',
    'a megabyte': () => 'a'.repeat(16 * 1024),
  };
  for (const [name, make] of Object.entries(forged)) {
    test(name, async () => {
      const { status, text } = await ask(make());
      assert.ok(status === 401 || status === 403 || status === 431, `${status} ${text}`);
      await target.alive();
    });
  }

  test('a good one is taken', async () => {
    assert.equal((await ask(tokenOf(header(), claims(), rsa))).status, 404);
  });
});

suite('Azure', () => {
  const login = async (form: Readonly<Record<string, string>>): Promise<Answer> =>
    await target.send('/adfs/oauth2/token', {
      method: 'POST',
      headers: {
        host: 'attacked.kv.example.com',
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(form).toString(),
    });

  const assertion = {
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  };
  const forms: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
    nothing: () => ({}),
    'a secret that is not': () => ({
      grant_type: 'client_credentials',
      client_id: '00000000-0000-0000-0000-000000000000',
      client_secret: 'x',
    }),
    'a name of Object': () => ({
      grant_type: 'client_credentials',
      client_id: '__proto__',
      client_secret: 'constructor',
    }),
    'an assertion without algorithm': () => ({
      ...assertion,
      client_assertion: tokenOf({ alg: 'none' }, { sub: 'caller', aud: 'strongroom' }),
    }),
    'an assertion that is none': () => ({ ...assertion, client_assertion: 'a.b.c' }),
    'another grant': () => ({ grant_type: 'password', username: 'root', password: 'root' }),
  };
  for (const [name, form] of Object.entries(forms)) {
    test(name, async () => {
      const { status, text } = await login(form());
      assert.ok(status === 400 || status === 401, `${status} ${text}`);
      assert.equal(typeof (JSON.parse(text) as Record<string, unknown>)['error'], 'string');
    });
  }

  test('without a token, or with a wrong one, a client is told whom to ask and nothing else', async () => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer x',
      'Basic eDp5',
      `bearer ${'x'.repeat(9000)}`,
    ]) {
      const { status, headers, text } = await target.send('/secrets/mine-x?api-version=7.6', {
        headers: { host: 'attacked.kv.example.com', authorization },
      });
      assert.ok(status === 401 || status === 403, `${authorization}: ${status} ${text}`);
      if (status === 401)
        assert.match(String(headers['www-authenticate']), /^Bearer authorization="/);
    }
  });
});
