/** Fills a store through the core with secrets, people (entities with aliases), their tokens, and a lease of each token. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '../../src/base/clock-fixture.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { openInstance } from '../../src/server/instance-fixture.ts';
import type { OpenInstance } from '../../src/server/instance-fixture.ts';
import { openPostgresqlStorage } from '../../src/storage/postgresql/postgresql-storage.ts';
import { openSqliteStorage } from '../../src/storage/sqlite/sqlite-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';

export const START_MS: number = Date.UTC(2030, 0, 1);
export const DAY_SECONDS = 86_400;
/** Records of one transaction while the store is filled: each token and lease has several. */
const UNIT_TOKENS = 250;
/** Secrets are written by so many clients at once, into folders of so many. */
const WRITERS = 128;
const FOLDER_SECRETS = 1000;
/** Tokens and leases that end on the first day. */
const ENDING = 2000;
const SAMPLES = 1000;
const LOGIN_PATHS = 500;

const TOKEN = {
  type: 'service',
  namespaceId: 'root',
  parent: undefined,
  policies: ['root'],
  displayName: 'userpass-user',
  metadata: { username: 'user' },
  explicitMaxTtlSeconds: 0,
  periodSeconds: 0,
  renewable: true,
  numUses: 0,
  role: '',
  entityId: '',
  boundCidrs: [],
  strictlyBindIp: false,
  noDefaultPolicy: false,
  internal: null,
  mountAccessor: '',
  maxTtlSeconds: 0,
} as const;

/** What a login of somebody grants, as far as identity looks at it. */
const GRANT = {
  displayName: '',
  policies: [],
  ttlSeconds: 0,
  maxTtlSeconds: 0,
  renewable: true,
} as const;

/** Methods: one whose aliases are filled in, one whose logins are measured (a role without a secret id). */
async function openMethods(server: OpenInstance): Promise<void> {
  await server.get('write', 'sys/auth/userpass', { data: { type: 'userpass' } });
  await server.get('write', 'sys/auth/approle', { data: { type: 'approle' } });
  const role = { bind_secret_id: false, secret_id_bound_cidrs: '0.0.0.0/0,::/0', role_id: 'app' };
  await server.get('write', 'auth/approle/role/app', { data: role });
}

export interface Filled {
  readonly people: number;
  /** Of the mount of the people. */
  readonly accessor: string;
  readonly shares: readonly string[];
  readonly tokens: readonly string[];
  readonly leases: readonly string[];
}

export function secretPath(index: number): string {
  return `secret/data/${Math.floor(index / FOLDER_SECRETS)}/${index}`;
}

async function fillSecrets(server: OpenInstance, count: number): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) {
      const path = secretPath(next++);
      await server.get('write', path, { data: { data: { user: 'app', password: path } } });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** Where a store lies: the embedded one in its folder, or in a database. The folder also keeps what was filled in. */
export interface Place {
  readonly folder: string;
  readonly databaseUrl: string | undefined;
}

export async function openStore({ folder, databaseUrl }: Place): Promise<Storage> {
  const onFatal = (error: Error): void => {
    throw error;
  };
  return databaseUrl === undefined
    ? await openSqliteStorage({ directory: join(folder, 'store'), onFatal })
    : await openPostgresqlStorage({
        connectionUrl: databaseUrl,
        clock: systemClock,
        random: systemRandom,
        onFatal,
      });
}

export async function fill(place: Place, count: number): Promise<void> {
  const storage = await openStore(place);
  const server = await openInstance({ storage, clock: new ManualClock(START_MS) });
  await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
  await server.get('write', 'secret/data/a', { data: { data: { k: 'v' } } });
  const { begin, table, leases, tokens, queue, identity } = server.instance.services;
  const { login } = identity;
  await openMethods(server);
  await fillSecrets(server, count);
  const { mounts } = await table.routing(begin());
  const mount = mounts.get('lend/');
  const people = mounts.get('auth/userpass/');
  if (people === undefined) throw new Error('no mount of people');
  const kept: { tokens: string[]; leases: string[] } = { tokens: [], leases: [] };
  const every = Math.max(1, Math.floor(count / SAMPLES));
  for (let done = 0; done < count; done += UNIT_TOKENS) {
    const unit = begin();
    for (let at = done; at < Math.min(count, done + UNIT_TOKENS); at++) {
      const alias = { name: `person-${at}` };
      const { entityId } = await login(unit, people, { ...GRANT, alias }, START_MS);
      const ttlSeconds = at < Math.min(ENDING, count / 2) ? DAY_SECONDS / 2 : 30 * DAY_SECONDS;
      const { clientToken, record } = await tokens.issue(
        unit,
        { ...TOKEN, entityId, path: `auth/userpass/login/user-${at % LOGIN_PATHS}`, ttlSeconds },
        START_MS,
      );
      const sampled = at % every === 0 && ttlSeconds > DAY_SECONDS;
      if (sampled) kept.tokens.push(clientToken);
      const name = server.target.next();
      server.target.make(name);
      const id = `lend/creds/1/1/${name}`;
      leases.register(
        unit,
        {
          id,
          namespaceId: 'root',
          mountAccessor: mount?.entry.accessor ?? '',
          tokenId: record.id,
          tokenNamespaceId: 'root',
        },
        {
          ttlSeconds,
          maxTtlSeconds: ttlSeconds,
          renewable: true,
          secretType: 'account',
          internal: { name },
        },
        START_MS,
      );
      if (sampled) kept.leases.push(id);
    }
    await unit.commit();
    queue.committed(unit);
  }
  const filled: Filled = {
    ...kept,
    people: count,
    accessor: people.entry.accessor,
    shares: server.shares.map((share) => share.toString('hex')),
  };
  writeFileSync(join(place.folder, 'filled.json'), JSON.stringify(filled));
  await server.instance.close();
}
