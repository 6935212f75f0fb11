/** The cluster that every simulated run begins with, made once: as records of a store, and accounts of a target. */
import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { BATCH_MAX } from '../../src/storage/storage.ts';
import type { Entry } from '../../src/storage/storage.ts';
import { AuditFile, auditDevice } from './world/audit-file.ts';
import { Chance } from './world/chance.ts';
import { Machine } from './world/machine.ts';
import { Scheduler } from './world/scheduler.ts';
import { ACCOUNTS, ROTATING, callOf, dataOf, openServer } from './server.ts';
import type { Question } from './server.ts';
import { KEEPER, KEEPER_PASSWORD, Target } from './world/target.ts';

export interface Image {
  readonly entries: readonly Entry[];
  readonly accounts: ReadonlyMap<string, string>;
  readonly share: Buffer;
}

export const ROOT_TOKEN = 'root';
/** How long an account is lent, in seconds, and how often the credentials of kept accounts change. */
export const LENT_SECONDS = 3;
const LENT_SECONDS_MAX = 8;
const PERIOD_SECONDS = 6;
/** Where accounts are lent, beside the mounts that come and go, at one of two paths, here and in a namespace. */
export const ACCOUNTS_MOUNT = 'accounts';
export const SPARE_MOUNTS: readonly string[] = ['spare', 'moved'];
export const TEAM = 'team/';
/** Accounts whose credentials are kept: by the database engine, one of them only when asked to, and in a secret. */
export const FIXED = 'fixed';
export const STILL = 'still';
export const ROTATED = 'rotated';

const APP = `
path "secret/data/shared/*" { capabilities = ["create", "update", "read"] }
path "auth/token/create" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "accounts/creds/*" { capabilities = ["read"] }
`;
export const GUARDED = 'secret/data/guarded';

export function guardPolicy(allowed: boolean): string {
  return `path "${GUARDED}" { capabilities = ["${allowed ? 'read' : 'deny'}"] }`;
}

/** Tokens that live as long as a run: one under the policy that changes, one that may do nothing. */
export const GUARD_TOKEN = 'guard-token';
export const NOTHING_TOKEN = 'nothing-token';

/** An account that outlives the run unless it is taken back. */
export const LONG_ROLE: JsonObject = { db_name: 'main', default_ttl: '1h', max_ttl: '1h' };
const SPARE_KEEPER = 'spare-keeper';
export const SPARE_CONFIG: JsonObject = {
  plugin_name: 'simulated',
  username: SPARE_KEEPER,
  password: 'kept',
  allowed_roles: '*',
};

function longLived(id: string, policy: string): JsonObject {
  return { id, policies: [policy], no_default_policy: true, no_parent: true };
}

const STEPS: readonly (readonly [path: string, data: Question['data']])[] = [
  ['sys/mounts/secret', { type: 'kv', options: { version: '2' } }],
  ['sys/mounts/accounts', { type: ACCOUNTS }],
  ['sys/mounts/rotating', { type: ROTATING }],
  [GUARDED, { data: { v: 1 } }],
  ['sys/policies/acl/guard', { policy: guardPolicy(true) }],
  ['sys/policies/acl/app', { policy: APP }],
  ['auth/token/create', longLived(GUARD_TOKEN, 'guard')],
  ['auth/token/create', longLived(NOTHING_TOKEN, 'none')],
  [
    'accounts/config/main',
    {
      plugin_name: 'simulated',
      username: KEEPER,
      password: KEEPER_PASSWORD,
      allowed_roles: '*',
    },
  ],
  [
    'accounts/roles/app',
    {
      db_name: 'main',
      default_ttl: `${LENT_SECONDS}s`,
      max_ttl: `${LENT_SECONDS_MAX}s`,
    },
  ],
  ['accounts/roles/long', LONG_ROLE],
  ['accounts/static-roles/still', { db_name: 'main', username: STILL, rotation_period: '24h' }],
  ['sys/mounts/spare', { type: ACCOUNTS }],
  ['spare/config/main', SPARE_CONFIG],
  ['spare/roles/long', LONG_ROLE],
  [
    'accounts/static-roles/fixed',
    { db_name: 'main', username: FIXED, rotation_period: `${PERIOD_SECONDS}s` },
  ],
  ['rotating/data/app', { data: { username: ROTATED, password: 'first-password' } }],
  [
    'rotating/rotation/secret/app',
    {
      rotator: 'simulated',
      period: `${PERIOD_SECONDS}s`,
      settings: { connection_url: 'simulated', username: 'second-keeper', password: 'kept' },
    },
  ],
];

export async function makeImage(): Promise<Image> {
  const chance = new Chance(0, 'image');
  const scheduler = new Scheduler(chance);
  const machine = new Machine({
    scheduler,
    name: 'image',
    seed: 0,
    skewMs: 0,
    latenessMs: () => 0,
    believesClock: false,
  });
  const storage = createMemoryStorage();
  const accounts = new Map([
    [KEEPER, KEEPER_PASSWORD],
    ['second-keeper', 'kept'],
    [SPARE_KEEPER, 'kept'],
    [FIXED, 'first-password'],
    [STILL, 'first-password'],
    [ROTATED, 'first-password'],
  ]);
  const target = new Target(scheduler, chance, accounts);
  let image: Image | undefined;
  let failure: unknown;
  const make = async (): Promise<void> => {
    const audit = auditDevice(new AuditFile(chance), machine, scheduler);
    const instance = await openServer({ machine, storage, audit, target: target.seenBy(machine) });
    const sharing = { sharing: { shares: 1, threshold: 1 } };
    const [share] = (await instance.initialize(sharing, ROOT_TOKEN)).shares;
    if (share === undefined) throw new Error('no share');
    await instance.unsealer.submit(Buffer.from(share));
    await instance.serve();
    for (const [path, data] of STEPS) {
      const question = { operation: 'write', path, token: ROOT_TOKEN } as const;
      dataOf(
        await instance.handle(callOf({ ...question, ...(data === undefined ? {} : { data }) })),
      );
    }
    await instance.seal();
    const entries = await storage.scan('', undefined, BATCH_MAX);
    image = { entries, accounts: target.accounts, share };
  };
  make().catch((error: unknown) => (failure = error));
  await scheduler.run(60_000, () => image !== undefined || failure !== undefined);
  if (image === undefined) throw failure ?? new Error('the image was not made in time');
  return image;
}
