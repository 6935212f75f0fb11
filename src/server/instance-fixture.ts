/**
 * What tests of the whole core share: an unsealed instance, asked as a facade asks. Its clock stands still until the test
 * moves it, and a second instance over the same storage shows what a restart finds.
 */
import { AuditBroker } from '../audit/broker.ts';
import type { AuditDeviceType } from '../audit/device.ts';
import { ManualClock } from '../base/clock-fixture.ts';
import { silentLog } from '../base/log.ts';
import { SteadyClock } from '../base/steady-clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { JsonObject } from '../base/json.ts';
import type { World } from '../base/world.ts';
import type { Answer, Call, CallOperation } from '../core/call.ts';
import { createShamirSeal } from '../seal/shamir/shamir-seal.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { Storage } from '../storage/storage.ts';
import type { LogLevels } from '../system/loggers.ts';
import type { LogFeed } from '../base/log.ts';
import { mountSecret } from './start/dev-mode.ts';
import { Instance } from './instance.ts';
import { LendingTarget, lendingBackend } from './lending/lending-fixture.ts';
import { startMonitoring } from './monitoring.ts';
import type { SnapshotOptions } from './snapshots/options.ts';

export const NO_LOGS: LogLevels = {
  levels: () => new Map(),
  levelOf: () => 'info',
  setLevel: () => false,
  resetLevel: () => false,
  setAllLevels: () => {},
  resetAllLevels: () => {},
};

export const NO_FEED: LogFeed = { form: () => 'standard', follow: () => () => {} };

export const ROOT_TOKEN = 'root';
const HOUR_SECONDS = 3600;

export interface Asking {
  /** The root token unless told otherwise; null = none. */
  readonly token?: string | null;
  /** `''` or `a/b/`. */
  readonly namespace?: string;
  /** Body of a write, query of anything else. */
  readonly data?: JsonObject;
  readonly wrapTtlSeconds?: number;
  readonly address?: string;
  readonly call?: Partial<Call>;
}

export interface OpeningOptions {
  readonly storage?: Storage;
  readonly clock?: ManualClock;
  /** Takes the operational log; silent without it. */
  readonly log?: Log;
  /** Devices that every request is recorded with, each required. */
  readonly audit?: readonly AuditDeviceType[];
  readonly target?: LendingTarget;
  readonly rawStorage?: boolean;
  readonly rotationPrograms?: string;
  readonly feed?: LogFeed;
  readonly snapshots?: SnapshotOptions;
  readonly defaultLeaseSeconds?: number;
  readonly maxLeaseSeconds?: number;
  /** Key shares of the cluster that is already in the storage. */
  readonly shares?: readonly Buffer[];
}

export interface OpenInstance {
  readonly instance: Instance;
  readonly clock: ManualClock;
  readonly target: LendingTarget;
  readonly shares: readonly Buffer[];
  /** As root unless told otherwise. */
  ask(operation: CallOperation, path: string, asking?: Asking): Promise<Answer>;
  /** As `ask`, for what must succeed; the data of the reply. */
  get(operation: CallOperation, path: string, asking?: Asking): Promise<Record<string, unknown>>;
  /** As `ask`: `ok`, or the code of the error. */
  outcome(operation: CallOperation, path: string, asking?: Asking): Promise<string>;
  /** A token with these policies only. */
  tokenFor(...policies: readonly string[]): Promise<string>;
  /** A token made with these parameters, a child of `parent`. */
  makeToken(data?: JsonObject, asking?: Asking): Promise<string>;
  /** Lets time pass, and what came due be done. */
  pass(seconds: number): Promise<void>;
}

/** An instance with KV version 2 at `secret/`. The caller closes it. */
export async function openInstance(options: OpeningOptions = {}): Promise<OpenInstance> {
  const clock = options.clock ?? new ManualClock();
  const target = options.target ?? new LendingTarget();
  const steadyClock = new SteadyClock({
    log: options.log ?? silentLog,
    machine: clock,
    uptimeMs: () => clock.monotonicMs(),
  });
  const world: World = {
    clock: steadyClock,
    random: systemRandom,
    log: options.log ?? silentLog,
    fatal: (reason) => {
      throw new Error(reason);
    },
  };
  const devices = options.audit ?? [];
  const audit = new AuditBroker({
    types: devices,
    origin: 'strongroom',
    clock,
    random: systemRandom,
    log: silentLog,
    devices: { forbiddenDirectories: [], allowedDirectories: [], stdout: async () => {} },
  });
  const monitoring = startMonitoring({
    world,
    logs: NO_LOGS,
    feed: options.feed ?? NO_FEED,
    prefix: 'vault',
    sealed: () => false,
  });
  // A test wants no watch over its process.
  monitoring.stop();
  const instance = await Instance.open({
    world,
    storage: options.storage ?? createMemoryStorage(),
    storageType: 'inmem',
    seal: createShamirSeal(systemRandom),
    audit,
    auditDevices: devices.map(({ type }) => ({
      path: `${type}/`,
      type,
      description: '',
      options: {},
      local: false,
      salt: type,
      declared: true,
    })),
    auditCreationAllowed: false,
    rawStorage: options.rawStorage ?? false,
    rotationPrograms: options.rotationPrograms ?? '',
    ...(options.snapshots === undefined ? {} : { snapshots: options.snapshots }),
    leaseBounds: {
      defaultSeconds: options.defaultLeaseSeconds ?? HOUR_SECONDS,
      maxSeconds: options.maxLeaseSeconds ?? HOUR_SECONDS,
    },
    clusterName: undefined,
    apiAddress: () => '',
    clusterAddress: () => '',
    openRekey: false,
    openRootGeneration: false,
    monitoring,
    steadyClock,
    furtherBackends: new Map([['lending', () => lendingBackend(target)]]),
  });
  const shares =
    options.shares ??
    (await instance.initialize({ sharing: { shares: 1, threshold: 1 } }, ROOT_TOKEN)).shares;
  // A submitted share is wiped.
  for (const share of shares) await instance.unsealer.submit(Buffer.from(share));
  await instance.serve();
  if (options.shares === undefined) await mountSecret(instance, ROOT_TOKEN, '2');

  async function ask(operation: CallOperation, path: string, asking: Asking = {}): Promise<Answer> {
    const data = asking.data ?? {};
    const hasBody = operation === 'write' || operation === 'patch';
    return await instance.handle({
      protocol: 'vault',
      operation,
      path,
      namespace: asking.namespace ?? '',
      token: asking.token === null ? undefined : (asking.token ?? ROOT_TOKEN),
      query: hasBody ? {} : data,
      readBody: async () => data,
      wrapTtlSeconds: asking.wrapTtlSeconds ?? 0,
      wrapFormat: '',
      connection: {
        remoteAddress: asking.address ?? '127.0.0.1',
        remotePort: 1,
        clientCertificates: [],
        local: false,
      },
      headers: {},
      ...asking.call,
    });
  }

  async function makeToken(data: JsonObject = {}, asking: Asking = {}): Promise<string> {
    const { auth, error } = await ask('write', 'auth/token/create', { ...asking, data });
    if (auth === undefined) throw error ?? new Error('no token');
    return auth.clientToken;
  }

  return {
    instance,
    clock,
    target,
    shares,
    ask,
    makeToken,
    async get(operation, path, asking) {
      const { error, reply } = await ask(operation, path, asking);
      if (error !== undefined) throw error;
      return { ...reply?.data };
    },
    outcome: async (operation, path, asking) =>
      (await ask(operation, path, asking)).error?.code ?? 'ok',
    tokenFor: (...policies) => makeToken({ policies: [...policies], no_default_policy: true }),
    async pass(seconds) {
      clock.advance(seconds * 1000);
      await instance.services.expirer.settler()();
    },
  };
}

/** Another instance over the same storage, as after the process was killed: the first one's timers never fire again. */
export async function restarted(
  before: OpenInstance,
  storage: Storage,
  options: OpeningOptions = {},
): Promise<OpenInstance> {
  return await openInstance({
    storage,
    clock: new ManualClock(before.clock.nowMs()),
    target: before.target,
    shares: before.shares,
    ...options,
  });
}
