/** Kills servers and the database at random moments under a write load, and compares what is there with what was acknowledged. */
import { setTimeout as pause } from 'node:timers/promises';
import { Ledger } from '../ledger.ts';
import { Seeded } from '../seeded.ts';
import { counted, HURTS, inScene, SERVERS } from './scene.ts';
import type { Scene } from './scene.ts';

export interface DurabilityOptions {
  readonly cycles: number;
  readonly seed: number;
}

const WRITERS_PER_SERVER = 3;
/** Every so many cycles everything is compared, not only what was touched. */
const FULL_EVERY = 25;
/** Of so many cycles this one is a failover. */
const FAILOVER_EVERY = 10;
const FAILOVER_AT = 3;

export async function simulateDurability(options: DurabilityOptions): Promise<string[]> {
  const seeded = new Seeded(options.seed);
  const ledger = new Ledger();
  const problems: string[] = [];
  const killed = { server: 0, database: 0, 'database, and the standby took over': 0 };
  await inScene(async (scene) => {
    for (let cycle = 1; cycle <= options.cycles && problems.length === 0; cycle++) {
      const victim = victimOf(cycle);
      killed[victim]++;
      await once(scene, ledger, seeded, cycle, victim);
      const { api } = seeded.pick(scene.cluster.servers);
      const full = cycle % FULL_EVERY === 0 || cycle === options.cycles;
      const found = await ledger.compare(api, scene.cluster.rootToken, seeded, full);
      problems.push(...found.map((problem) => `cycle ${cycle}: ${problem}`));
    }
  });
  console.log(
    `  killed: ${counted(new Map(Object.entries(killed)))}; ${ledger.acknowledged} writes acknowledged, ${problems.length} lost or wrong`,
  );
  return problems;
}

type Victim = 'server' | 'database' | 'database, and the standby took over';

function victimOf(cycle: number): Victim {
  if (cycle % FAILOVER_EVERY === FAILOVER_AT) return 'database, and the standby took over';
  return cycle % 2 === 0 ? 'database' : 'server';
}

async function once(
  scene: Scene,
  ledger: Ledger,
  seeded: Seeded,
  cycle: number,
  killed: Victim,
): Promise<void> {
  const { cluster } = scene;
  const stop = new AbortController();
  const writers = cluster.servers.flatMap(({ api }, server) =>
    Array.from({ length: WRITERS_PER_SERVER }, (_, index) => {
      const writer = server * WRITERS_PER_SERVER + index;
      const own = new Seeded(cycle * 1000 + writer);
      return ledger.write(api, cluster.rootToken, writer, own, () => stop.signal.aborted);
    }),
  );
  await pause(seeded.between(50, 400));
  if (killed === 'database') await HURTS['database killed']?.(scene, seeded);
  else if (killed === 'database, and the standby took over') {
    await HURTS['database failed over']?.(scene, seeded);
  } else {
    const victim = seeded.between(0, SERVERS - 1);
    await cluster.servers[victim]?.child.kill();
    stop.abort();
    await cluster.restart(victim);
  }
  stop.abort();
  await Promise.all(writers);
}
