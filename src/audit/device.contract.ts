/** What every audit device must do. Each member runs this suite against the real thing on the other side. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AuditDevice } from './device.ts';

export interface DeviceUnderTest {
  readonly device: AuditDevice;
  /** Everything that arrived, once at least `bytes` bytes have, or as it is after the time that a test may take. */
  received(bytes: number): Promise<string>;
  /** Ends what the test started. */
  dispose(): Promise<void>;
}

async function expectText(subject: DeviceUnderTest, text: string): Promise<void> {
  assert.equal(await subject.received(Buffer.byteLength(text)), text);
}

/** Declares the tests for one member. */
export function auditDeviceContract(name: string, start: () => Promise<DeviceUnderTest>): void {
  const run = async (body: (subject: DeviceUnderTest) => Promise<void>): Promise<void> => {
    const subject = await start();
    try {
      await body(subject);
    } finally {
      await subject.device.close();
      await subject.dispose();
    }
  };
  test(`${name}: lines arrive whole and in order`, () =>
    run(async (subject) => {
      const lines = Array.from({ length: 40 }, (_, index) => `{"n":${index}}\n`);
      for (const line of lines) await subject.device.append(Buffer.from(line));
      await expectText(subject, lines.join(''));
    }));

  test(`${name}: several lines in one append stay apart`, () =>
    run(async (subject) => {
      await subject.device.append(Buffer.from('{"a":1}\n{"b":2}\n{"c":3}\n'));
      await expectText(subject, '{"a":1}\n{"b":2}\n{"c":3}\n');
    }));

  test(`${name}: text beyond ASCII arrives as UTF-8`, () =>
    run(async (subject) => {
      await subject.device.append(Buffer.from('{"t":"Grüße, 秘密 🔐"}\n'));
      await expectText(subject, '{"t":"Grüße, 秘密 🔐"}\n');
    }));

  test(`${name}: records go on arriving after reopen`, () =>
    run(async (subject) => {
      await subject.device.append(Buffer.from('{"n":1}\n'));
      await subject.device.reopen();
      if ('resume' in subject.device && typeof subject.device.resume === 'function') {
        await subject.device.resume();
      }
      await subject.device.append(Buffer.from('{"n":2}\n'));
      await expectText(subject, '{"n":1}\n{"n":2}\n');
    }));

  test(`${name}: closing twice is no error`, () =>
    run(async (subject) => {
      await subject.device.append(Buffer.from('{"n":1}\n'));
      await subject.device.close();
      await subject.device.close();
    }));
}
