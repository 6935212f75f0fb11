/** What the database engine declares and stores, without a database. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { openBench } from '../../core/backend-bench.contract.ts';
import { systemRandom } from '../../base/random.ts';
import { NoAddressError } from '../../targets/database.ts';
import type { Database, DatabaseMember } from '../../targets/database.ts';
import { testReadBack, testSurvival } from '../backend-behaviour.contract.ts';
import { testBackendDeclaration } from '../backend.contract.ts';
import { databaseBackend } from './database.ts';
import { SETTLED_MS } from './rotate-root.ts';

/** Takes every account and keeps none. */
const nowhere: Database = {
  verify: async () => {},
  create: async () => {},
  change: async () => {},
  extend: async () => {},
  drop: async () => {},
  exists: async () => false,
  accepts: async () => true,
  close: async () => {},
};
const member: DatabaseMember = {
  names: ['test-plugin'],
  defaultUsernameTemplate: 'v-{{.DisplayName}}-{{.RoleName}}-{{random 4}}',
  credentials: ['password', 'rsa_private_key'],
  needsCreationStatements: true,
  open: () => nowhere,
};
const backend = databaseBackend({
  random: systemRandom,
  members: new Map([['test-plugin', member]]),
  password: async () => 'a-made-password',
});

testBackendDeclaration(backend);
testSurvival(backend);
testReadBack(backend, [
  {
    path: 'config/main',
    body: {
      plugin_name: 'test-plugin',
      password: 'hidden',
      private_key: 'hidden',
      connection_url: 'test://user:hidden@host/',
      allowed_roles: 'a,b*',
      max_open_connections: 3,
    },
    shows: {
      allowed_roles: ['a', 'b*'],
      connection_details: { connection_url: 'test://user:xxxxx@host/', max_open_connections: 3 },
    },
    listed: { path: 'config', name: 'main' },
  },
  {
    path: 'roles/readers',
    body: { db_name: 'main', revocation_statements: ['', 'DROP'], default_ttl: '1h' },
    shows: { revocation_statements: ['DROP'], default_ttl: 3600, credential_type: 'password' },
    listed: { path: 'roles', name: 'readers' },
  },
]);

suite('a static role', () => {
  test('is rotated when it is made, on demand and by the calendar', async () => {
    const bench = await openBench(backend);
    await bench.call('write', 'config/main', { plugin_name: 'test-plugin', allowed_roles: '*' });
    await bench.call('write', 'static-roles/app', {
      db_name: 'main',
      username: 'app',
      rotation_period: 60,
    });
    assert.deepEqual(bench.scheduled, [
      { task: 'rotate-role', name: 'app', atMs: bench.nowMs + 60_000 },
    ]);
    const read = await bench.call('read', 'static-creds/app');
    assert.equal(read?.data?.['ttl'], 60);
    assert.equal(read?.data?.['password'], 'a-made-password');
    assert.match((await bench.fail('write', 'roles/app', { db_name: 'main' })).message, /unique/);
    await bench.call('write', 'static-roles/app', {
      rotation_schedule: '0 3 * * 6',
      rotation_window: '2h',
    });
    const shown = (await bench.call('read', 'static-roles/app'))?.data ?? {};
    assert.equal(shown['rotation_schedule'], '0 3 * * 6');
    assert.equal(shown['rotation_window'], 7200);
    assert.equal(shown['rotation_period'], undefined);
  });

  test('whose rotation was cut off keeps what the database takes, though the clock that began it was behind', async () => {
    const made = ['first', 'second'];
    const engine = databaseBackend({
      random: systemRandom,
      members: new Map([['test-plugin', member]]),
      password: async () => made.shift() ?? 'third',
    });
    const bench = await openBench(engine);
    await bench.call('write', 'config/main', { plugin_name: 'test-plugin', allowed_roles: '*' });
    const role = { db_name: 'main', username: 'app', rotation_period: 60 };
    await bench.call('write', 'static-roles/app', role);
    const password = async (): Promise<unknown> =>
      (await bench.call('read', 'static-creds/app'))?.data?.['password'];
    const stored = await bench.store(async (store) => await store.getJson('static-role/app'));
    // Another server rotates, by a clock that is behind; its commit does not come.
    bench.nowMs -= 1000;
    await bench.call('write', 'rotate-role/app');
    await bench.store(async (store) => store.putJson('static-role/app', stored));
    assert.equal(await password(), 'first');
    const { data = {}, kind = '' } = bench.intended.at(-1) ?? {};
    const intent = { data, openedMs: bench.nowMs, attempts: 0, nowMs: bench.nowMs };
    const settle = (): Promise<void> =>
      bench.store(
        async (store) =>
          await engine.intents?.[kind]?.settle({ ...intent, schedule: () => {} }, store),
      );
    await settle();
    assert.equal(await password(), 'second');
    // Once it has been rotated again, the same intent says nothing any more.
    await bench.call('write', 'rotate-role/app');
    intent.nowMs += SETTLED_MS;
    await settle();
    assert.equal(await password(), 'third');
  });

  test('whose rotation was slow is not taken for settled while it may yet overtake another', async () => {
    const made = ['first', 'second', 'third'];
    let set = '';
    const slow = { ...nowhere, accepts: async (_name: string, tried: string) => tried === set };
    const engine = databaseBackend({
      random: systemRandom,
      members: new Map([['test-plugin', { ...member, open: () => slow }]]),
      password: async () => made.shift() ?? '',
    });
    const bench = await openBench(engine);
    await bench.call('write', 'config/main', { plugin_name: 'test-plugin', allowed_roles: '*' });
    const role = { db_name: 'main', username: 'app', rotation_period: 60 };
    await bench.call('write', 'static-roles/app', role);
    const before = await bench.store(async (store) => await store.getJson('static-role/app'));
    await bench.call('write', 'rotate-role/app');
    const { data = {}, kind = '' } = bench.intended.at(-1) ?? {};
    await bench.store(async (store) => store.putJson('static-role/app', before));
    bench.nowMs += 1000;
    // Its caller has given up; meanwhile another is done.
    await bench.call('write', 'rotate-role/app');
    set = 'third';
    const openedMs = bench.nowMs;
    const settleAt = (nowMs: number): Promise<void> =>
      bench.store(
        async (store) =>
          await engine.intents?.[kind]?.settle(
            { data, openedMs, attempts: 0, nowMs, schedule: () => {} },
            store,
          ),
      );
    await assert.rejects(settleAt(openedMs), /may still come about/);
    set = 'second';
    await settleAt(openedMs);
    assert.equal((await bench.call('read', 'static-creds/app'))?.data?.['password'], 'second');
    await settleAt(openedMs + SETTLED_MS);
  });

  for (const [wrong, wanted] of [
    [{ db_name: 'main', username: 'x' }, /rotation_period is required/],
    [
      { db_name: 'main', username: 'x', rotation_period: 60, rotation_schedule: '@daily' },
      /mutually exclusive/,
    ],
    [
      { db_name: 'main', username: 'x', rotation_period: 60, rotation_window: 3600 },
      /invalid with use/,
    ],
    [
      { db_name: 'main', username: 'x', rotation_schedule: '@daily', rotation_window: 60 },
      /3600 seconds/,
    ],
    [{ db_name: 'main', username: 'x', rotation_schedule: 'soon' }, /could not parse/],
    [{ username: 'x', rotation_period: 60 }, /database name/],
    [
      {
        db_name: 'main',
        username: 'x',
        rotation_period: 60,
        credential_type: 'client_certificate',
      },
      /unsupported/,
    ],
  ] as const) {
    test(`is refused: ${wanted.source}`, async () => {
      const bench = await openBench(backend);
      assert.match((await bench.fail('write', 'static-roles/x', wrong)).message, wanted);
    });
  }
});

test('an address of which nothing can be made is kept until it is to be tried', async () => {
  const picky: DatabaseMember = {
    ...member,
    open: () => {
      throw new NoAddressError('connection_url cannot be parsed');
    },
  };
  const bench = await openBench(
    databaseBackend({
      random: systemRandom,
      members: new Map([['test-plugin', picky]]),
      password: async () => 'a-made-password',
    }),
  );
  const body = { plugin_name: 'test-plugin', connection_url: 'nonsense' };
  await bench.call('write', 'config/kept', { ...body, verify_connection: false });
  await bench.fail('write', 'config/tried', body);
});

test('a key pair is lent as its private half, and the database gets the public one', async () => {
  let given = '';
  const keys = databaseBackend({
    random: systemRandom,
    password: async () => '',
    members: new Map([
      [
        'test-plugin',
        {
          ...member,
          open: () => ({
            ...nowhere,
            create: async ({ credential }) => {
              given = credential.kind === 'rsa_private_key' ? credential.publicKeyPem : '';
            },
          }),
        },
      ],
    ]),
  });
  const bench = await openBench(keys);
  await bench.call('write', 'config/main', { plugin_name: 'test-plugin', allowed_roles: '*' });
  await bench.call('write', 'roles/key', {
    db_name: 'main',
    creation_statements: 'x',
    credential_type: 'rsa_private_key',
  });
  const reply = await bench.call('read', 'creds/key');
  assert.match(String(reply?.data?.['rsa_private_key']), /^-----BEGIN PRIVATE KEY-----/);
  assert.match(given, /^-----BEGIN PUBLIC KEY-----/);
});
