/** What every cloud facade stands on: bindings, credentials of identities, and tasks on the versioned secret. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { notFound } from '../../model/errors.ts';
import type { Evidence } from '../../model/evidence.ts';
import type { SecretTask } from '../../model/tasks/secret-task.ts';
import { servedNumber } from '../../model/secret.ts';
import { openInstance } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

const ACCOUNT = '111122223333';
const PLACE = { name: ACCOUNT, region: 'eu-central-1', part: 'secrets' } as const;

interface Key {
  readonly id: string;
  readonly secret: string;
}

async function accessKey(server: OpenInstance, policy: string): Promise<Key> {
  await server.get('write', 'sys/policies/acl/app', { data: { policy } });
  await server.get('write', 'identity/entity', { data: { name: 'app', policies: 'app' } });
  await server.get('write', `sys/bindings/aws/${ACCOUNT}`, { data: {} });
  const issued = await server.get('write', 'identity/credential/access-key', {
    data: { entity_name: 'app', bound_to: ACCOUNT },
  });
  return { id: String(issued['access_key_id']), secret: String(issued['secret_access_key']) };
}

function evidence(key: Key, text = 'string to sign'): Evidence {
  const scope = ['20261122', 'eu-central-1', 'secretsmanager'] as const;
  let signing = Buffer.from(`AWS4${key.secret}`);
  for (const part of [...scope, 'aws4_request']) {
    signing = createHmac('sha256', signing).update(part).digest();
  }
  const signature = createHmac('sha256', signing).update(text).digest();
  return { kind: 'access-key', credential: key.id, scope, text, signature };
}

const READ: SecretTask = {
  secret: async (desk) => {
    if (desk.secret === undefined) throw notFound();
    const value = await desk.value(servedNumber(desk.secret));
    return { data: { value: value.toString(), caller: desk.callerName } };
  },
};

function write(value: string): SecretTask {
  return {
    secret: async (desk) => {
      if (desk.secret === undefined) desk.create();
      const { version } = await desk.addVersion(Buffer.from(value), { form: 'text' });
      return { data: { version: version.number } };
    },
  };
}

const MAY = 'path "secret/data/app/*" { capabilities = ["read", "create", "update"] }';

test('a bound, signed call reads and writes what the policy of its entity allows', async () => {
  const server = await openInstance();
  const key = await accessKey(server, MAY);
  const call = { protocol: 'aws', bound: PLACE, evidence: evidence(key) } as const;
  const wrote = await server.get('write', 'data/app/db', {
    token: null,
    call: { ...call, task: write('plain') },
  });
  assert.deepEqual(wrote, { version: 1 });
  const read = await server.ask('read', 'data/app/db', {
    token: null,
    call: { ...call, task: READ },
  });
  assert.deepEqual(read.reply?.data, { value: 'plain', caller: 'user/app' });
  assert.equal(read.caller?.name, 'user/app');
  const { data } = await server.get('read', 'secret/data/app/db');
  assert.deepEqual(data, { value: 'plain' });
  const other = await server.ask('read', 'data/other', {
    token: null,
    call: { ...call, task: READ },
  });
  assert.equal(other.error?.code, 'permission_denied');
  await server.instance.close();
});

test('evidence that does not hold is refused, with the reason', async () => {
  const server = await openInstance();
  const key = await accessKey(server, MAY);
  const reasonOf = async (shown: Evidence, bound: object = PLACE): Promise<string | undefined> => {
    const call = { protocol: 'aws', bound, evidence: shown, task: READ } as never;
    return (await server.ask('read', 'data/app/db', { token: null, call })).error?.reason;
  };
  const good = evidence(key);
  assert.equal(await reasonOf({ ...good, text: 'other' } as Evidence), 'bad_signature');
  assert.equal(
    await reasonOf({ ...good, signature: Buffer.alloc(0) } as Evidence),
    'bad_signature',
  );
  assert.equal(
    await reasonOf({ ...good, credential: 'AKIA2222' } as Evidence),
    'unknown_credential',
  );
  assert.equal(
    await reasonOf({ ...good, credential: '../../x' } as Evidence),
    'unknown_credential',
  );
  assert.equal(await reasonOf({ ...good, sessionToken: 'AAAA' } as Evidence), 'bad_session');
  assert.equal(await reasonOf(good, { name: '999999999999', part: 'secrets' }), 'unbound');
  assert.equal(await reasonOf(good, { ...PLACE, part: 'keys' }), 'unbound');
  const path = `identity/credential/access-key/${key.id}`;
  await server.get('write', path, { data: { enabled: false } });
  assert.equal(await reasonOf(good), 'unknown_credential');
  await server.get('write', path, { data: { enabled: true, ttl: 60 } });
  assert.equal(await reasonOf(good), undefined);
  server.clock.advance(61_000);
  assert.equal(await reasonOf(good), 'unknown_credential');
  await server.instance.close();
});

test('a credential has one token until that ends; disabling its entity ends both', async () => {
  const server = await openInstance();
  const key = await accessKey(server, MAY);
  const call = {
    protocol: 'aws',
    bound: PLACE,
    evidence: evidence(key),
    task: write('v'),
  } as const;
  const accessor = async (): Promise<string | undefined> =>
    (await server.ask('write', 'data/app/db', { token: null, call })).caller?.accessor;
  const first = await accessor();
  assert.ok(first !== undefined && first !== '');
  assert.equal(await accessor(), first);
  await server.get('write', 'auth/token/revoke-accessor', { data: { accessor: first } });
  const second = await accessor();
  assert.notEqual(second, first);
  server.clock.advance(13 * 3_600_000);
  assert.notEqual(await accessor(), second);
  await server.get('write', 'identity/entity/name/app', { data: { disabled: true } });
  assert.equal(
    (await server.ask('write', 'data/app/db', { token: null, call })).error?.code,
    'permission_denied',
  );
  await server.instance.close();
});

test('credentials are listed, rotated and deleted, and tell when they were used', async () => {
  const server = await openInstance();
  const key = await accessKey(server, MAY);
  const path = `identity/credential/access-key/${key.id}`;
  assert.equal((await server.get('read', path))['last_used_time'], null);
  const call = { protocol: 'aws', bound: PLACE, evidence: evidence(key), task: READ } as const;
  await server.ask('read', 'data/app/db', { token: null, call });
  assert.equal(typeof (await server.get('read', path))['last_used_time'], 'object');
  await server.ask('write', 'data/app/db', { token: null, call: { ...call, task: write('v') } });
  assert.equal(typeof (await server.get('read', path))['last_used_time'], 'string');
  const rotated = await server.get('write', `${path}/rotate`, { data: { overlap: '10m' } });
  assert.notEqual(rotated['access_key_id'], key.id);
  const { keys } = await server.get('list', 'identity/credential/access-key/');
  assert.equal((keys as string[]).length, 2);
  assert.equal(await server.outcome('read', 'data/app/db', { token: null, call }), 'ok');
  server.clock.advance(601_000);
  const late = await server.ask('read', 'data/app/db', { token: null, call });
  assert.equal(late.error?.reason, 'unknown_credential');
  await server.get('delete', path);
  assert.equal(await server.outcome('read', path), 'not_found');
  await server.instance.close();
});

test('client secrets and service account keys log in to an ordinary token', async () => {
  const server = await openInstance();
  await accessKey(server, MAY);
  const issued = await server.get('write', 'identity/credential/client-secret', {
    data: { entity_name: 'app' },
  });
  const shown: Evidence = {
    kind: 'client-secret',
    client: String(issued['client_id']),
    secret: String(issued['client_secret']),
  };
  const login = async (proof: Evidence) =>
    await server.ask('write', 'identity/credential-login', {
      token: null,
      call: { evidence: proof },
    });
  const { auth } = await login(shown);
  assert.ok(auth !== undefined);
  assert.deepEqual(auth.identityPolicies, ['app']);
  assert.equal((await login({ ...shown, client: 'else' })).error?.reason, 'bad_signature');
  assert.equal(
    (await login({ ...shown, secret: `${shown.secret}x` })).error?.reason,
    'bad_signature',
  );
  const unproven = await server.ask('write', 'identity/credential-login', { token: null });
  assert.equal(unproven.error?.code, 'permission_denied');
  const file = await server.get('write', 'identity/credential/service-account-key', {
    data: { entity_name: 'app', bound_to: 'my-project' },
  });
  const { sign } = await import('node:crypto');
  const signed = Buffer.from('header.payload');
  const account: Evidence = {
    kind: 'service-account-key',
    credential: String(file['private_key_id']),
    account: String(file['client_email']),
    signed,
    signature: sign('sha256', signed, String(file['private_key'])),
  };
  assert.equal((await login(account)).error, undefined);
  assert.equal((await login({ ...account, account: 'a@b' })).error?.reason, 'bad_signature');
  assert.equal(
    (await login({ ...account, signed: Buffer.from('x') })).error?.reason,
    'bad_signature',
  );
  await server.instance.close();
});

test('a secret that is deleted as a whole is gone for every API until it is recovered or its time is over', async () => {
  const server = await openInstance();
  const { clock } = server;
  const task = (run: NonNullable<SecretTask['secret']>) => ({
    call: { protocol: 'aws' as const, task: { secret: run } },
  });
  await server.get('write', 'secret/data/a', { data: { data: { n: 1 } } });
  const purgeMs = clock.nowMs() + 86_400_000;
  await server.get(
    'delete',
    'secret/metadata/a',
    task((desk) => {
      desk.change((secret) => ({ ...secret, deletedMs: desk.nowMs, purgeMs }));
      return undefined;
    }),
  );
  assert.equal(await server.outcome('read', 'secret/data/a'), 'not_found');
  assert.equal(
    await server.outcome('read', 'secret/data/a', { data: { version: 1 } }),
    'not_found',
  );
  assert.equal(
    await server.outcome('read', 'secret/data/a', { data: { detail: true } }),
    'not_found',
  );
  assert.equal(await server.outcome('read', 'secret/subkeys/a'), 'not_found');
  const again = { data: { data: { n: 2 } } };
  assert.equal(await server.outcome('write', 'secret/data/a', again), 'invalid_request');
  await server.get(
    'write',
    'secret/undelete/a',
    task((desk) => {
      desk.change(({ deletedMs: _deleted, purgeMs: _purge, ...secret }) => secret);
      return undefined;
    }),
  );
  assert.deepEqual((await server.get('read', 'secret/data/a'))['data'], { n: 1 });
  await server.get(
    'delete',
    'secret/metadata/a',
    task((desk) => {
      desk.change((secret) => ({ ...secret, deletedMs: desk.nowMs, purgeMs }));
      return undefined;
    }),
  );
  clock.advance(86_400_000);
  assert.equal(await server.outcome('read', 'secret/metadata/a'), 'not_found');
  await server.get('write', 'secret/data/b', { call: { protocol: 'aws', task: write('other') } });
  assert.equal(await server.outcome('list', 'secret/metadata/', {}), 'ok');
  assert.deepEqual((await server.get('list', 'secret/metadata/'))['keys'], ['b']);
  await server.get('write', 'secret/data/a', again);
  assert.equal((await server.get('read', 'secret/metadata/a'))['current_version'], 1);
  await server.instance.close();
});

test('a task cannot write in a request that reads, nor run where no versioned secrets are', async () => {
  const server = await openInstance();
  await server.get('write', 'secret/data/a', { data: { data: { n: 1 } } });
  const writes = server.outcome('read', 'secret/data/a', {
    call: { protocol: 'aws', task: write('x') },
  });
  assert.equal(await writes, 'internal');
  await server.get('write', 'sys/mounts/old', { data: { type: 'kv' } });
  const refused = await server.ask('read', 'old/data/a', { call: { protocol: 'aws', task: READ } });
  assert.equal(refused.error?.reason, 'not_versioned');
  assert.equal(
    (await server.ask('read', 'sys/health', { call: { protocol: 'aws', task: READ } })).error
      ?.reason,
    'not_versioned',
  );
  await server.instance.close();
});

test('secrets are listed page by page in byte order, whatever folder they lie in', async () => {
  const server = await openInstance();
  const names = ['a', 'a-b', 'a/x', 'a/y/z', 'b', 'b/c', 'c/d/e', 'd'];
  for (const name of names)
    await server.get('write', `secret/data/${name}`, { data: { data: {} } });
  for (const limit of [1, 2, 3, 20]) {
    const seen: string[] = [];
    let after: string | undefined = '';
    while (after !== undefined) {
      const from: string = after;
      const task: SecretTask = {
        list: async (desk) => {
          const page = await desk.page(from, limit);
          return { data: { names: page.secrets.map(({ path }) => path), next: page.next } };
        },
      };
      const page = await server.get('scan', 'secret/metadata/', {
        call: { protocol: 'aws', task },
      });
      seen.push(...(page['names'] as string[]));
      after = page['next'] as string | undefined;
    }
    assert.deepEqual(seen, names);
  }
  await server.instance.close();
});
