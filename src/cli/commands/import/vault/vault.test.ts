/**
 * import vault, from another Strongroom, which is a Vault to it; and from an OpenBao, when STRONGROOM_TEST_OPENBAO names its
 * program.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { at } from '../../../../../rig/api.ts';
import { runImport, startDev, TOKEN } from '../import.testkit.ts';
import type { DevServer, Said } from '../import.testkit.ts';

const OPENBAO = process.env['STRONGROOM_TEST_OPENBAO'];
const SECRET = 'S3CRET-canary';

function suite(name: string, openbao: string | undefined): void {
  let source: DevServer;
  let target: DevServer;
  before(async () => {
    [source, target] = await Promise.all([startDev(openbao), startDev()]);
    await fill(source);
  });
  after(async () => {
    await source.stop();
    await target.stop();
  });

  const put = async (path: string, body: unknown, namespace = ''): Promise<void> => {
    await source.api.expect('POST', path, call(body, namespace));
  };
  const both = async (path: string, namespace = ''): Promise<[unknown, unknown]> => {
    const answers = [source, target].map(
      async ({ api }) => (await api.expect('GET', path, call(undefined, namespace)))['data'],
    );
    const [there, here] = await Promise.all(answers);
    return [there, here];
  };

  test(`${name}: a dry run says what would be done, and does nothing`, async () => {
    const had = await target.api.expect('GET', 'sys/mounts', { token: TOKEN });
    const said = await runImport(target, ['vault', '-dry-run', source.address]);
    assert.equal(said.code, 0, said.complaints);
    for (const line of [
      'Nothing was written. This is what would be done:',
      'create namespaces team/sub/',
      'create policies reader',
      'create mounts old/: kv version 1',
      'create secrets secret/app/db: 5 versions',
      'create secrets team/sub/deep/x: 1 version',
      'create auth auth/approle/role/web',
      'create identity group outer',
      'pki/: an engine of type pki',
      'auth/approle/role/web: 1 secret ids: issue new ones',
      'secret/app/db: the value of deleted versions (2)',
      'tokens and leases: ',
    ]) {
      assert.ok(said.output.includes(line), `${line}\n${said.output}`);
    }
    keepsSecrets(said);
    const has = await target.api.expect('GET', 'sys/mounts', { token: TOKEN });
    assert.deepEqual(has['data'], had['data']);
    assert.equal(
      (await target.api.call('GET', 'secret/metadata/app/db', { token: TOKEN })).status,
      404,
    );
  });

  test(`${name}: everything arrives as it was, and a repetition changes nothing`, async () => {
    const said = await runImport(target, ['vault', source.address]);
    assert.equal(said.code, 0, said.complaints);
    keepsSecrets(said);
    const [there, here] = await both('secret/metadata/app/db');
    assert.deepEqual(comparable(here), comparable(there));
    for (const number of [3, 4, 5]) {
      const [theirs, ours] = await both(`secret/data/app/db?version=${number}`);
      assert.deepEqual(at(ours, 'data'), at(theirs, 'data'));
    }
    for (const path of [
      'old/plain',
      'sys/policies/acl/reader',
      'sys/policies/password/pin',
      'auth/approle/role/web',
      'auth/approle/role/web/role-id',
      'tuned/config',
      'auth/jwt/config',
      'auth/jwt/role/build',
      'auth/jwt/cel/role/deploy',
      'auth/k8s/config',
      'auth/k8s/role/web',
      'auth/ldap/config',
      'auth/ldap/groups/ops',
      'auth/token/roles/batch',
    ]) {
      const [theirs, ours] = await both(path);
      assert.deepEqual(known(ours, theirs), known(theirs, theirs), path);
    }
    for (const number of [1, 5]) {
      const [theirs, ours] = await both(`secret/data/large?version=${number}`);
      assert.deepEqual(at(ours, 'data'), at(theirs, 'data'));
    }
    const [, user] = await both('auth/userpass/users/al');
    assert.deepEqual(at(user, 'token_policies'), ['reader']);
    const [, mounts] = await both('sys/mounts');
    assert.equal(at(mounts, 'tuned/', 'config', 'default_lease_ttl'), 7200);
    assert.equal(at(mounts, 'tuned/', 'description'), 'of the shop');
    const [, deep] = await both('deep/data/x', 'team/sub/');
    assert.deepEqual(at(deep, 'data'), { y: SECRET });
    const [, entity] = await both('identity/entity/name/ann');
    assert.equal(at(entity, 'aliases', 0, 'name'), 'al');
    const [, inner] = await both('identity/group/name/inner');
    const [, outer] = await both('identity/group/name/outer');
    assert.deepEqual(at(inner, 'member_entity_ids'), [at(entity, 'id')]);
    assert.deepEqual(at(outer, 'member_group_ids'), [at(inner, 'id')]);

    const again = await runImport(target, ['vault', '-format=json', source.address]);
    assert.equal(again.code, 0, again.complaints);
    const document = JSON.parse(again.output) as Record<string, unknown>;
    const sections = at(document, 'sections') as Record<string, Record<string, number>>;
    for (const [section, counts] of Object.entries(sections)) {
      assert.deepEqual({ ...counts, same: 0 }, NOTHING, `${section} ${again.output}`);
    }
    keepsSecrets(again);
  });

  test(`${name}: what was added there follows, what was written here stays`, async () => {
    await put('secret/data/app/db', { data: { n: '6' }, options: { cas: 5 } });
    await put('secret/destroy/app/db', { versions: [3] });
    const further = await runImport(target, ['vault', '-only=secrets', source.address]);
    assert.equal(further.code, 0, further.complaints);
    const [there, here] = await both('secret/metadata/app/db');
    assert.deepEqual(comparable(here), comparable(there));
    const own = { data: { n: 'own' }, options: { cas: 6 } };
    await target.api.expect('POST', 'secret/data/app/db', call(own));
    const args = ['vault', '-only=mounts,secrets', '-mount=secret', source.address];
    const failed = await runImport(target, args);
    assert.equal(failed.code, 2);
    assert.match(failed.complaints, /secrets secret\/app\/db: it was written here since/);
    const skipped = await runImport(target, [
      ...args.slice(0, 1),
      '-on-conflict=skip',
      ...args.slice(1),
    ]);
    assert.equal(skipped.code, 0, skipped.complaints);
    assert.match(skipped.output, /secrets secret\/app\/db: it was written here since/);
    const [, kept] = await both('secret/data/app/db');
    assert.deepEqual(at(kept, 'data'), { n: 'own' });
    const over = await runImport(target, [
      ...args.slice(0, 1),
      '-on-conflict=overwrite',
      ...args.slice(1),
    ]);
    assert.equal(over.code, 0, over.complaints);
    const [theirs, ours] = await both('secret/metadata/app/db');
    assert.deepEqual(comparable(ours), comparable(theirs));
  });

  test(`${name}: a token that may do little is told what it may not do`, async () => {
    const policy = 'path "secret/*" { capabilities = ["read", "list"] }';
    await put('sys/policies/acl/little', { policy });
    const made = await source.api.expect(
      'POST',
      'auth/token/create',
      call({ policies: ['little'] }),
    );
    const token = String(at(made, 'auth', 'client_token'));
    const said = await runImport(target, ['vault', source.address], {
      STRONGROOM_SOURCE_TOKEN: token,
    });
    assert.equal(said.code, 2);
    assert.match(said.complaints, /policies sys\/policies\/acl: HTTP 403/);
    assert.match(said.complaints, /auth sys\/auth: HTTP 403/);
    // Of the engines it sees those that it may read in.
    assert.match(said.output, /secrets +0 +0 +3 +0 +0/);
    assert.ok(!said.complaints.includes(token) && !said.output.includes(token));
  });
}

const NOTHING = { create: 0, change: 0, same: 0, skip: 0, fail: 0 };

function call(body: unknown, namespace = ''): Parameters<DevServer['api']['expect']>[2] & object {
  return {
    token: TOKEN,
    ...(body === undefined ? {} : { body }),
    ...(namespace === '' ? {} : { headers: { 'x-vault-namespace': namespace } }),
  };
}

function keepsSecrets(said: Said): void {
  for (const text of [said.output, said.complaints]) {
    assert.ok(!text.includes(SECRET) && !text.includes(TOKEN));
  }
}

/** Of `ours` what `theirs` has too, without what is each server's own. */
function known(ours: unknown, theirs: unknown): unknown {
  const names = Object.entries(theirs as object)
    .filter(
      ([name, value]) =>
        value !== null && !['modified', 'version', 'cas_required', 'expiration'].includes(name),
    )
    .map(([name]) => name);
  return Object.fromEntries(names.map((name) => [name, (ours as Record<string, unknown>)[name]]));
}

/** Metadata of a secret with times to the millisecond, which is what both keep; deleted values are gone for good here. */
function comparable(metadata: unknown): unknown {
  const text = JSON.stringify(metadata).replace(/(\.\d{3})\d*Z/g, '$1Z');
  const {
    versions,
    current_metadata_version: _changes,
    ...rest
  } = JSON.parse(text) as {
    versions: Record<string, { deletion_time: string; destroyed: boolean }>;
    current_metadata_version: number;
  };
  for (const version of Object.values(versions)) {
    if (version.deletion_time !== '') version.destroyed = true;
  }
  return { ...rest, versions };
}

async function fill({ api }: DevServer): Promise<void> {
  const post = async (
    path: string,
    body: unknown,
    namespace = '',
  ): Promise<Record<string, unknown>> => await api.expect('POST', path, call(body, namespace));
  for (const n of [1, 2, 3, 4, 5]) {
    await post('secret/data/app/db', { data: { n: String(n), password: SECRET } });
  }
  await post('secret/delete/app/db', { versions: [2] });
  await post('secret/destroy/app/db', { versions: [1] });
  const settings = {
    max_versions: 7,
    delete_version_after: '1000h',
    custom_metadata: { owner: 'ops' },
  };
  await post('secret/metadata/app/db', settings);
  await post('secret/data/odd name/ü', {
    data: { number: 9_007_199_254_740, nested: { list: [1] } },
  });
  await post('sys/mounts/old', { type: 'kv', options: { version: '1' } });
  await post('old/plain', { x: SECRET });
  const config = { default_lease_ttl: '2h' };
  await post('sys/mounts/tuned', {
    type: 'kv',
    options: { version: '2' },
    description: 'of the shop',
    config,
  });
  await post('tuned/config', { max_versions: 3, cas_required: true });
  await post('sys/mounts/pki', { type: 'pki' });
  await post('sys/policies/acl/reader', {
    policy: 'path "secret/data/*" { capabilities = ["read"] }',
  });
  await post('sys/policies/password/pin', {
    policy: 'length = 20\nrule "charset" { charset = "0123456789" }',
  });
  await post('sys/auth/approle', { type: 'approle' });
  await post('auth/approle/role/web', { token_policies: 'reader', secret_id_ttl: '10m' });
  await post('auth/approle/role/web/secret-id', {});
  await post('sys/auth/userpass', { type: 'userpass' });
  await post('auth/userpass/users/al', { password: SECRET, token_policies: 'reader' });
  const accessor = at(
    await api.expect('GET', 'sys/auth', call(undefined)),
    'data',
    'userpass/',
    'accessor',
  );
  const entity = at(
    await post('identity/entity', { name: 'ann', policies: ['reader'] }),
    'data',
    'id',
  );
  await post('identity/entity-alias', {
    name: 'al',
    canonical_id: entity,
    mount_accessor: accessor,
  });
  const inner = { name: 'inner', policies: ['reader'], member_entity_ids: [entity] };
  const innerId = at(await post('identity/group', inner), 'data', 'id');
  await post('identity/group', { name: 'outer', member_group_ids: [innerId] });
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  await post('sys/auth/jwt', { type: 'jwt', description: 'of the builds' });
  await post('auth/jwt/config', { jwt_validation_pubkeys: [pem], bound_issuer: 'https://ci' });
  const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['here'] };
  await post('auth/jwt/role/build', { ...role, bound_claims: { project: ['shop'] } });
  const program = { expression: "claims.sub == 'x' ? pb.Auth{policies: ['reader']} : false" };
  await post('auth/jwt/cel/role/deploy', { cel_program: program, bound_audiences: ['here'] });
  await post('sys/auth/k8s', { type: 'kubernetes' });
  const cluster = { kubernetes_host: 'https://k8s.example.com', kubernetes_ca_cert: pem };
  await post('auth/k8s/config', { ...cluster, disable_local_ca_jwt: true });
  const accounts = { bound_service_account_names: 'web', bound_service_account_namespaces: 'shop' };
  await post('auth/k8s/role/web', { ...accounts, token_ttl: '20m' });
  await post('sys/auth/ldap', { type: 'ldap' });
  const directory = { url: 'ldaps://ldap.example.com', userdn: 'ou=people', bindpass: SECRET };
  await post('auth/ldap/config', { ...directory, binddn: 'cn=reader' });
  await post('auth/ldap/groups/ops', { policies: 'reader' });
  await post('auth/token/roles/batch', {
    allowed_policies: 'reader',
    token_type: 'batch',
    renewable: false,
    orphan: true,
  });
  // More than one call carries.
  for (const n of [1, 2, 3, 4, 5]) {
    await post('secret/data/large', { data: { n: String(n), text: 'x'.repeat(2_000_000) } });
  }
  await post('sys/namespaces/team', { custom_metadata: { of: 'shop' } });
  await post('sys/namespaces/sub', {}, 'team/');
  await post('sys/mounts/deep', { type: 'kv', options: { version: '2' } }, 'team/sub/');
  await post('deep/data/x', { data: { y: SECRET } }, 'team/sub/');
}

suite('a Strongroom', undefined);
if (OPENBAO === undefined) {
  test(
    'left out, no OpenBao: STRONGROOM_TEST_OPENBAO=PATH names its program',
    { skip: true },
    () => {},
  );
} else suite('an OpenBao', OPENBAO);
