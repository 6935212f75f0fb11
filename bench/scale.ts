/**
 * What many tokens, entities and leases cost: `bin/node bench/scale.ts [few] [many] [directory]`, 1000 and 200 000 unless told
 * otherwise. Fills an embedded store through the core with so many tokens and entities and half as many leases, then opens it in a process of its
 * own and measures the start, memory, single requests, and the end of a few thousand. What grows with the number is a defect.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '../src/base/clock-fixture.ts';
import { openInstance } from '../src/server/instance-fixture.ts';
import type { Asking, OpenInstance } from '../src/server/instance-fixture.ts';
import { openSqliteStorage } from '../src/storage/sqlite/sqlite-storage.ts';
import type { Storage } from '../src/storage/storage.ts';

const START_MS = Date.UTC(2030, 0, 1);
const DAY_SECONDS = 86_400;
/** Records of one transaction while the store is filled: each token and lease has several. */
const UNIT_TOKENS = 250;
/** Tokens and leases that end on the first day. */
const ENDING = 2000;
const SAMPLES = 1000;
const REQUESTS = 2000;
const LOGIN_PATHS = 500;
const RESULT = 'RESULT ';

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

interface Filled {
  readonly people: number;
  /** Of the mount of the people. */
  readonly accessor: string;
  readonly shares: readonly string[];
  readonly tokens: readonly string[];
  readonly leases: readonly string[];
}

type Figures = Readonly<Record<string, number>>;

const [first = '', second = '', directory = tmpdir()] = process.argv.slice(2);
if (first === 'measure') {
  console.log(RESULT + JSON.stringify(await measure(second)));
} else {
  await compare(Number(first || 1000), Number(second || 200_000));
}

async function compare(few: number, many: number): Promise<void> {
  const results: [number, Figures][] = [];
  for (const count of [few, many]) {
    const folder = mkdtempSync(join(directory, 'bench-scale-'));
    try {
      const startMs = performance.now();
      await fill(folder, count);
      const seconds = (performance.now() - startMs) / 1000;
      console.log(`${count} tokens and ${count / 2} leases stored in ${seconds.toFixed(1)} s`);
      const script = process.argv[1] ?? '';
      const out = execFileSync(process.execPath, [script, 'measure', folder]).toString();
      const line = out.split('\n').find((text) => text.startsWith(RESULT)) ?? `${RESULT}{}`;
      results.push([count, JSON.parse(line.slice(RESULT.length)) as Figures]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const small = results[0]?.[1] ?? {};
  const large = results[1]?.[1] ?? {};
  console.log(`${''.padEnd(36)}${results.map(([count]) => String(count).padStart(12)).join('')}`);
  for (const [name, value] of Object.entries(small)) {
    const grown = ((large[name] ?? 0) / value).toFixed(2);
    const shown = [value, large[name] ?? 0].map((each) => each.toFixed(2).padStart(12)).join('');
    console.log(`${name.padEnd(36)}${shown}  ×${grown}`);
  }
}

async function openStore(folder: string): Promise<Storage> {
  return await openSqliteStorage({
    directory: join(folder, 'store'),
    onFatal: (error) => {
      throw error;
    },
  });
}

async function fill(folder: string, count: number): Promise<void> {
  const storage = await openStore(folder);
  const server = await openInstance({ storage, clock: new ManualClock(START_MS) });
  await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
  await server.get('write', 'secret/data/a', { data: { data: { k: 'v' } } });
  const { begin, table, leases, tokens, queue, identity } = server.instance.services;
  const { login } = identity;
  await openMethods(server);
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
      if (at % 2 === 1) continue;
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
  writeFileSync(join(folder, 'filled.json'), JSON.stringify(filled));
  await server.instance.close();
}

async function measure(folder: string): Promise<Figures> {
  const filled = JSON.parse(readFileSync(join(folder, 'filled.json'), 'utf8')) as Filled;
  const startMs = performance.now();
  const storage = await openStore(folder);
  const clock = new ManualClock(START_MS);
  const shares = filled.shares.map((share) => Buffer.from(share, 'hex'));
  const server = await openInstance({ storage, clock, shares });
  await server.get('read', 'auth/token/lookup-self');
  const figures: Record<string, number> = {
    'start to first answer, ms': performance.now() - startMs,
  };
  figures['resident after the start, MB'] = residentMb();
  const pick = (list: readonly string[], at: number): string =>
    list[(at * 7919) % list.length] ?? '';
  const cases: readonly (readonly [string, (at: number) => Promise<unknown>])[] = [
    [
      'look a token up',
      (at) => ask(server, 'read', 'auth/token/lookup-self', { token: pick(filled.tokens, at) }),
    ],
    [
      'read a secret with it',
      (at) => ask(server, 'read', 'secret/data/a', { token: pick(filled.tokens, at) }),
    ],
    [
      'log in by a role',
      () => ask(server, 'write', 'auth/approle/login', { token: null, data: { role_id: 'app' } }),
    ],
    [
      'look an entity up by alias',
      (at) =>
        ask(server, 'write', 'identity/lookup/entity', {
          data: {
            alias_name: `person-${(at * 7919) % filled.people}`,
            alias_mount_accessor: filled.accessor,
          },
        }),
    ],
    ['create a token', () => ask(server, 'write', 'auth/token/create', { data: { ttl: '30m' } })],
    [
      'look a lease up',
      (at) =>
        ask(server, 'write', 'sys/leases/lookup', { data: { lease_id: pick(filled.leases, at) } }),
    ],
    ['borrow: a new lease', () => ask(server, 'read', 'lend/creds/3000/3600')],
    [
      'revoke a token',
      async () => {
        const token = await server.makeToken({ ttl: '30m' });
        await ask(server, 'write', 'auth/token/revoke', { data: { token } });
      },
    ],
    [
      'list 100 lease names',
      () => ask(server, 'list', 'sys/leases/lookup/lend/creds/1/1/', { data: { limit: '100' } }),
    ],
  ];
  for (const [name, run] of cases) {
    const times = await timesOf(run);
    figures[`${name}, median µs`] = (times[Math.floor(times.length / 2)] ?? 0) * 1000;
    figures[`${name}, p99 µs`] = (times[Math.floor(times.length * 0.99)] ?? 0) * 1000;
  }
  figures['resident after the requests, MB'] = residentMb();
  const { expirer } = server.instance.services;
  const idle = await timesOf(() => expirer.settle(), 50);
  figures['worker: nothing due, median µs'] = (idle[25] ?? 0) * 1000;
  clock.advance(DAY_SECONDS * 500);
  const endMs = performance.now();
  while ((await due(server)) > 0) await expirer.settle();
  figures[`worker: end tokens and leases, ms`] = performance.now() - endMs;
  figures['resident at the end, MB'] = residentMb();
  await server.instance.close();
  return figures;
}

async function due(server: OpenInstance): Promise<number> {
  const { begin, queue } = server.instance.services;
  const entries = await queue.earliest(begin(), 1);
  return entries.filter((entry) => entry.atMs <= server.clock.nowMs()).length;
}

async function ask(
  server: OpenInstance,
  operation: 'read' | 'write' | 'list',
  path: string,
  asking?: Asking,
): Promise<void> {
  const { error } = await server.ask(operation, path, asking);
  if (error !== undefined) throw error;
}

async function timesOf(
  run: (at: number) => Promise<unknown>,
  count: number = REQUESTS,
): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const startMs = performance.now();
    await run(at);
    times.push(performance.now() - startMs);
  }
  return times.sort((a, b) => a - b);
}

function residentMb(): number {
  return process.memoryUsage().rss / 1e6;
}
