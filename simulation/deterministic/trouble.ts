/** What goes wrong in one run, as it is planned. */
import type { Chance } from './world/chance.ts';
import type { Cluster } from './cluster.ts';
import type { Plan } from './plan.ts';

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
