/** One run: a cluster, clients, trouble; then peace, and the question whether everything that was promised holds. */
import { Chance } from './world/chance.ts';
import { Hand } from './acts/hand.ts';
import { work } from './clients.ts';
import { Cluster, SKEW_MS_MAX } from './cluster.ts';
import type { Sabotage } from './cluster.ts';
import { inspect } from './inspection.ts';
import type { Image } from './image.ts';
import { LeaseBook } from './lease-book.ts';
import { Ledger } from './ledger.ts';
import { Scheduler } from './world/scheduler.ts';
import { planOf } from './plan.ts';
import { makeTrouble } from './trouble.ts';
import type { Plan } from './plan.ts';

export interface RunOptions {
  readonly seed: number;
  readonly image: Image;
  readonly sabotage?: Sabotage | undefined;
  /** Changes what the seed has chosen. */
  readonly plan?: ((plan: Plan) => Plan) | undefined;
  /** Ends at the first problem of this kind: there is no more to be found. */
  readonly until?: RegExp;
  readonly trace?: ((line: string) => void) | undefined;
}

export interface Outcome {
  readonly problems: readonly string[];
  readonly digest: string;
  readonly events: number;
  readonly asked: number;
  readonly answers: number;
  readonly commits: number;
  readonly starts: number;
  readonly checks: number;
  readonly simulatedMs: number;
}

/** The clients are through by then, whatever happens. */
const WORK_MS_MAX = 600_000;
/** Everything that was left behind is cleared away by then. */
const PEACE_MS_MAX = 900_000;
/** Clients that are still at work after this mostly wait. */
const BUSY_MS = 3_000;
const LATE_WHILE_WAITING_MS = 2_000;
/** Timers may be as late as this in peace; a server that has others beside it has to say more often that it is alive. */
const LATE_MS = { alone: 15_000, shared: 3_000 };

export async function runSeed(options: RunOptions): Promise<Outcome> {
  const { seed, image } = options;
  const plan = (options.plan ?? ((chosen) => chosen))(planOf(new Chance(seed, 'plan')));
  const scheduler = new Scheduler(new Chance(seed, 'order'), options.trace);
  scheduler.note(JSON.stringify(plan));
  const cluster = new Cluster({
    scheduler,
    seed,
    image,
    replicas: plan.replicas,
    sabotage: options.sabotage ?? {},
  });
  const { problems } = cluster;
  const leases = new LeaseBook({
    scheduler,
    problems,
    skewMs: plan.replicas > 0 ? 2 * SKEW_MS_MAX : 0,
    lives: (username) => cluster.target.accounts.has(username),
  });
  const ledger = new Ledger(problems, leases);
  const hand = new Hand(cluster, ledger, new Chance(seed, 'clients'));
  let phase = 'work' as 'work' | 'peace' | 'over';

  async function story(): Promise<void> {
    for (const node of cluster.nodes) cluster.start(node);
    while (cluster.serving.length < cluster.nodes.length) await scheduler.sleep(20, 'start');
    cluster.calmDown(scheduler.nowMs + BUSY_MS, LATE_WHILE_WAITING_MS);
    const endTrouble = makeTrouble(cluster, plan, new Chance(seed, 'trouble'));
    const clients = Array.from({ length: plan.clients }, () => work(hand, plan));
    await Promise.all(clients);
    phase = 'peace';
    endTrouble();
    cluster.calmDown(0, plan.replicas > 0 ? LATE_MS.shared : LATE_MS.alone);
    await inspect(cluster, ledger, image, new Chance(seed, 'inspection'));
    phase = 'over';
  }

  story().catch((error: unknown) => {
    problems.push(
      `the simulation failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    phase = 'over';
  });
  const enough = (): boolean => problems.some((problem) => options.until?.test(problem) === true);
  await scheduler.run(WORK_MS_MAX, () => phase !== 'work' || enough());
  if (scheduler.endless) problems.push('the run does not come to an end');
  if (phase === 'work') problems.push('the clients did not come to an end');
  await scheduler.run(scheduler.nowMs + PEACE_MS_MAX, () => phase === 'over' || enough());
  if ((phase as string) !== 'over') problems.push('no peace came');
  for (const { machine } of cluster.nodes) machine?.die('is over');
  const store = cluster.database ?? cluster.platter;
  return {
    problems,
    digest: scheduler.digest,
    events: scheduler.events,
    asked: hand.asked,
    answers: cluster.answers,
    commits: store?.commits ?? 0,
    starts: cluster.nodes.reduce((sum, { starts }) => sum + starts, 0),
    checks: ledger.checks + leases.checks,
    simulatedMs: scheduler.nowMs,
  };
}
