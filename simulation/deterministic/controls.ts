/**
 * Servers that are worse than the product, each in one way: what the simulation must notice. The product has no switch for any of it: they
 * are made by what stands between it and the simulated world.
 */
import type { AuditDeviceType, ResumableDevice } from '../../src/audit/device.ts';
import { LinkError } from '../../src/storage/postgresql/failures.ts';
import type { Connection } from '../../src/storage/postgresql/link.ts';
import type { Commit, Entry, ScannableStorage, SharedStorage } from '../../src/storage/storage.ts';
import { isShared } from '../../src/storage/storage.ts';
import { ROOT_TOKEN } from './image.ts';
import type { Sabotage } from './cluster.ts';
import { DUTY_KEY, INTENTS, LEASES, QUEUE } from './stored-keys.ts';
import { KINDS } from './world/database.ts';
import type { Machine } from './world/machine.ts';
import type { Plan } from './plan.ts';

export interface Control {
  readonly name: string;
  /** What must be found. */
  readonly caught: RegExp;
  readonly sabotage: Sabotage;
  /** Makes the trouble likely that it takes. */
  readonly plan?: (plan: Plan) => Plan;
}

type Read = ScannableStorage['read'];

interface Changed {
  readonly read?: (read: Read) => Read;
  readonly commit?: (commit: Commit, inner: ScannableStorage) => Promise<void>;
}

/** The store with another way of reading or writing. */
function changed(inner: ScannableStorage, { read, commit }: Changed): ScannableStorage {
  const reading = read ?? ((plain: Read): Read => plain);
  const store: ScannableStorage = {
    read: reading((keys) => inner.read(keys)),
    list: (prefix, page) => inner.list(prefix, page),
    scan: (prefix, after, limit) => inner.scan(prefix, after, limit),
    commit: (wanted) => commit?.(wanted, inner) ?? inner.commit(wanted),
    close: () => inner.close(),
  };
  if (!isShared(inner)) return store;
  const shared: SharedStorage = inner;
  return Object.assign(store, {
    session: () => {
      const session = shared.session();
      return { read: reading((keys) => session.read(keys)) };
    },
    catchUp: () => shared.catchUp(),
    onChanged: (listener: Parameters<SharedStorage['onChanged']>[0]) => shared.onChanged(listener),
  });
}

/** Gives, for keys that `sticks` to, what was read before for `forMs`. */
function stale(machine: Machine, sticks: (key: string) => boolean, forMs: number) {
  const seen = new Map<string, { readonly entry: Entry | undefined; readonly atMs: number }>();
  const { clock } = machine.world;
  return (read: Read): Read =>
    async (keys) => {
      const entries = await read(keys);
      return keys.map((key, index) => {
        const known = seen.get(key);
        if (known !== undefined && clock.monotonicMs() - known.atMs < forMs) return known.entry;
        const entry = entries[index];
        if (sticks(key)) seen.set(key, { entry, atMs: clock.monotonicMs() });
        return entry;
      });
    };
}

function isIntent(key: string): boolean {
  return key.startsWith(INTENTS) || (key.startsWith(QUEUE) && key.includes(':intent:'));
}

function isLeaseDue(key: string): boolean {
  return key.startsWith(QUEUE) && key.includes(':lease:');
}

/** Answers to writes that get lost on such a connection, beside those of the simulated network. */
const LOST = 0.3;

/** A connection that treats an answer that did not come in another way than the product does. */
function deaf(
  inner: Connection,
  machine: Machine,
  taken: 'for success' | 'for failure',
): Connection {
  const run: Connection['run'] = async (statements) => {
    try {
      const answers = await inner.run(statements);
      if (machine.chance.happens(LOST) && KINDS.get(statements[0]?.text ?? '') === 'write') {
        inner.drop();
        throw new LinkError('lost', undefined);
      }
      if (taken === 'for success') return answers;
      return answers.map((answer, index) =>
        KINDS.get(statements[index]?.text ?? '') === 'outcome' ? { ...answer, rows: [] } : answer,
      );
    } catch (error) {
      const lost = error instanceof LinkError && error.code === undefined;
      const isWrite = KINDS.get(statements[0]?.text ?? '') === 'write';
      if (!lost || !isWrite || taken === 'for failure') throw error;
      const [known] = (statements[0]?.values ?? []) as readonly number[];
      return statements.map(() => ({ rows: [[(known ?? 0) + 1]], command: 'COMMIT' }));
    }
  };
  return {
    run,
    one: async (statement) => {
      const [answer] = await run([statement]);
      if (answer === undefined) throw new Error('a statement had no answer');
      return answer;
    },
    drop: () => inner.drop(),
    close: () => inner.close(),
  };
}

function hasty(type: AuditDeviceType): AuditDeviceType {
  return {
    ...type,
    async open(options, context) {
      const device = (await type.open(options, context)) as ResumableDevice;
      let turn: Promise<void> = Promise.resolve();
      return {
        ...device,
        append: async (lines) => {
          const copy = Buffer.from(lines);
          turn = turn.then(() => device.append(copy)).catch(() => {});
        },
      } satisfies ResumableDevice;
    },
  };
}

const EARLY_MS = 0.5;

const shared = (plan: Plan): Plan => ({ ...plan, replicas: Math.max(plan.replicas, 2) });
const busy = (plan: Plan): Plan => ({ ...plan, things: 12, clients: 3, pauseMs: 100 });

export const CONTROLS: readonly Control[] = [
  {
    name: 'commits are not checked',
    caught: /not linearizable/,
    sabotage: {
      storage: (inner) =>
        changed(inner, { commit: (commit, store) => store.commit({ ...commit, checks: [] }) }),
    },
    plan: busy,
  },
  {
    name: 'commits are acknowledged before they are durable',
    caught: /not linearizable|a token was refused that is good/,
    sabotage: {
      storage: (inner, machine) =>
        changed(inner, {
          commit: async (commit, store) => {
            const early = Promise.withResolvers<void>();
            machine.later(EARLY_MS, 'acknowledged early', early.resolve);
            await Promise.race([store.commit(commit), early.promise]);
          },
        }),
    },
    plan: (plan) => busy({ ...plan, crashes: 3 }),
  },
  {
    name: 'epochs are believed forever',
    caught: /against the policy/,
    sabotage: {
      storage: (inner, machine) =>
        changed(inner, { read: stale(machine, (key) => key.startsWith('epoch/policy'), 1e9) }),
    },
    plan: (plan) => shared({ ...busy(plan), theme: 'policies' }),
  },
  {
    name: 'what was read half a second ago is read again',
    caught: /not linearizable|revoked|against the policy/,
    sabotage: {
      storage: (inner, machine) =>
        changed(inner, { read: stale(machine, (key) => key.startsWith('data/'), 500) }),
    },
    plan: (plan) => shared(busy(plan)),
  },
  {
    name: 'an answer that was lost counts as success',
    caught: /not linearizable|lost acknowledged commits/,
    sabotage: { connection: (inner, machine) => deaf(inner, machine, 'for success') },
    plan: (plan) => shared(busy(plan)),
  },
  {
    name: 'an answer that was lost counts as failure',
    caught: /not linearizable/,
    sabotage: { connection: (inner, machine) => deaf(inner, machine, 'for failure') },
    plan: (plan) => shared(busy(plan)),
  },
  {
    name: 'who has lost the duty commits all the same',
    caught: /which was the duty of/,
    sabotage: {
      storage: (inner) =>
        changed(inner, {
          commit: (commit, store) => {
            const takesOver = commit.puts.some(({ key }) => key === DUTY_KEY);
            const checks = commit.checks.filter(({ key }) => takesOver || key !== DUTY_KEY);
            return store.commit({ ...commit, checks });
          },
        }),
    },
    plan: (plan) =>
      shared({
        ...plan,
        things: 12,
        clients: 3,
        pauseMs: 1_500,
        latenessMs: 100,
        stops: 0,
        cuts: 3,
        cutMsMax: 18_000,
        target: 'slow',
      }),
  },
  {
    name: 'acts outside have no intent',
    caught: /still there/,
    sabotage: {
      storage: (inner) =>
        changed(inner, {
          commit: (commit, store) =>
            store.commit({ ...commit, puts: commit.puts.filter(({ key }) => !isIntent(key)) }),
        }),
    },
    plan: (plan) => ({ ...plan, target: 'bad', crashes: 3 }),
  },
  {
    name: 'the end of a lease is forgotten',
    caught: /still there/,
    sabotage: {
      storage: (inner) =>
        changed(inner, {
          commit: (commit, store) =>
            store.commit({ ...commit, puts: commit.puts.filter(({ key }) => !isLeaseDue(key)) }),
        }),
    },
  },
  {
    name: 'a lease is written whatever has become of it meanwhile',
    caught: /goes on without its account|was ended goes on|renewed that was revoked/,
    sabotage: {
      storage: (inner) =>
        changed(inner, {
          commit: (commit, store) => {
            const checks = commit.checks.filter(({ key }) => !key.startsWith(LEASES));
            return store.commit({ ...commit, checks });
          },
        }),
    },
    plan: (plan) => ({ ...busy(plan), theme: 'leases' }),
  },
  {
    name: 'records count as durable when they are handed over',
    caught: /before its records were durable/,
    sabotage: { audit: hasty },
  },
  {
    name: 'the clock of the machine is believed',
    caught: /refused that is good|ended before its time|accepted after its end|outlived its lease/,
    sabotage: { believesClock: true },
    plan: (plan) => ({ ...plan, jumps: 3, crashes: 0, endings: 0 }),
  },
  {
    name: 'what is denied is done all the same',
    caught: /was denied has happened/,
    sabotage: {
      handle: (handle) => async (call) => {
        const answer = await handle(call);
        if (answer.error?.code === 'permission_denied' && call.token !== ROOT_TOKEN) {
          await handle({ ...call, token: ROOT_TOKEN });
        }
        return answer;
      },
    },
  },
];
