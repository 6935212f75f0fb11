/** Rotation of stored secrets: what is current works, what is in grace works too, and what is retired does not. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { MARIADB_ADMIN, MARIADB_HINT, mariadbIsHere, startMariadb } from '../../../rig/mariadb.ts';
import type { Mariadb } from '../../../rig/mariadb.ts';
import {
  POSTGRESQL_HINT,
  demandPasswords,
  postgresPrograms,
  startPostgres,
} from '../../../rig/postgresql.ts';
import type { Postgres } from '../../../rig/postgresql.ts';
import { systemRandom } from '../../base/random.ts';
import type { JsonObject } from '../../base/json.ts';
import { signatureOf } from '../../rotators/webhook/webhook.ts';
import type { DatabaseMember } from '../../targets/database.ts';
import { mysql } from '../../targets/mysql/mysql.ts';
import { postgresql } from '../../targets/postgresql/postgresql.ts';
import { DAY, counted, now, policy, put, serving, status, value } from './rotation.testkit.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite('a rotation policy', () => {
  test('renews the fields that it names by the calendar, and leaves the others', () =>
    serving(async (server) => {
      await put(server, 'app', { password: 'old', host: 'db', port: 5432 });
      await policy(server, 'app', { rotator: 'random', period: '30d', grace: '1d' });
      await server.pass(30 * DAY - 1);
      assert.equal((await value(server, 'app'))['password'], 'old');
      await server.pass(1);
      const next = await value(server, 'app');
      assert.match(next['password'] ?? '', /^[0-9A-Za-z-]{20}$/);
      assert.deepEqual({ host: next['host'], port: next['port'] }, { host: 'db', port: 5432 });
      const shown = await status(server, 'app');
      assert.equal(shown['phase'], 'grace');
      assert.equal(shown['previous_version'], 1);
      assert.equal((await value(server, 'app', 1))['password'], 'old');
      await server.pass(DAY);
      assert.equal((await status(server, 'app'))['phase'], 'idle');
      const { history } = await server.get('read', 'secret/rotation/history/app');
      assert.deepEqual(
        (history as { outcome: string; version: number }[]).map(({ outcome, version }) => [
          outcome,
          version,
        ]),
        [['rotated', 2]],
      );
    }));

  test('may be paused, asked for now, and waits for the end of a time of grace', () =>
    serving(async (server) => {
      await put(server, 'app', { password: 'old' });
      await policy(server, 'app', { rotator: 'random', period: '1d', grace: '2d', paused: true });
      await server.pass(3 * DAY);
      assert.equal((await value(server, 'app'))['password'], 'old');
      assert.equal((await now(server, 'app')).error, undefined);
      const first = await value(server, 'app');
      assert.notEqual(first['password'], 'old');
      assert.equal((await now(server, 'app')).error?.code, 'invalid_request');
      assert.equal((await now(server, 'app', { force: true })).error, undefined);
      assert.notEqual((await value(server, 'app'))['password'], first['password']);
      assert.equal(await server.outcome('delete', 'secret/rotation/secret/app'), 'invalid_request');
      await server.pass(2 * DAY);
      assert.equal(await server.outcome('delete', 'secret/rotation/secret/app'), 'ok');
      assert.equal(await server.outcome('read', 'secret/rotation/secret/app'), 'not_found');
    }));

  test('keeps to its window, but for a value that is too old', () =>
    serving(async (server) => {
      // The clock begins on Tuesday, 1 January 2030.
      await put(server, 'app', { password: 'old' });
      await policy(server, 'app', { rotator: 'random', schedule: '0 3 * * 6', window: '1h' });
      await policy(server, 'app', { paused: true });
      await server.pass(4 * DAY + 5 * 3600);
      await policy(server, 'app', { paused: false });
      await server.pass(60);
      assert.equal((await value(server, 'app'))['password'], 'old');
      assert.match(String((await status(server, 'app'))['next_rotation']), /^2030-01-12T03:00:00/);
      await policy(server, 'app', { max_age: '5d' });
      await server.pass(DAY);
      assert.notEqual((await value(server, 'app'))['password'], 'old');
    }));

  test('is shown without what is secret in it, on a calendar in two forms', () =>
    serving(async (server) => {
      await put(server, 'team, a/app', { password: 'old' });
      await policy(server, 'team, a/app', {
        rotator: 'webhook',
        settings: { url: 'https://hooks.example/rotate', key: 'a-key-that-is-long-enough' },
        period: '30d',
        consumers: ['billing'],
      });
      const shown = JSON.stringify(await status(server, 'team, a/app'));
      assert.ok(!shown.includes('a-key-that'));
      const { coming } = await server.get('read', 'secret/rotation/calendar', {
        data: { days: 61 },
      });
      assert.deepEqual(
        (coming as { at: string }[]).map(({ at }) => at.slice(0, 10)),
        ['2030-01-31', '2030-03-02'],
      );
      const { reply } = await server.ask('read', 'secret/rotation/calendar.ics');
      assert.match(String(reply?.raw?.body), /SUMMARY:Rotate secret\/team\\, a\/app\r\n/);
      assert.deepEqual((await server.get('list', 'secret/rotation/secret/'))['keys'], ['team, a/']);
    }));

  for (const [wrong, wanted] of [
    [{ rotator: 'nonsense', period: 60 }, /rotator must be/],
    [{ rotator: 'random' }, /period must be/],
    [{ rotator: 'random', period: 60, settings: { field: ['a'] } }, /knows fields/],
    [{ rotator: 'random', period: 60, password_policy: 'nope' }, /policy/],
    [
      { rotator: 'postgresql', period: 60, settings: { connection_url: 'nonsense' } },
      /connection_url/,
    ],
    [{ rotator: 'random', schedule: 'soon' }, /schedule/],
    [{ rotator: 'random', schedule: '@daily', time_zone: 'Nowhere' }, /time zone/],
    [{ rotator: 'random', schedule: '@daily', window: 600, stagger: 600 }, /stagger/],
    [
      {
        rotator: 'webhook',
        period: 60,
        settings: { url: 'file:///etc/passwd', key: 'x'.repeat(20) },
      },
      /http/,
    ],
    [
      {
        rotator: 'webhook',
        period: 60,
        settings: { url: 'http://169.254.169.254/', key: 'x'.repeat(20) },
      },
      /not allowed/,
    ],
    [
      {
        rotator: 'http',
        period: 60,
        settings: { create: { url: 'https://{{current.host}}/', extract: { a: 'a' } } },
      },
      /host/,
    ],
    [{ rotator: 'program', period: 60, settings: { program: 'sh' } }, /allows no programs/],
    [
      {
        rotator: 'postgresql',
        period: 60,
        grace: 60,
        settings: { connection_url: 'postgres://h/d' },
      },
      /one account/,
    ],
    [
      {
        rotator: 'postgresql',
        period: 60,
        settings: { connection_url: 'postgres://h/d', accounts: ['a', 'b'] },
      },
      /take turns/,
    ],
  ] as const) {
    test(`is refused: ${JSON.stringify(wrong).slice(0, 90)}`, () =>
      serving(async (server) => {
        await put(server, 'app', { password: 'old' });
        const { error } = await server.ask('write', 'secret/rotation/secret/app', {
          data: wrong as unknown as JsonObject,
        });
        assert.match(error?.message ?? '', wanted);
      }));
  }

  test('tells who reads which version, and who is behind', () =>
    serving(async (server) => {
      await put(server, 'app', { password: 'old' });
      await policy(server, 'app', { rotator: 'random', period: '30d', consumers: 'billing' });
      await server.get('write', 'sys/policies/acl/readers', {
        data: { policy: 'path "secret/data/*" { capabilities = ["read"] }' },
      });
      const token = await server.makeToken({ policies: ['readers'], display_name: 'shop' });
      // The first read finds out which secrets are rotated, the second is noted.
      for (let round = 0; round < 2; round++) {
        await server.ask('read', 'secret/data/app', { token });
        await server.pass(30);
      }
      await now(server, 'app');
      const { declared, readers } = await server.get('read', 'secret/rotation/consumers/app');
      assert.deepEqual(declared, ['billing']);
      const [reader] = readers as Record<string, unknown>[];
      assert.equal(reader?.['name'], 'token-shop');
      assert.equal(reader?.['version'], 1);
      assert.equal(reader?.['behind'], true);
    }));
});

/** An API with keys, and a webhook: both can be told to fail. */
class Api {
  readonly keys = new Map<string, string>([['id-0', 'key-0']]);
  readonly steps: string[] = [];
  down = false;
  refuses = '';
  /** Most calls at once. */
  busiest = 0;
  #busy = 0;
  #made = 0;
  #server: Server | undefined;
  url = '';

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request).then(
        ([code, body]) => response.writeHead(code).end(body),
        () => response.destroy(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    this.url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
    this.#server = server;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<[number, string]> {
    const chunks: Buffer[] = [];
    this.busiest = Math.max(this.busiest, ++this.#busy);
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
      // As if it took a moment: those who come at once meet.
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      return this.#replyTo(request, Buffer.concat(chunks).toString());
    } finally {
      this.#busy--;
    }
  }

  #replyTo(request: IncomingMessage, body: string): [number, string] {
    if (this.down) return [503, ''];
    if (request.url === '/hook') return this.#hook(request, body);
    const bearer = (request.headers.authorization ?? '').replace('Bearer ', '');
    if (![...this.keys.values()].includes(bearer)) return [401, ''];
    if (request.method === 'GET') return this.refuses === bearer ? [401, ''] : [200, '{}'];
    if (request.method === 'POST') {
      const id = `id-${++this.#made}`;
      this.keys.set(id, `key-${this.#made}`);
      return [201, JSON.stringify({ data: [{ id, secret: this.keys.get(id) }] })];
    }
    return [
      this.keys.delete(decodeURIComponent((request.url ?? '').slice('/keys/'.length))) ? 204 : 404,
      '',
    ];
  }

  #hook(request: IncomingMessage, body: string): [number, string] {
    const sent = String(request.headers['x-strongroom-signature']);
    const seconds = Number(/^t=(\d+),/.exec(sent)?.[1]);
    assert.equal(sent, signatureOf('a-key-that-is-long-enough', seconds, body));
    const { step } = JSON.parse(body) as { step: string };
    this.steps.push(step);
    if (this.refuses === step) return [500, ''];
    return [
      200,
      step === 'createSecret'
        ? JSON.stringify({ next: { password: `made-${this.steps.length}` } })
        : '',
    ];
  }
}

suite('a rotation at a target that speaks HTTP', () => {
  let api: Api;
  before(async () => {
    api = new Api();
    await api.start();
  });
  after(async () => {
    await api.stop();
  });

  const auth = (name: string): JsonObject => ({ authorization: `Bearer {{${name}.key}}` });
  const described = (): JsonObject => ({
    create: {
      method: 'POST',
      url: `${api.url}/keys`,
      headers: auth('current'),
      status: [201],
      extract: { key: 'data.0.secret', key_id: 'data.0.id' },
    },
    verify: { url: `${api.url}/me`, headers: auth('value') },
    revoke: {
      method: 'DELETE',
      url: `${api.url}/keys/{{value.key_id}}`,
      headers: auth('value'),
      status: [204, 404, 401],
    },
  });

  test('makes a key, keeps the old one through its grace, then revokes it', () =>
    serving(async (server) => {
      await put(server, 'api', { key: 'key-0', key_id: 'id-0' });
      await policy(server, 'api', {
        rotator: 'http',
        settings: described(),
        period: '1d',
        grace: '1h',
      });
      const rehearsed = await server.get('write', 'secret/rotation/dry-run/api');
      assert.equal(rehearsed['ok'], true);
      assert.equal(api.keys.size, 1);
      await server.pass(DAY);
      assert.deepEqual([...api.keys.keys()], ['id-0', 'id-1']);
      assert.equal((await value(server, 'api'))['key'], 'key-1');
      await server.pass(3600);
      assert.deepEqual([...api.keys.keys()], ['id-1']);

      api.refuses = 'key-2';
      await server.pass(DAY);
      assert.deepEqual([...api.keys.values()].includes('key-1'), true);
      assert.equal((await value(server, 'api'))['key'], 'key-1');
      const failed = await status(server, 'api');
      assert.equal(failed['failed_step'], 'verify');
      api.refuses = '';
    }));

  test('calls a webhook for the four steps, and for taking back', () =>
    serving(async (server) => {
      await put(server, 'hook', { password: 'old' });
      await policy(server, 'hook', {
        rotator: 'webhook',
        settings: { url: `${api.url}/hook`, key: 'a-key-that-is-long-enough' },
        period: '1d',
        grace: '1h',
      });
      await server.pass(DAY);
      assert.deepEqual(api.steps, ['createSecret', 'setSecret', 'testSecret']);
      assert.equal((await value(server, 'hook'))['password'], 'made-1');
      await server.pass(3600);
      assert.equal(api.steps.at(-1), 'finishSecret');
      api.refuses = 'setSecret';
      await server.pass(DAY);
      assert.equal((await value(server, 'hook'))['password'], 'made-1');
      assert.deepEqual(api.steps.slice(4), [
        'createSecret',
        'setSecret',
        'rollbackSecret',
        'testSecret',
      ]);
      // Asked for again and again, it is not put off further and further.
      for (let asked = 0; asked < 6; asked++) {
        assert.notEqual(await server.outcome('write', 'secret/rotation/now/hook'), 'ok');
      }
      api.refuses = '';
      await server.pass(60);
      assert.notEqual((await value(server, 'hook'))['password'], 'made-1');
    }));

  test('two hundred at once keep to the limit, and one whose target is away leaves the others alone', () =>
    serving(async (server) => {
      await server.get('write', 'secret/rotation/config', { data: { concurrent: 25 } });
      for (let count = 0; count < 200; count++) {
        const path = `many/${count}`;
        await put(server, path, { password: 'old' });
        const settings: JsonObject =
          count === 77
            ? { url: 'http://127.0.0.1:1/', key: 'a-key-that-is-long-enough' }
            : { url: `${api.url}/hook`, key: 'a-key-that-is-long-enough' };
        await policy(server, path, { rotator: 'webhook', settings, period: '1d', stagger: '10m' });
      }
      const rotated = async (): Promise<string[]> => {
        const done: string[] = [];
        for (let count = 0; count < 200; count++) {
          const current = await value(server, `many/${count}`);
          if (current['password'] !== 'old') done.push(String(count));
        }
        return done;
      };
      await server.pass(DAY);
      const early = await rotated();
      assert.ok(early.length < 100, 'they are spread over ten minutes');
      let done: string[] = [];
      for (let minute = 0; minute < 60 && done.length < 199; minute++) {
        await server.pass(60);
        if (minute >= 9) done = await rotated();
      }
      assert.ok(api.busiest > 1 && api.busiest <= 25, `and keep to the limit: ${api.busiest}`);
      assert.equal(done.length, 199);
      assert.ok(!done.includes('77'));
      const failed = await status(server, 'many/77');
      assert.ok(Number(failed['failures']) >= 1);
      assert.equal(failed['last_error'], 'connection refused');
      assert.equal(await counted(server, 'rotation.failed'), 1);
    }));
});

interface Place {
  readonly member: DatabaseMember;
  readonly type: string;
  readonly url: () => string;
  readonly admin: { readonly username: string; readonly password: string };
}

/** The story of the README, at a real database. */
function testStory(place: Place): void {
  const connection = () => ({ connection_url: place.url(), ...place.admin });

  async function accepts({
    username = '',
    password = '',
  }: Record<string, string>): Promise<boolean> {
    const database = place.member.open(connection(), systemRandom);
    try {
      return await database.accepts(username, password);
    } finally {
      await database.close();
    }
  }

  test('stored, rotated on schedule, the old password valid through its grace, then refused', () =>
    serving(async (server) => {
      await put(server, 'db', { username: 'app_a', password: 'app-pass', host: 'db' });
      await policy(server, 'db', {
        rotator: place.type,
        settings: { ...connection(), accounts: ['app_a', 'app_b'] },
        schedule: '0 3 * * *',
        time_zone: 'Europe/Zurich',
        window: '2h',
        grace: '4h',
      });
      assert.ok(!JSON.stringify(await status(server, 'db')).includes(place.admin.password));
      assert.equal((await server.get('write', 'secret/rotation/dry-run/db'))['ok'], true);
      const first = await value(server, 'db');
      assert.ok(await accepts(first));
      // Three o'clock in Zurich is two in UTC, in winter.
      await server.pass(2 * 3600);
      const second = await value(server, 'db');
      assert.equal(second['username'], 'app_b');
      assert.ok(await accepts(second), 'the new one works');
      assert.ok(await accepts(first), 'the old one is valid through the grace');
      await server.pass(4 * 3600);
      assert.equal(await accepts(first), false, 'the old one is refused');
      assert.ok(await accepts(second));
      assert.equal((await status(server, 'db'))['phase'], 'idle');
      await server.pass(20 * 3600);
      const third = await value(server, 'db');
      assert.equal(third['username'], 'app_a');
      assert.ok(await accepts(third));
      assert.ok(await accepts(second));
      await server.pass(4 * 3600);
      assert.equal(await accepts(second), false);
      assert.ok(await accepts(third));
    }));

  test('with one account that changes its own password; a failure takes everything back', () =>
    serving(async (server) => {
      await put(server, 'own', { username: 'app_self', password: 'app-pass' });
      const settings = { connection_url: place.url() };
      await policy(server, 'own', { rotator: place.type, settings, period: '1d' });
      await server.pass(DAY);
      const next = await value(server, 'own');
      assert.notEqual(next['password'], 'app-pass');
      assert.ok(await accepts(next));
      // Now a policy whose statements set another password than the one that is stored.
      const statement =
        place.type === 'mysql'
          ? `ALTER USER '{{username}}'@'%' IDENTIFIED BY 'not-{{password}}'`
          : `ALTER ROLE "{{username}}" PASSWORD 'not-{{password}}'`;
      await policy(server, 'own', {
        settings: { ...connection(), rotation_statements: [statement] },
      });
      const { error } = await now(server, 'own');
      assert.match(error?.message ?? '', /does not take the password/);
      // Taking back goes through the same statement, so it has to be tried again until that is put right.
      assert.equal((await status(server, 'own'))['phase'], 'rollback');
      assert.deepEqual(await value(server, 'own'), next);
    }));
}

suite(
  'rotation of an account of PostgreSQL',
  { skip: postgresPrograms() === undefined ? POSTGRESQL_HINT : false },
  () => {
    let target: Postgres;
    before(async () => {
      target = await startPostgres({ settings: { fsync: 'off' } });
      await demandPasswords(target);
      for (const name of ['app_a', 'app_b', 'app_self']) {
        await target.sql(`CREATE ROLE ${name} LOGIN PASSWORD 'app-pass'`);
      }
      await target.sql(`CREATE ROLE keeper CREATEROLE LOGIN PASSWORD 'keeper-pass'`);
    });
    after(async () => {
      await target?.stop();
    });
    testStory({
      member: postgresql,
      type: 'postgresql',
      url: () =>
        `postgresql://{{username}}:{{password}}@127.0.0.1:${target.port}/postgres?sslmode=disable`,
      admin: { username: 'keeper', password: 'keeper-pass' },
    });
  },
);

suite('rotation of an account of MariaDB', { skip: mariadbIsHere() ? false : MARIADB_HINT }, () => {
  let target: Mariadb;
  before(async () => {
    target = await startMariadb();
    for (const name of ['app_a', 'app_b', 'app_self']) {
      await target.sql(`CREATE USER '${name}'@'%' IDENTIFIED BY 'app-pass'`);
    }
  });
  after(async () => {
    await target?.stop();
  });
  testStory({
    member: mysql,
    type: 'mysql',
    url: () => `{{username}}:{{password}}@tcp(127.0.0.1:${target.port})/`,
    admin: MARIADB_ADMIN,
  });
});
