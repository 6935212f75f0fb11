/**
 * What the end of many leases at once costs those who read meanwhile: `bin/node bench/expiry.ts [leases] [ending] [directory]`,
 * 100 000 and 10 000 unless told otherwise. Fills an embedded store, reads secrets one after the other on several lanes, lets the leases come due,
 * and compares the rate and the tail of reads with those of before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ManualClock } from '../src/base/clock-fixture.ts';
import { openInstance } from '../src/server/instance-fixture.ts';
import type { OpenInstance } from '../src/server/instance-fixture.ts';
import { openSqliteStorage } from '../src/storage/sqlite/sqlite-storage.ts';

const START_MS = Date.UTC(2030, 0, 1);
const HOUR_SECONDS = 3600;
const MONTH_SECONDS = 30 * 24 * HOUR_SECONDS;
const UNIT_LEASES = 250;
const LANES = 8;
const QUIET_MS = 4_000;
const WARM_UP_MS = 6_000;
const TICK_MS = 10;
const LOOK_MS = 50;

const [leases = '100000', ending = '10000', directory = tmpdir()] = process.argv.slice(2);
await main(Number(leases), Number(ending));

async function main(count: number, due: number): Promise<void> {
  const folder = mkdtempSync(join(directory, 'bench-expiry-'));
  const clock = new ManualClock(START_MS);
  const storage = await openSqliteStorage({
    directory: join(folder, 'store'),
    onFatal: (error) => {
      throw error;
    },
  });
  const server = await openInstance({ storage, clock });
  try {
    await fill(server, count, due);
    const token = await server.makeToken({ policies: ['root'] });
    await reads(server, token, () => false, WARM_UP_MS);
    const quiet = await reads(server, token, () => false, QUIET_MS);
    let isOver = false;
    clock.advance(2 * HOUR_SECONDS * 1000);
    const startMs = performance.now();
    // From here on the clock goes on by itself: nobody waits for the leases, they end in the background.
    const ticker = setInterval(() => clock.advance(TICK_MS), TICK_MS);
    const end = ended(server).then(() => (isOver = true));
    const busy = await reads(server, token, () => isOver, Number.POSITIVE_INFINITY);
    await end;
    clearInterval(ticker);
    const seconds = (performance.now() - startMs) / 1000;
    console.log(`${due} of ${count} leases ended in ${seconds.toFixed(1)} s`);
    const after = await reads(server, token, () => false, QUIET_MS);
    for (const [name, figures] of Object.entries({ before: quiet, meanwhile: busy, after })) {
      const { perSecond, p50Ms, p99Ms } = figures;
      const times = `median ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
      console.log(`${name.padEnd(10)} ${perSecond.toFixed(0).padStart(7)} reads/s, ${times}`);
    }
    const usual = (quiet.perSecond + after.perSecond) / 2;
    const slower = Math.max(0, 100 * (1 - busy.perSecond / usual));
    console.log(`reads were ${slower.toFixed(0)} % slower`);
  } finally {
    await server.instance.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(server: OpenInstance, count: number, due: number): Promise<void> {
  await server.get('write', 'sys/mounts/lend', { data: { type: 'lending' } });
  await server.get('write', 'secret/data/a', { data: { data: { k: 'v' } } });
  const { begin, table, leases: registry, queue } = server.instance.services;
  const mount = (await table.routing(begin())).mounts.get('lend/');
  for (let done = 0; done < count; done += UNIT_LEASES) {
    const unit = begin();
    for (let at = done; at < Math.min(count, done + UNIT_LEASES); at++) {
      const name = server.target.next();
      server.target.make(name);
      const ttlSeconds = at < due ? HOUR_SECONDS : MONTH_SECONDS;
      registry.register(
        unit,
        {
          id: `lend/creds/1/1/${name}`,
          namespaceId: 'root',
          mountAccessor: mount?.entry.accessor ?? '',
          tokenId: '',
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
    }
    await unit.commit();
    queue.committed(unit);
  }
}

interface Reads {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Reads on all lanes until the time is over or `isOver` says so. */
async function reads(
  server: OpenInstance,
  token: string,
  isOver: () => boolean,
  durationMs: number,
): Promise<Reads> {
  const times: number[] = [];
  const startMs = performance.now();
  const lane = async (): Promise<void> => {
    while (!isOver() && performance.now() - startMs < durationMs) {
      const beganMs = performance.now();
      const { error } = await server.ask('read', 'secret/data/a', { token });
      if (error !== undefined) throw error;
      times.push(performance.now() - beganMs);
      // As a connection would: what waits outside gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const seconds = (performance.now() - startMs) / 1000;
  times.sort((a, b) => a - b);
  return {
    perSecond: times.length / seconds,
    p50Ms: times[Math.floor(times.length / 2)] ?? 0,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

async function ended(server: OpenInstance): Promise<void> {
  const { begin, queue } = server.instance.services;
  for (;;) {
    const [first] = await queue.earliest(begin(), 1);
    if (first === undefined || first.atMs > server.clock.nowMs()) return;
    await delay(LOOK_MS);
  }
}
