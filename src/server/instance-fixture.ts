/** What tests of the whole core share: an unsealed instance over a store in memory, asked as a facade asks. */
import { AuditBroker } from '../audit/broker.ts';
import { TEST_WORLD } from '../barrier/barrier-fixture.ts';
import type { JsonObject } from '../base/json.ts';
import type { Answer, CallOperation } from '../core/call.ts';
import { createShamirSeal } from '../seal/shamir/shamir-seal.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import type { LogLevels } from '../system/loggers.ts';
import { mountSecret } from './dev-mode.ts';
import { Instance } from './instance.ts';
import { startMonitoring } from './monitoring.ts';

const NO_LOGS: LogLevels = {
  levels: () => new Map(),
  levelOf: () => 'info',
  setLevel: () => false,
  resetLevel: () => false,
  setAllLevels: () => {},
  resetAllLevels: () => {},
};

export const ROOT_TOKEN = 'root';
const HOUR_SECONDS = 3600;

export interface Asking {
  readonly token?: string;
  readonly namespace?: string;
  /** Body of a write, query of anything else. */
  readonly data?: JsonObject;
  readonly wrapTtlSeconds?: number;
}

export interface OpenInstance {
  readonly instance: Instance;
  /** As root unless told otherwise. */
  ask(operation: CallOperation, path: string, asking?: Asking): Promise<Answer>;
  /** A token with these policies only. */
  tokenFor(...policies: readonly string[]): Promise<string>;
}

/** An instance with KV version 2 at `secret/`. The caller closes it. */
export async function openInstance(): Promise<OpenInstance> {
  const audit = new AuditBroker({
    types: [],
    origin: 'strongroom',
    clock: TEST_WORLD.clock,
    random: TEST_WORLD.random,
    log: TEST_WORLD.log,
    devices: { forbiddenDirectories: [], allowedDirectories: [], stdout: async () => {} },
  });
  const monitoring = startMonitoring({
    world: TEST_WORLD,
    logs: NO_LOGS,
    prefix: 'vault',
    sealed: () => false,
  });
  // A test wants no watch over its process.
  monitoring.stop();
  const instance = await Instance.open({
    world: TEST_WORLD,
    storage: createMemoryStorage(),
    storageType: 'inmem',
    seal: createShamirSeal(TEST_WORLD.random),
    audit,
    auditDevices: [],
    auditCreationAllowed: false,
    leaseBounds: { defaultSeconds: HOUR_SECONDS, maxSeconds: HOUR_SECONDS },
    clusterName: undefined,
    apiAddress: () => '',
    clusterAddress: () => '',
    openRekey: false,
    openRootGeneration: false,
    monitoring,
  });
  const { shares } = await instance.initialize(
    { sharing: { shares: 1, threshold: 1 } },
    ROOT_TOKEN,
  );
  for (const share of shares) await instance.unsealer.submit(share);
  await instance.serve();
  await mountSecret(instance, ROOT_TOKEN, '2');

  async function ask(operation: CallOperation, path: string, asking: Asking = {}): Promise<Answer> {
    const data = asking.data ?? {};
    const hasBody = operation === 'write' || operation === 'patch';
    return await instance.handle({
      protocol: 'vault',
      operation,
      path,
      namespace: asking.namespace ?? '',
      token: asking.token ?? ROOT_TOKEN,
      query: hasBody ? {} : data,
      readBody: async () => data,
      wrapTtlSeconds: asking.wrapTtlSeconds ?? 0,
      wrapFormat: '',
      connection: {
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        clientCertificates: [],
        local: false,
      },
      headers: {},
    });
  }

  return {
    instance,
    ask,
    async tokenFor(...policies) {
      const data = { policies: [...policies], no_default_policy: true };
      const { auth, error } = await ask('write', 'auth/token/create', { data });
      if (auth === undefined) throw error ?? new Error('no token');
      return auth.clientToken;
    },
  };
}
