/**
 * A server on a store that was filled, in a process of its own: does what it is told to, so that two of them can be compared turn by turn, and tells
 * the processor time of each request.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '../../src/base/clock-fixture.ts';
import { openInstance } from '../../src/server/instance-fixture.ts';
import type { Asking, OpenInstance } from '../../src/server/instance-fixture.ts';
import { DAY_SECONDS, START_MS, openStore, secretPath } from './fill.ts';
import type { Filled, Place } from './fill.ts';

export type Figures = Readonly<Record<string, number>>;

/** What it is told: to do a case some times, or to let everything end. */
export interface Turn {
  readonly name: string;
  readonly from: number;
  readonly count: number;
}

type Case = readonly [name: string, run: (at: number) => Promise<unknown>];

const IDLE_LOOKS = 50;

function casesOf(server: OpenInstance, filled: Filled): readonly Case[] {
  const pick = (list: readonly string[], at: number): string =>
    list[(at * 7919) % list.length] ?? '';
  const one = pick(filled.tokens, 0);
  return [
    [
      'look a token up',
      (at) => ask(server, 'read', 'auth/token/lookup-self', { token: pick(filled.tokens, at) }),
    ],
    [
      'read the same secret with it',
      (at) => ask(server, 'read', 'secret/data/a', { token: pick(filled.tokens, at) }),
    ],
    [
      'read any of the secrets',
      (at) => ask(server, 'read', secretPath((at * 7919) % filled.people), { token: one }),
    ],
    [
      'write any of the secrets',
      (at) =>
        ask(server, 'write', secretPath((at * 7919) % filled.people), {
          data: { data: { user: 'app', password: `new ${at}` } },
        }),
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
}

async function serve(place: Place): Promise<void> {
  const filled = JSON.parse(readFileSync(join(place.folder, 'filled.json'), 'utf8')) as Filled;
  const startMs = performance.now();
  const storage = await openStore(place);
  const clock = new ManualClock(START_MS);
  const shares = filled.shares.map((share) => Buffer.from(share, 'hex'));
  const server = await openInstance({ storage, clock, shares });
  await server.get('read', 'auth/token/lookup-self');
  const started = {
    'start to first answer, ms': performance.now() - startMs,
    'resident after the start, MB': residentMb(),
  };
  const cases = new Map(casesOf(server, filled));
  process.on('message', (turn: Turn | 'end') => {
    void (turn === 'end' ? end(server) : oneTurn(cases, turn)).then((figures) =>
      process.send?.({ figures }),
    );
  });
  process.send?.({ figures: started, names: [...cases.keys()] });
}

/** Processor time and median time of one request, in microseconds. */
async function oneTurn(
  cases: ReadonlyMap<string, (at: number) => Promise<unknown>>,
  { name, from, count }: Turn,
): Promise<Figures> {
  const run = cases.get(name);
  if (run === undefined) throw new Error(`no case ${name}`);
  const before = process.cpuUsage();
  const times = await timesOf((at) => run(from + at), count);
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: (user + system) / count, medianUs: (times[times.length >> 1] ?? 0) * 1000 };
}

async function end(server: OpenInstance): Promise<Figures> {
  const figures: Record<string, number> = { 'resident after the requests, MB': residentMb() };
  const { expirer } = server.instance.services;
  const idle = await timesOf(() => expirer.settler()(), IDLE_LOOKS);
  figures['worker: nothing due, median µs'] = (idle[IDLE_LOOKS >> 1] ?? 0) * 1000;
  const before = process.cpuUsage();
  server.clock.advance(DAY_SECONDS * 500);
  while ((await due(server)) > 0) await expirer.settler()();
  const { user, system } = process.cpuUsage(before);
  figures['worker: end tokens and leases, CPU ms'] = (user + system) / 1000;
  figures['resident at the end, MB'] = residentMb();
  await server.instance.close();
  setImmediate(() => process.disconnect?.());
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

async function timesOf(run: (at: number) => Promise<unknown>, count: number): Promise<number[]> {
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

const [folder = '', databaseUrl] = process.argv.slice(2);
await serve({ folder, databaseUrl });
