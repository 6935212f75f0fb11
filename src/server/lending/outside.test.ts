/** Acts outside the store: what is begun is finished or undone, whatever happens to the request, the process or the target. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createFaultyStorage } from '../../storage/faulty.ts';
import { createMemoryStorage } from '../../storage/memory/memory-storage.ts';
import { KeptLog } from '../audit-fixture.ts';
import { openInstance, restarted } from '../instance-fixture.ts';
import type { OpenInstance } from '../instance-fixture.ts';

const CREDS = 'lend/creds/60/600';

async function lending(
  run: (server: OpenInstance) => Promise<void>,
  options: Parameters<typeof openInstance>[0] = {},
): Promise<void> {
  const server = await openInstance(options);
  try {
    await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
    await run(server);
  } finally {
    await server.instance.close();
  }
}

suite('an act outside', () => {
  test('leaves no intent when its request succeeds', () =>
    lending(async (server) => {
      assert.equal(await server.outcome('read', CREDS), 'ok');
      assert.equal(server.target.live.size, 1);
      await server.pass(59);
      assert.equal(server.target.live.size, 1);
      await server.pass(600);
      assert.equal(server.target.live.size, 0);
      assert.equal(server.target.revocations, 1);
    }));

  test('is undone at once when its request fails after it', () =>
    lending(async (server) => {
      server.target.making = 'fails after it';
      assert.equal(await server.outcome('read', CREDS), 'upstream_failed');
      await server.pass(0);
      assert.equal(server.target.live.size, 0);
      assert.equal(server.target.revocations, 1);
    }));

  test('that comes about after its request was given up, and undone, is undone again', () =>
    lending(async (server) => {
      server.target.making = 'does not answer';
      assert.equal(await server.outcome('read', CREDS), 'upstream_failed');
      await server.pass(0);
      assert.equal(server.target.revocations, 1);
      server.target.make('account-0');
      await server.pass(2 * 60);
      assert.equal(server.target.live.size, 0);
      await server.pass(600);
      assert.equal(server.target.revocations, 2);
    }));

  test('that the target refused needs no undoing', () =>
    lending(async (server) => {
      server.target.making = 'refuses';
      assert.equal(await server.outcome('read', CREDS), 'upstream_failed');
      await server.pass(600);
      assert.equal(server.target.revocations, 0);
    }));

  test('is undone when the process is killed right after it, once the next one has started', async () => {
    const storage = createMemoryStorage();
    await lending(
      async (server) => {
        const reached = Promise.withResolvers<void>();
        server.target.made = async () => {
          reached.resolve();
          await new Promise<never>(() => {});
        };
        const asked = server.ask('read', CREDS);
        asked.catch(() => {});
        await reached.promise;
        assert.equal(server.target.live.size, 1);
        const next = await restarted(server, storage);
        server.target.made = async () => {};
        await next.pass(0);
        assert.equal(server.target.live.size, 0);
        await next.instance.services.expirer.stop();
      },
      { storage },
    );
  });

  test('whose undoing fails is tried again, and shown like any lease that cannot be revoked', () =>
    lending(async (server) => {
      server.target.making = 'fails after it';
      server.target.mode = 'fails';
      assert.equal(await server.outcome('read', CREDS), 'upstream_failed');
      for (let round = 0; round < 8; round++) await server.pass(1000);
      assert.equal(server.target.revocations, 6);
      const shown = await server.get('read', 'sys/leases', { data: { type: 'irrevocable' } });
      assert.equal(shown['lease_count'], 1);
      server.target.mode = 'works';
      await server.ask('write', 'sys/leases/revoke-force/lend');
      await server.pass(0);
      assert.equal(server.target.live.size, 0);
    }));

  test('of a request that runs again is undone, and only the last one counts', () =>
    lending(async (server) => {
      let runs = 0;
      server.target.made = async () => {
        if (++runs > 1) return;
        // Somebody changes what the request has read: its mount.
        await server.get('write', 'sys/mounts/lend/tune', { data: { max_lease_ttl: '50s' } });
      };
      const { lease } = await server.ask('read', CREDS);
      assert.equal(lease?.durationSeconds, 50);
      assert.equal(runs, 2);
      await server.pass(0);
      assert.deepEqual([...server.target.live], ['account-1']);
    }));

  test('that came back is undone once, and holds up nothing', () =>
    lending(async (server) => {
      let runs = 0;
      server.target.made = async () => {
        if (++runs === 1)
          await server.get('write', 'sys/mounts/lend/tune', { data: { max_lease_ttl: '50s' } });
      };
      await server.ask('read', CREDS);
      await server.pass(0);
      assert.equal(server.target.revocations, 1);
      await server.ask('delete', 'sys/mounts/lend');
      assert.equal(server.target.live.size, 0);
      assert.equal(
        await server.outcome('write', 'sys/mounts/lend', { data: { type: 'lending' } }),
        'ok',
      );
    }));

  test('is not begun in a namespace that is being deleted', () =>
    lending(async (server) => {
      const namespace = 'team/';
      const data = { type: 'lending' };
      await server.get('write', 'sys/namespaces/team');
      await server.get('write', 'sys/mounts/lend', { namespace, data });
      // What cannot be taken back yet keeps the namespace from being gone at once.
      await server.get('write', 'sys/mounts/held', { namespace, data });
      await server.get('read', 'held/creds/60/600', { namespace });
      server.target.mode = 'fails';
      server.target.asking = async () => {
        server.target.asking = async () => {};
        server.target.made = async () => assert.fail('an account was made');
        assert.equal(await server.outcome('delete', 'sys/namespaces/team'), 'ok');
      };
      assert.equal(await server.outcome('read', CREDS, { namespace }), 'unavailable');
      server.target.mode = 'works';
      await server.pass(60);
      assert.equal(server.target.live.size, 0);
      assert.equal(await server.outcome('write', 'sys/namespaces/team'), 'ok');
    }));

  test('holds up the move of its mount no longer than its request takes', () =>
    lending(async (server) => {
      let id = '';
      server.target.made = async () => {
        server.target.made = async () => {};
        const data = { from: 'lend', to: 'lent' };
        id = String((await server.get('write', 'sys/remount', { data }))['migration_id']);
        await server.pass(0);
      };
      assert.notEqual(await server.outcome('read', CREDS), 'ok');
      await server.pass(1);
      const { migration_info: info } = await server.get('read', `sys/remount/status/${id}`);
      assert.equal((info as { status: string }).status, 'success');
      assert.equal(server.target.live.size, 0);
      assert.equal(await server.outcome('read', 'lent/creds/60/600'), 'ok');
    }));

  test('holds up the removal of its mount until it is settled', () =>
    lending(async (server) => {
      server.target.making = 'fails after it';
      server.target.mode = 'fails';
      await server.ask('write', 'lend/paint/red');
      await server.ask('delete', 'sys/mounts/lend');
      await server.pass(60);
      server.target.mode = 'works';
      for (let round = 0; round < 3; round++) await server.pass(1000);
      assert.deepEqual(server.target.painted.slice(0, 1), ['request red']);
      assert.match(server.target.painted[1] ?? '', /^intent "red" after [1-9]/);
    }));

  test('of a kind of its own is settled by its backend', () =>
    lending(async (server) => {
      assert.equal(await server.outcome('write', 'lend/paint/blue'), 'ok');
      await server.pass(600);
      assert.deepEqual(server.target.painted, ['request blue']);
      server.target.making = 'fails after it';
      await server.ask('write', 'lend/paint/red');
      await server.pass(0);
      assert.deepEqual(server.target.painted.slice(1), ['request red', 'intent "red" after 0']);
    }));
});

/** Stands still at a point until the test lets it go on, once. */
function gate(): {
  readonly reached: Promise<void>;
  readonly pass: () => Promise<void>;
  open(): void;
} {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  let first = true;
  return {
    reached: reached.promise,
    async pass() {
      if (!first) return;
      first = false;
      reached.resolve();
      await opened.promise;
    },
    open: () => opened.resolve(),
  };
}

/** Lets time pass until `answers` are there. */
async function allOf<T>(server: OpenInstance, answers: readonly Promise<T>[]): Promise<T[]> {
  const all = Promise.all(answers);
  const over = all.then(() => true);
  const passed = async (): Promise<boolean> => {
    await server.pass(0.05);
    await new Promise(setImmediate);
    return false;
  };
  while (!(await Promise.race([over, passed()])));
  return await all;
}

suite('the replacement of what a target is opened with', () => {
  test('makes whoever is refused meanwhile wait for its end', () =>
    lending(async (server) => {
      const between = gate();
      server.target.replaced = between.pass;
      const replaced = server.outcome('write', 'lend/key/second');
      await between.reached;
      const lent = server.outcome('read', CREDS);
      while (server.target.refusals === 0) await new Promise(setImmediate);
      between.open();
      assert.deepEqual(await allOf(server, [replaced, lent]), ['ok', 'ok']);
      assert.equal(server.target.refusals, 1);
      await server.pass(0);
      assert.equal(server.target.live.size, 1);
    }));

  test('waits for the end of another', () =>
    lending(async (server) => {
      const between = gate();
      server.target.replaced = between.pass;
      const first = server.outcome('write', 'lend/key/second');
      await between.reached;
      const second = server.outcome('write', 'lend/key/third');
      await new Promise(setImmediate);
      assert.equal(server.target.key, 'second');
      between.open();
      assert.deepEqual(await allOf(server, [first, second]), ['ok', 'ok']);
      assert.equal(server.target.key, 'third');
      assert.equal(await server.outcome('read', CREDS), 'ok');
    }));

  test('that runs again is settled first', () =>
    lending(async (server) => {
      server.target.replaced = async () => {
        server.target.replaced = async () => {};
        await server.get('write', 'sys/mounts/lend/tune', { data: { max_lease_ttl: '50s' } });
      };
      assert.deepEqual(await allOf(server, [server.outcome('write', 'lend/key/second')]), ['ok']);
      assert.equal(await server.outcome('read', CREDS), 'ok');
      assert.equal(server.target.refusals, 0);
    }));

  test('that cannot even be given up is settled when it falls due', async () => {
    /** Commits until one fails; negative = none does. */
    let until = -1;
    const storage = createFaultyStorage(createMemoryStorage(), (_call, operation) =>
      operation === 'commit' && until-- === 0 ? 'before' : undefined,
    );
    await lending(
      async (server) => {
        server.target.replaced = async () => {
          server.target.replaced = async () => {};
          await server.get('write', 'sys/mounts/lend/tune', { data: { max_lease_ttl: '50s' } });
          // The request's own commit meets the new settings; the next one gives up what it has begun.
          until = 1;
        };
        const [outcome] = await allOf(server, [server.outcome('write', 'lend/key/second')]);
        assert.notEqual(outcome, 'ok');
        assert.ok(until < 0);
        await server.pass(10);
        assert.equal(await server.outcome('read', CREDS), 'ok');
        assert.equal(server.target.refusals, 0);
      },
      { storage },
    );
  });

  test('that was cut off is settled before others have waited for long', async () => {
    const storage = createMemoryStorage();
    await lending(
      async (server) => {
        const between = gate();
        server.target.replaced = between.pass;
        server.ask('write', 'lend/key/second').catch(() => {});
        await between.reached;
        const next = await restarted(server, storage);
        assert.deepEqual(await allOf(next, [next.outcome('read', CREDS)]), ['ok']);
        await next.instance.services.expirer.stop();
      },
      { storage },
    );
  });

  test('that does not come to its end is told in words that call for another try', () =>
    lending(async (server) => {
      const between = gate();
      server.target.replaced = between.pass;
      const first = server.outcome('write', 'lend/key/second');
      await between.reached;
      const answers = ['lend/key/third', 'lend/key/fourth'].map((path) =>
        server.ask('write', path),
      );
      for (const { error } of await allOf(server, answers)) {
        assert.equal(error?.code, 'unavailable');
        assert.match(error?.message ?? '', /being replaced/);
      }
      await server.pass(30);
      assert.equal(await server.outcome('read', CREDS), 'upstream_failed');
      between.open();
      assert.deepEqual(await allOf(server, [first]), ['ok']);
      assert.equal(await server.outcome('read', CREDS), 'ok');
    }));

  test('by what was written since makes who was refused run again', () =>
    lending(async (server) => {
      server.target.asking = async () => {
        server.target.asking = async () => {};
        await server.get('write', 'lend/key/second');
      };
      assert.equal(await server.outcome('read', CREDS), 'ok');
      assert.equal(server.target.refusals, 1);
    }));
});

suite('a task', () => {
  test('runs when it is due, step by step', () =>
    lending(async (server) => {
      await server.ask('delete', 'lend/paint/green');
      await server.pass(3599);
      assert.deepEqual(server.target.painted, []);
      await server.pass(1);
      assert.deepEqual(server.target.painted, ['task green 0', 'task green 1']);
    }));

  test('stands in the audit log before it acts, with what came of it', async () => {
    const kept = new KeptLog();
    await lending(
      async (server) => {
        await server.ask('delete', 'lend/paint/green');
        await server.pass(3600);
        const wanted = ['request delete', 'response delete'];
        const step = ['request update', 'response update'];
        assert.deepEqual(kept.of('lend/paint/green'), [...wanted, ...step, ...step]);
        await server.ask('delete', 'lend/paint/grey');
        server.target.mode = 'fails';
        await server.pass(3600);
        assert.match(kept.of('lend/paint/grey').at(-1) ?? '', /^response update ./);
        const painted = server.target.painted.length;
        server.target.mode = 'works';
        kept.mode = 'fails';
        await server.pass(60);
        assert.equal(server.target.painted.length, painted, 'no record, no act');
        kept.mode = 'works';
      },
      { audit: [kept.type] },
    );
  });

  test('that fails is tried again, and ends with its mount', () =>
    lending(async (server) => {
      server.target.mode = 'fails';
      await server.ask('delete', 'lend/paint/green');
      await server.pass(3600);
      server.target.mode = 'works';
      await server.pass(60);
      assert.deepEqual(server.target.painted, ['task green 0', 'task green 1']);
      await server.ask('delete', 'lend/paint/black');
      await server.ask('delete', 'sys/mounts/lend');
      await server.pass(7200);
      assert.equal(server.target.painted.length, 2);
    }));
});
