/**
 * Concurrent clients read, write and compare-and-set secrets on three servers while these, their lines and their database are hurt. Every
 * key's history must be that of one register: no lost write, no stale read, on no server.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { at } from '../../rig/api.ts';
import type { Api, ApiAnswer } from '../../rig/api.ts';
import { Seeded } from '../seeded.ts';
import { judgeHistory } from './linearizable.ts';
import type { Action, Operation, Register } from './linearizable.ts';
import { counted, hurtUntil, inScene } from './scene.ts';
import type { Scene } from './scene.ts';

export interface ConsistencyOptions {
  readonly operations: number;
  /** Ends earlier after this time. */
  readonly minutes: number;
  readonly seed: number;
}

const CLIENTS = 48;
/** Keys that are worked on at a time, and operations after which another takes its place. */
const KEYS = 16;
const OPERATIONS_PER_KEY = 120;
const CALL_MS_MAX = 8_000;

class Key {
  readonly path: string;
  readonly history: Operation[] = [];
  /** A version seen lately, to compare with. */
  version = 0;

  constructor(number: number) {
    this.path = `secret/data/key-${number}`;
  }
}

/** Takes down what clients did, and which keys they work on. */
class Course {
  readonly keys: Key[] = [];
  readonly #active: Key[] = [];
  #values = 0;
  answered = 0;
  unanswered = 0;

  constructor() {
    for (let index = 0; index < KEYS; index++) this.#active.push(this.#newKey());
  }

  pick(seeded: Seeded): Key {
    const index = seeded.between(0, KEYS - 1);
    let key = this.#active[index] ?? this.#newKey();
    if (key.history.length >= OPERATIONS_PER_KEY) this.#active[index] = key = this.#newKey();
    return key;
  }

  newValue(): number {
    return ++this.#values;
  }

  #newKey(): Key {
    const key = new Key(this.keys.length);
    this.keys.push(key);
    return key;
  }
}

export async function simulateConsistency(options: ConsistencyOptions): Promise<string[]> {
  const seeded = new Seeded(options.seed);
  const course = new Course();
  const startedMs = performance.now();
  const done = await inScene(async (scene) => {
    const untilMs = performance.now() + options.minutes * 60_000;
    const over = (): boolean =>
      course.answered >= options.operations || performance.now() > untilMs;
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      client(scene, course, new Seeded(options.seed + index + 1), over),
    );
    const hurts = hurtUntil(scene, seeded, over);
    await Promise.all(clients);
    return await hurts;
  });
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(
    `  ${course.answered} operations answered, ${course.unanswered} without an answer, on ${course.keys.length} keys in ${seconds.toFixed(0)} s`,
  );
  console.log(`  meanwhile: ${counted(done)}`);
  return judge(course);
}

function judge({ keys }: Course): string[] {
  const problems: string[] = [];
  const verdicts = { linearizable: 0, violation: 0, undecided: 0 };
  let noticed = 0;
  let spoilt = 0;
  for (const { path, history } of keys) {
    const verdict = judgeHistory(history);
    verdicts[verdict] += 1;
    if (verdict !== 'linearizable') problems.push(`${path}: ${verdict} (${kept(path, history)})`);
    // The judge itself is tried as well: the same history with one stale answer must not pass.
    const stale = withStaleRead(history);
    if (stale === undefined) continue;
    spoilt += 1;
    if (judgeHistory(stale) === 'violation') noticed += 1;
  }
  console.log(
    `  ${verdicts.linearizable} histories linearizable, ${verdicts.violation} violations, ${verdicts.undecided} undecided`,
  );
  console.log(`  control: of ${spoilt} histories with one stale answer ${noticed} were found out`);
  if (noticed < spoilt) problems.push('the judge lets stale answers pass');
  return problems;
}

/** Where a history lies that was not as it should be, for whoever wants to know why. */
function kept(path: string, history: readonly Operation[]): string {
  const file = join(tmpdir(), `history-${path.replaceAll('/', '-')}-${process.pid}.json`);
  const lines = history
    .toSorted((a, b) => a.callMs - b.callMs)
    .map((operation) => JSON.stringify(operation));
  writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`);
  return file;
}

/** The last read gets the answer of the one before the last write that had ended when it began. */
function withStaleRead(history: readonly Operation[]): Operation[] | undefined {
  const reads = history.filter(({ action }) => action.kind === 'read');
  const last = reads.at(-1);
  if (last === undefined) return undefined;
  const stale = reads.findLast(
    ({ action, answerMs }) =>
      action.kind === 'read' &&
      last.action.kind === 'read' &&
      action.saw.version < last.action.saw.version &&
      answerMs < last.callMs &&
      // Somebody was told of a newer version before the last read began.
      history.some(
        (each) =>
          each.action.kind === 'read' &&
          action.kind === 'read' &&
          each.answerMs < last.callMs &&
          each.action.saw.version > action.saw.version,
      ),
  );
  if (stale === undefined) return undefined;
  return history.map((each) => (each === last ? { ...each, action: stale.action } : each));
}

async function client(
  { cluster }: Scene,
  course: Course,
  seeded: Seeded,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    const { api } = seeded.pick(cluster.servers);
    const key = course.pick(seeded);
    const callMs = performance.now();
    const choice = seeded.between(1, 10);
    const act = choice <= 5 ? reading : choice <= 8 ? writing : comparing;
    const tried = act(api, cluster.rootToken, key, course.newValue());
    const action = await tried.answer.catch(() => undefined);
    if (action === undefined) {
      course.unanswered += 1;
      if (tried.unknown !== undefined) {
        key.history.push({ action: tried.unknown, callMs, answerMs: Infinity });
      }
      // Most likely the server is gone: leave it a moment.
      await pause(50);
      continue;
    }
    course.answered += 1;
    key.history.push({ action, callMs, answerMs: performance.now() });
  }
}

interface Tried {
  /** Undefined or a rejection: no answer that says what happened. */
  readonly answer: Promise<Action | undefined>;
  /** What may have happened without an answer. */
  readonly unknown: Action | undefined;
}

function reading(api: Api, token: string, key: Key): Tried {
  const answer = async (): Promise<Action | undefined> => {
    const found = await api.call('GET', key.path, { token, timeoutMs: CALL_MS_MAX });
    const saw = registerOf(found);
    if (saw === undefined) return undefined;
    key.version = saw.version;
    return { kind: 'read', saw };
  };
  return { answer: answer(), unknown: undefined };
}

function registerOf({ status, body }: ApiAnswer): Register | undefined {
  // Whoever else listens where a server was, until that is back, does not say it in these words.
  if (status === 404 && JSON.stringify(body) === '{"errors":[]}') return { version: 0, value: 0 };
  if (status !== 200) return undefined;
  return {
    version: Number(at(body, 'data', 'metadata', 'version')),
    value: Number(at(body, 'data', 'data', 'value')),
  };
}

function writing(api: Api, token: string, key: Key, value: number): Tried {
  const answer = async (): Promise<Action | undefined> => {
    const body = { data: { value } };
    const { status, body: told } = await api.call('POST', key.path, {
      token,
      body,
      timeoutMs: CALL_MS_MAX,
    });
    if (status !== 200) return undefined;
    return { kind: 'write', value, version: Number(at(told, 'data', 'version')) };
  };
  return { answer: answer(), unknown: { kind: 'write', value, version: undefined } };
}

function comparing(api: Api, token: string, key: Key, value: number): Tried {
  const expected = key.version;
  const answer = async (): Promise<Action | undefined> => {
    const body = { options: { cas: expected }, data: { value } };
    const { status, body: told } = await api.call('POST', key.path, {
      token,
      body,
      timeoutMs: CALL_MS_MAX,
    });
    if (status === 200) return { kind: 'compare-and-set', value, expected, outcome: 'done' };
    // Other requests that cannot be served may be answered with 400 too.
    const refused = status === 400 && JSON.stringify(told).includes('check-and-set');
    return refused ? { kind: 'compare-and-set', value, expected, outcome: 'refused' } : undefined;
  };
  return {
    answer: answer(),
    unknown: { kind: 'compare-and-set', value, expected, outcome: 'unknown' },
  };
}
