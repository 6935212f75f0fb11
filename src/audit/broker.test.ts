/** The broker: who is waited for, and what happens when a device fails, hangs, comes or goes. */
import assert from 'node:assert/strict';
import { readFile, rename, rm } from 'node:fs/promises';
import { test } from 'node:test';

import type { AuditDeviceSpec, AuditMetrics } from './broker.ts';
import type { ResumableDevice } from './device.ts';
import {
  fakeClock,
  heldDevice,
  keys,
  requestOf,
  signer,
  specOf,
  turn,
  worldOf,
} from './fixture.ts';
import { fileDevice } from './file/file.ts';
import { verifyAuditFiles } from './verify.ts';

const failed = { name: 'RequestError', code: 'audit_failed' };

test('without a device requests are served', async (t) => {
  const { broker } = await worldOf(t, [fileDevice]);
  await broker.request(requestOf());
  assert.deepEqual(broker.health, { degraded: false, devices: [] });
});

test('request and reply of a read share one write', async (t) => {
  const held = heldDevice();
  const { broker } = await worldOf(t, [fileDevice], { held: [held] });
  await broker.enable(specOf({ type: 'held', options: { skip_test: 'true' } }));
  const request = requestOf({ operation: 'read' });
  const recorded = [broker.request(request), broker.reply({ request })];
  await turn();
  assert.equal(held.taken.length, 1);
  held.release();
  await Promise.all(recorded);
});

test('a record is not taken before its device says so', async (t) => {
  const held = heldDevice();
  const { broker } = await worldOf(t, [fileDevice], { held: [held] });
  await broker.enable(specOf({ type: 'held', options: { skip_test: 'true' } }));
  let done = false;
  const recorded = broker.request(requestOf()).finally(() => {
    done = true;
  });
  await turn();
  assert.equal(done, false);
  held.release();
  await recorded;
});

test('a device that hangs is given up after its deadline, and later requests fail at once', async (t) => {
  const clock = fakeClock();
  const held = heldDevice();
  const { broker } = await worldOf(t, [fileDevice], { clock, held: [held] });
  await broker.enable(specOf({ type: 'held', options: { skip_test: 'true', deadline: '3s' } }));
  const stuck = broker.request(requestOf());
  await turn();
  const behind = broker.request(requestOf());
  clock.advance(2999);
  assert.equal(broker.health.degraded, false);
  clock.advance(1);
  await assert.rejects(stuck, failed);
  await assert.rejects(behind, failed);
  assert.equal(broker.health.degraded, true);
  assert.equal(broker.health.devices[0]?.state, 'stalled');
  await assert.rejects(broker.request(requestOf()), failed);
  assert.equal(broker.health.devices[0]?.waitingRecords, 0);
  // The device answers after all: everything works again.
  held.release();
  await turn();
  const next = broker.request(requestOf());
  await turn();
  held.release();
  await next;
  assert.equal(broker.health.degraded, false);
  assert.equal(broker.health.devices[0]?.droppedRecords, 3);
});

test('a device that fails refuses the record, says so in its health, and recovers', async (t) => {
  const held = heldDevice();
  const counted: string[] = [];
  const metrics: AuditMetrics = {
    written: (device, { request, response }) => counted.push(`${device} +${request}/${response}`),
    failed: (device, { request, response }) => counted.push(`${device} -${request}/${response}`),
  };
  const { broker } = await worldOf(t, [fileDevice], { held: [held], metrics });
  await broker.enable(specOf({ type: 'held', options: { skip_test: 'true' } }));
  const refused = broker.request(requestOf());
  await turn();
  held.release(new Error('no space'));
  await assert.rejects(refused, failed);
  assert.equal(broker.health.degraded, true);
  const taken = broker.reply({ request: requestOf() });
  await turn();
  held.release();
  await taken;
  assert.equal(broker.health.degraded, false);
  assert.deepEqual(counted, ['file/ -1/0', 'file/ +0/1']);
});

test('a device is tried again when nobody asks, even after it failed before the first line', async (t) => {
  const clock = fakeClock();
  let broken = false;
  const device: ResumableDevice = {
    append: () => Promise.resolve(),
    resume: () => (broken ? Promise.reject(new Error('no such mount')) : Promise.resolve(empty)),
    inPlace: () => Promise.resolve(!broken),
    reopen: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const empty = { empty: true };
  const open = (): Promise<ResumableDevice> => Promise.resolve(device);
  const type = { type: 'fragile', summary: '', options: {}, open };
  const { broker } = await worldOf(t, [type], { clock });
  await broker.enable(specOf({ type: 'fragile' }));
  broken = true;
  clock.advance(2000);
  await turn();
  await assert.rejects(broker.request(requestOf()), failed);
  assert.equal(broker.health.degraded, true);
  broken = false;
  clock.advance(1000);
  await turn();
  assert.equal(broker.health.degraded, false);
});

test('a file that is put aside is noticed although writes never pause', async (t) => {
  const clock = fakeClock();
  const world = await worldOf(t, [fileDevice], { clock });
  await world.broker.enable(specOf({ options: { file_path: world.file() } }));
  await rename(world.file(), world.file('audit-1'));
  for (let written = 0; written < 10; written += 1) {
    clock.advance(50);
    await world.broker.request(requestOf());
  }
  assert.match(await world.text(), /"type":"request"/);
});

test('SEC-61: a reply that was not taken is written once the device works again', async (t) => {
  const clock = fakeClock();
  const held = heldDevice();
  const { broker } = await worldOf(t, [fileDevice], { clock, held: [held] });
  await broker.enable(specOf({ type: 'held', options: { skip_test: 'true' } }));
  const replyOf = (id: string): Promise<void> => broker.reply({ request: requestOf({ id }) });
  const failing = replyOf('one');
  await turn();
  held.release(new Error('no space'));
  await assert.rejects(failing, failed);
  // Stuck, waiting behind it, and refused at once.
  const stuck = [replyOf('two')];
  await turn();
  stuck.push(replyOf('three'));
  clock.advance(2000);
  stuck.push(replyOf('four'));
  for (const refused of stuck) await assert.rejects(refused, failed);
  held.taken.length = 0;
  held.release(new Error('no space'));
  await turn();
  const next = broker.request(requestOf({ id: 'five' }));
  await turn();
  held.letGo();
  await next;
  await turn();
  const written = held.taken.join('').match(/"id":"(?:one|two|three|four|five)"/g);
  assert.deepEqual(
    new Set(written),
    new Set(['one', 'two', 'three', 'four', 'five'].map((id) => `"id":"${id}"`)),
  );
});

test('a best-effort device never blocks when another is required', async (t) => {
  const held = heldDevice();
  const { broker, file } = await worldOf(t, [fileDevice], { held: [held] });
  await broker.enable(specOf({ options: { file_path: file() } }));
  await broker.enable(
    specOf({ path: 'extra/', type: 'held', options: { required: 'false', skip_test: 'true' } }),
  );
  await broker.request(requestOf());
  await broker.reply({ request: requestOf() });
  assert.equal(broker.health.degraded, false);
});

test('with best-effort devices alone, one of them must take the record', async (t) => {
  const [one, other] = [heldDevice('one'), heldDevice('other')];
  const { broker } = await worldOf(t, [fileDevice], { held: [one, other] });
  const options = { required: 'false', skip_test: 'true' };
  await broker.enable(specOf({ path: 'one/', type: 'one', options }));
  await broker.enable(specOf({ path: 'other/', type: 'other', options }));
  const taken = broker.request(requestOf());
  await turn();
  one.release(new Error('gone'));
  other.release();
  await taken;
  const refused = broker.request(requestOf());
  await turn();
  one.release(new Error('gone'));
  other.release(new Error('gone'));
  await assert.rejects(refused, failed);
  assert.equal(broker.health.degraded, true);
});

test('every required device must take the record', async (t) => {
  const held = heldDevice();
  const { broker, file } = await worldOf(t, [fileDevice], { held: [held] });
  await broker.enable(specOf({ options: { file_path: file() } }));
  await broker.enable(specOf({ path: 'held/', type: 'held', options: { skip_test: 'true' } }));
  const refused = broker.request(requestOf());
  await turn();
  held.release(new Error('gone'));
  await assert.rejects(refused, failed);
});

test('a device that does not take its test record is not enabled', async (t) => {
  const { broker, file } = await worldOf(t, [fileDevice]);
  const enable = (change: Partial<AuditDeviceSpec>): Promise<void> =>
    assert.rejects(broker.enable(specOf(change)), { code: 'invalid_request' });
  await enable({ options: { file_path: '/dev/full' } });
  await enable({ options: { file_path: '/proc/none/audit.log' } });
  await enable({ options: {} });
  await enable({ type: 'bogus' });
  await enable({ options: { file_path: file(), prefix: '#!/bin/sh\n' } });
  await enable({ options: { file_path: file(), format: 'jsonx' } });
  await enable({ options: { file_path: file(), log_raw: 'maybe' } });
  await enable({ options: { file_path: file(), deadline: '1h' } });
  await enable({ options: { file_path: file(), unknown: '1' } });
  for (const bad of ['', '/', 'a', '../', 'a b/', 'a//']) {
    await enable({ path: bad, options: { file_path: file() } });
  }
  assert.deepEqual(broker.list(), []);
  await broker.enable(specOf({ path: 'a/b/', options: { file_path: file() } }));
  await enable({ path: 'a/', options: { file_path: file('2') } });
  await enable({ path: 'a/b/c/', options: { file_path: file('2') } });
});

test('records before unsealing are signed with a boot key that the log key endorses later', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  const { broker, file } = world;
  await broker.enable(specOf({ options: { file_path: file() } }));
  await broker.request(requestOf({ path: 'sys/init', token: undefined, principal: undefined }));
  broker.unsealed(keys);
  await broker.request(requestOf());
  broker.sealed();
  await broker.request(requestOf({ path: 'sys/seal-status' }));
  broker.unsealed(keys);
  await broker.request(requestOf());
  await broker.close();
  const publicKey = signer.publicKey.toString('base64');
  const result = await verifyAuditFiles([file()], { publicKeys: [publicKey] });
  assert.equal(result.ok, true, JSON.stringify(result.firstFault));
  assert.equal(result.unsignedRecords, 0);
  assert.deepEqual(
    result.keys.map(({ role, trusted }) => [role, trusted]),
    [
      ['log', true],
      ['boot', true],
    ],
  );
});

test('reconcile makes the devices what is stored, and leaves unchanged ones alone', async (t) => {
  const { broker, file } = await worldOf(t, [fileDevice]);
  const a = specOf({ path: 'a/', declared: true, options: { file_path: file('a') } });
  const b = specOf({ path: 'b/', declared: true, options: { file_path: file('b') } });
  await broker.reconcile([a, b]);
  await broker.reconcile([b, specOf({ path: 'c/', options: { file_path: file('c') } })]);
  assert.deepEqual(
    broker.list().map((spec) => spec.path),
    ['b/', 'c/'],
  );
  const headers = (await readFile(file('b'), 'utf8')).split('"type":"header"').length - 1;
  assert.equal(headers, 1);
});

test('a declared device takes the place of a stored one', async (t) => {
  const { broker, file } = await worldOf(t, [fileDevice]);
  const stored = specOf({ path: 'main/', options: { file_path: file('stored') }, salt: 'old' });
  const declared = specOf({ path: 'main/', options: { file_path: file() }, declared: true });
  await broker.reconcile([declared, stored]);
  assert.deepEqual(
    broker.list().map(({ options }) => options['file_path']),
    [file()],
  );
});

test('a stored device that cannot take records serves all the same, and says so', async (t) => {
  const { broker } = await worldOf(t, [fileDevice]);
  await broker.reconcile([specOf({ options: { file_path: '/dev/full' } })]);
  await assert.rejects(broker.request(requestOf()), failed);
  assert.equal(broker.health.degraded, true);
  await assert.rejects(
    broker.reconcile([specOf({ path: 'x/', declared: true, options: { file_path: '/dev/full' } })]),
  );
});

test('SIGHUP: reopen lets a rotated file go', async (t) => {
  const world = await worldOf(t, [fileDevice]);
  const { broker, file } = world;
  await broker.enable(specOf({ options: { file_path: file() } }));
  await broker.request(requestOf());
  await rm(file());
  await broker.reopen();
  await broker.request(requestOf({ path: 'after/rotation' }));
  assert.match(await world.text(), /after\/rotation/);
});
