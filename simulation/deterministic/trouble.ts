/** What goes wrong in one run: how much of which kind is the seed's choice. */
import type { Chance } from './world/chance.ts';
import type { Theme } from './clients.ts';
import type { Cluster } from './cluster.ts';

export interface Plan {
  /** 0 = one server on an embedded store. */
  readonly replicas: number;
  readonly clients: number;
  readonly things: number;
  readonly pauseMs: number;
  /** Timers are so late while the clients work. */
  readonly latenessMs: number;
  readonly crashes: number;
  readonly stops: number;
  readonly stopMsMax: number;
  readonly cuts: number;
  readonly cutMsMax: number;
  readonly restarts: number;
  readonly network: boolean;
  readonly target: 'well' | 'bad' | 'slow';
  readonly audit: boolean;
  readonly disk: boolean;
  /** Servers are sealed, and opened again; they end in good order, and come back. */
  readonly seals: number;
  readonly endings: number;
  /** Clocks of machines are set, to what is wrong. */
  readonly jumps: number;
  /** What most of what clients do is about. */
  readonly theme: Theme;
}

export function planOf(chance: Chance): Plan {
  const replicas = chance.happens(0.4) ? 0 : chance.happens(0.7) ? 2 : 3;
  const shared = replicas > 0;
  // Long enough for the others to take over what a stopped server was to do.
  const long = shared && chance.happens(0.15);
  const theme = themeOf(chance.unit());
  // Nobody can act on what a namespace could not take back in so many attempts before it was gone.
  const mayFail = !(long && theme === 'places');
  const some = (probability: number, most: number): number =>
    chance.happens(probability) ? chance.between(1, most) : 0;
  return {
    replicas,
    clients: chance.between(1, 3),
    // What is done in them is more than one request.
    things:
      theme === 'everything' || theme === 'policies' ? chance.between(4, 12) : chance.between(3, 7),
    pauseMs: long ? 1_500 : chance.pick([20, 60, 200]),
    latenessMs: long ? 400 : chance.pick([10, 100, 300]),
    crashes: some(0.5, 3),
    stops: some(long ? 0.7 : 0.15, 2),
    stopMsMax: long ? 16_000 : 2_000,
    cuts: shared ? some(long ? 0.5 : 0.2, 2) : 0,
    cutMsMax: long ? 18_000 : 7_000,
    restarts: shared ? some(0.2, 2) : 0,
    network: shared && chance.happens(0.5),
    target:
      chance.happens(0.4) && mayFail ? 'bad' : chance.happens(long ? 0.3 : 0.05) ? 'slow' : 'well',
    audit: chance.happens(0.25),
    disk: !shared && chance.happens(0.3),
    seals: some(0.08, 2),
    endings: some(0.08, 2),
    jumps: some(0.15, 2),
    theme,
  };
}

function themeOf(unit: number): Theme {
  if (unit < 0.4) return 'everything';
  if (unit < 0.5) return 'policies';
  if (unit < 0.7) return 'leases';
  return unit < 0.85 ? 'places' : 'rotations';
}

/** About how long the clients are at work. */
function spanMs({ things, pauseMs }: Plan): number {
  return things * (1.2 * pauseMs + 20);
}

/** Doors that a server passes before the next of them is its end. */
const DOORS_MAX = 40;
/** Until somebody opens a sealed server again. */
const SEALED_MS_MAX = 2_000;
const HOUR_MS = 3_600_000;
const DECADE_MS = 87_660 * HOUR_MS;
/** By how much clocks are set; differences of seconds, which are followed, are between servers anyway. */
const JUMPS_MS = [HOUR_MS, -HOUR_MS, DECADE_MS, -DECADE_MS];

/** Returns what ends all of it, also what was still to come. */
export function makeTrouble(cluster: Cluster, plan: Plan, chance: Chance): () => void {
  const { scheduler, network, target, platter, database, nodes } = cluster;
  cluster.latenessMs = plan.latenessMs;
  network.latencyMs = chance.pick([0.5, 2, 10]);
  if (plan.network) {
    network.lostRequest = chance.pick([0, 0.01, 0.05]);
    network.lostAnswer = chance.pick([0, 0.01, 0.05]);
    network.slow = chance.pick([0, 0.005, 0.03]);
    if (database !== undefined) database.contention = chance.pick([0, 0.05, 0.3]);
  }
  if (plan.target === 'slow') target.slow = 0.7;
  if (plan.target === 'bad') {
    target.refusing = chance.pick([0, 0.1, 0.4]);
    target.failing = chance.pick([0, 0.1, 0.3]);
    target.slow = chance.pick([0, 0.1, 0.3]);
  }
  if (plan.audit) {
    for (const { audit } of nodes) {
      audit.failing = chance.pick([0, 0.02, 0.1]);
      audit.slow = chance.pick([0, 0.02, 0.1]);
    }
  }
  if (plan.disk && platter !== undefined) platter.brokenSync = chance.pick([0.002, 0.02, 0.1]);
  const span = spanMs(plan);
  const toCome: (() => void)[] = [];
  const often = (count: number, what: string, act: () => void): void => {
    for (let index = 0; index < count; index++)
      toCome.push(scheduler.in(chance.unit() * span, what, act));
  };
  often(plan.crashes, 'trouble: crash', () => {
    chance.pick(nodes).machine?.dieAfter(chance.between(0, DOORS_MAX));
  });
  often(plan.stops, 'trouble: stop', () => {
    chance.pick(nodes).machine?.stop(chance.unit() * plan.stopMsMax);
  });
  often(plan.seals, 'trouble: seal', () => {
    const node = chance.pick(nodes);
    const forMs = chance.unit() * SEALED_MS_MAX;
    void cluster.seal(node, forMs);
  });
  often(plan.endings, 'trouble: end', () => cluster.end(chance.pick(nodes)));
  often(plan.restarts, 'trouble: database', () => database?.restart());
  often(plan.cuts, 'trouble: cut', () => {
    const name = chance.happens(0.5) ? cluster.onDuty : chance.pick(nodes).name;
    network.cutOff.add(name);
    scheduler.in(chance.unit() * plan.cutMsMax, `${name} reaches the database again`, () => {
      network.cutOff.delete(name);
    });
  });
  often(plan.jumps, 'trouble: clock', () => {
    chance.pick(nodes).machine?.setClock(chance.pick(JUMPS_MS));
  });
  return () => {
    for (const cancel of toCome) cancel();
    endTrouble(cluster);
  };
}

function endTrouble({ network, target, platter, database, nodes }: Cluster): void {
  Object.assign(network, { latencyMs: 1, lostRequest: 0, lostAnswer: 0, slow: 0 });
  network.cutOff.clear();
  if (database !== undefined) database.contention = 0;
  Object.assign(target, { refusing: 0, failing: 0, slow: 0 });
  if (platter !== undefined) platter.brokenSync = 0;
  for (const { audit, machine } of nodes) {
    Object.assign(audit, { failing: 0, slow: 0 });
    machine?.goOn();
    machine?.setClock(0);
    machine?.dieAfter(Number.POSITIVE_INFINITY);
  }
}
