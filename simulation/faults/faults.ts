/**
 * Makes the disk fail under a server with a write load: each system call that writes, syncs or renames, at the N-th time (strace), and a full
 * disk below the store and the audit log. Nothing acknowledged may be lost, and nothing is acknowledged that may be.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Seeded } from '../seeded.ts';
import { FAILING_CALLS, failCall, lying } from './failing-calls.ts';
import type { FailingCall } from './failing-calls.ts';
import { fillDisk } from './full-disk.ts';
import { prepare } from './scene.ts';

export interface FaultOptions {
  /** How many of the calls of each kind fail, each in a run of its own. */
  readonly points: number;
  /** All of the first calls, one after the other; else some of the first {@link SPREAD}. */
  readonly everyCall: boolean;
  readonly seed: number;
}

const SPREAD = 40;
const CONTROL_CALL = 5;
/** Runs at a time. */
const SIDE_BY_SIDE = 2;

interface Point {
  readonly failing: FailingCall;
  readonly call: number;
}

export async function simulateFaults(options: FaultOptions): Promise<string[]> {
  const seeded = new Seeded(options.seed);
  const problems: string[] = [];
  const missing = whyNoInjection();
  if (missing === '') problems.push(...(await failCalls(options, seeded)));
  else console.log(`  left out: ${FAILING_CALLS.length} kinds of failing calls (${missing})`);
  for (const target of ['database', 'audit'] as const) {
    const found = await fillDisk(target, seeded);
    problems.push(...found.map((problem) => `full disk below the ${target}: ${problem}`));
  }
  return problems;
}

/** Why system calls cannot be made to fail here; '' = they can. */
function whyNoInjection(): string {
  if (spawnSync('strace', ['-V']).status !== 0) return 'apt-get install strace';
  const tried = spawnSync('strace', ['-f', '-qq', '-e', 'inject=rename:error=EIO:when=1', 'true']);
  return tried.status === 0 ? '' : 'this machine does not let strace attach to processes';
}

async function failCalls(
  { points, everyCall, seed }: FaultOptions,
  seeded: Seeded,
): Promise<string[]> {
  const waiting: Point[] = [];
  for (let index = 1; index <= points; index++) {
    for (const failing of FAILING_CALLS) {
      waiting.push({ failing, call: everyCall ? index : seeded.between(1, SPREAD) });
    }
  }
  const problems: string[] = [];
  const met = new Map<FailingCall, number>();
  const all = waiting.length;
  const prepared = await prepare();
  const work = async (): Promise<void> => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
      const { failing, call } = point;
      const outcome = await failCall(failing, call, prepared, new Seeded(seed + waiting.length));
      if (outcome.met) met.set(failing, (met.get(failing) ?? 0) + 1);
      problems.push(
        ...outcome.problems.map((problem) => `${failing.name}, call ${call}: ${problem}`),
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
    problems.push(...(await findControl(prepared, seeded)));
  } finally {
    rmSync(prepared, { recursive: true, force: true });
  }
  for (const failing of FAILING_CALLS) {
    console.log(
      `  ${failing.name}: met in ${met.get(failing) ?? 0} of ${all / FAILING_CALLS.length} runs`,
    );
    // A fault that was never met proves nothing.
    if (!met.has(failing)) problems.push(`${failing.name}: never met`);
  }
  return problems;
}

/** A front that acknowledges what the server has refused must be found. */
async function findControl(prepared: string, seeded: Seeded): Promise<string[]> {
  const [failing] = FAILING_CALLS;
  if (failing === undefined) return [];
  const { problems } = await failCall(failing, CONTROL_CALL, prepared, seeded, lying);
  console.log(`  control, writes acknowledged that were refused: ${problems[0] ?? 'not found'}`);
  return problems.length > 0 ? [] : ['the control acknowledged refused writes and was not found'];
}
