/** A process that is killed while it writes: what it was told is recorded is there, and the log is whole after reopening. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { createLogSigner } from '../checkpoint.ts';
import { contextOf } from '../fixture.ts';
import { AuditLog } from '../log.ts';
import { verifyAuditFiles } from '../verify.ts';
import { fileDevice } from './file.ts';

const KILLS = 5;
/** The writer is killed after so many acknowledged records and one more: at another place each time. */
const RECORDS_PER_RUN = 23;

/** Writes records until it is killed, and prints the number of each one that was taken. */
const WRITER = `
import { systemClock } from ${JSON.stringify(import.meta.resolve('../../base/clock.ts'))};
import { silentLog } from ${JSON.stringify(import.meta.resolve('../../base/log.ts'))};
import { createLogSigner } from ${JSON.stringify(import.meta.resolve('../checkpoint.ts'))};
import { AuditLog } from ${JSON.stringify(import.meta.resolve('../log.ts'))};
import { fileDevice } from ${JSON.stringify(import.meta.resolve('./file.ts'))};
const [filePath, from] = process.argv.slice(1);
const context = { clock: systemClock, log: silentLog, forbiddenDirectories: [], allowedDirectories: [], stdout: async () => {} };
const device = await fileDevice.open({ file_path: filePath }, context);
const log = new AuditLog({ device, origin: 'c/n/file', clock: systemClock, log: silentLog, deadlineMs: 10000,
  signer: createLogSigner(Buffer.alloc(32, 3)) });
let next = Number(from);
async function write() {
  for (;;) {
    const number = next++;
    await log.append('{"type":"request","number":' + number + ',"fill":"' + 'x'.repeat(number % 997) + '"', 'request');
    process.stdout.write(number + '\\n');
  }
}
await Promise.all([write(), write(), write()]);
`;

/** Runs the writer until `count` records are acknowledged, kills it, and returns the numbers that it printed. */
async function runAndKill(filePath: string, from: number, count: number): Promise<number[]> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', WRITER, filePath, String(from)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const taken: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    taken.push(Number(line));
    if (taken.length === count) child.kill('SIGKILL');
  }
  return taken;
}

test('after kill -9 every acknowledged record is there and the chain is whole', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'audit-kill-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const filePath = path.join(directory, 'audit.log');
  const taken: number[] = [];
  for (let run = 0; run < KILLS; run++) {
    const from = run * 1_000_000;
    taken.push(...(await runAndKill(filePath, from, RECORDS_PER_RUN + run * 7)));
  }
  const device = await fileDevice.open({ file_path: filePath }, contextOf());
  const log = new AuditLog({
    device,
    origin: 'c/n/file',
    clock: systemClock,
    log: silentLog,
    deadlineMs: 10_000,
    signer: createLogSigner(Buffer.alloc(32, 3)),
  });
  await log.append('{"type":"request","number":-1', 'request');
  await log.close();
  const result = await verifyAuditFiles([filePath]);
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  const found = new Set<number>();
  for await (const line of createInterface({ input: createReadStream(filePath) })) {
    try {
      found.add((JSON.parse(line) as { number: number }).number);
    } catch {
      // What was torn off is fenced off: the verification above says so.
    }
  }
  assert.deepEqual(
    taken.filter((number) => !found.has(number)),
    [],
  );
});
