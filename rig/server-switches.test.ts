/** Switches of the configuration that only a real process shows: the pid file, metrics by listener, the host's name, a reload. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Api } from './api.ts';
import { Child, freePort } from './child.ts';
import { startVaultServer, strongroom } from './vault-server.ts';

const PATIENCE_MS = 10_000;

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition() && performance.now() < deadline) await delay(10);
  assert.ok(condition());
}

test('a server does what the switches of its configuration say', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switches-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const pidFile = join(folder, 'pid');
  const metricsPort = await freePort();
  const settings = `
pid_file = "${pidFile}"
enable_response_header_hostname = true
listener "tcp" {
  address = "127.0.0.1:${metricsPort}"
  tls_disable = true
  telemetry {
    metrics_only = true
    unauthenticated_metrics_access = true
  }
}`;
  const server = await startVaultServer(strongroom, { folder, settings });
  t.after(async () => {
    server.api.close();
    await server.child.stop();
  });
  assert.equal(readFileSync(pidFile, 'utf8'), `${server.child.pid}\n`);

  const reply = await fetch(`${server.api.address}/v1/sys/health`);
  assert.equal(reply.headers.get('x-vault-hostname'), hostname());
  await reply.body?.cancel();

  const metrics = new Api(`http://127.0.0.1:${metricsPort}`);
  t.after(() => metrics.close());
  const { rootToken: token } = server;
  assert.equal((await metrics.call('GET', 'sys/metrics?format=prometheus')).status, 200);
  assert.equal((await metrics.call('GET', 'sys/mounts', { token })).status, 405);
  assert.equal((await server.api.call('GET', 'sys/mounts', { token })).status, 200);

  const config = join(folder, 'server.hcl');
  assert.ok(!server.child.output.includes('[DEBUG]'));
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace('log_level = "warn"', 'log_level = "nonsense"'));
  server.child.signal('SIGHUP');
  await until(() => server.child.output.includes('cannot be read again'));
  writeFileSync(config, text.replace('log_level = "warn"', 'log_level = "info"'));
  server.child.signal('SIGHUP');
  await delay(200);
  assert.deepEqual(await server.child.stop(), { code: 0, signal: null });
  assert.match(server.child.output, /\[INFO\] +stopping/);
  assert.equal(existsSync(pidFile), false);
});

test('a server whose database is not there waits for it, and then says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switches-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'server.hcl');
  const url = `postgres://127.0.0.1:${await freePort()}/none?sslmode=disable`;
  writeFileSync(
    config,
    `storage "postgresql" {
  connection_url = "${url}"
  max_connect_retries = 2
}
listener "tcp" {
  address = "127.0.0.1:0"
  tls_disable = true
}`,
  );
  const program = fileURLToPath(new URL('../bin/strongroom', import.meta.url));
  const child = new Child([program, 'server', `-config=${config}`]);
  t.after(() => child.kill());
  assert.deepEqual(await child.exited, { code: 1, signal: null });
  assert.match(child.output, /cannot start: reason="no database can be used: .*ECONNREFUSED/);
});
