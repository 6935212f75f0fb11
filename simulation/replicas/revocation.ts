/**
 * What one server has acknowledged binds the next request on every other: tokens that were revoked, policies that were changed. Each trial
 * uses the token on another server right after the answer.
 */
import { textAt } from '../../rig/api.ts';
import type { ApiAnswer } from '../../rig/api.ts';
import { Seeded } from '../seeded.ts';
import { counted, HURTS, inScene, SERVERS } from './scene.ts';
import type { Scene } from './scene.ts';

export interface RevocationOptions {
  readonly trials: number;
  readonly seed: number;
}

const WORKERS = 12;
const DENIED = 403;
const CALL_MS_MAX = 8_000;
/** What the lines suffer meanwhile. */
const LINE_HURTS = ['line cut', 'line delayed', 'line interrupted', 'answers of the database lost'];

interface Tally {
  trials: number;
  stale: number;
  unanswered: number;
}

export async function simulateRevocation(options: RevocationOptions): Promise<string[]> {
  const problems: string[] = [];
  await inScene(async (scene) => {
    for (const [name, trial] of [
      ['revoked here, used there', revoke],
      ['policy changed here, used there', changePolicy],
    ] as const) {
      const tally: Tally = { trials: 0, stale: 0, unanswered: 0 };
      const hurts = new Map<string, number>();
      const seeded = new Seeded(options.seed);
      const over = (): boolean => tally.trials >= options.trials;
      await Promise.all([
        ...Array.from({ length: WORKERS }, (_, worker) =>
          work(scene, trial, tally, new Seeded(options.seed + worker), over),
        ),
        hurtLines(scene, seeded, hurts, over),
      ]);
      console.log(
        `  ${name}: ${tally.trials} trials, ${tally.stale} stale acceptances, ${tally.unanswered} without an answer; meanwhile ${counted(hurts)}`,
      );
      if (tally.stale > 0) problems.push(`${name}: ${tally.stale} stale`);
    }
  });
  return problems;
}

async function hurtLines(
  scene: Scene,
  seeded: Seeded,
  done: Map<string, number>,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    const name = seeded.pick(LINE_HURTS);
    await HURTS[name]?.(scene, seeded);
    done.set(name, (done.get(name) ?? 0) + 1);
  }
}

type Trial = (scene: Scene, seeded: Seeded, tally: Tally) => Promise<void>;

async function work(
  scene: Scene,
  trial: Trial,
  tally: Tally,
  seeded: Seeded,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    try {
      await trial(scene, seeded, tally);
    } catch {
      tally.unanswered += 1;
    }
  }
}

async function ask(
  { cluster }: Scene,
  server: number,
  method: string,
  path: string,
  token: string,
  body?: unknown,
): Promise<ApiAnswer> {
  const api = cluster.servers[server % SERVERS]?.api;
  if (api === undefined) throw new Error('no such server');
  const answer = await api.call(method, path, {
    token,
    timeoutMs: CALL_MS_MAX,
    ...(body === undefined ? {} : { body }),
  });
  if (answer.status >= 500) throw new Error(`answered ${answer.status}`);
  return answer;
}

/** Uses `token` on the servers other than `home`; every acceptance is one too many. */
async function mustBeDenied(
  scene: Scene,
  home: number,
  token: string,
  path: string,
  tally: Tally,
): Promise<void> {
  await Promise.all(
    Array.from({ length: SERVERS - 1 }, async (_, index) => {
      const { status } = await ask(scene, home + 1 + index, 'GET', path, token);
      tally.trials += 1;
      if (status !== DENIED) tally.stale += 1;
    }),
  );
}

async function revoke(scene: Scene, seeded: Seeded, tally: Tally): Promise<void> {
  const home = seeded.between(0, SERVERS - 1);
  const { rootToken } = scene.cluster;
  const made = await ask(scene, home, 'POST', 'auth/token/create', rootToken, {
    policies: ['default'],
  });
  const token = textAt(made.body, 'auth', 'client_token');
  const path = 'auth/token/lookup-self';
  // In use on every server, so that each has it in memory.
  for (let server = 0; server < SERVERS; server++) {
    const { status } = await ask(scene, server, 'GET', path, token);
    if (status !== 200) throw new Error(`a new token was answered ${status}`);
  }
  const { status } = await ask(scene, home, 'POST', 'auth/token/revoke', rootToken, { token });
  if (status !== 204) throw new Error(`the revocation was answered ${status}`);
  await mustBeDenied(scene, home, token, path, tally);
}

let policies = 0;

async function changePolicy(scene: Scene, seeded: Seeded, tally: Tally): Promise<void> {
  const { rootToken } = scene.cluster;
  const name = `trial-${policies++}`;
  const path = `secret/data/${name}`;
  const write = async (server: number, capability: string): Promise<void> => {
    const policy = `path "${path}" { capabilities = ["${capability}"] }`;
    const body = { policy };
    const { status } = await ask(
      scene,
      server,
      'POST',
      `sys/policies/acl/${name}`,
      rootToken,
      body,
    );
    if (status !== 204) throw new Error(`the policy was answered ${status}`);
  };
  const home = seeded.between(0, SERVERS - 1);
  await write(home, 'read');
  const body = { policies: [name] };
  const made = await ask(scene, home, 'POST', 'auth/token/create', rootToken, body);
  const token = textAt(made.body, 'auth', 'client_token');
  for (let turn = 0; turn < 4; turn++) {
    const server = seeded.between(0, SERVERS - 1);
    await write(server, 'read');
    for (let each = 0; each < SERVERS; each++) {
      const { status } = await ask(scene, each, 'GET', path, token);
      // Nothing lies there: allowed is "not found".
      if (status !== 404) throw new Error(`allowed, and answered ${status}`);
    }
    await write(server, 'deny');
    await mustBeDenied(scene, server, token, path, tally);
  }
}
