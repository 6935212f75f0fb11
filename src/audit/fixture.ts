/** What the tests of the audit room share: a broker in a directory of its own, devices that hang, a clock that stands still. */
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { AuditBroker } from './broker.ts';
import type { AuditDeviceSpec, AuditKeys, AuditMetrics } from './broker.ts';
import { createLogSigner } from './checkpoint.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import type { AuditDevice, AuditDeviceType, DeviceContext } from './device.ts';
import type { Exporters } from './exporting.ts';
import type { RequestEntry } from './record.ts';
import type { Principal } from '../model/principal.ts';

export const CANARY: string = 'cAnArY-7f3a91';
export const signer: CheckpointSigner = createLogSigner(Buffer.alloc(32, 5));
export const keys: AuditKeys = {
  deviceKey: (salt) => createHmac('sha256', 'audit key').update(salt).digest(),
  signer,
};
const namespace = { id: 'root', path: '' };
const principal: Principal = {
  tokenId: 'token-id',
  accessor: `${CANARY}-accessor`,
  displayName: 'approle',
  entityId: 'entity',
  tokenType: 'service',
  tokenNamespace: namespace,
  policies: ['app', 'default'],
  tokenPolicies: ['app', 'default'],
  identityPolicies: [],
  metadata: { role_name: 'app' },
  isRoot: false,
  path: 'auth/approle/login',
  ttlSeconds: 3600,
};

export function requestOf(change: Partial<RequestEntry> = {}): RequestEntry {
  return {
    id: '11111111-2222-4333-8444-555555555555',
    protocol: 'vault',
    operation: 'update',
    namespace,
    path: 'secret/data/app',
    mount: { path: 'secret/', type: 'kv', accessor: 'kv_12345678' },
    token: `${CANARY}-token`,
    principal,
    policyResults: {
      allowed: true,
      grantingPolicies: [{ name: 'app', namespaceId: 'root', type: 'acl' }],
    },
    connection: {
      remoteAddress: '127.0.0.1',
      remotePort: 4711,
      clientCertificates: [],
      local: false,
    },
    ...change,
  };
}

export function specOf(change: Partial<AuditDeviceSpec> = {}): AuditDeviceSpec {
  return {
    path: 'file/',
    type: 'file',
    description: '',
    options: {},
    local: false,
    salt: 'salt',
    declared: false,
    ...change,
  };
}

export interface World {
  readonly broker: AuditBroker;
  readonly directory: string;
  readonly file: (name?: string) => string;
  /** Closes the broker and reads what one device wrote. */
  text(name?: string): Promise<string>;
}

export async function worldOf(
  t: TestContext,
  types: readonly AuditDeviceType[],
  change: {
    clock?: Clock;
    held?: readonly HeldDevice[];
    metrics?: AuditMetrics;
    exporters?: Exporters;
    stdout?: (lines: Buffer) => Promise<void>;
  } = {},
): Promise<World> {
  const directory = await mkdtemp(path.join(tmpdir(), 'audit-broker-'));
  const broker = new AuditBroker({
    types: [...types, ...(change.held ?? []).map(({ type }) => type)],
    origin: 'cluster/node',
    clock: change.clock ?? systemClock,
    random: systemRandom,
    log: silentLog,
    devices: {
      forbiddenDirectories: [],
      allowedDirectories: [],
      stdout: change.stdout ?? (() => Promise.resolve()),
    },
    metrics: change.metrics,
    exporters: change.exporters,
  });
  t.after(async () => {
    for (const device of change.held ?? []) device.letGo();
    await broker.close();
    await rm(directory, { recursive: true, force: true });
  });
  const file = (name = 'audit'): string => path.join(directory, `${name}.log`);
  return {
    broker,
    directory,
    file,
    text: async (name) => {
      await broker.close();
      return readFile(file(name), 'utf8');
    },
  };
}

/** A device whose appends wait until the test lets them go. */
export interface HeldDevice {
  readonly type: AuditDeviceType;
  readonly taken: string[];
  release(error?: Error): void;
  /** Holds nothing any more. */
  letGo(): void;
}

export function heldDevice(type = 'held'): HeldDevice {
  const waiting: PromiseWithResolvers<void>[] = [];
  const taken: string[] = [];
  let holds = true;
  const device: AuditDevice = {
    append(lines) {
      taken.push(lines.toString());
      if (!holds) return Promise.resolve();
      const settlers = Promise.withResolvers<void>();
      waiting.push(settlers);
      return settlers.promise;
    },
    reopen: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return {
    type: { type, summary: '', options: {}, open: () => Promise.resolve(device) },
    release(error) {
      for (const settlers of waiting.splice(0)) {
        if (error === undefined) settlers.resolve();
        else settlers.reject(error);
      }
    },
    letGo() {
      holds = false;
      for (const settlers of waiting.splice(0)) settlers.resolve();
    },
    taken,
  };
}

export interface FakeClock extends Clock {
  advance(ms: number): void;
}

export function fakeClock(): FakeClock {
  let now = 1_800_000_000_000;
  const timers = new Set<{ at: number; action: () => void }>();
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    after(delayMs, action) {
      const timer = { at: now + delayMs, action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of timers) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.action();
      }
    },
  };
}

/** What a device is opened with, when nothing of it matters. */
export function contextOf(change: Partial<DeviceContext> = {}): DeviceContext {
  return {
    clock: systemClock,
    log: silentLog,
    forbiddenDirectories: [],
    allowedDirectories: [],
    stdout: () => Promise.resolve(),
    ...change,
  };
}

/** Collects what arrives at the other side of a connection. */
export class Inbox {
  text = '';
  #waiting: { bytes: number; resolve: (text: string) => void }[] = [];

  add(part: string): void {
    this.text += part;
    this.#waiting = this.#waiting.filter(({ bytes, resolve }) => {
      if (Buffer.byteLength(this.text) < bytes) return true;
      resolve(this.text);
      return false;
    });
  }

  /** The text, once it has so many bytes. */
  received(bytes: number): Promise<string> {
    if (Buffer.byteLength(this.text) >= bytes) return Promise.resolve(this.text);
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.push({ bytes, resolve });
    return promise;
  }
}

/** Lets everything that can run without time passing run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}
