/** AWS logins: who signed, for whom, and what an attacker may try with the request (CVE-2020-16250, CVE-2025-11621). */
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../base/json.ts';
import { systemRandom } from '../../base/random.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';
import { signSigV4 } from '../../crypto/sigv4.ts';
import { RequestError } from '../../model/errors.ts';
import { fetchBytes } from '../fetch-json.ts';
import { parseArn } from './arn.ts';
import { awsBackend } from './aws.ts';
import { openFakeAws } from './aws.testkit.ts';
import type { FakeAws } from './aws.testkit.ts';
import { leafTexts } from './xml.ts';

const ROLE_ARN = 'arn:aws:iam::123456789012:role/team/app';
const SESSION_ARN = 'arn:aws:sts::123456789012:assumed-role/app/i-0123';
const USER_ARN = 'arn:aws:iam::123456789012:user/people/ada';
const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const backend = awsBackend({ random: systemRandom, fetch: fetchBytes });

const fakes: FakeAws[] = [];
after(() => {
  for (const fake of fakes) fake.close();
});

interface Wish {
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly url?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  /** After signing. */
  readonly also?: Record<string, string>;
  readonly nowMs?: number;
  readonly role?: string;
}

interface Rig {
  readonly bench: Bench;
  readonly aws: FakeAws;
  signed(wish?: Wish): JsonObject;
  login(wish?: Wish, change?: JsonObject): Promise<string>;
}

async function openRig(role: JsonObject = {}, config: JsonObject = {}): Promise<Rig> {
  const bench = await openBench(backend);
  const aws = await openFakeAws(bench.nowMs);
  fakes.push(aws);
  const session = { arn: SESSION_ARN, userId: 'AROAAPP:i-0123', secretKey: 'app' };
  aws.keys.set('ASIAAPP', session);
  aws.keys.set('AKIAADA', { arn: USER_ARN, userId: 'AIDAADA', secretKey: 'ada' });
  const own = 'arn:aws:iam::123456789012:user/strongroom';
  aws.keys.set('AKIAOWN', { arn: own, userId: 'AIDAOWN', secretKey: 'own' });
  aws.principals.set('Role/app', { arn: ROLE_ARN, id: 'AROAAPP' });
  aws.principals.set('User/ada', { arn: USER_ARN, id: 'AIDAADA' });
  await bench.call('write', 'config/client', {
    sts_endpoint: aws.url,
    iam_endpoint: aws.url,
    access_key: 'AKIAOWN',
    secret_key: 'own',
    iam_server_id_header_value: 'strongroom.example',
    ...config,
  });
  await bench.call('write', 'role/r', { bound_iam_principal_arn: ROLE_ARN, ...role });
  const signed: Rig['signed'] = (wish = {}) => {
    const url = new URL(wish.url ?? `${aws.url}/`);
    const body = wish.body ?? BODY;
    const headers = signSigV4(
      {
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
          'x-vault-aws-iam-server-id': 'strongroom.example',
          ...wish.headers,
        },
        body,
      },
      {
        accessKey: wish.accessKey ?? 'ASIAAPP',
        secretKey: wish.secretKey ?? 'app',
        sessionToken: 'a token',
      },
      { region: 'us-east-1', service: 'sts', nowMs: wish.nowMs ?? bench.nowMs },
    );
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const all = Object.fromEntries(
      Object.entries({ ...headers, ...wish.also }).map(([name, value]) => [name, [value]]),
    );
    return {
      role: wish.role ?? 'r',
      iam_http_request_method: 'POST',
      iam_request_url: base64(url.href),
      iam_request_body: base64(body),
      iam_request_headers: base64(JSON.stringify(all)),
    };
  };
  return {
    bench,
    aws,
    signed,
    async login(wish, change = {}) {
      try {
        const reply = await bench.call('write', 'login', { ...signed(wish), ...change });
        return reply?.auth?.alias?.name ?? 'nobody';
      } catch (error) {
        if (error instanceof RequestError) return error.message;
        throw error;
      }
    },
  };
}

const DENIED = 'permission denied';

suite('who it is', () => {
  test('a role is bound by its id, which another of the same name has not', async () => {
    const rig = await openRig({ token_policies: 'p' });
    const shown = (await rig.bench.call('read', 'role/r'))?.data ?? {};
    assert.deepEqual(shown['bound_iam_principal_id'], ['AROAAPP']);
    const reply = await rig.bench.call('write', 'login', rig.signed());
    assert.equal(reply?.auth?.alias?.name, shown['role_id']);
    assert.deepEqual(reply?.auth?.metadata, {
      account_id: '123456789012',
      auth_type: 'iam',
      role_id: shown['role_id'],
    });
    assert.equal(reply?.auth?.displayName, 'app');
    const session = { arn: SESSION_ARN, userId: 'AROANEW:i-0123', secretKey: 'app' };
    rig.aws.keys.set('ASIAAPP', session);
    assert.equal(await rig.login(), DENIED);
  });

  test('without ids, by name; with a wildcard, by the whole path', async () => {
    const byName = { resolve_aws_unique_ids: false };
    const named = await openRig({
      ...byName,
      bound_iam_principal_arn: 'arn:aws:iam::123456789012:role/app',
    });
    assert.notEqual(await named.login(), DENIED);
    for (const [arn, good] of [
      ['arn:aws:iam::123456789012:role/team/*', true],
      ['arn:aws:iam::123456789012:role/*', true],
      ['arn:aws:iam::123456789012:role/a*', false],
      ['arn:aws:iam::999999999999:role/*', false],
      ['arn:aws:iam::123456789012:user/*', false],
    ] as const) {
      const rig = await openRig({ bound_iam_principal_arn: arn });
      assert.equal((await rig.login()) !== DENIED, good, arn);
    }
    const user = await openRig({
      bound_iam_principal_arn: 'arn:aws:iam::123456789012:user/people/*',
    });
    assert.notEqual(await user.login({ accessKey: 'AKIAADA', secretKey: 'ada' }), DENIED);
  });

  test('aliases are what the configuration says', async () => {
    const rig = await openRig();
    for (const [alias, name] of [
      ['unique_id', 'AROAAPP'],
      ['canonical_arn', 'arn:aws:iam::123456789012:role/app'],
      ['full_arn', ROLE_ARN],
    ]) {
      await rig.bench.call('write', 'config/identity', { iam_alias: alias ?? '' });
      assert.equal(await rig.login(), name);
    }
    await rig.bench.fail('write', 'config/identity', { iam_alias: 'x' });
  });

  test('without a role in the request, the name of the caller is the role', async () => {
    const rig = await openRig();
    await rig.bench.call('write', 'role/app', { bound_iam_principal_arn: ROLE_ARN });
    assert.notEqual(await rig.login({}, { role: '' }), DENIED);
    assert.equal(await rig.login({}, { role: 'nope' }), DENIED);
  });

  test('headers may come as an object too', async () => {
    const rig = await openRig();
    const signed = rig.signed();
    const text = Buffer.from(signed['iam_request_headers'] as string, 'base64').toString();
    assert.notEqual(await rig.login({}, { iam_request_headers: JSON.parse(text) }), DENIED);
    assert.notEqual(await rig.login({}, { iam_request_headers: text }), DENIED);
  });
});

suite('what an attacker tries', () => {
  test('another secret, another time, another server', async () => {
    const rig = await openRig();
    assert.notEqual(await rig.login(), DENIED);
    assert.equal(await rig.login({ secretKey: 'guess' }), DENIED);
    assert.equal(await rig.login({ nowMs: rig.bench.nowMs - 16 * 60_000 }), DENIED);
    const id = 'x-vault-aws-iam-server-id';
    assert.equal(await rig.login({ headers: { [id]: 'other.example' } }), DENIED);
    assert.equal(await rig.login({ also: { [id]: 'strongroom.example ' } }), DENIED);
  });

  test('nothing is asked of a host, path or action of the caller’s choice', async () => {
    const rig = await openRig();
    const before = rig.aws.requests;
    for (const wish of [
      { url: 'https://evil.example/' },
      { url: 'https://sts.amazonaws.com.evil.example/' },
      { url: 'https://sts.amazonaws.com@evil.example/' },
      { url: `${rig.aws.url}/other` },
      { url: `${rig.aws.url}/?Action=GetSessionToken` },
      { body: 'Action=AssumeRole&Version=2011-06-15' },
      { body: `${BODY}&Action=GetSessionToken` },
      { body: 'Version=2011-06-15' },
      { also: { host: 'evil.example' } },
      { headers: { accept: 'application/json' } },
      { headers: { 'x-amz-target': 'x' } },
      { also: { 'x-bad': 'a\r\nhost: evil' } },
    ] as Wish[])
      assert.equal(await rig.login(wish), DENIED, JSON.stringify(wish));
    assert.equal(rig.aws.requests, before);
    for (const change of [
      { iam_http_request_method: 'GET' },
      { iam_request_url: '!' },
      { iam_request_headers: 'bm8=' },
      { iam_request_headers: { authorization: ['a', 'b'] } },
      { iam_request_headers: { a: 'x', A: 'y' } },
    ] as JsonObject[])
      assert.equal(await rig.login({}, change), DENIED, JSON.stringify(change));
  });

  test('without an endpoint of ours, only AWS itself is asked', async () => {
    const rig = await openRig({}, { sts_endpoint: '' });
    assert.equal(await rig.login(), DENIED);
  });

  test('an answer in another form than STS has is no answer', async () => {
    const rig = await openRig();
    const good = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${SESSION_ARN}</Arn><UserId>AROAAPP:x</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
    rig.aws.answer = good;
    assert.notEqual(await rig.login(), DENIED);
    for (const answer of [
      '{"GetCallerIdentityResponse":{}}',
      `<X>${good}</X>`,
      good.replace('<Arn>', '<Arn>x</Arn><Arn>'),
      good.replace('123456789012</Account>', '999999999999</Account>'),
      good.replace(SESSION_ARN, `<![CDATA[${SESSION_ARN}]]>`),
      good.replace('assumed-role/app/', 'assumed-role/app/x/'),
      `${good}${good}`,
      `<!DOCTYPE x>${good}`,
    ]) {
      rig.aws.answer = answer;
      assert.equal(await rig.login(), DENIED, answer.slice(0, 60));
    }
  });
});

suite('roles and renewal', () => {
  test('a role must bind somebody that can be bound', async () => {
    const rig = await openRig();
    for (const role of [
      {},
      { bound_iam_principal_arn: '*' },
      { bound_iam_principal_arn: 'arn:aws:iam::*:role/app' },
      { bound_iam_principal_arn: SESSION_ARN },
      { bound_iam_principal_arn: 'arn:aws:iam::123456789012:role/unknown' },
      { bound_iam_principal_arn: 'arn:aws:iam::999999999999:role/app' },
      { bound_iam_principal_arn: ROLE_ARN, auth_type: 'ec2' },
      { bound_iam_principal_arn: ROLE_ARN, inferred_entity_type: 'ec2_instance' },
    ] as JsonObject[])
      await rig.bench.fail('write', 'role/x', role);
  });

  test('ends when the role names the caller no more', async () => {
    const rig = await openRig();
    const reply = await rig.bench.call('write', 'login', rig.signed());
    const renew = async (): Promise<unknown> =>
      await rig.bench.store(async (store) =>
        backend.renewAuth?.(
          {
            internal: reply?.auth?.internal ?? {},
            displayName: '',
            metadata: {},
            policies: [],
            connection: {
              remoteAddress: '',
              remotePort: 0,
              clientCertificates: [],
              local: false,
            },
            incrementSeconds: 0,
            nowMs: rig.bench.nowMs,
          },
          store,
        ),
      );
    await renew();
    await rig.bench.call('write', 'role/r', { bound_iam_principal_arn: USER_ARN });
    await assert.rejects(renew(), RequestError);
  });

  test('the secret key is not read back', async () => {
    const rig = await openRig();
    const shown = await rig.bench.call('read', 'config/client');
    assert.equal(shown?.data?.['access_key'], 'AKIAOWN');
    assert.doesNotMatch(JSON.stringify(shown), /"own"/);
  });
});

test('ARNs and documents of any text are read or refused', () => {
  assert.equal(parseArn(SESSION_ARN)?.canonicalArn, 'arn:aws:iam::123456789012:role/app');
  assert.equal(parseArn('arn:aws-cn:iam::123456789012:root')?.kind, 'root');
  for (const wrong of ['', 'arn:aws:s3:::b', 'arn:aws:iam::12:user/a', `${USER_ARN}\n`])
    assert.equal(parseArn(wrong), undefined);
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseArn(text);
      leafTexts(text);
    }),
  );
});
