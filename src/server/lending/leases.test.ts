/** The life of a lease: its end by the clock, by revocation, with its token; failing targets, crashes and restarts. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { openInstance, restarted } from '../instance-fixture.ts';
import type { Asking, OpenInstance } from '../instance-fixture.ts';

async function lending(
  run: (server: OpenInstance) => Promise<void>,
  options: Parameters<typeof openInstance>[0] = {},
): Promise<void> {
  const server = await openInstance(options);
  try {
    await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
    await run(server);
  } finally {
    server.target.mode = 'works';
    await server.instance.close();
  }
}

interface Lent {
  readonly id: string;
  readonly name: string;
}

async function lend(
  server: OpenInstance,
  path = 'lend/creds/60/600',
  asking: Asking = {},
): Promise<Lent> {
  const { lease, reply, error } = await server.ask('read', path, asking);
  if (lease === undefined) throw error ?? new Error('no lease');
  return { id: lease.id, name: String(reply?.data?.['name']) };
}

const found = (server: OpenInstance, id: string, namespace = ''): Promise<string> =>
  server.outcome('write', 'sys/leases/lookup', { namespace, data: { lease_id: id } });

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite('a lease', () => {
  test('ends by the clock', () =>
    lending(async (server) => {
      const { id, name } = await lend(server);
      await server.pass(59);
      assert.ok(server.target.live.has(name));
      assert.equal(await found(server, id), 'ok');
      await server.pass(1);
      assert.ok(!server.target.live.has(name));
      assert.equal(await found(server, id), 'invalid_request');
    }));

  test('of many that end at once gives way to requests, and to nobody who waits for it', () =>
    lending(async (server) => {
      const { target, clock } = server;
      const { expirer } = server.instance.services;
      const working = async (): Promise<void> => {
        for (let turn = 0; turn < 500; turn++) await nextTurn();
      };
      for (let count = 0; count < 200; count++) await lend(server, 'lend/creds/60/60');
      // More requests than the time before them was long enough for.
      const ask = (): void => {
        for (let count = 0; count < 1_000_000; count++) expirer.noteRequest();
      };
      ask();
      clock.advance(60_000);
      await working();
      const first = 200 - target.live.size;
      assert.ok(first > 0 && first <= 50, `${first} ended at first`);
      ask();
      clock.advance(100);
      await working();
      const second = 200 - target.live.size - first;
      assert.ok(second > 0 && second <= 50, `${second} ended then`);
      ask();
      await expirer.settler()();
      assert.equal(target.live.size, 0);
    }));

  test('is renewed within its maximum, which no renewal passes', () =>
    lending(async (server) => {
      const { id, name } = await lend(server, 'lend/creds/60/100');
      await server.pass(50);
      const renewed = await server.ask('write', 'sys/leases/renew', {
        data: { lease_id: id, increment: 3600 },
      });
      assert.equal(renewed.lease?.durationSeconds, 50);
      await server.pass(49);
      assert.ok(server.target.live.has(name));
      server.clock.advance(500);
      assert.equal(
        await server.outcome('write', 'sys/leases/renew', { data: { lease_id: id } }),
        'invalid_request',
      );
      await server.pass(1);
      assert.ok(!server.target.live.has(name));
    }));

  for (const sync of [true, false]) {
    test(`that is revoked while it is renewed is gone${sync ? '' : ', without anybody waiting for it'}`, () =>
      lending(async (server) => {
        const { id, name } = await lend(server);
        let revoked = '';
        server.target.renewing = async () => {
          server.target.renewing = async () => {};
          await server.pass(1);
          const data = { lease_id: id, sync };
          revoked = await server.outcome('write', 'sys/leases/revoke', { data });
        };
        assert.equal(
          await server.outcome('write', 'sys/leases/renew', { data: { lease_id: id } }),
          'invalid_request',
        );
        assert.equal(revoked, 'ok');
        await server.pass(0);
        assert.ok(!server.target.live.has(name));
        assert.equal(await found(server, id), 'invalid_request');
      }));
  }

  test('that is taken up before its revocation is told of its commit is gone when that is answered', () => {
    const storage = createMemoryStorage();
    const commit = storage.commit.bind(storage);
    let committed = async (): Promise<void> => {};
    storage.commit = async (wanted) => {
      await commit(wanted);
      await committed();
    };
    return lending(
      async (server) => {
        const { target } = server;
        const turns = async (count: number): Promise<void> => {
          for (let turn = 0; turn < count; turn++) await nextTurn();
        };
        const slow = await lend(server);
        const { id, name } = await lend(server);
        const { promise: held, resolve: release } = Promise.withResolvers<void>();
        target.dropping = () => held;
        const first = server.ask('write', `sys/leases/revoke/${slow.id}`);
        await turns(20);
        target.dropping = () => turns(200);
        committed = async () => {
          committed = async () => {};
          release();
          await turns(50);
        };
        assert.equal(await server.outcome('write', `sys/leases/revoke/${id}`), 'ok');
        assert.ok(!target.live.has(name));
        assert.equal((await first).error, undefined);
      },
      { storage },
    );
  });

  for (const [how, end] of [
    [
      'revoked',
      (server: OpenInstance, id: string) => server.ask('write', `sys/leases/revoke/${id}`),
    ],
    ['over', (server: OpenInstance) => server.pass(60)],
  ] as const) {
    test(`is not renewed while its account is taken back because it is ${how}`, () =>
      lending(async (server) => {
        const { id, name } = await lend(server);
        const beganMs = server.clock.nowMs();
        await server.pass(1);
        let renewed = '';
        server.target.dropping = async () => {
          server.target.dropping = async () => {};
          // As a request that came before the end, and has taken its time.
          const nowMs = server.clock.nowMs();
          server.clock.advance(beganMs - nowMs);
          const data = { lease_id: id, increment: 500 };
          renewed = await server.outcome('write', 'sys/leases/renew', { data });
          server.clock.advance(nowMs - beganMs);
        };
        await end(server, id);
        assert.equal(renewed, 'invalid_request');
        assert.ok(!server.target.live.has(name));
        assert.equal(await found(server, id), 'invalid_request');
      }));
  }

  test('that ends and is revoked at once is taken back by one after the other', () =>
    lending(async (server) => {
      const { id, name } = await lend(server);
      let [inside, most, calls] = [0, 0, 0];
      server.target.dropping = async () => {
        most = Math.max(most, ++inside);
        const data = { lease_id: id, sync: false };
        if (++calls === 1) await server.ask('write', 'sys/leases/revoke', { data });
        for (let turn = 0; turn < 100; turn++) await nextTurn();
        inside--;
      };
      await server.pass(61);
      assert.equal(most, 1);
      assert.ok(!server.target.live.has(name));
      assert.equal(await found(server, id), 'invalid_request');
    }));

  test('that is held back by itself holds up nobody else, while its mount is removed', async () => {
    const storage = createMemoryStorage();
    let listings = 0;
    const list = storage.list.bind(storage);
    storage.list = async (prefix, page) => {
      // Turn after turn without end, nothing else would ever be heard again.
      assert.ok(++listings < 10_000, 'the queue is read again and again');
      return await list(prefix, page);
    };
    await lending(
      async (server) => {
        const { id, name } = await lend(server);
        let removed: Promise<string> | undefined;
        server.target.dropping = async () => {
          if (removed !== undefined) return;
          const data = { lease_id: id, sync: false };
          await server.ask('write', 'sys/leases/revoke', { data });
          removed = server.outcome('delete', 'sys/mounts/lend');
          for (let turn = 0; turn < 50; turn++) await nextTurn();
          listings = 0;
          for (let turn = 0; turn < 100; turn++) {
            await nextTurn();
            server.clock.advance(1);
          }
        };
        await server.pass(61);
        assert.equal(await removed, 'ok');
        assert.ok(!server.target.live.has(name));
      },
      { storage },
    );
  });

  test('that is made while those before it are revoked is none of them', () =>
    lending(async (server) => {
      await lend(server);
      let late: Lent | undefined;
      server.target.dropping = async () => {
        late ??= await lend(server);
      };
      assert.equal(await server.outcome('write', 'sys/leases/revoke-prefix/lend'), 'ok');
      assert.deepEqual([...server.target.live], [late?.name]);
      assert.equal(await found(server, late?.id ?? ''), 'ok');
    }));

  test('a shorter renewal ends it earlier', () =>
    lending(async (server) => {
      const { id, name } = await lend(server, 'lend/creds/600/3600');
      await server.ask('write', `sys/leases/renew/${id}`, { data: { increment: '20s' } });
      await server.pass(20);
      assert.ok(!server.target.live.has(name));
    }));

  test('keeps to the bounds of its mount', () =>
    lending(async (server) => {
      await server.get('write', 'sys/mounts/lend/tune', { data: { max_lease_ttl: '90s' } });
      const { lease } = await server.ask('read', 'lend/creds/3000/9000');
      assert.equal(lease?.durationSeconds, 90);
    }));

  test('is revoked by id, in the body or in the path', () =>
    lending(async (server) => {
      const [a, b] = [await lend(server), await lend(server)];
      assert.equal(
        await server.outcome('write', 'sys/leases/revoke', { data: { lease_id: a.id } }),
        'ok',
      );
      assert.equal(await server.outcome('write', `sys/leases/revoke/${b.id}`), 'ok');
      assert.equal(server.target.live.size, 0);
    }));

  test('is revoked by prefix, and nothing beside it', () =>
    lending(async (server) => {
      await Promise.all(Array.from({ length: 20 }, () => lend(server)));
      const other = await lend(server, 'lend/creds/61/600');
      assert.equal(await server.outcome('write', 'sys/leases/revoke-prefix/lend/creds/60'), 'ok');
      assert.deepEqual([...server.target.live], [other.name]);
    }));

  test('a prefix may hold more than one transaction takes', () =>
    lending(async (server) => {
      for (let round = 0; round < 13; round++) {
        await Promise.all(
          Array.from({ length: 100 }, (_, at) => lend(server, `lend/creds/${100 + at}/600`)),
        );
      }
      assert.equal(await server.outcome('write', 'sys/leases/revoke-prefix/lend'), 'ok');
      assert.equal(server.target.live.size, 0);
    }));

  test('hangs on its token', () =>
    lending(async (server) => {
      const token = await server.makeToken({ policies: ['root'], ttl: '30s' });
      const revoked = await server.makeToken({ policies: ['root'] });
      const [a, b] = [
        await lend(server, undefined, { token }),
        await lend(server, undefined, { token: revoked }),
      ];
      await server.ask('write', 'auth/token/revoke', { data: { token: revoked } });
      assert.ok(!server.target.live.has(b.name));
      assert.ok(server.target.live.has(a.name));
      await server.pass(30);
      assert.ok(!server.target.live.has(a.name));
    }));

  test('of a batch token hangs on the parent, and does not outlive the token', () =>
    lending(async (server) => {
      await server.get('write', 'sys/policies/acl/lend', {
        data: { policy: 'path "lend/*" { capabilities = ["read"] }' },
      });
      const parent = await server.makeToken({ policies: ['root'] });
      const data = { type: 'batch', policies: ['lend'], ttl: '40s' };
      const token = await server.makeToken(data, { token: parent });
      const { lease } = await server.ask('read', 'lend/creds/60/600', { token });
      assert.equal(lease?.durationSeconds, 40);
      await server.ask('write', 'auth/token/revoke', { data: { token: parent } });
      assert.equal(server.target.live.size, 0);
    }));

  test('whose last use was the last of its token ends with it (0.6.4)', () =>
    lending(async (server) => {
      const token = await server.makeToken({ policies: ['root'], num_uses: 2 });
      await lend(server, undefined, { token });
      assert.equal(server.target.live.size, 1);
      await lend(server, undefined, { token });
      await server.pass(0);
      assert.equal(server.target.live.size, 0);
    }));

  test('with dots in its path is found, renewed and revoked (0.11.3)', () =>
    lending(async (server) => {
      await server.get('write', 'sys/mounts/l.e.n.d', { data: { type: 'lending' } });
      const { id } = await lend(server, 'l.e.n.d/creds/60/600');
      assert.equal(await found(server, id), 'ok');
      assert.equal(
        await server.outcome('write', 'sys/leases/renew', { data: { lease_id: id } }),
        'ok',
      );
      assert.equal(
        await server.outcome('write', 'sys/leases/revoke', { data: { lease_id: id } }),
        'ok',
      );
      assert.equal(server.target.live.size, 0);
    }));

  test('is listed page by page, beside the tokens', () =>
    lending(async (server) => {
      for (let count = 0; count < 3; count++) {
        await lend(server);
        await server.makeToken({ ttl: '1h' });
      }
      const list = async (path: string, data = {}): Promise<string[]> =>
        ((await server.get('list', `sys/leases/lookup/${path}`, { data }))['keys'] ??
          []) as string[];
      assert.deepEqual(await list(''), ['auth/', 'lend/']);
      assert.deepEqual(await list('', { limit: '1' }), ['auth/']);
      assert.deepEqual(await list('', { limit: '1', after: 'auth/' }), ['lend/']);
      const all = await list('lend/creds/60/600/');
      assert.equal(all.length, 3);
      assert.deepEqual(await list('lend/creds/60/600/', { limit: '2' }), all.slice(0, 2));
    }));

  test('of another namespace is no lease here, however it is named (CVE-2026-45808)', () =>
    lending(async (server) => {
      for (const namespace of ['one/', 'two/']) {
        await server.get('write', `sys/namespaces/${namespace.slice(0, -1)}`);
        await server.get('write', 'sys/mounts/lend', { namespace, data: { type: 'lending' } });
      }
      const { id } = await lend(server, undefined, { namespace: 'two/' });
      for (const namespace of ['', 'one/']) {
        assert.equal(await found(server, id, namespace), 'invalid_request');
        const named = { namespace, data: { lease_id: id } };
        assert.equal(await server.outcome('write', 'sys/leases/renew', named), 'invalid_request');
        assert.equal(
          await server.outcome('write', `sys/leases/renew/${id}`, { namespace }),
          'invalid_request',
        );
        await server.outcome('write', 'sys/leases/revoke', named);
        await server.outcome('write', `sys/leases/revoke/${id}`, { namespace });
        await server.outcome('write', 'sys/leases/revoke-prefix/lend', { namespace });
      }
      assert.equal(server.target.live.size, 1);
      assert.equal(await found(server, id, 'two/'), 'ok');
      for (const wrong of [['x'], { a: 1 }]) {
        const asked = { data: { lease_id: wrong } };
        assert.equal(await server.outcome('write', 'sys/leases/lookup', asked), 'invalid_request');
      }
    }));
});

suite('a target that fails', () => {
  test('is told, tried again with growing pauses, and at last listed for the operator', () =>
    lending(async (server) => {
      const { id } = await lend(server);
      server.target.mode = 'fails';
      const asked = { data: { lease_id: id } };
      assert.equal(await server.outcome('write', 'sys/leases/revoke', asked), 'invalid_request');
      assert.equal(server.target.revocations, 1);
      for (const [pauseSeconds, revocations] of [
        [9, 1],
        [1, 2],
        [19, 2],
        [1, 3],
        [40, 4],
        [80, 5],
        [160, 6],
        [9999, 6],
      ] as const) {
        await server.pass(pauseSeconds);
        assert.equal(server.target.revocations, revocations, `after ${pauseSeconds} s`);
      }
      const irrevocable = { data: { type: 'irrevocable' } };
      const { leases } = await server.get('read', 'sys/leases', irrevocable);
      assert.deepEqual(
        (leases as { lease_id: string }[]).map((lease) => lease.lease_id),
        [id],
      );
      assert.equal((await server.get('read', 'sys/leases/count', irrevocable))['lease_count'], 1);

      server.target.mode = 'works';
      assert.equal(await server.outcome('write', 'sys/leases/revoke', asked), 'ok');
      assert.equal(server.target.live.size, 0);
      assert.equal((await server.get('read', 'sys/leases/count', irrevocable))['lease_count'], 0);
    }));

  test('that recovers is done with at the next try', () =>
    lending(async (server) => {
      const { id, name } = await lend(server);
      server.target.mode = 'fails';
      await server.pass(60);
      assert.equal(await found(server, id), 'ok');
      server.target.mode = 'works';
      await server.pass(10);
      assert.ok(!server.target.live.has(name));
      assert.equal(await found(server, id), 'invalid_request');
    }));

  test('is forced: the lease goes whether it works or not', () =>
    lending(async (server) => {
      const { id } = await lend(server);
      server.target.mode = 'fails';
      assert.equal(
        await server.outcome('write', 'sys/leases/revoke-prefix/lend'),
        'invalid_request',
      );
      assert.equal(await found(server, id), 'ok');
      assert.equal(await server.outcome('write', 'sys/leases/revoke-force/lend'), 'ok');
      assert.equal(await found(server, id), 'invalid_request');
      server.target.mode = 'works';
      await lend(server);
      assert.equal(await server.outcome('write', 'sys/leases/revoke-force/lend'), 'ok');
      assert.equal(
        server.target.live.size,
        1,
        'only the account that could not be dropped is left',
      );
    }));

  test('nothing of a failed revocation is written', () =>
    lending(async (server) => {
      const { name } = await lend(server);
      server.target.mode = 'fails';
      await server.pass(60);
      const routing = await server.instance.services.table.routing(
        server.instance.services.begin(),
      );
      const uuid = routing.mounts.get('lend/')?.entry.uuid ?? '';
      const view = server.instance.services.begin().view('root', `mount/${uuid}/account/`);
      assert.deepEqual(await view.list(''), [name]);
    }));

  test('that does not answer holds up nobody else, and counts as failed after a while', () =>
    lending(async (server) => {
      const { id } = await lend(server);
      server.target.mode = 'blocks';
      const revoking = server.outcome('write', 'sys/leases/revoke', {
        data: { lease_id: id, sync: false },
      });
      assert.equal(await revoking, 'ok');
      server.clock.advance(2);
      const token = await server.makeToken();
      await server.ask('write', 'cubbyhole/x', { token, data: { a: 'b' } });
      assert.equal(await server.outcome('write', 'auth/token/revoke', { data: { token } }), 'ok');
      server.clock.advance(30_000);
      for (let turn = 0; turn < 20; turn++) await nextTurn();
      assert.equal(server.target.live.size, 1);
      server.target.mode = 'works';
      await server.pass(10);
      assert.equal(server.target.live.size, 0);
    }));

  test('does not keep the server from sealing', () =>
    lending(async (server) => {
      await lend(server);
      server.target.mode = 'blocks';
      server.clock.advance(60_000);
      assert.equal(await server.outcome('write', 'sys/seal'), 'ok');
      assert.equal(server.instance.sealed, true);
    }));
});

suite('a restart', () => {
  test('finds what ended meanwhile: a token that expired is dead, its leases go (0.10.2)', async () => {
    const storage = createMemoryStorage();
    await lending(
      async (server) => {
        const token = await server.makeToken({ policies: ['root'], ttl: '60s' });
        await lend(server, 'lend/creds/3000/3600', { token });
        server.clock.advance(0);
        const later = await restarted(server, storage, {});
        later.clock.advance(60_000);
        assert.equal(
          await later.outcome('read', 'auth/token/lookup-self', { token }),
          'permission_denied',
        );
        await later.pass(0);
        assert.equal(later.target.live.size, 0);
      },
      { storage },
    );
  });

  test('in the middle of a revocation finishes it', async () => {
    const storage = createMemoryStorage();
    await lending(
      async (server) => {
        const token = await server.makeToken({ policies: ['root'] });
        for (let count = 0; count < 5; count++) await lend(server, undefined, { token });
        server.target.mode = 'blocks';
        void server.ask('write', 'auth/token/revoke', { data: { token } });
        while (server.target.revocations < 5) await nextTurn();
        server.target.mode = 'works';
        const later = await restarted(server, storage);
        await later.pass(0);
        assert.equal(later.target.live.size, 0);
        assert.equal(
          await later.outcome('read', 'auth/token/lookup-self', { token }),
          'permission_denied',
        );
        assert.deepEqual(
          (await later.ask('list', 'sys/leases/lookup/lend/creds/60/')).reply?.data?.['keys'] ?? [],
          [],
        );
      },
      { storage },
    );
  });
});
