/** `sys/quotas/*` as callers see it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { QuotaPorts, QuotaTarget } from './scope.ts';
import { quotaPaths } from './quotas.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';

interface Mounts {
  readonly bench: Bench;
  /** Mount path by accessor. */
  readonly mounts: Map<string, string>;
  changes: number;
}

async function open(): Promise<Mounts> {
  const mounts = new Map([
    ['kv_1', 'lim/'],
    ['jwt_1', 'auth/jwt/'],
  ]);
  const state = { changes: 0, ids: 0 };
  const ports: QuotaPorts = {
    newId: () => String(++state.ids),
    changed: () => {
      state.changes++;
    },
    leaseCount: () => Promise.resolve(7),
    target(_unit, path): Promise<QuotaTarget | undefined> {
      const base = { namespaceId: 'root', namespacePath: '' };
      if (path === '') return Promise.resolve({ ...base, mount: undefined, suffix: '' });
      for (const [accessor, mountPath] of mounts) {
        if (!path.startsWith(mountPath)) continue;
        const type = accessor.split('_')[0] ?? '';
        const mount = { accessor, path: mountPath, isAuth: type === 'jwt', type };
        return Promise.resolve({ ...base, mount, suffix: path.slice(mountPath.length) });
      }
      return Promise.resolve(undefined);
    },
    pathOf: (_unit, scope) =>
      Promise.resolve(scope.mountAccessor === '' ? '' : mounts.get(scope.mountAccessor)),
  };
  const bench = await openBench({
    type: 'system',
    kind: 'system',
    summary: 'quotas',
    scope: 'unit',
    paths: quotaPaths(ports),
  });
  return {
    bench,
    mounts,
    get changes() {
      return state.changes;
    },
  };
}

describe('sys/quotas', () => {
  test('a global rate limit, read back with its defaults', async () => {
    const { bench } = await open();
    assert.equal(
      await bench.call('write', 'quotas/rate-limit/g', { rate: 100_000, interval: '1s' }),
      undefined,
    );
    assert.deepEqual((await bench.call('read', 'quotas/rate-limit/g'))?.data, {
      block_interval: 0,
      inheritable: true,
      interval: 1,
      name: 'g',
      path: '',
      rate: 100_000,
      role: '',
      type: 'rate-limit',
    });
    await bench.call('write', 'quotas/rate-limit/g', { rate: 200_000.5, block_interval: '5s' });
    const data = (await bench.call('read', 'quotas/rate-limit/g'))?.data ?? {};
    assert.deepEqual([data['rate'], data['block_interval']], [200_000.5, 5]);
  });

  test('refuses what cannot be', async () => {
    const { bench } = await open();
    await bench.call('write', 'quotas/rate-limit/g', { rate: 1 });
    const REFUSED: readonly (readonly [Parameters<Bench['fail']>[2], RegExp])[] = [
      [{}, /'rate' is invalid/],
      [{ rate: 0 }, /'rate' is invalid/],
      [{ rate: -1 }, /'rate' is invalid/],
      [{ rate: 10, path: 'nope/' }, /invalid mount path "nope\/"/],
      [{ rate: 10 }, /similar properties exists under the name "g"/],
      [{ rate: 10, path: 'lim/', role: 'r' }, /not a valid auth method/],
      [{ rate: 10, path: 'auth/jwt/login', role: 'r' }, /both a path below the mount and a role/],
    ];
    for (const [body, message] of REFUSED) {
      const error = await bench.fail('write', 'quotas/rate-limit/bad', body);
      assert.equal(error.code, 'invalid_request');
      assert.match(error.message, message);
    }
    assert.equal(await bench.call('read', 'quotas/rate-limit/bad'), undefined);
  });

  test('paths below a mount, globs and roles', async () => {
    const { bench } = await open();
    for (const path of ['lim/sub/path', 'lim/su*', 'lim/']) {
      const name = `r${path.length}`;
      await bench.call('write', `quotas/rate-limit/${name}`, { rate: 3, path });
      const data = (await bench.call('read', `quotas/rate-limit/${name}`))?.data ?? {};
      assert.deepEqual([data['path'], data['inheritable']], [path, false]);
    }
    await bench.call('write', 'quotas/rate-limit/role', { rate: 3, path: 'auth/jwt', role: 'ci' });
    assert.equal((await bench.call('read', 'quotas/rate-limit/role'))?.data?.['role'], 'ci');
  });

  test('a rule follows its mount and ends with it', async () => {
    const { bench, mounts } = await open();
    await bench.call('write', 'quotas/rate-limit/m', { rate: 3, path: 'lim/a' });
    mounts.set('kv_1', 'moved/');
    assert.equal((await bench.call('read', 'quotas/rate-limit/m'))?.data?.['path'], 'moved/a');
    assert.deepEqual((await bench.call('list', 'quotas/rate-limit/'))?.data, { keys: ['m'] });
    mounts.delete('kv_1');
    assert.equal(await bench.call('read', 'quotas/rate-limit/m'), undefined);
    assert.deepEqual((await bench.call('list', 'quotas/rate-limit/'))?.data, { keys: [] });
  });

  test('lease counts', async () => {
    const { bench } = await open();
    assert.match(
      (await bench.fail('write', 'quotas/lease-count/l', { path: 'lim/' })).message,
      /max_leases/,
    );
    await bench.call('write', 'quotas/lease-count/l', { path: 'lim/', max_leases: 10 });
    assert.deepEqual((await bench.call('read', 'quotas/lease-count/l'))?.data, {
      counter: 7,
      inheritable: false,
      max_leases: 10,
      name: 'l',
      path: 'lim/',
      role: '',
      type: 'lease-count',
    });
    await bench.call('delete', 'quotas/lease-count/l');
    assert.equal((await bench.fail('read', 'quotas/lease-count/l')).code, 'not_found');
  });

  test('settings are replaced as a whole, and every change is announced', async () => {
    const state = await open();
    const { bench } = state;
    const settings = async (): Promise<unknown> =>
      (await bench.call('read', 'quotas/config'))?.data;
    assert.ok(JSON.stringify(await settings()).includes('sys/health'));
    await bench.call('write', 'quotas/config', {
      enable_rate_limit_response_headers: true,
      rate_limit_exempt_paths: ['sys/a', 'sys/b'],
    });
    await bench.call('write', 'quotas/config', { rate_limit_exempt_paths: [] });
    assert.deepEqual(await settings(), {
      enable_rate_limit_audit_logging: false,
      enable_rate_limit_response_headers: false,
      rate_limit_exempt_paths: [],
    });
    await bench.call('write', 'quotas/rate-limit/x', { rate: 1 });
    await bench.call('delete', 'quotas/rate-limit/x');
    assert.equal(state.changes, 4);
  });
});
