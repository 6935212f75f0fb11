/** The AWS engine against a small IAM and STS that check every signature and keep users with all that hangs on them. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, suite, test } from 'node:test';
import { fetchBytes } from '../auth/fetch-json.ts';
import type { JsonObject } from '../base/json.ts';
import { base62, systemRandom } from '../base/random.ts';
import { parseSigV4, sigV4Signature } from '../crypto/sigv4.ts';
import { awsBackend } from '../engines/aws/aws.ts';
import { Xml } from '../engines/aws/query-api.ts';
import { testBackendDeclaration } from '../engines/backend.contract.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

testBackendDeclaration(awsBackend({ random: systemRandom, send: fetchBytes }));

interface User {
  readonly keys: Map<string, string>;
  readonly groups: Set<string>;
  readonly attached: Set<string>;
  readonly inline: Set<string>;
  readonly created: URLSearchParams;
}

const ROOT = 'the-root-user';

class FakeAws {
  readonly users = new Map<string, User>();
  /** What was asked, in order. */
  readonly calls: URLSearchParams[] = [];
  refuses: string | undefined;
  /** Answers the signer's clock, since it is not the real one. */
  nowMs = 0;
  readonly #server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const [status, body] = this.#answer(request, text);
      response.writeHead(status, { 'content-type': 'text/xml' });
      response.end(`<Response><Result>${body}</Result></Response>`);
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  add(name: string, created = new URLSearchParams()): User {
    const user = {
      keys: new Map<string, string>(),
      groups: new Set<string>(),
      attached: new Set<string>(),
      inline: new Set<string>(),
      created,
    };
    this.users.set(name, user);
    return user;
  }

  /** Who signed, if the signature is right. */
  #signer(request: IncomingMessage, body: string): string | undefined {
    const signed = parseSigV4(request.headers.authorization ?? '');
    if (signed === undefined) return undefined;
    const headers = request.headers as Record<string, string>;
    const wanted = ['content-type', 'host', 'x-amz-date'];
    if (wanted.some((name) => !signed.signedHeaders.includes(name))) return undefined;
    const url = new URL(request.url ?? '/', `http://${headers['host'] ?? ''}`);
    for (const [name, { keys }] of this.users) {
      const secret = keys.get(signed.accessKey);
      if (secret === undefined) continue;
      const signature = sigV4Signature(
        { method: request.method ?? '', url, headers, body },
        signed.signedHeaders,
        headers['x-amz-date'] ?? '',
        signed.scope,
        secret,
      );
      const service = body.includes('Version=2011-06-15') ? 'sts' : 'iam';
      return signature === signed.signature && signed.scope.service === service ? name : undefined;
    }
    return undefined;
  }

  #answer(request: IncomingMessage, text: string): [number, string] {
    const form = new URLSearchParams(text);
    const action = form.get('Action') ?? '';
    const signer = this.#signer(request, text);
    if (signer === undefined) return error(403, 'SignatureDoesNotMatch');
    this.calls.push(form);
    if (action === this.refuses) return error(403, 'AccessDenied');
    if (form.get('Version') === '2011-06-15') return this.#sts(form);
    if (action === 'CreateUser') {
      const name = form.get('UserName') ?? '';
      if (this.users.has(name)) return error(409, 'EntityAlreadyExists');
      this.add(name, form);
      return [200, ''];
    }
    const user = this.users.get(form.get('UserName') ?? signer);
    return user === undefined ? error(404, 'NoSuchEntity') : this.#ofUser(action, form, user);
  }

  #ofUser(action: string, form: URLSearchParams, user: User): [number, string] {
    const value = (name: string): string => form.get(name) ?? '';
    const removed = (found: boolean): [number, string] =>
      found ? [200, ''] : error(404, 'NoSuchEntity');
    const list = (name: string, texts: Iterable<string>): [number, string] => [
      200,
      [...texts].map((each) => `<member><${name}>${each}</${name}></member>`).join(''),
    ];
    switch (action) {
      case 'CreateAccessKey': {
        if (user.keys.size >= 2) return error(409, 'LimitExceeded');
        const [id, secret] = [`AKIA${base62(systemRandom, 16)}`, base62(systemRandom, 40)];
        user.keys.set(id, secret);
        return [
          200,
          `<AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey>`,
        ];
      }
      case 'ListAccessKeys': {
        const date = new Date(this.nowMs).toISOString();
        const entry = (id: string): string =>
          `<member><AccessKeyId>${id}</AccessKeyId><CreateDate>${date}</CreateDate></member>`;
        return [200, [...user.keys.keys()].map(entry).join('')];
      }
      case 'DeleteAccessKey':
        return removed(user.keys.delete(value('AccessKeyId')));
      case 'AddUserToGroup':
        user.groups.add(value('GroupName'));
        return [200, ''];
      case 'ListGroupsForUser':
        return list('GroupName', user.groups);
      case 'RemoveUserFromGroup':
        return removed(user.groups.delete(value('GroupName')));
      case 'AttachUserPolicy':
        user.attached.add(value('PolicyArn'));
        return [200, ''];
      case 'ListAttachedUserPolicies':
        return list('PolicyArn', user.attached);
      case 'DetachUserPolicy':
        return removed(user.attached.delete(value('PolicyArn')));
      case 'PutUserPolicy':
        user.inline.add(value('PolicyName'));
        return [200, ''];
      case 'ListUserPolicies': {
        const names = [...user.inline].map((name) => `<member>${name}</member>`).join('');
        return [200, `<PolicyNames>${names}</PolicyNames>`];
      }
      case 'DeleteUserPolicy':
        return removed(user.inline.delete(value('PolicyName')));
      case 'DeleteUser': {
        const bare = [user.keys, user.groups, user.attached, user.inline].every(
          ({ size }) => size === 0,
        );
        if (!bare) return error(409, 'DeleteConflict');
        this.users.delete(value('UserName'));
        return [200, ''];
      }
      default:
        return error(400, 'InvalidAction');
    }
  }

  #sts(form: URLSearchParams): [number, string] {
    const expires = new Date(this.nowMs + Number(form.get('DurationSeconds')) * 1000);
    const text = (name: string, value: string): string => `<${name}>${value}</${name}>`;
    const credentials = [
      text('AccessKeyId', 'ASIA1'),
      text('SecretAccessKey', 'a&amp;b&lt;c'),
      text('SessionToken', 'session'),
      text('Expiration', expires.toISOString()),
    ];
    return [200, credentials.join('') + text('Arn', 'arn:aws:sts::1:assumed-role/r/s')];
  }
}

function error(status: number, code: string): [number, string] {
  return [status, `<Error><Code>${code}</Code><Message>refused &amp; why</Message></Error>`];
}

suite('the AWS engine', () => {
  let aws: FakeAws;
  let open: OpenInstance;

  before(async () => {
    aws = new FakeAws();
    aws.add(ROOT).keys.set('AKIAROOT', 'root-secret');
    const endpoint = await aws.listen();
    open = await openInstance();
    aws.nowMs = open.clock.nowMs();
    await open.ask('write', 'sys/mounts/aws', { data: { type: 'aws' } });
    const data = {
      access_key: 'AKIAROOT',
      secret_key: 'root-secret',
      iam_endpoint: endpoint,
      sts_endpoint: endpoint,
    };
    assert.equal(await open.outcome('write', 'aws/config/root', { data }), 'ok');
    const lease = { lease: '10m', lease_max: '30m' };
    assert.equal(await open.outcome('write', 'aws/config/lease', { data: lease }), 'ok');
  });
  beforeEach(() => {
    aws.calls.length = 0;
    aws.refuses = undefined;
    aws.nowMs = open.clock.nowMs();
  });
  after(async () => {
    aws?.close();
    await open?.instance.close();
  });

  const role = async (data: JsonObject): Promise<string> => {
    await open.ask('delete', 'aws/roles/r');
    return (await open.ask('write', 'aws/roles/r', { data })).error?.message ?? 'done';
  };
  const POLICY = '{"Version": "2012-10-17", "Statement": []}';

  test('settings and roles are checked, and show no secret', async () => {
    const shown = await open.get('read', 'aws/config/root');
    assert.deepEqual([shown['access_key'], 'secret_key' in shown], ['AKIAROOT', false]);
    for (const data of [
      { iam_endpoint: 'ftp://x' },
      { region: 'x y' },
      { username_template: '{{.Bogus}}' },
      { secret_key: '' },
    ]) {
      assert.equal(await open.outcome('write', 'aws/config/root', { data }), 'invalid_request');
    }
    const CASES: readonly (readonly [JsonObject, RegExp])[] = [
      [{}, /credential_type must be/],
      [{ credential_type: 'iam_user' }, /needs policy_arns/],
      [{ credential_type: 'iam_user', policy_document: 'x' }, /cannot parse/],
      [{ credential_type: 'iam_user', policy_arns: 'x' }, /ARN/],
      [{ credential_type: 'assumed_role' }, /did not supply role_arns/],
      [{ credential_type: 'session_token', role_arns: 'arn:a' }, /cannot supply role_arns/],
      [
        { credential_type: 'session_token', default_sts_ttl: '2h', max_sts_ttl: '1h' },
        /less than or equal/,
      ],
    ];
    for (const [data, message] of CASES) assert.match(await role(data), message);
  });

  test('a user with its keys lives as long as its lease', async () => {
    const data = {
      credential_type: 'iam_user',
      policy_arns: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
      policy_document: POLICY,
      iam_groups: 'dev,ops',
      iam_tags: { team: 'a' },
      user_path: '/made/',
    };
    assert.equal(await role(data), 'done');
    const { reply, lease, error: refused } = await open.ask('read', 'aws/creds/r');
    assert.equal(refused, undefined);
    const [name = ''] = [...aws.users.keys()].filter((each) => each !== ROOT);
    assert.match(name, /^vault-token-r-\d+-[0-9A-Za-z]+$/);
    const user = aws.users.get(name);
    assert.equal(user?.keys.get(String(reply?.data?.['access_key'])), reply?.data?.['secret_key']);
    assert.deepEqual([...(user?.groups ?? [])], ['dev', 'ops']);
    assert.equal(user?.created.get('Tags.member.1.Key'), 'team');
    assert.equal(user?.created.get('Path'), '/made/');
    assert.equal(lease?.durationSeconds, 600);
    await open.pass(601);
    assert.deepEqual([...aws.users.keys()], [ROOT]);
  });

  test('whatever step is refused, no user is left', async () => {
    const data = { credential_type: 'iam_user', policy_document: POLICY, iam_groups: 'dev' };
    assert.equal(await role(data), 'done');
    for (const step of ['CreateUser', 'PutUserPolicy', 'AddUserToGroup', 'CreateAccessKey']) {
      aws.refuses = step;
      const { error: refused } = await open.ask('read', 'aws/creds/r');
      assert.match(refused?.message ?? '', /AccessDenied: refused & why/);
      aws.refuses = undefined;
      await open.pass(700);
      assert.deepEqual([...aws.users.keys()], [ROOT], step);
    }
  });

  test('a removal that AWS refuses is tried again', async () => {
    assert.equal(await role({ credential_type: 'iam_user', policy_document: POLICY }), 'done');
    await open.ask('read', 'aws/creds/r');
    aws.refuses = 'DeleteUser';
    await open.pass(601);
    assert.equal(aws.users.size, 2);
    aws.refuses = undefined;
    await open.pass(3600);
    assert.equal(aws.users.size, 1);
  });

  test('an assumed role: one of those that the role names, for as long as it allows', async () => {
    const arns = 'arn:aws:iam::1:role/a,arn:aws:iam::1:role/b';
    const data = { credential_type: 'assumed_role', role_arns: arns, max_sts_ttl: '2h' };
    assert.equal(await role({ ...data, external_id: 'ex', policy_document: POLICY }), 'done');
    const ask = (more: JsonObject): ReturnType<OpenInstance['ask']> =>
      open.ask('write', 'aws/sts/r', { data: more });
    assert.match((await ask({})).error?.message ?? '', /unable to determine one/);
    const foreign = await ask({ role_arn: 'arn:aws:iam::1:role/c' });
    assert.match(foreign.error?.message ?? '', /not in allowed/);
    const { reply, lease } = await ask({ role_arn: 'arn:aws:iam::1:role/b', ttl: '1h' });
    assert.equal(reply?.data?.['secret_key'], 'a&b<c');
    assert.equal(reply?.data?.['security_token'], 'session');
    assert.equal(reply?.data?.['arn'], 'arn:aws:sts::1:assumed-role/r/s');
    assert.deepEqual([lease?.durationSeconds, lease?.renewable], [3600, false]);
    const call = aws.calls.at(-1);
    assert.equal(call?.get('ExternalId'), 'ex');
    assert.equal(call?.get('RoleArn'), 'arn:aws:iam::1:role/b');
    assert.match(call?.get('RoleSessionName') ?? '', /^vault-\d+-[0-9A-Za-z]+$/);
    const late = await ask({ role_arn: 'arn:aws:iam::1:role/b', ttl: '3h' });
    assert.match(late.error?.message ?? '', /max_sts_ttl/);
    await open.pass(3601);
  });

  test('tokens of a federation and of a session', async () => {
    const federation = { credential_type: 'federation_token', policy_document: POLICY };
    assert.equal(await role(federation), 'done');
    assert.equal((await open.get('read', 'aws/creds/r'))['access_key'], 'ASIA1');
    assert.equal(aws.calls.at(-1)?.get('Policy'), JSON.stringify(JSON.parse(POLICY)));
    const session = { credential_type: 'session_token', mfa_serial_number: 'arn:mfa' };
    assert.equal(await role(session), 'done');
    await open.get('read', 'aws/sts/r', { data: { mfa_code: '123456' } });
    assert.equal(aws.calls.at(-1)?.get('TokenCode'), '123456');
  });

  test('rotate-root: the new key works, the old one is gone', async () => {
    const { access_key: fresh } = await open.get('write', 'aws/config/rotate-root');
    await open.pass(1);
    assert.deepEqual([...(aws.users.get(ROOT)?.keys.keys() ?? [])], [fresh]);
    assert.equal(await role({ credential_type: 'session_token' }), 'done');
    assert.equal(await open.outcome('read', 'aws/creds/r'), 'ok');
  });

  test('keys that AWS does not know are told as such, without the secret', async () => {
    const data = { access_key: 'AKIAWRONG', secret_key: 'S3CRET' };
    await open.ask('write', 'aws/config/root', { data });
    const { error: refused } = await open.ask('read', 'aws/creds/r');
    assert.match(refused?.message ?? '', /SignatureDoesNotMatch/);
    assert.equal((refused?.message ?? '').includes('S3CRET'), false);
  });
});

test('XML: elements by name, entities once, and nothing that ends the loop', () => {
  const xml = new Xml('<a><b>1</b><b>&amp;lt;</b></a><a><b>3</b></a><c><c>');
  assert.deepEqual(xml.texts('b'), ['1', '&lt;', '3']);
  assert.deepEqual(xml.all('a')[1]?.texts('b'), ['3']);
  assert.deepEqual(xml.texts('c'), []);
  assert.equal(new Xml('').text('a'), undefined);
});
