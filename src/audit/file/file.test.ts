/** The file device: contract, permissions, places, rotation, full disks, crash tails. */
import assert from 'node:assert/strict';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { RequestError } from '../../model/errors.ts';
import { createLogSigner } from '../checkpoint.ts';
import { isResumable } from '../device.ts';
import type { AuditDevice } from '../device.ts';
import { auditDeviceContract } from '../device.contract.ts';
import { contextOf } from '../fixture.ts';
import { AuditLog } from '../log.ts';
import { verifyAuditFiles } from '../verify.ts';
import { fileDevice } from './file.ts';

const signer = createLogSigner(Buffer.alloc(32, 3));

async function temporary(context?: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'audit-file-'));
  context?.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function openLog(filePath: string): Promise<AuditLog> {
  const device = await fileDevice.open({ file_path: filePath }, contextOf());
  return new AuditLog({
    device,
    origin: 'c/n/file',
    clock: systemClock,
    log: silentLog,
    deadlineMs: 10_000,
    signer,
  });
}

function record(id: string): string {
  return `{"type":"request","request":{"id":"${id}"}`;
}

auditDeviceContract('file', async () => {
  const directory = await temporary();
  const filePath = path.join(directory, 'logs', 'audit.log');
  const device = await fileDevice.open({ file_path: filePath }, contextOf());
  if (isResumable(device)) await device.resume();
  return {
    device,
    received: () => readFile(filePath, 'utf8'),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});

auditDeviceContract('stdout', async () => {
  let text = '';
  const stdout = (part: Buffer): Promise<void> => {
    text += part.toString();
    return Promise.resolve();
  };
  const device = await fileDevice.open({ file_path: 'STDOUT' }, contextOf({ stdout }));
  return { device, received: () => Promise.resolve(text), dispose: () => Promise.resolve() };
});

test('the file is for its owner alone, even if it was there before with other bits', async (t) => {
  const directory = await temporary(t);
  for (const [mode, expected] of [
    [undefined, 0o600],
    ['0640', 0o640],
    ['0644', 0o644],
  ] as const) {
    const filePath = path.join(directory, `audit-${expected}.log`);
    await writeFile(filePath, '', { mode: 0o666 });
    const options = { file_path: filePath, ...(mode === undefined ? {} : { mode }) };
    const device = await fileDevice.open(options, contextOf());
    if (isResumable(device)) await device.resume();
    await device.close();
    assert.equal((await stat(filePath)).mode & 0o7777, expected);
  }
});

test('SEC-71: modes beyond 0644, prefixes of places and other directories are refused', async (t) => {
  const directory = await temporary(t);
  const data = path.join(directory, 'data');
  await mkdir(path.join(data, 'audit'), { recursive: true });
  await symlink(data, path.join(directory, 'link'));
  await symlink(path.join(data, 'plugin'), path.join(directory, 'innocent.log'));
  const context = contextOf({
    forbiddenDirectories: [data],
    allowedDirectories: [path.join(data, 'audit')],
  });
  const refused = (options: Record<string, string>): Promise<void> =>
    assert.rejects(fileDevice.open(options, context), RequestError);
  for (const mode of ['0777', '04755', '0666', '0000', '0755', '0o600', '']) {
    await refused({ file_path: path.join(directory, 'a.log'), mode });
  }
  for (const filePath of [
    'relative.log',
    '',
    data,
    path.join(data, 'plugin'),
    path.join(data, 'audit', '..', 'plugin'),
    `${directory}/x/../data/plugin`,
    path.join(directory, 'link', 'plugin'),
    path.join(directory, 'innocent.log'),
    path.join(directory, 'a\0b'),
  ]) {
    await refused({ file_path: filePath });
    await refused({ path: filePath });
  }
  await (await fileDevice.open({ file_path: path.join(data, 'audit', 'a.log') }, context)).close();
  await (await fileDevice.open({ file_path: `${data}-other/a.log` }, context)).close();
});

test('a full disk refuses the record and does not hang', async () => {
  const log = await openLog('/dev/full');
  await assert.rejects(log.append(record('a'), 'request'), { code: 'audit_failed' });
  assert.equal(log.state, 'failing');
  await log.close();
});

test('after a restart the chain goes on', async (t) => {
  const filePath = path.join(await temporary(t), 'audit.log');
  for (const id of ['a', 'b', 'c']) {
    const log = await openLog(filePath);
    await log.append(record(id), 'request');
    await log.close();
  }
  const result = await verifyAuditFiles([filePath]);
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  assert.equal(result.records, 3);
  assert.equal(result.firstSeq, 1);
  assert.equal(result.unsignedRecords, 0);
});

test('what a crash leaves at the end is fenced off, wherever the line was cut', async (t) => {
  const directory = await temporary(t);
  const filePath = path.join(directory, 'audit.log');
  const log = await openLog(filePath);
  for (const id of ['a', 'b']) await log.append(record(id), 'request');
  await log.close();
  const whole = await readFile(filePath);
  const lastLine = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
  for (let cut = lastLine; cut < whole.length; cut += 7) {
    const copy = path.join(directory, `cut-${cut}.log`);
    await writeFile(copy, whole.subarray(0, cut));
    const again = await openLog(copy);
    await again.append(record('c'), 'request');
    await again.close();
    const result = await verifyAuditFiles([copy]);
    assert.equal(result.ok, true, `${cut}: ${JSON.stringify(result.firstFault)}`);
    assert.equal(result.records, 3);
    assert.equal(result.recoveries, cut === lastLine ? 0 : 1);
  }
});

test('a last line that lacks nothing but its newline is a line, be it a checkpoint', async (t) => {
  const filePath = path.join(await temporary(t), 'audit.log');
  const log = await openLog(filePath);
  await log.append(record('a'), 'request');
  await log.close();
  const whole = await readFile(filePath);
  await truncate(filePath, whole.length - 1);
  for (const id of ['b', 'c']) {
    const again = await openLog(filePath);
    await again.append(record(id), 'request');
    await again.close();
  }
  const result = await verifyAuditFiles([filePath]);
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  assert.deepEqual([result.records, result.recoveries], [3, 0]);
  assert.deepEqual((await readFile(filePath)).subarray(0, whole.length), whole);
});

test('garbage and zero bytes after the last good line are fenced off too', async (t) => {
  const directory = await temporary(t);
  for (const [index, tail] of ['\0'.repeat(5000), 'x\ny\n{"seq":9}\nz', '\n\n'].entries()) {
    const filePath = path.join(directory, `audit-${index}.log`);
    const log = await openLog(filePath);
    await log.append(record('a'), 'request');
    await log.close();
    await appendFile(filePath, tail);
    const again = await openLog(filePath);
    await again.append(record('b'), 'request');
    await again.close();
    // A second restart must see through the fence.
    const third = await openLog(filePath);
    await third.append(record('c'), 'request');
    await third.close();
    const result = await verifyAuditFiles([filePath]);
    assert.equal(result.ok, true, JSON.stringify(result.firstFault));
    assert.equal(result.recoveries, 1);
  }
});

test('a file with another content is fenced off as a whole', async (t) => {
  const filePath = path.join(await temporary(t), 'audit.log');
  await writeFile(
    filePath,
    '{"time":"2020","type":"request"}\n{"time":"2020","type":"response"}\n',
  );
  const log = await openLog(filePath);
  await log.append(record('a'), 'request');
  await log.close();
  const result = await verifyAuditFiles([filePath]);
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  assert.equal(result.records, 1);
});

test('a line changed while the server was down is still found', async (t) => {
  const filePath = path.join(await temporary(t), 'audit.log');
  const log = await openLog(filePath);
  for (const id of ['a', 'b', 'c']) await log.append(record(id), 'request');
  await log.close();
  const text = await readFile(filePath, 'utf8');
  await writeFile(filePath, text.replace('"id":"a"', '"id":"x"'));
  const again = await openLog(filePath);
  await again.append(record('d'), 'request');
  await again.close();
  const result = await verifyAuditFiles([filePath]);
  assert.equal(result.ok, false);
});

test('rotation: after reopen the new file carries the chain on', async (t) => {
  const directory = await temporary(t);
  const filePath = path.join(directory, 'audit.log');
  const log = await openLog(filePath);
  await log.append(record('a'), 'request');
  await rename(filePath, path.join(directory, 'audit.log.1'));
  await log.reopen();
  await log.append(record('b'), 'request');
  await log.close();
  const [first = ''] = (await readFile(filePath, 'utf8')).split('\n');
  assert.match(first, /"type":"header".*"opens":true/);
  const result = await verifyAuditFiles([path.join(directory, 'audit.log.1'), filePath]);
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  assert.equal(result.records, 2);
  assert.equal((await verifyAuditFiles([filePath])).ok, true);
});

test('rotation while nobody writes: the chain goes on from the file that was put aside', async (t) => {
  const directory = await temporary(t);
  const filePath = path.join(directory, 'audit.log');
  for (const id of ['a', 'b']) {
    const log = await openLog(filePath);
    await log.append(record(id), 'request');
    await log.close();
    await rename(filePath, path.join(directory, `audit.log.${id}`));
  }
  const log = await openLog(filePath);
  await log.append(record('c'), 'request');
  await log.close();
  const files = ['audit.log.a', 'audit.log.b', 'audit.log'];
  const result = await verifyAuditFiles(files.map((name) => path.join(directory, name)));
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  assert.equal(result.records, 3);
});

test('a deleted, moved or truncated file is noticed', async (t) => {
  const directory = await temporary(t);
  const filePath = path.join(directory, 'audit.log');
  const open = async (): Promise<AuditDevice> => {
    const device = await fileDevice.open({ file_path: filePath }, contextOf());
    assert.ok(isResumable(device));
    await device.resume();
    await device.append(Buffer.from('{"n":1}\n'));
    assert.equal(await device.inPlace(), true);
    return device;
  };
  const notInPlace = async (device: AuditDevice): Promise<void> => {
    assert.ok(isResumable(device));
    assert.equal(await device.inPlace(), false);
    assert.equal((await device.resume()).empty, true);
    await device.append(Buffer.from('{"n":2}\n'));
    assert.equal(await readFile(filePath, 'utf8'), '{"n":2}\n');
    await device.close();
    await rm(filePath);
  };
  const deleted = await open();
  await rm(filePath);
  await notInPlace(deleted);
  const moved = await open();
  await rename(filePath, `${filePath}.old`);
  await notInPlace(moved);
  const emptied = await open();
  await truncate(filePath);
  await notInPlace(emptied);
});
