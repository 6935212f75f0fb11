/** The product's whole core on simulated doors: one start of one server. */
import { AuditBroker } from '../../src/audit/broker.ts';
import type { AuditDeviceType } from '../../src/audit/device.ts';
import { MetricsRegistry } from '../../src/base/metrics/metrics.ts';
import type { Answer, Call, CallOperation } from '../../src/core/call.ts';
import { databaseBackend } from '../../src/engines/database/database.ts';
import { rotatingKv } from '../../src/engines/kv/kv.ts';
import { Slots } from '../../src/engines/kv/rotation/ports.ts';
import { InFlightRegistry } from '../../src/http/in-flight.ts';
import type { Backend } from '../../src/model/backend.ts';
import {
  DEFAULT_PASSWORD_POLICY,
  generatePassword,
} from '../../src/policy/password/password-policy.ts';
import { databaseRotator } from '../../src/rotators/account/databases.ts';
import { createShamirSeal } from '../../src/seal/shamir/shamir-seal.ts';
import { NO_FEED, NO_LOGS } from '../../src/server/instance-fixture.ts';
import { Instance } from '../../src/server/instance.ts';
import type { Monitoring } from '../../src/server/monitoring.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { DatabaseMember } from '../../src/targets/database.ts';
import type { Machine } from './world/machine.ts';

export interface Doors {
  readonly machine: Machine;
  readonly storage: Storage;
  readonly audit: AuditDeviceType;
  readonly target: DatabaseMember;
}

/** Types of mounts that work with the simulated target. */
export const ACCOUNTS = 'simulated-accounts';
export const ROTATING = 'simulated-kv';

const LEASE_SECONDS = 3_600;
const DEVICE = 'simulated';

export async function openServer(doors: Doors): Promise<Instance> {
  const { machine, storage } = doors;
  const { world } = machine;
  const audit = new AuditBroker({
    types: [doors.audit],
    origin: `cluster/${machine.name}`,
    clock: world.clock,
    random: world.random,
    log: world.log,
    devices: { forbiddenDirectories: [], allowedDirectories: [], stdout: async () => {} },
    soon: (action) => machine.later(0, 'soon', action),
  });
  return await Instance.open({
    world,
    storage,
    storageType: 'simulated',
    nodeName: machine.name,
    seal: createShamirSeal(world.random),
    audit,
    auditDevices: [
      {
        path: `${DEVICE}/`,
        type: DEVICE,
        description: '',
        options: {},
        local: false,
        salt: DEVICE,
        declared: true,
      },
    ],
    auditCreationAllowed: false,
    leaseBounds: { defaultSeconds: LEASE_SECONDS, maxSeconds: LEASE_SECONDS },
    clusterName: 'simulated',
    apiAddress: () => `http://${machine.name}`,
    clusterAddress: () => '',
    openRekey: false,
    openRootGeneration: false,
    monitoring: monitoringOf(machine),
    furtherBackends: enginesOf(doors),
  });
}

function enginesOf({ machine, target }: Doors): ReadonlyMap<string, () => Backend> {
  const { random, clock, log } = machine.world;
  const password = async (): Promise<string> => generatePassword(DEFAULT_PASSWORD_POLICY, random);
  const made = new Map<string, Backend>();
  const once = (type: string, make: () => Backend) => (): Backend => {
    let backend = made.get(type);
    if (backend === undefined) {
      backend = make();
      made.set(type, backend);
    }
    return backend;
  };
  const rotator = databaseRotator('simulated', target, random);
  const accounts = (): Backend =>
    databaseBackend({ random, members: new Map([['simulated', target]]), password });
  const rotating = (): Backend =>
    rotatingKv(
      {
        clock,
        random,
        log,
        rotators: async () => new Map([['simulated', rotator]]),
        password,
        alerts: { failed: () => {}, rotated: () => {}, overdue: () => {} },
        slots: new Slots(),
      },
      {
        random,
        callOut: () => Promise.reject(new Error('there is no network')),
        tell: async () => await Promise.resolve([]),
      },
    );
  return new Map([
    [ACCOUNTS, once(ACCOUNTS, accounts)],
    [ROTATING, once(ROTATING, rotating)],
  ]);
}

/** Without a watch over the process that simulates. */
function monitoringOf({ world }: Machine): Monitoring {
  return {
    registry: new MetricsRegistry(),
    requests: new InFlightRegistry(world),
    logs: NO_LOGS,
    feed: NO_FEED,
    profiling: {
      profiler: { cpu: refuse, heap: refuse, allocations: refuse } as never,
      nowMs: () => world.clock.nowMs(),
      commandLine: [],
      activeResources: () => [],
    },
    prefix: 'vault',
    prometheus: false,
    clock: world.clock,
    startedMonotonicMs: world.clock.monotonicMs(),
    inFlight: () => [],
    stop: () => {},
  };
}

function refuse(): never {
  throw new Error('nothing is profiled here');
}

export interface Question {
  readonly operation: CallOperation;
  readonly path: string;
  /** Empty, or ends in '/'. */
  readonly namespace?: string;
  readonly token: string;
  readonly data?: Call['query'];
  readonly wrapTtlSeconds?: number;
}

export function callOf(question: Question): Call {
  const { operation, path, namespace = '', token, data = {}, wrapTtlSeconds = 0 } = question;
  const hasBody = operation === 'write' || operation === 'patch';
  return {
    protocol: 'vault',
    operation,
    path,
    namespace,
    token,
    query: hasBody ? {} : data,
    readBody: async () => data,
    wrapTtlSeconds,
    wrapFormat: '',
    connection: {
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      clientCertificates: [],
      local: false,
    },
    headers: {},
  };
}

/** The data of an answer that must be good. */
export function dataOf(answer: Answer): Readonly<Record<string, unknown>> {
  if (answer.error !== undefined) throw answer.error;
  return { ...answer.reply?.data };
}
