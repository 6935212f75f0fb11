/** `sys/config/{cors,ui/headers,auditing}`, `sys/loggers`, `sys/metrics`, `sys/in-flight-req`, `sys/host-info` as callers see them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import type { LogLevel } from '../../base/log.ts';
import { MetricsRegistry } from '../../base/metrics/metrics.ts';
import type { Path } from '../../model/backend.ts';
import type { Unit } from '../../model/transaction.ts';
import { auditedHeaderPaths } from './audited-headers.ts';
import { corsPaths, STANDARD_HEADERS } from './cors.ts';
import { hostInfoPaths } from '../host-info.ts';
import { loggerPaths } from '../loggers.ts';
import { monitoringPaths } from '../metrics.ts';
import { uiHeaderPaths } from './ui-headers.ts';
import { openBench } from '../../core/backend-bench.contract.ts';
import type { Bench } from '../../core/backend-bench.contract.ts';

function open(paths: readonly Path<Unit>[]): Promise<Bench> {
  return openBench({ type: 'system', kind: 'system', summary: 'config', scope: 'unit', paths });
}

function counting(): { changes: number; readonly changed: () => void } {
  const state = {
    changes: 0,
    changed: () => {
      state.changes++;
    },
  };
  return state;
}

describe('sys/config/cors', () => {
  test('off, on with standard headers first, and off again', async () => {
    const ports = counting();
    const bench = await open(corsPaths(ports));
    const read = async (): Promise<unknown> => (await bench.call('read', 'config/cors'))?.data;
    assert.deepEqual(await read(), { enabled: false });
    await bench.call('write', 'config/cors', {
      allowed_origins: ['https://a.example', 'https://b.example'],
      allowed_headers: 'X-Custom,content-type',
    });
    assert.deepEqual(await read(), {
      enabled: true,
      allowed_origins: ['https://a.example', 'https://b.example'],
      allowed_headers: [...STANDARD_HEADERS, 'X-Custom'],
    });
    await bench.call('write', 'config/cors', { allowed_origins: '*' });
    await bench.call('delete', 'config/cors');
    assert.deepEqual(await read(), { enabled: false });
    assert.equal(ports.changes, 3);
  });

  test('needs an origin, and the wildcard alone', async () => {
    const bench = await open(corsPaths(counting()));
    assert.match(
      (await bench.fail('write', 'config/cors', { enable: true })).message,
      /at least one/,
    );
    const both = { allowed_origins: ['*', 'https://x'] };
    assert.match((await bench.fail('write', 'config/cors', both)).message, /only value/);
    const forged = { allowed_origins: '*', allowed_headers: ['X-A\r\nX-B: c'] };
    assert.equal((await bench.fail('write', 'config/cors', forged)).code, 'invalid_request');
  });
});

describe('sys/config/ui/headers', () => {
  test('set, read in both forms, listed, removed', async () => {
    const bench = await open(uiHeaderPaths());
    assert.deepEqual(
      await bench.call('write', 'config/ui/headers/x-custom', { values: ['v1', 'v2'] }),
      { data: null },
    );
    assert.deepEqual((await bench.call('read', 'config/ui/headers/X-Custom'))?.data, {
      value: 'v1',
    });
    const many = await bench.call('read', 'config/ui/headers/X-Custom', { multivalue: 'true' });
    assert.deepEqual(many?.data, { values: ['v1', 'v2'] });
    assert.deepEqual((await bench.call('list', 'config/ui/headers/'))?.data, {
      keys: ['X-Custom'],
    });
    await bench.call('delete', 'config/ui/headers/X-Custom');
    assert.equal(await bench.call('read', 'config/ui/headers/X-Custom'), undefined);
  });

  test('refuses headers of the API, empty ones, and what would end a header', async () => {
    const bench = await open(uiHeaderPaths());
    for (const [name, values] of [
      ['X-Vault-Foo', ['x']],
      ['X-Empty', []],
      ['X-Split', ['a\r\nSet-Cookie: b']],
    ] as const) {
      const error = await bench.fail('write', `config/ui/headers/${name}`, { values: [...values] });
      assert.equal(error.code, 'invalid_request');
    }
  });
});

describe('sys/config/auditing/request-headers', () => {
  const path = 'config/auditing/request-headers';

  test('names fold case, answers keep the caller’s', async () => {
    const ports = counting();
    const bench = await open(auditedHeaderPaths(ports));
    assert.deepEqual((await bench.call('read', path))?.data, { headers: {} });
    await bench.call('write', `${path}/X-Trace`, { hmac: true });
    assert.deepEqual((await bench.call('read', `${path}/X-TRACE`))?.data, {
      'X-TRACE': { hmac: true },
    });
    assert.deepEqual((await bench.call('read', path))?.data, {
      headers: { 'x-trace': { hmac: true } },
    });
    await bench.call('write', `${path}/x-trace`, {});
    assert.deepEqual((await bench.call('read', path))?.data, {
      headers: { 'x-trace': { hmac: false } },
    });
    await bench.call('delete', `${path}/X-Trace`);
    await bench.call('delete', `${path}/X-Trace`);
    assert.match((await bench.fail('read', `${path}/X-Trace`)).message, /Could not find header/);
    assert.equal(ports.changes, 3);
  });
});

describe('sys/loggers', () => {
  test('levels are read, set for one or all, and taken back', async () => {
    const levels = new Map<string, LogLevel>();
    let common: LogLevel = 'info';
    const bench = await open(
      loggerPaths({
        levels: () => new Map([['core', levels.get('core') ?? common]]),
        levelOf: (name) => levels.get(name) ?? common,
        setLevel: (name, level) => {
          if (name !== 'core') return false;
          levels.set(name, level);
          return true;
        },
        resetLevel: (name) => levels.delete(name) || name === 'core',
        setAllLevels: (level) => {
          levels.clear();
          common = level;
        },
        resetAllLevels: () => {
          levels.clear();
          common = 'info';
        },
      }),
    );
    await bench.call('write', 'loggers/core', { level: 'DEBUG' });
    assert.deepEqual((await bench.call('read', 'loggers/core'))?.data, { core: 'debug' });
    assert.deepEqual((await bench.call('read', 'loggers/none'))?.data, {});
    assert.equal((await bench.call('read', 'loggers'))?.data?.['audit'], 'info');
    assert.match(
      (await bench.fail('write', 'loggers/core', { level: 'loud' })).message,
      /unknown log level/,
    );
    assert.equal(
      (await bench.fail('write', 'loggers/none', { level: 'warn' })).code,
      'invalid_request',
    );
    await bench.call('write', 'loggers', { level: 'warn' });
    assert.deepEqual((await bench.call('read', 'loggers/core'))?.data, { core: 'warn' });
    await bench.call('delete', 'loggers');
    assert.deepEqual((await bench.call('read', 'loggers/core'))?.data, { core: 'info' });
  });
});

describe('monitoring', () => {
  test('metrics in both forms, running requests, the machine', async () => {
    const registry = new MetricsRegistry();
    registry.gauge('core.unsealed', { help: 'Whether unsealed.' }).of().set(1);
    const running = {
      id: 'i',
      method: 'GET',
      path: '/v1/x',
      clientAddress: '192.0.2.1',
      startMs: 0,
    };
    const bench = await open([
      ...monitoringPaths({
        registry,
        clock: systemClock,
        startedMonotonicMs: 0,
        prometheus: true,
        prefix: 'vault',
        inFlight: () => [running],
      }),
      ...hostInfoPaths({ clock: systemClock }),
    ]);
    const json = (await bench.call('read', 'metrics'))?.raw;
    assert.equal(json?.contentType, 'application/json');
    assert.deepEqual(Object.keys(JSON.parse(String(json.body)) as object), [
      'Timestamp',
      'Gauges',
      'Points',
      'Counters',
      'Samples',
    ]);
    const text = (await bench.call('read', 'metrics', { format: 'prometheus' }))?.raw;
    assert.match(String(text?.body), /^vault_core_unsealed 1$/m);
    assert.equal((await bench.call('read', 'metrics', { format: 'bogus' }))?.status, 400);
    assert.deepEqual((await bench.call('read', 'in-flight-req'))?.data, {
      i: {
        start_time: '1970-01-01T00:00:00.000000000Z',
        client_remote_address: '192.0.2.1',
        request_path: '/v1/x',
        request_method: 'GET',
        client_id: '',
      },
    });
    const machine = (await bench.call('read', 'host-info'))?.data ?? {};
    assert.deepEqual(Object.keys(machine), [
      'cpu',
      'cpu_times',
      'disk',
      'host',
      'memory',
      'timestamp',
    ]);
  });
});
