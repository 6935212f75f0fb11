/**
 * A program for key-memory.test.ts: lives a server's life with keys that another process can compute, seals if told so, and
 * waits. Its random source is a counter, so the process keeps no list of what it made.
 */
import { Barrier } from '../barrier/barrier.ts';
import { TEST_WORLD } from '../barrier/barrier-fixture.ts';
import type { Random } from '../base/random.ts';
import { wipe } from '../crypto/secret-bytes.ts';
import { createMemoryStorage } from '../storage/memory/memory-storage.ts';
import { createShamirSeal } from './shamir/shamir-seal.ts';
import { Unsealer } from './unsealer.ts';

/** The bytes of the `call`-th draw, by a linear congruential generator (Numerical Recipes’ constants). */
export function drawnBytes(call: number, target: Uint8Array): void {
  let state = (call * 2_654_435_761 + 12_345) >>> 0;
  for (let index = 0; index < target.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    target[index] = state >>> 24;
  }
}

async function main(mode: string): Promise<void> {
  const draws: number[] = [];
  const random: Random = {
    bytes: (length) => {
      const bytes = Buffer.from(new ArrayBuffer(length));
      drawnBytes(draws.length, bytes);
      draws.push(length);
      return bytes;
    },
  };
  const world = { ...TEST_WORLD, random };
  const storage = createMemoryStorage();
  const barrier = new Barrier({ storage, world });
  const seal = createShamirSeal(random);
  const unsealer = new Unsealer({ barrier, storage, seal, world });
  const sharing = { shares: 3, threshold: 2 };
  const { shares } = await unsealer.init({ sharing }, async () => undefined);
  for (const share of shares.slice(0, 2)) await unsealer.submit(Buffer.from(share));
  for (const share of shares) wipe(share);
  for (let count = 0; count < 500; count++) {
    if (count === 250) await barrier.rotate();
    const unit = barrier.begin();
    const view = unit.view('root', 'kv/');
    await view.get(`k${count % 10}`);
    view.put(`k${count % 10}`, 'value');
    await unit.commit();
  }
  await unsealer.rotateRoot();
  if (mode === 'sealed') unsealer.seal();
  process.stdout.write(`${JSON.stringify(draws)}\n`);
  // Until the parent has looked, and without losing what is still in use to the garbage collector.
  process.stdin.resume();
  process.stdin.once('end', () => process.exit(unsealer.unattended ? 1 : 0));
}

const [, program, mode] = process.argv;
if (mode !== undefined && program === import.meta.filename) await main(mode);
