/** Servers on one simulated store: starts them, kills them, brings them back, and carries questions to them and answers back. */
import type { AuditDeviceType } from '../../src/audit/device.ts';
import type { Answer, Handle } from '../../src/core/call.ts';
import type { Instance } from '../../src/server/instance.ts';
import { openPostgresqlStorage } from '../../src/storage/postgresql/postgresql-storage.ts';
import type { Connection } from '../../src/storage/postgresql/link.ts';
import type { ScannableStorage } from '../../src/storage/storage.ts';
import { AuditFile, auditDevice } from './world/audit-file.ts';
import { Chance } from './world/chance.ts';
import { Database } from './world/database.ts';
import type { Committed } from './world/database.ts';
import { DiskStore, Platter } from './world/disk.ts';
import { ROOT_TOKEN } from './image.ts';
import type { Image } from './image.ts';
import { Line } from './world/line.ts';
import type { Network } from './world/line.ts';
import { Machine } from './world/machine.ts';
import type { Scheduler } from './world/scheduler.ts';
import { callOf, openServer } from './server.ts';
import type { Question } from './server.ts';
import { DUTY_KEY, queueEntryOf } from './stored-keys.ts';
import { Target } from './world/target.ts';

/** Wrappers that make the product worse than it is, to show that it would be noticed. */
export interface Sabotage {
  readonly storage?: (storage: ScannableStorage, machine: Machine) => ScannableStorage;
  readonly connection?: (connection: Connection, machine: Machine) => Connection;
  readonly audit?: (device: AuditDeviceType, machine: Machine) => AuditDeviceType;
  readonly handle?: (handle: Handle) => Handle;
  readonly believesClock?: true;
}

export interface ClusterOptions {
  readonly scheduler: Scheduler;
  readonly seed: number;
  readonly image: Image;
  /** On one shared database; 0 = one server on an embedded store. */
  readonly replicas: number;
  readonly sabotage: Sabotage;
}

/** A place where a server runs: what is on its disk outlives the process. */
interface Node {
  readonly name: string;
  readonly audit: AuditFile;
  readonly skewMs: number;
  machine: Machine | undefined;
  /** Set while it serves. */
  instance: Instance | undefined;
  starts: number;
  /** It is brought back when it has died. */
  wanted: boolean;
  /** Cuts off those who wait for its answers. */
  readonly connections: Set<() => void>;
}

export interface Told {
  /** Undefined = the caller was never told. */
  readonly answer: Answer | undefined;
  readonly sentMs: number;
  readonly answeredMs: number;
  /** After this it has no effect any more that it has not had. */
  readonly overMs: () => number;
}

/** Kinds of entries in the expiry queue that are worked off by an act outside. */
const OUTSIDE = new Set(['lease', 'intent', 'task']);
/** Between a client and a server, in milliseconds. */
const CLIENT_LATENCY_MS = 1;
const CLIENT_PATIENCE_MS = 20_000;
/** Clocks of two servers differ by twice this at most. */
export const SKEW_MS_MAX = 1_000;
/** A server that ends waits for requests under way at most for so long, and looks again after a while. */
const GRACE_MS = 10_000;
const DRAIN_LOOK_MS = 20;
/** An operator who could not open a server tries again after this. */
const UNSEAL_AGAIN_MS = 300;
/** What a dead server has sent arrives within this time or never. */
const IN_FLIGHT_MS_MAX = 12_000;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly nodes: readonly Node[];
  readonly database: Database | undefined;
  readonly platter: Platter | undefined;
  readonly target: Target;
  readonly network: Network;
  /** How late timers are, at most; and from when on they are as late as this at least: whoever only waits gets on in large steps. */
  latenessMs = 5;
  #calm = { fromMs: Number.POSITIVE_INFINITY, latenessMs: 0 };
  readonly problems: string[] = [];
  answers = 0;
  /** Requests that may still have an effect. */
  underWay = 0;
  /** Who acts outside for all, by what the store says. */
  onDuty = '';

  constructor(options: ClusterOptions) {
    const { scheduler, seed, image, replicas } = options;
    this.#options = options;
    this.scheduler = scheduler;
    this.chance = new Chance(seed, 'cluster');
    this.target = new Target(scheduler, new Chance(seed, 'target'), image.accounts);
    this.network = {
      latencyMs: 1,
      lostRequest: 0,
      lostAnswer: 0,
      slow: 0,
      cutOff: new Set(),
    };
    const store = new Chance(seed, 'store');
    if (replicas > 0) {
      this.database = new Database(scheduler, store, image.entries);
      this.database.onCommitted.push((committed) => this.#judgeDuty(committed));
    } else this.platter = new Platter(store, image.entries);
    this.nodes = Array.from({ length: Math.max(1, replicas) }, (_, index) => ({
      name: `server-${index}`,
      audit: new AuditFile(new Chance(seed, `audit ${index}`)),
      skewMs: replicas > 0 ? (this.chance.unit() * 2 - 1) * SKEW_MS_MAX : 0,
      machine: undefined,
      instance: undefined,
      starts: 0,
      wanted: true,
      connections: new Set(),
    }));
  }

  get storedKeys(): IterableIterator<string> {
    return (this.database ?? this.platter)?.entries.keys() ?? [].values();
  }

  calmDown(fromMs: number, latenessMs: number): void {
    this.#calm = { fromMs, latenessMs };
  }

  #lateness(): number {
    const { fromMs, latenessMs } = this.#calm;
    if (this.scheduler.nowMs < fromMs) return this.latenessMs;
    return Math.max(this.latenessMs, latenessMs);
  }

  start(node: Node): void {
    if (node.machine?.alive === true) return;
    node.starts += 1;
    const machine = new Machine({
      scheduler: this.scheduler,
      name: node.name,
      seed: this.#options.seed * 64 + node.starts,
      skewMs: node.skewMs,
      latenessMs: () => this.#lateness(),
      believesClock: this.#options.sabotage.believesClock === true,
    });
    node.machine = machine;
    machine.onDeath(() => {
      node.instance = undefined;
      if (node.wanted) this.#bringBack(node);
    });
    void this.#bringUp(machine, node);
  }

  async #bringUp(machine: Machine, node: Node): Promise<void> {
    try {
      const instance = await this.#open(machine, node);
      if (machine.alive) node.instance = instance;
    } catch (error) {
      this.scheduler.note(`${node.name} did not start: ${String(error)}`);
      machine.die('could not start');
    }
  }

  #bringBack(node: Node): void {
    const delayMs = 50 + this.chance.unit() * 2_000;
    this.scheduler.in(delayMs, `${node.name} starts`, () => this.start(node));
  }

  async #open(machine: Machine, node: Node): Promise<Instance> {
    const { scheduler, sabotage, image } = this.#options;
    const { target } = this;
    const stored = await this.#storageOf(machine);
    const storage = sabotage.storage?.(stored, machine) ?? stored;
    const device = auditDevice(node.audit, machine, scheduler);
    const instance = await openServer({
      machine,
      storage,
      audit: sabotage.audit?.(device, machine) ?? device,
      target: target.seenBy(machine),
    });
    await instance.unsealer.submit(Buffer.from(image.share));
    await instance.serve();
    return instance;
  }

  async #storageOf(machine: Machine): Promise<ScannableStorage> {
    const { scheduler, sabotage } = this.#options;
    const { database, platter, network } = this;
    if (platter !== undefined) return new DiskStore(platter, machine, scheduler);
    if (database === undefined) throw new Error('there is no store');
    const { clock, random, log } = machine.world;
    return await openPostgresqlStorage({
      connectionUrl: 'postgresql://simulated/simulated?user=simulated',
      connect: () => {
        const line = new Line({ scheduler, database, machine, network });
        return sabotage.connection?.(line, machine) ?? line;
      },
      connectAttemptsMax: 5,
      clock,
      random,
      log,
      onFatal: (error) => {
        this.problems.push(
          `${machine.name} believes that the database lost commits: ${error.message}`,
        );
        machine.die(`ends: ${error.message}`);
      },
    });
  }

  /** Servers that a balancer would send requests to. */
  get serving(): readonly Node[] {
    return this.nodes.filter(({ instance }) => instance?.sealed === false);
  }

  /** Seals a server, as an operator does, who opens it again after a while. */
  async seal(node: Node, forMs: number): Promise<void> {
    const { machine, instance } = node;
    if (machine?.alive !== true || instance?.sealed !== false) return;
    const question = { operation: 'write', path: 'sys/seal', token: ROOT_TOKEN } as const;
    const { overMs } = await this.ask(question, node);
    const again = (): void => {
      machine.later(UNSEAL_AGAIN_MS, 'is opened again', () => void open());
    };
    const open = async (): Promise<void> => {
      // Whoever asked may have given up before it was sealed.
      if (!instance.sealed) return overMs() > this.scheduler.nowMs ? again() : undefined;
      try {
        await instance.unsealer.submit(Buffer.from(this.#options.image.share));
        await instance.serve();
      } catch (error) {
        this.scheduler.note(`${node.name} was not opened: ${String(error)}`);
        again();
      }
    };
    machine.later(forMs, 'is opened', () => void open());
  }

  /** A server is told to end: it takes no more requests, waits for those it has, stops one thing after the other, and comes back. */
  end(node: Node): void {
    const { machine, instance } = node;
    if (machine === undefined || instance === undefined) return;
    machine.enter(() => {
      if (node.instance === undefined) return;
      this.scheduler.note(`${node.name} is told to end`);
      node.instance = undefined;
      void this.#close(node, machine, instance);
    });
  }

  async #close(node: Node, machine: Machine, instance: Instance): Promise<void> {
    const { clock } = machine.world;
    const untilMs = clock.monotonicMs() + GRACE_MS;
    while (node.connections.size > 0 && clock.monotonicMs() < untilMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.after(DRAIN_LOOK_MS, resolve);
      await promise;
    }
    for (const cut of node.connections) cut();
    await instance.close();
    machine.die('has ended');
  }

  /** Asks one of the servers, and waits for its answer or until there is none. */
  async ask(question: Question, at?: Node): Promise<Told> {
    const { scheduler, chance } = this;
    const { sabotage } = this.#options;
    const node = at ?? chance.pick(this.serving.length > 0 ? this.serving : this.nodes);
    const sentMs = scheduler.nowMs;
    let overMs = Number.POSITIVE_INFINITY;
    this.underWay += 1;
    const over = (): void => {
      if (overMs === Number.POSITIVE_INFINITY) this.underWay -= 1;
      overMs = Math.min(overMs, scheduler.nowMs);
    };
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const giveUp = scheduler.in(CLIENT_PATIENCE_MS, 'client gives up', () => resolve(undefined));
    scheduler.in(
      chance.delayMs(CLIENT_LATENCY_MS),
      `${question.operation} ${question.path}`,
      () => {
        const { machine, instance } = node;
        if (instance === undefined || machine === undefined || !machine.alive) {
          over();
          return resolve(undefined);
        }
        const cut = (): void => {
          node.connections.delete(cut);
          scheduler.in(CLIENT_LATENCY_MS, 'client is cut off', () => resolve(undefined));
        };
        node.connections.add(cut);
        const survived = machine.onDeath(() => {
          if (overMs === Number.POSITIVE_INFINITY) this.underWay -= 1;
          overMs = Math.min(overMs, scheduler.nowMs + IN_FLIGHT_MS_MAX);
          cut();
        });
        const handle = sabotage.handle?.(instance.handle) ?? instance.handle;
        const serve = async (): Promise<void> => {
          const answer = await handle(callOf(question));
          over();
          if (!machine.leave()) return;
          survived();
          if (!node.connections.delete(cut)) return;
          this.#judge(node, question, answer);
          scheduler.in(chance.delayMs(CLIENT_LATENCY_MS), 'client is told', () => resolve(answer));
        };
        machine.enter(() => void serve());
      },
    );
    const answer = await promise;
    giveUp();
    scheduler.note(`told ${answer === undefined ? 'nothing' : (answer.error?.code ?? 'ok')}`);
    return { answer, sentMs, answeredMs: scheduler.nowMs, overMs: () => overMs };
  }

  /** An answer leaves a server. */
  #judge(node: Node, question: Question, answer: Answer): void {
    this.answers += 1;
    if (answer.error?.code === 'audit_failed' || answer.error?.code === 'sealed') return;
    if (node.audit.has(answer.requestId)) return;
    // What was refused because the audit log failed has no record of its own.
    this.problems.push(
      `${question.operation} ${question.path} was answered with ${answer.error?.code ?? 'ok'} before its records were durable`,
    );
  }

  /** Only who has the duty may end what is outside, and say so in the store. */
  #judgeDuty({ by, change }: Committed): void {
    if (change.puts.some(({ key }) => key === DUTY_KEY)) this.onDuty = by;
    const acted = change.deletes.find((key) => OUTSIDE.has(queueEntryOf(key)?.kind ?? ''));
    if (acted === undefined || by === this.onDuty) return;
    this.problems.push(`${by} has worked off an act outside, which was the duty of ${this.onDuty}`);
  }

  /** Errors that nobody foresaw. */
  crashes(): string[] {
    return this.nodes.flatMap(({ machine }) => machine?.crashes ?? []);
  }
}
