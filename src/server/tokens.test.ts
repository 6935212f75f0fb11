/** The life of a token: how long it lives, what ends it, who may use it from where and how often. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../base/json.ts';
import { openInstance } from './instance-fixture.ts';
import type { OpenInstance } from './instance-fixture.ts';

const MOUNT_MAX_SECONDS = 3600;
const DENIED = 'permission_denied';

let server: OpenInstance;
before(async () => {
  server = await openInstance({ maxLeaseSeconds: MOUNT_MAX_SECONDS, defaultLeaseSeconds: 600 });
});
after(async () => await server.instance.close());

const SELF = 'auth/token/lookup-self';
const lives = async (token: string, address?: string): Promise<boolean> =>
  (await server.outcome('read', SELF, { token, ...(address === undefined ? {} : { address }) })) ===
  'ok';

suite('how long a token lives', () => {
  test('to the second, and its accessor goes with it', async () => {
    const token = await server.makeToken({ ttl: '100s' });
    const { accessor } = await server.get('read', SELF, { token });
    await server.pass(99);
    assert.equal(await lives(token), true);
    await server.pass(1);
    assert.equal(await lives(token), false);
    const asked = { data: { accessor: String(accessor) } };
    assert.equal(
      await server.outcome('write', 'auth/token/lookup-accessor', asked),
      'invalid_request',
    );
  });

  test('it is dead the moment it expires, before any clean-up ran', async () => {
    const token = await server.makeToken({ ttl: '10s' });
    const child = await server.makeToken({ ttl: '1h' }, { token });
    server.instance.services.expirer.stop().catch(() => {});
    server.clock.advance(10_000);
    assert.deepEqual([await lives(token), await lives(child)], [false, false]);
    server.instance.services.expirer.start();
    await server.pass(0);
  });

  test('revoked by a server for which its time is over, it is dead for one whose clock is behind', async () => {
    const { expirer } = server.instance.services;
    for (const path of ['auth/token/revoke', 'auth/token/revoke-accessor']) {
      const token = await server.makeToken({ ttl: '10s' });
      const { accessor } = await server.get('read', SELF, { token });
      await expirer.stop();
      server.clock.advance(10_000);
      const revoking = server.outcome('write', path, {
        data: { token, accessor: String(accessor) },
      });
      server.clock.advance(-10_000);
      expirer.start();
      assert.equal(await revoking, 'ok');
      assert.equal(await lives(token), false, path);
    }
  });

  test('renewals never go beyond any bound (model)', async () => {
    const bounds = fc.record({
      ttl: fc.integer({ min: 1, max: 5000 }),
      explicit: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5000 })),
      period: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5000 })),
      steps: fc.array(
        fc.record({
          wait: fc.integer({ min: 0, max: 2000 }),
          increment: fc.integer({ min: 0, max: 9000 }),
        }),
        { maxLength: 5 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(bounds, async ({ ttl, explicit, period, steps }) => {
        const token = await server.makeToken({
          ttl: `${ttl}s`,
          ...(explicit > 0 ? { explicit_max_ttl: `${explicit}s` } : {}),
          ...(period > 0 ? { period: `${period}s` } : {}),
          no_parent: true,
        });
        const bornMs = server.clock.nowMs();
        const endSeconds = Math.min(
          explicit || Number.POSITIVE_INFINITY,
          period > 0 ? Number.POSITIVE_INFINITY : MOUNT_MAX_SECONDS,
        );
        let left = Math.min(period || ttl, MOUNT_MAX_SECONDS, endSeconds);
        for (const { wait, increment } of steps) {
          await server.pass(wait);
          left -= wait;
          assert.equal(await lives(token), left > 0);
          if (left <= 0) return;
          const age = (server.clock.nowMs() - bornMs) / 1000;
          const { error, auth } = await server.ask('write', 'auth/token/renew-self', {
            token,
            data: { increment },
          });
          if (error === undefined) left = auth?.leaseDurationSeconds ?? 0;
          else assert.ok(endSeconds - age < 1, error.message);
          assert.ok(left >= 1 && age + left <= endSeconds && left <= MOUNT_MAX_SECONDS);
          const shown = await server.get('read', SELF, { token });
          assert.notEqual(shown['expire_time'], null);
          assert.equal(shown['ttl'], left);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a period goes on for ever, an explicit maximum does not', async () => {
    const token = await server.makeToken({ period: '1h' });
    for (let round = 0; round < 10; round++) {
      await server.pass(3599);
      assert.equal(await server.outcome('write', 'auth/token/renew-self', { token }), 'ok');
    }
    const bounded = await server.makeToken({ period: '1h', explicit_max_ttl: '90m' });
    await server.pass(3599);
    const { auth } = await server.ask('write', 'auth/token/renew-self', { token: bounded });
    assert.equal(auth?.leaseDurationSeconds, 1801);
    await server.pass(1801);
    assert.equal(await lives(bounded), false);
  });

  test('a renewal within a second of the maximum is refused or ends in time (CVE-2021-32923)', async () => {
    const token = await server.makeToken({ ttl: '5s', explicit_max_ttl: '5s' });
    server.clock.advance(4200);
    for (let step = 0; step < 7; step++) {
      const { auth } = await server.ask('write', 'auth/token/renew-self', { token });
      if (auth !== undefined) assert.ok(auth.leaseDurationSeconds >= 1);
      const { reply } = await server.ask('read', SELF, { token });
      if (reply !== undefined) assert.notEqual(reply.data?.['expire_time'], null);
      server.clock.advance(100);
    }
    await server.pass(1);
    assert.equal(await lives(token), false);
  });

  test('a fraction of a second is no wish for ever', async () => {
    for (const data of [{ ttl: '500ms' }, { explicit_max_ttl: '500ms' }, { period: '500ms' }]) {
      const { auth, error } = await server.ask('write', 'auth/token/create', { data });
      const seconds = auth?.leaseDurationSeconds ?? 0;
      assert.ok(error !== undefined || (seconds > 0 && seconds <= 1), JSON.stringify(data));
    }
  });

  test('a shorter renewal ends it earlier', async () => {
    const token = await server.makeToken({ ttl: '30m' });
    await server.ask('write', 'auth/token/renew-self', { token, data: { increment: '60s' } });
    await server.pass(60);
    assert.equal(await lives(token), false);
  });

  test('the root token never expires, and a token that expires makes none that does not', async () => {
    await server.pass(10 * 365 * 86_400);
    assert.equal((await server.get('read', SELF))['expire_time'], null);
    const token = await server.makeToken({ policies: ['root'], ttl: '1h' });
    assert.equal(await server.outcome('write', 'auth/token/create', { token }), 'invalid_request');
  });
});

suite('trees of tokens', () => {
  async function line(length: number): Promise<string[]> {
    const tokens = [await server.makeToken({ no_parent: true })];
    for (let depth = 1; depth < length; depth++) {
      tokens.push(await server.makeToken({ policies: ['root'] }, { token: tokens.at(-1) ?? '' }));
    }
    return tokens;
  }

  test('revoking a token kills its line at once, and nothing above', async () => {
    const tokens = await line(4);
    const [top = '', second = ''] = tokens;
    await server.ask('write', 'auth/token/revoke', { data: { token: second } });
    assert.deepEqual(await Promise.all(tokens.map((token) => lives(token))), [
      true,
      false,
      false,
      false,
    ]);
    await server.ask('write', 'auth/token/revoke', { data: { token: top } });
    assert.equal(await lives(top), false);
  });

  test('an orphan outlives its maker', async () => {
    const maker = await server.makeToken({ no_parent: true });
    const orphan = await server.makeToken({ no_parent: true }, { token: maker });
    await server.ask('write', 'auth/token/revoke', { data: { token: maker } });
    assert.equal(await lives(orphan), true);
  });

  test('revoke-orphan spares the children, which die one by one afterwards', async () => {
    const [top = '', second = '', third = ''] = await line(3);
    const batch = await server.makeToken(
      { type: 'batch', policies: ['default'] },
      { token: second },
    );
    await server.ask('write', 'auth/token/revoke-orphan', { data: { token: second } });
    assert.deepEqual(
      [await lives(top), await lives(second), await lives(third)],
      [true, false, true],
    );
    assert.equal(await lives(batch), false, 'a batch token cannot become an orphan');
    assert.equal((await server.get('read', SELF, { token: third }))['orphan'], true);
    await server.ask('write', 'auth/token/revoke', { data: { token: top } });
    assert.equal(await lives(third), true);
    await server.ask('write', 'auth/token/revoke', { token: third, data: { token: third } });
    assert.equal(await lives(third), false);
  });

  test('a line has an end', async () => {
    let token = await server.makeToken({ no_parent: true });
    let refused: string | undefined;
    for (let depth = 0; depth < 80 && refused === undefined; depth++) {
      const { auth, error } = await server.ask('write', 'auth/token/create', {
        token,
        data: { policies: ['root'] },
      });
      if (auth === undefined) refused = error?.code;
      else token = auth.clientToken;
    }
    assert.equal(refused, 'invalid_request');
  });

  test('what a dead line leaves is removed from storage', async () => {
    const { tokens, queue, begin } = server.instance.services;
    const [top = ''] = await line(20);
    const id = tokens.idOf(top);
    await server.ask('write', 'cubbyhole/x', { token: top, data: { a: 'b' } });
    await server.ask('write', 'auth/token/revoke', { data: { token: top } });
    await server.pass(0);
    assert.deepEqual(await tokens.children(begin(), { id, namespaceId: 'root' }, 10), []);
    assert.deepEqual(await begin().view('root', `cubbyhole/${id}/`).list(''), []);
    const due = await queue.earliest(begin(), 1000);
    assert.ok(due.every((entry) => entry.atMs > server.clock.nowMs()));
  });
});

suite('use limits', () => {
  for (const uses of [1, 5, 30]) {
    test(`${uses} uses are exactly ${uses}, with 50 callers at once`, async () => {
      const token = await server.makeToken({ num_uses: uses });
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => server.outcome('read', SELF, { token })),
      );
      assert.equal(outcomes.filter((outcome) => outcome === 'ok').length, uses);
      assert.ok(
        outcomes.every((outcome) => outcome === 'ok' || outcome === DENIED),
        outcomes.join(' '),
      );
      assert.equal(await lives(token), false);
    });
  }

  test('a refused request is a use too', async () => {
    await server.get('write', 'sys/policies/acl/nothing', {
      data: { policy: 'path "x" { capabilities = ["read"] }' },
    });
    const token = await server.makeToken({ num_uses: 3, policies: ['nothing'] });
    for (let use = 0; use < 2; use++)
      assert.equal(await server.outcome('read', 'sys/mounts', { token }), DENIED);
    assert.equal(await lives(token), true);
    assert.equal(await lives(token), false);
  });

  test('of many refused at once no more are told why than it has uses', async () => {
    const token = await server.makeToken({ num_uses: 2, policies: ['root'] });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => server.outcome('read', 'secret/data/absent', { token })),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'not_found').length, 2);
    assert.equal(outcomes.filter((outcome) => outcome === DENIED).length, 18);
  });

  test('a token with a use limit makes no children', async () => {
    const token = await server.makeToken({ num_uses: 3 });
    assert.equal(await server.outcome('write', 'auth/token/create', { token }), 'invalid_request');
  });
});

suite('addresses', () => {
  before(async () => {
    const data = {
      token_bound_cidrs: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7'],
      allowed_policies: ['default'],
    };
    await server.get('write', 'auth/token/roles/bound', { data });
  });
  const cases: readonly (readonly [string, boolean])[] = [
    ['10.1.2.3', true],
    ['10.2.0.1', false],
    ['::ffff:10.1.2.3', true],
    ['::ffff:0a01:0203', true],
    ['::FFFF:10.1.2.3', true],
    ['::ffff:10.2.0.1', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['2001:db8:1::1', true],
    ['2001:DB8:0:0:0:0:0:1', true],
    ['2001:db9::1', false],
    ['fe80::1%eth0', false],
    ['', false],
    ['nonsense', false],
  ];
  test('a bound token is used from its ranges only', async () => {
    const { auth } = await server.ask('write', 'auth/token/create/bound');
    const token = auth?.clientToken ?? assert.fail('no token');
    for (const [address, allowed] of cases)
      assert.equal(await lives(token, address), allowed, address);
  });
  test('it is nobody elsewhere on open paths too, and loses no use', async () => {
    await server.get('write', 'auth/token/roles/bound', { data: { token_num_uses: 2 } });
    const { auth } = await server.ask('write', 'auth/token/create/bound');
    const token = auth?.clientToken ?? assert.fail('no token');
    for (let use = 0; use < 4; use++) assert.equal(await lives(token, '10.2.0.1'), false);
    assert.equal(await lives(token, '10.1.0.1'), true);
    assert.equal(await lives(token, '10.1.0.1'), true);
    assert.equal(await lives(token, '10.1.0.1'), false);
  });
});

suite('batch tokens', () => {
  test('live to their end, cannot be renewed, revoked or given a child', async () => {
    const token = await server.makeToken({
      type: 'batch',
      policies: ['default'],
      ttl: '10m',
      no_parent: true,
    });
    assert.equal(await lives(token), true);
    assert.equal(
      await server.outcome('write', 'auth/token/renew', { data: { token } }),
      'invalid_request',
    );
    assert.equal(
      await server.outcome('write', 'auth/token/revoke', { data: { token } }),
      'invalid_request',
    );
    assert.notEqual(await server.outcome('write', 'auth/token/create', { token }), 'ok');
    await server.pass(599);
    assert.equal(await lives(token), true);
    await server.pass(1);
    assert.equal(await lives(token), false);
  });

  test('forged or altered ones are none', async () => {
    const token = await server.makeToken({ type: 'batch', policies: ['default'], no_parent: true });
    const text = token.slice(2);
    const altered = [
      `b.${text.slice(0, -2)}${text.endsWith('AA') ? 'BB' : 'AA'}`,
      `b.${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`,
      `b.${text}A`,
      `b.${text.slice(0, 20)}`,
      'b.',
      'b.AAAA',
      `b.${text}=`,
      `b. ${text}`,
      `${token}.abc123`,
      `s.${text}`,
    ];
    for (const forged of altered) assert.equal(await lives(forged), false, forged.slice(0, 12));
    for (let at = 0; at < text.length; at += 7) {
      const flipped = `b.${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
      assert.equal(await lives(flipped), false);
    }
  });

  test('those of a namespace are bound to it', async () => {
    const { id } = await server.get('write', 'sys/namespaces/batch');
    const token = await server.makeToken(
      { type: 'batch', policies: ['default'] },
      { namespace: 'batch/' },
    );
    assert.ok(token.endsWith(`.${String(id)}`));
    assert.equal(await lives(token), true);
    assert.equal(await lives(token.slice(0, token.lastIndexOf('.'))), false);
    assert.equal(await lives(token.replace(String(id), 'root')), false);
  });

  test('they die with their parent', async () => {
    const parent = await server.makeToken({ policies: ['root'] });
    const token = await server.makeToken(
      { type: 'batch', policies: ['default'] },
      { token: parent },
    );
    assert.equal(await lives(token), true);
    await server.ask('write', 'auth/token/revoke', { data: { token: parent } });
    assert.equal(await lives(token), false);
  });
});

suite('accessors', () => {
  test('show, renew and revoke without the token, in the own namespace only', async () => {
    const token = await server.makeToken({ ttl: '10m' });
    const { accessor } = await server.get('read', SELF, { token });
    const data = { accessor: String(accessor) };
    const shown = await server.get('write', 'auth/token/lookup-accessor', { data });
    assert.equal(shown['id'], '');
    const { auth } = await server.ask('write', 'auth/token/renew-accessor', { data });
    assert.equal(auth?.clientToken, '');
    await server.get('write', 'sys/namespaces/elsewhere');
    const elsewhere = { data, namespace: 'elsewhere/' };
    for (const verb of ['lookup', 'renew']) {
      assert.equal(
        await server.outcome('write', `auth/token/${verb}-accessor`, elsewhere),
        'invalid_request',
      );
    }
    await server.ask('write', 'auth/token/revoke-accessor', elsewhere);
    assert.equal(await lives(token), true);
    await server.ask('write', 'auth/token/revoke-accessor', { data });
    assert.equal(await lives(token), false);
  });

  test('the list has the living ones', async () => {
    const token = await server.makeToken({ ttl: '10s' });
    const { accessor } = await server.get('read', SELF, { token });
    const keys = async (): Promise<unknown[]> =>
      (await server.get('list', 'auth/token/accessors/'))['keys'] as unknown[];
    assert.ok((await keys()).includes(accessor));
    await server.pass(10);
    assert.ok(!(await keys()).includes(accessor));
  });
});

suite('many accessors', () => {
  test('come in pages that together are all of them', async () => {
    for (let count = 0; count < 7; count++) await server.makeToken({ ttl: '10m' });
    const keys = async (data: JsonObject): Promise<string[]> =>
      (await server.get('list', 'auth/token/accessors/', { data }))['keys'] as string[];
    const all = await keys({});
    assert.deepEqual(all, all.toSorted());
    const paged: string[] = [];
    for (;;) {
      const { reply } = await server.ask('list', 'auth/token/accessors/', {
        data: { limit: 3, after: paged.at(-1) ?? '' },
      });
      const page = reply?.data?.['keys'] as string[];
      assert.ok(page.length <= 3);
      if (page.length === 0) break;
      paged.push(...page);
    }
    assert.deepEqual(paged.toSorted(), all);
  });
});

test('an accessor with a dot is none, unless what follows it may be a namespace', async () => {
  const outcome = async (accessor: string): Promise<string> =>
    await server.outcome('write', 'auth/token/revoke-accessor', { data: { accessor } });
  assert.equal(await outcome('1.5'), 'ok');
  assert.equal(await outcome(`${'a'.repeat(24)}.abc123`), 'invalid_request');
});

suite('a token of a role', () => {
  const DAY = 24 * 3600;

  test('is bound by the maximum that its role has when it is renewed', async () => {
    const role = 'auth/token/roles/bounded';
    await server.get('write', role, { data: { token_explicit_max_ttl: '30m' } });
    const { auth } = await server.ask('write', 'auth/token/create/bounded', {
      data: { policies: ['default'], ttl: '10m' },
    });
    assert.equal(auth?.leaseDurationSeconds, 600);
    const token = auth?.clientToken ?? '';
    assert.equal((await server.get('read', SELF, { token }))['explicit_max_ttl'], 0);
    await server.get('write', role, { data: { token_explicit_max_ttl: '15m' } });
    const renewal = await server.ask('write', 'auth/token/renew-self', {
      token,
      data: { increment: '1h' },
    });
    assert.equal(renewal.auth?.leaseDurationSeconds, 15 * 60);
    assert.equal(await server.outcome('delete', role), 'ok');
    assert.equal(
      await server.outcome('write', 'auth/token/renew-self', { token }),
      'invalid_request',
    );
  });

  test('for batch tokens stays without a period and a number of uses while its type is kept', async () => {
    const change = async (data: JsonObject): Promise<string> =>
      await server.outcome('write', 'auth/token/roles/batches', { data });
    assert.equal(await change({ token_type: 'default-batch', token_num_uses: 1 }), 'ok');
    assert.equal(await change({ orphan: true }), 'invalid_request');
    assert.equal(await change({ token_num_uses: 0 }), 'ok');
    assert.equal(await change({ token_period: '1h' }), 'invalid_request');
    assert.equal(await change({ token_period: '1h', token_type: 'service' }), 'ok');
  });

  test('is of a role whose name and suffix are plain, and is told of a maximum without effect', async () => {
    const made = async (name: string, data: JsonObject): Promise<string> =>
      await server.outcome('write', `auth/token/roles/${name}`, { data });
    assert.equal(await made('with space', {}), 'not_found');
    assert.equal(await made('odd', { path_suffix: 'x' }), 'invalid_request');
    assert.equal(await made('odd', { path_suffix: 'a..b' }), 'invalid_request');
    assert.equal(await made('odd', { path_suffix: 'v1.0' }), 'ok');
    const { reply } = await server.ask('write', 'auth/token/roles/odd', {
      data: { token_explicit_max_ttl: '1000h' },
    });
    assert.equal(reply?.warnings?.length, 1);
  });

  test('or a root token lasts as long as its own maximum says, without a bound of the mount', async () => {
    const { auth } = await server.ask('write', 'auth/token/create', {
      data: { explicit_max_ttl: `${DAY}s` },
    });
    assert.equal(auth?.leaseDurationSeconds, DAY);
  });
});

suite('a token of an entity', () => {
  test('is refused while that is disabled, whatever its own policies say, and for ever when it is gone', async () => {
    await server.get('write', 'sys/auth/userpass', { data: { type: 'userpass' } });
    const policies = { token_policies: 'own' };
    const policy =
      'path "secret/data/*" { capabilities = ["read"] } path "auth/token/create" { capabilities = ["update"] }';
    await server.get('write', 'sys/policies/acl/own', { data: { policy } });
    const login = async (name: string, type: string): Promise<{ token: string; id: string }> => {
      const data = { password: 'pw', token_type: type, ...policies };
      await server.get('write', `auth/userpass/users/${name}`, { data });
      const path = `auth/userpass/login/${name}`;
      const { auth } = await server.ask('write', path, { token: null, data: { password: 'pw' } });
      return { token: auth?.clientToken ?? '', id: auth?.entityId ?? '' };
    };
    await server.get('write', 'secret/data/of-entity', { data: { data: { k: 'v' } } });
    for (const type of ['service', 'batch']) {
      const { token, id } = await login(`dis-${type}`, type);
      const child = type === 'batch' ? token : await server.makeToken({}, { token });
      const outcomes = async (): Promise<Set<string>> =>
        new Set([
          await server.outcome('read', 'secret/data/of-entity', { token }),
          await server.outcome('read', 'secret/data/of-entity', { token: child }),
          await server.outcome('read', SELF, { token }),
        ]);
      const disable = async (disabled: boolean): Promise<unknown> =>
        await server.get('write', `identity/entity/id/${id}`, { data: { disabled } });
      assert.deepEqual(await outcomes(), new Set(['ok']), type);
      await disable(true);
      assert.deepEqual(await outcomes(), new Set([DENIED]), type);
      await disable(false);
      assert.deepEqual(await outcomes(), new Set(['ok']), type);
      await server.get('delete', `identity/entity/id/${id}`);
      assert.deepEqual(await outcomes(), new Set([DENIED]), type);
    }
  });
});

suite('what names a token', () => {
  test('is text, or the request is refused', async () => {
    for (const path of ['lookup', 'renew', 'revoke', 'revoke-orphan']) {
      for (const token of [null, 7, {}, ['a']]) {
        const outcome = await server.outcome('write', `auth/token/${path}`, { data: { token } });
        assert.equal(outcome, DENIED, path);
      }
    }
  });

  test('does not orphan its children without sudo', async () => {
    const policy = 'path "auth/token/*" { capabilities = ["update"] }';
    await server.get('write', 'sys/policies/acl/plain', { data: { policy } });
    const asked = { token: await server.tokenFor('plain'), data: { token: 'unknown' } };
    const { error } = await server.ask('write', 'auth/token/revoke-orphan', asked);
    assert.match(error?.message ?? '', /sudo/);
  });

  test('is not renewed by its last use', async () => {
    const token = await server.makeToken({ num_uses: 1, ttl: '5m' });
    assert.equal(
      await server.outcome('write', 'auth/token/renew-self', { token }),
      'invalid_request',
    );
    assert.equal(await lives(token), false);
  });
});

suite('the cubbyhole', () => {
  test('belongs to one token and goes with it', async () => {
    const mine = await server.makeToken();
    const other = await server.makeToken();
    await server.ask('write', 'cubbyhole/a', { token: mine, data: { secret: 'x' } });
    assert.equal(await server.outcome('read', 'cubbyhole/a', { token: mine }), 'ok');
    assert.equal(await server.outcome('read', 'cubbyhole/a', { token: other }), 'not_found');
    const { begin, tokens } = server.instance.services;
    const view = begin().view('root', `cubbyhole/${tokens.idOf(mine)}/`);
    assert.deepEqual(await view.list(''), ['a']);
    await server.ask('write', 'auth/token/revoke-self', { token: mine });
    assert.deepEqual(await view.list(''), []);
  });
});
