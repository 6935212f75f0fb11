/** The second factor in the whole core: who has to show one, in one request or in two, and never the same code twice. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { decodeBase32 } from '../../base/base32.ts';
import { foreignJws } from '../../crypto/jws.testkit.ts';
import { totpCode, totpStep } from '../../crypto/totp.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Answer } from '../../core/call.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { openInstance, restarted } from '../instance-fixture.ts';
import type { OpenInstance, OpeningOptions } from '../instance-fixture.ts';

interface Rig {
  readonly open: OpenInstance;
  readonly methodId: string;
  readonly entityId: string;
  readonly accessor: string;
  readonly secret: Buffer;
  /** The code of the present time, or of so many periods before or after it. */
  code(periods?: number): string;
  enforce(what: JsonObject, namespace?: string): Promise<void>;
  login(shown?: Record<string, readonly string[]>, name?: string): Promise<Answer>;
  /** Logs in with the first factor; the id of the login that waits. */
  begin(): Promise<string>;
  validate(id: string, code: string): Promise<Answer>;
}

async function openRig(options: OpeningOptions = {}): Promise<Rig> {
  const open = await openInstance(options);
  await open.get('write', 'sys/auth/userpass', { data: { type: 'userpass' } });
  await open.get('write', 'auth/userpass/users/bob', { data: { password: 'pw' } });
  const { auth } = await open.ask('write', 'auth/userpass/login/bob', {
    token: null,
    data: { password: 'pw' },
  });
  const entityId = auth?.entityId ?? '';
  const mounts = await open.get('read', 'sys/auth');
  const { accessor } = mounts['userpass/'] as { accessor: string };
  const made = await open.get('write', 'identity/mfa/method/totp', {
    data: { issuer: 'Test', method_name: 'app' },
  });
  const methodId = String(made['method_id']);
  const { url } = await open.get('write', 'identity/mfa/method/totp/admin-generate', {
    data: { method_id: methodId, entity_id: entityId },
  });
  const secret = decodeBase32(new URL(String(url)).searchParams.get('secret') ?? '');
  assert.ok(secret !== undefined);
  return rigOn(open, { methodId, entityId, accessor, secret });
}

function rigOn(
  open: OpenInstance,
  parts: Pick<Rig, 'methodId' | 'entityId' | 'accessor' | 'secret'>,
): Rig {
  const { methodId, secret } = parts;
  const shape = { hash: 'sha1', digits: 6, periodSeconds: 30 } as const;
  const login: Rig['login'] = (shown, name = 'bob') =>
    open.ask('write', `auth/userpass/login/${name}`, {
      token: null,
      data: { password: 'pw' },
      ...(shown === undefined ? {} : { call: { secondFactor: new Map(Object.entries(shown)) } }),
    });
  return {
    ...parts,
    open,
    login,
    code: (periods = 0) => totpCode(secret, totpStep(open.clock.nowMs(), 30) + periods, shape),
    async enforce(what, namespace = '') {
      await open.get('write', 'identity/mfa/login-enforcement/rule', {
        namespace,
        data: { mfa_method_ids: [methodId], ...what },
      });
    },
    async begin() {
      const { auth } = await login();
      assert.equal(auth?.clientToken, '');
      assert.ok(auth.mfaRequirement !== undefined);
      return auth.mfaRequirement.mfa_request_id;
    },
    validate: (id, code) =>
      open.ask('write', 'sys/mfa/validate', {
        token: null,
        data: { mfa_request_id: id, mfa_payload: { [methodId]: [code] } },
      }),
  };
}

function token({ auth }: Answer): string {
  return auth?.clientToken ?? '';
}

suite('two requests', () => {
  test('the login waits, and the code gives its token, once', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_types: ['userpass'] });
    const id = await rig.begin();
    const code = rig.code();
    assert.equal((await rig.validate(id, '000000')).error?.code, 'permission_denied');
    // What is no code is none, and costs the request nothing.
    for (const codes of [null, [7]]) {
      const data = { mfa_request_id: id, mfa_payload: { [rig.methodId]: codes } };
      const without = await rig.open.ask('write', 'sys/mfa/validate', { token: null, data });
      assert.equal(without.error?.code, 'permission_denied');
    }
    const done = await rig.validate(id, code);
    assert.notEqual(token(done), '');
    assert.equal(done.auth?.entityId, rig.entityId);
    const self = await rig.open.get('read', 'auth/token/lookup-self', { token: token(done) });
    assert.equal(self['path'], 'auth/userpass/login/bob');
    assert.equal(self['display_name'], 'userpass-bob');
    assert.equal((await rig.validate(id, rig.code(1))).error?.message, 'invalid request ID');
    await rig.open.instance.close();
  });

  test('a code counts once, in every spelling (CVE-2025-6014)', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_types: ['userpass'] });
    const code = rig.code();
    assert.notEqual(token(await rig.validate(await rig.begin(), code)), '');
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`;
    const wide = code.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
    for (const spelling of [code, ` ${code}`, spaced, `${code}\n`, wide, `passcode=${code}`]) {
      const id = await rig.begin();
      const { error } = await rig.validate(id, spelling);
      assert.equal(error?.code, 'permission_denied', JSON.stringify(spelling));
    }
    // The next one is another code.
    await rig.open.pass(60);
    assert.notEqual(token(await rig.validate(await rig.begin(), rig.code())), '');
    await rig.open.instance.close();
  });

  test('of two at the same time with one code, one goes through', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_types: ['userpass'] });
    const ids = [await rig.begin(), await rig.begin(), await rig.begin()];
    const code = rig.code();
    const answers = await Promise.all(ids.map((id) => rig.validate(id, code)));
    assert.equal(answers.filter((answer) => token(answer) !== '').length, 1);
    await rig.open.instance.close();
  });

  test('codes cannot be guessed: after five the right one is refused too', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_types: ['userpass'] });
    const id = await rig.begin();
    const right = [-1, 0, 1].map((periods) => rig.code(periods));
    const wrong = ['111111', '222222', '333333', '444444', '555555', '666666', '777777', '888888'];
    for (const code of wrong.filter((each) => !right.includes(each)).slice(0, 5))
      await rig.validate(id, code);
    assert.match((await rig.validate(id, rig.code())).error?.message ?? '', /maximum TOTP/);
    await rig.open.pass(31);
    assert.notEqual(token(await rig.validate(id, rig.code())), '');
    await rig.open.instance.close();
  });

  test('nobody waits for ever, nor in another namespace', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_types: ['userpass'] });
    const id = await rig.begin();
    await rig.open.get('write', 'sys/namespaces/other');
    const elsewhere = await rig.open.ask('write', 'sys/mfa/validate', {
      token: null,
      namespace: 'other/',
      data: { mfa_request_id: id, mfa_payload: { [rig.methodId]: [rig.code()] } },
    });
    assert.equal(elsewhere.error?.code, 'invalid_request');
    await rig.open.pass(300);
    assert.equal((await rig.validate(id, rig.code())).error?.message, 'invalid request ID');
    await rig.open.instance.close();
  });

  test('it is enforced after a restart, and a login waits through one (CVE-2022-30689)', async () => {
    const storage = createMemoryStorage();
    const before = await openRig({ storage });
    await before.enforce({ identity_entity_ids: [before.entityId] });
    const id = await before.begin();
    const rig = rigOn(await restarted(before.open, storage), before);
    await rig.begin();
    assert.notEqual(token(await rig.validate(id, rig.code())), '');
    await rig.open.instance.close();
  });

  test('a disabled entity gets no token for its second factor', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_types: ['userpass'] });
    const id = await rig.begin();
    await rig.open.get('write', `identity/entity/id/${rig.entityId}`, { data: { disabled: true } });
    assert.equal((await rig.validate(id, rig.code())).error?.code, 'permission_denied');
    await rig.open.instance.close();
  });
});

suite('one request', () => {
  test('the code comes with the login, by id or by name of the method', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_accessors: [rig.accessor] });
    assert.notEqual(token(await rig.login({ [rig.methodId]: [rig.code()] })), '');
    await rig.open.pass(60);
    assert.notEqual(token(await rig.login({ app: [`passcode=${rig.code()}`] })), '');
    for (const shown of [
      { app: [rig.code()] },
      { app: ['000000'] },
      { app: [] },
      { nope: ['1'] },
    ]) {
      const { error } = await rig.login(shown);
      assert.deepEqual([error?.code, error?.message], ['permission_denied', 'permission denied']);
    }
    await rig.open.instance.close();
  });

  test('without an enforcement what is shown has no effect but a warning', async () => {
    const rig = await openRig();
    const answer = await rig.login({ app: ['000000'] });
    assert.notEqual(token(answer), '');
    assert.deepEqual(answer.reply?.warnings, [
      'Found MFA header but failed to find MFA Enforcement Config',
    ]);
    await rig.open.instance.close();
  });

  test('a protocol that cannot ask for a second factor logs nobody in', async () => {
    const rig = await openRig();
    await rig.enforce({ auth_method_types: ['userpass'] });
    const { error, auth } = await rig.open.ask('write', 'auth/userpass/login/bob', {
      token: null,
      data: { password: 'pw' },
      call: { protocol: 'azure' },
    });
    assert.deepEqual([error?.code, auth], ['permission_denied', undefined]);
    await rig.open.instance.close();
  });
});

suite('who has to', () => {
  test('members of a group, inherited ones too, and nobody else', async () => {
    const rig = await openRig();
    const { open } = rig;
    await open.get('write', 'auth/userpass/users/eve', { data: { password: 'pw' } });
    const group = async (name: string, data: JsonObject): Promise<string> =>
      String((await open.get('write', 'identity/group', { data: { name, ...data } }))['id']);
    const inner = await group('inner', { member_entity_ids: [rig.entityId] });
    const outer = await group('outer', { member_group_ids: [inner] });
    await rig.enforce({ identity_group_ids: [outer] });
    await rig.begin();
    assert.notEqual(token(await rig.login(undefined, 'eve')), '');
    await open.get('delete', 'identity/mfa/login-enforcement/rule');
    assert.notEqual(token(await rig.login()), '');
    await open.instance.close();
  });

  test('nobody known cannot show one, and gets no token', async () => {
    const rig = await openRig();
    const { open } = rig;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = pair.publicKey.export({ type: 'spki', format: 'pem' });
    await open.get('write', 'sys/auth/jwt', { data: { type: 'jwt' } });
    await open.get('write', 'auth/jwt/config', { data: { jwt_validation_pubkeys: [pem] } });
    // A program may name policies and nobody.
    const program = { expression: "pb.Auth{policies: ['default']}" };
    const role = { cel_program: program, bound_audiences: 'v' };
    await open.get('write', 'auth/jwt/cel/role/r', { data: role });
    const now = open.clock.nowMs() / 1000;
    const claims = { sub: 'bob', aud: 'v', iat: now, exp: now + 60 };
    const jwt = foreignJws(claims, { algorithm: 'ES256', key: pair.privateKey, keyId: '' });
    const login = (shown: readonly [string, readonly string[]][] = []): Promise<Answer> =>
      open.ask('write', 'auth/jwt/cel/login', {
        token: null,
        data: { role: 'r', jwt },
        call: { secondFactor: new Map(shown) },
      });
    assert.notEqual(token(await login()), '');
    await rig.enforce({ auth_method_types: ['jwt'] });
    for (const shown of [[], [[rig.methodId, [rig.code()]]]] as const) {
      const { auth, error } = await login(shown.map(([id, codes]) => [id, [...codes]]));
      assert.equal(auth, undefined);
      assert.equal(error?.code, 'permission_denied');
    }
    await open.instance.close();
  });

  test('who logs in below the namespace of the rule', async () => {
    const rig = await openRig();
    const { open } = rig;
    const namespace = 'team/';
    await open.get('write', 'sys/namespaces/team');
    await open.get('write', 'sys/auth/userpass', { namespace, data: { type: 'userpass' } });
    const user = { namespace, data: { password: 'pw' } };
    await open.get('write', 'auth/userpass/users/bob', user);
    await rig.enforce({ auth_method_types: ['userpass'] });
    const below = await open.ask('write', 'auth/userpass/login/bob', { ...user, token: null });
    assert.ok(below.auth?.mfaRequirement !== undefined);
    // A rule of the namespace below does not reach up.
    await open.get('delete', 'identity/mfa/login-enforcement/rule');
    await rig.enforce({ auth_method_types: ['userpass'] }, namespace);
    assert.notEqual(token(await rig.login()), '');
    await open.instance.close();
  });
});

suite('secrets', () => {
  test('go with the entity that was merged, and with the entity that is deleted', async () => {
    const rig = await openRig();
    const { open } = rig;
    await rig.enforce({ auth_method_types: ['userpass'] });
    const made = await open.get('write', 'identity/entity', { data: { name: 'into' } });
    const into = String(made['id']);
    await open.get('write', 'identity/entity/merge', {
      data: { from_entity_ids: [rig.entityId], to_entity_id: into },
    });
    const done = await rig.validate(await rig.begin(), rig.code());
    assert.equal(done.auth?.entityId, into);
    await open.get('delete', `identity/entity/id/${into}`);
    const again = await open.get('write', 'identity/entity', { data: { name: 'again' } });
    const answer = await open.ask('write', 'identity/mfa/method/totp/admin-generate', {
      data: { method_id: rig.methodId, entity_id: String(again['id']) },
    });
    assert.ok(typeof answer.reply?.data?.['url'] === 'string');
    const nameless = await open.ask('write', 'identity/mfa/method/totp/by-name', {
      data: { issuer: 'I' },
    });
    assert.equal(nameless.error?.code, 'not_found', 'a method is named by its id');
    await open.instance.close();
  });

  test('are shown once, and not to others', async () => {
    const rig = await openRig();
    const { open } = rig;
    const generate = { method_id: rig.methodId };
    await open.get('write', 'sys/policies/acl/enrol', {
      data: {
        policy: 'path "identity/mfa/method/totp/generate" { capabilities = ["update"] }',
      },
    });
    await open.get('write', 'auth/userpass/users/bob', { data: { token_policies: ['enrol'] } });
    const bob = token(await rig.login());
    const again = await open.ask('write', 'identity/mfa/method/totp/generate', {
      token: bob,
      data: generate,
    });
    assert.equal(again.reply?.data, null);
    const forOther = { token: bob, data: { ...generate, entity_id: 'x' } };
    const path = 'identity/mfa/method/totp/admin-generate';
    assert.equal(await open.outcome('write', path, forOther), 'permission_denied');
    await open.get('write', 'identity/mfa/method/totp/admin-destroy', {
      data: { ...generate, entity_id: rig.entityId },
    });
    const fresh = await open.get('write', 'identity/mfa/method/totp/generate', {
      token: bob,
      data: generate,
    });
    const secret = new URL(String(fresh['url'])).searchParams.get('secret') ?? '';
    assert.notDeepEqual(decodeBase32(secret), rig.secret);
    assert.equal(decodeBase32(secret)?.length, 20);
    await open.instance.close();
  });
});
