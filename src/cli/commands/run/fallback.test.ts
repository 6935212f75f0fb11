/** The encrypted file that bridges an outage, alone and under "run". */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Clock } from '../../../base/clock.ts';
import { systemRandom } from '../../../base/random.ts';
import { run } from '../../run.ts';
import { startStub, stubTerminal, type StubAnswer } from '../../scripts/stub.ts';
import { loadFallback, saveFallback } from './fallback.ts';

const folder = mkdtempSync(join(tmpdir(), 'strongroom-fallback-'));
after(() => rmSync(folder, { recursive: true }));

function clockAt(nowMs: number): Clock {
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => () => undefined };
}

const IDENTITY = { token: 'hvs.t', address: 'http://a', namespace: '', keys: ['', 'secret/a'] };
const FIELDS = { password: 'canary-value' };

test('what was saved comes back to the same token and keys, within its age', async () => {
  const path = join(folder, 'a');
  await saveFallback(path, IDENTITY, FIELDS, { clock: clockAt(1_000), random: systemRandom });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(!readFileSync(path).includes('canary-value'));
  const saved = await loadFallback(path, IDENTITY, 500, clockAt(1_400));
  assert.deepEqual(saved, { fields: FIELDS, ageMs: 400 });
  await assert.rejects(loadFallback(path, IDENTITY, 500, clockAt(1_501)), /too old/);
  await assert.rejects(loadFallback(path, IDENTITY, 500, clockAt(999)), /too old/);
  for (const other of [
    { token: 'hvs.u' },
    { address: 'http://b' },
    { namespace: 'n/' },
    { keys: ['secret/b'] },
  ]) {
    const identity = { ...IDENTITY, ...other };
    await assert.rejects(loadFallback(path, identity, 500, clockAt(1_400)), /another token/);
  }
});

test('a changed byte anywhere is noticed', async () => {
  const path = join(folder, 'b');
  await saveFallback(path, IDENTITY, FIELDS, { clock: clockAt(0), random: systemRandom });
  const good = readFileSync(path);
  for (let index = 0; index < good.length; index++) {
    const bad = Buffer.from(good);
    bad[index] = (bad[index] ?? 0) ^ 1;
    writeFileSync(path, bad);
    await assert.rejects(loadFallback(path, IDENTITY, 500, clockAt(0)), /damaged/);
  }
  writeFileSync(path, good.subarray(0, 20));
  await assert.rejects(loadFallback(path, IDENTITY, 500, clockAt(0)), /damaged/);
});

const MOUNT: StubAnswer = {
  method: 'GET',
  path: '/v1/sys/internal/ui/mounts/secret/a',
  status: 200,
  body: '{"request_id":"r","data":{"path":"secret/","options":{"version":"2"}}}',
};

function secretAnswer(status: number, body: string): StubAnswer {
  return { method: 'GET', path: '/v1/secret/data/a', status, body };
}

test('run uses the file in an outage, and never after a refusal', async () => {
  const good = '{"request_id":"r","data":{"data":{"word":"kept"},"metadata":{"version":1}}}';
  const stub = await startStub([
    MOUNT,
    secretAnswer(200, good),
    MOUNT,
    secretAnswer(503, '{"errors":["Vault is sealed"]}'),
    MOUNT,
    secretAnswer(403, '{"errors":["permission denied"]}'),
    MOUNT,
    secretAnswer(503, '{"errors":["Vault is sealed"]}'),
  ]);
  const start = async (...flags: string[]): Promise<{ exitCode: number; complaints: string }> => {
    const terminal = stubTerminal({ environment: { VAULT_ADDR: stub.address, VAULT_TOKEN: 't' } });
    const program = ['--', '/bin/sh', '-c', 'test "$word" = kept'];
    const file = `-fallback=${join(folder, 'c')}`;
    const exitCode = await run(['run', file, ...flags, 'secret/a', ...program], terminal);
    return { exitCode, complaints: terminal.complaints() };
  };
  try {
    assert.deepEqual(await start(), { exitCode: 0, complaints: '' });
    const outage = await start();
    assert.equal(outage.exitCode, 0);
    assert.match(
      outage.complaints,
      /^The server cannot be reached; using secrets saved \d+s ago\./,
    );
    const refused = await start();
    assert.equal(refused.exitCode, 125);
    assert.match(refused.complaints, /permission denied/);
    const old = await start('-max-age=0s');
    assert.equal(old.exitCode, 125);
    assert.match(old.complaints, /Vault is sealed[^]*and the fallback file is too old/);
  } finally {
    await stub.close();
  }
});
