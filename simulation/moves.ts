/**
 * Moves a store from the embedded one to PostgreSQL and back, kills the move at random moments, and runs it again. After every kill
 * at most one of the two stores lets a server start, and no record is lost or changed in the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child } from '../rig/child.ts';
import { startPostgres } from '../rig/postgresql.ts';
import { assertSettled, MovedError } from '../src/server/moving/move-marker.ts';
import { release } from '../src/server/moving/migrate.ts';
import { fill, inStore, makeGround, someRecords } from '../src/server/moving/moving-fixture.ts';
import { contentsOf, equalContents } from '../src/server/moving/walk.ts';
import type { Contents } from '../src/server/moving/walk.ts';
import { Seeded } from './seeded.ts';

export interface MovesOptions {
  /** Moves; each is killed up to {@link KILLS_MAX} times. There are more of them until a kill has come inside a copy. */
  readonly cycles: number;
  readonly seed: number;
}

const MOVE = fileURLToPath(new URL('../src/server/moving/cut-off.ts', import.meta.url));
const RECORDS = 12_000;
const KILLS_MAX = 4;
/** When kills come is chance, and a busy machine spends the time on the start. More moves than this without any inside are a fault. */
const MORE_CYCLES_MAX = 20;
const PROBLEMS_MAX = 10;
const FIRST_GUESS_MS = 1_500;

interface Counts {
  moves: number;
  kills: number;
  /** Kills that left half a copy, or both stores marked: without any the kills proved nothing. */
  inside: number;
}

export async function simulateMoves({ cycles, seed }: MovesOptions): Promise<string[]> {
  const seeded = new Seeded(seed);
  const problems: string[] = [];
  const counts: Counts = { moves: 0, kills: 0, inside: 0 };
  const ground = makeGround();
  const postgres = await startPostgres();
  try {
    let from = ground.embedded('store-0');
    await inStore(from, (storage) => fill(storage, someRecords(RECORDS)));
    const wanted = await contents(from);
    let usualMs = FIRST_GUESS_MS;
    const enough = (): boolean =>
      counts.moves >= cycles && (counts.inside > 0 || counts.moves >= cycles + MORE_CYCLES_MAX);
    while (!enough() && problems.length < PROBLEMS_MAX) {
      counts.moves += 1;
      const cycle = counts.moves;
      const name = `store_${cycle}`;
      const to = cycle % 2 === 1 ? ground.shared(name, postgres.url()) : ground.embedded(name);
      const kills = seeded.between(0, KILLS_MAX);
      for (let kill = 0; kill < kills; kill += 1) {
        const ended = await moveOnce(from, to, seeded.between(1, Math.ceil(usualMs)));
        if (ended) break;
        counts.kills += 1;
        problems.push(...(await judge(from, to, counts, `cycle ${cycle}, kill ${kill + 1}`)));
      }
      if (await settled(from)) {
        const started = performance.now();
        if (!(await moveOnce(from, to))) problems.push(`cycle ${cycle}: the move failed`);
        usualMs = performance.now() - started;
      } else await moveOnce(from, to);
      if (await settled(from)) problems.push(`cycle ${cycle}: a server may start on the old store`);
      if (!(await settled(to)))
        problems.push(`cycle ${cycle}: no server may start on the new store`);
      if (!equalContents(await contents(to), wanted)) problems.push(`cycle ${cycle}: it differs`);
      from = to;
    }
    await release([ground.embedded('store-0')], {}).catch((error: unknown) =>
      problems.push(String(error)),
    );
    if (!equalContents(await contents(ground.embedded('store-0')), wanted)) {
      problems.push('the first store has changed');
    }
  } finally {
    await postgres.stop();
    ground.remove();
  }
  console.log(
    `  ${counts.moves} moves of ${RECORDS} records, ${counts.kills} kills, ${counts.inside} of them inside a copy`,
  );
  if (counts.inside === 0) problems.push('no kill came inside a copy');
  return problems;
}

/** Runs a move, to be killed after `killMs` if it still runs then. @returns whether it came to its end. */
async function moveOnce(from: string, to: string, killMs?: number): Promise<boolean> {
  const child = new Child([process.execPath, MOVE, from, to, 'never', '0']);
  if (killMs !== undefined) {
    await Promise.race([child.exited, delay(killMs)]);
    if (child.exit === undefined) await child.kill();
  }
  return (await child.exited).code === 0;
}

async function judge(from: string, to: string, counts: Counts, when: string): Promise<string[]> {
  const [source, target] = [await settled(from), await settled(to)];
  if (!source || !target) counts.inside += 1;
  // A target without a mark is usable only when it is empty, as it was before.
  const empty = await inStore(to, async (storage) => (await storage.count()) === 0);
  return source && target && !empty ? [`${when}: a server may start on both stores`] : [];
}

/** Whether a server may start on the store. */
async function settled(config: string): Promise<boolean> {
  return await inStore(config, async (storage) => {
    try {
      await assertSettled(storage);
      return true;
    } catch (error) {
      if (error instanceof MovedError) return false;
      throw error;
    }
  });
}

async function contents(config: string): Promise<Contents> {
  return await inStore(config, (storage) => contentsOf(storage, () => {}));
}
