/** One system call of a server fails, the N-th of its kind on the files of the store, the audit log or a backup. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from '../../rig/api.ts';
import { startVaultServer, strongroom } from '../../rig/vault-server.ts';
import type { VaultServer } from '../../rig/vault-server.ts';
import type { Seeded } from '../seeded.ts';
import { inScene, load } from './scene.ts';
import type { Scene } from './scene.ts';

export interface FailingCall {
  readonly name: string;
  readonly calls: string;
  readonly error: 'EIO' | 'ENOSPC';
  readonly target: 'database' | 'audit' | 'backup';
  /** Whether only that call fails, or all from it on. */
  readonly once: boolean;
  /** The process cannot know what is on the disk: it acknowledges nothing more and ends with a failure. */
  readonly fatal: boolean;
}

const SYNCS = 'fsync,fdatasync';
const WRITES = 'pwrite64,pwritev,write,writev';
const RENAMES = 'rename,renameat,renameat2';

function kind(
  target: FailingCall['target'],
  calls: string,
  error: FailingCall['error'],
  rest: Pick<FailingCall, 'once' | 'fatal'>,
): FailingCall {
  const act = calls === SYNCS ? 'sync' : calls === WRITES ? 'write' : 'rename';
  const name = `${error} at ${rest.once ? 'one' : 'every'} ${act} of the ${target}`;
  return { name, target, calls, error, ...rest };
}

/** The audit file is opened with O_DSYNC, so that its write is its own sync; whoever cannot write there refuses the request. */
export const FAILING_CALLS: readonly FailingCall[] = [
  kind('database', SYNCS, 'EIO', { once: true, fatal: true }),
  kind('database', SYNCS, 'EIO', { once: false, fatal: true }),
  kind('database', SYNCS, 'ENOSPC', { once: true, fatal: true }),
  kind('database', WRITES, 'EIO', { once: true, fatal: true }),
  kind('database', WRITES, 'ENOSPC', { once: true, fatal: true }),
  kind('audit', WRITES, 'EIO', { once: true, fatal: false }),
  kind('audit', WRITES, 'EIO', { once: false, fatal: false }),
  kind('audit', WRITES, 'ENOSPC', { once: true, fatal: false }),
  kind('backup', RENAMES, 'EIO', { once: true, fatal: false }),
];

const LOAD_MS_MAX = 4_000;
/** How long the load goes on after the fault. */
const AFTERMATH_MS = 200;
const PROBE_MS = 400;
const PROBE_PAUSE_MS = 20;
const POLL_MS = 20;
/** A server that gives up has ended within this time. */
const EXIT_MS_MAX = 5_000;
/** Between the return of the failed call in the trace and the clock of this process. */
const CLOCK_SLACK_MS = 2;
const REFUSED_STATUS = 500;

export interface CallOutcome {
  /** The call was made, and failed. */
  readonly met: boolean;
  readonly problems: readonly string[];
}

export async function failCall(
  failing: FailingCall,
  call: number,
  prepared: string,
  seeded: Seeded,
  change: (server: VaultServer) => VaultServer = (server) => server,
): Promise<CallOutcome> {
  let met = false;
  const act = async (scene: Scene): Promise<string[]> => {
    const trace = join(scene.folder, 'trace');
    const server = await startFailing(
      failing,
      failing.target === 'backup' ? 1 : call,
      scene.folder,
    );
    if (server === undefined) {
      // A store that cannot be opened is no reason to start.
      met = injectedAtMs(trace) !== undefined;
      return met ? [] : ['did not start, without a fault'];
    }
    const problems: string[] = [];
    const fault = watchFor(trace);
    const loaded = load(change(server), scene, fault.isOver);
    if (failing.target === 'backup') problems.push(...(await backUp(server)));
    await loaded;
    met = fault.atMs() !== undefined;
    if (met) problems.push(...(await judge(failing, server, scene, fault.atMs() ?? 0)));
    server.api.close();
    await server.child.kill();
    return problems;
  };
  const problems = await inScene({ seeded, act, prepared });
  return { met, problems };
}

function filesOf(target: FailingCall['target'], folder: string): readonly string[] {
  if (target === 'backup') return [];
  if (target === 'audit') return [join(folder, 'audit.log')];
  const data = join(folder, 'data', 'strongroom.db');
  return [data, `${data}-wal`, `${data}-journal`];
}

/** Undefined when it ended before it was ready. */
async function startFailing(
  { calls, error, target, once }: FailingCall,
  call: number,
  folder: string,
): Promise<VaultServer | undefined> {
  const wrapper = ['strace', '-f', '-qq', '-ttt', '-o', join(folder, 'trace')];
  wrapper.push('-e', `trace=${calls}`);
  wrapper.push(...filesOf(target, folder).flatMap((file) => ['-P', file]));
  wrapper.push('-e', `inject=${calls}:error=${error}:when=${call}${once ? '' : '+'}`);
  try {
    return await startVaultServer(strongroom, {
      folder,
      wrapper,
      // One pool thread, because strace counts calls per thread; and no compiled code to put in place.
      environment: { UV_THREADPOOL_SIZE: '1', NODE_DISABLE_COMPILE_CACHE: '1' },
      evenIfSealed: true,
    });
  } catch {
    return undefined;
  }
}

interface Fault {
  readonly atMs: () => number | undefined;
  /** It has happened a while ago, or will not. */
  readonly isOver: () => boolean;
}

function watchFor(trace: string): Fault {
  const beganMs = performance.now();
  let lookedMs = beganMs;
  let foundMs: number | undefined;
  const atMs = (): number | undefined => (foundMs ??= injectedAtMs(trace));
  return {
    atMs,
    isOver() {
      const nowMs = performance.now();
      if (nowMs - beganMs > LOAD_MS_MAX) return true;
      if (nowMs - lookedMs < POLL_MS) return false;
      lookedMs = nowMs;
      const found = atMs();
      return found !== undefined && performance.timeOrigin + nowMs > found + AFTERMATH_MS;
    },
  };
}

/** When the first call failed, by the trace. */
function injectedAtMs(trace: string): number | undefined {
  if (!existsSync(trace)) return undefined;
  const line = readFileSync(trace, 'utf8')
    .split('\n')
    .find((text) => text.includes('(INJECTED)'));
  const seconds = line === undefined ? undefined : /\d{9,}\.\d+/.exec(line)?.[0];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

async function judge(
  { fatal, once, target }: FailingCall,
  server: VaultServer,
  { ledger }: Scene,
  faultMs: number,
): Promise<string[]> {
  const problems: string[] = [];
  if (fatal || (target === 'audit' && !once)) {
    const lateMs = ledger.lastSentMs - faultMs;
    if (lateMs > CLOCK_SLACK_MS) {
      problems.push(`acknowledged a write that was sent ${lateMs.toFixed(1)} ms after the fault`);
    }
    problems.push(...(await successesAfter(server)));
  }
  if (!fatal) {
    if (server.child.exit !== undefined) problems.push('ended, though it could go on');
    return problems;
  }
  await Promise.race([server.child.exited, delay(EXIT_MS_MAX)]);
  if (server.child.exit === undefined) problems.push('still runs');
  else if (server.child.exit.code === 0) problems.push('ended as if all was well');
  return problems;
}

/** For the control: a server whose clients are told that a refused write was done. */
export function lying(server: VaultServer): VaultServer {
  const call: Api['call'] = async (method, path, options) => {
    const answer = await server.api.call(method, path, options).catch(() => undefined);
    if (answer !== undefined && answer.status < REFUSED_STATUS) return answer;
    await delay(PROBE_PAUSE_MS);
    return { status: 200, body: { request_id: 'never', data: { version: 1 }, auth: MADE_UP } };
  };
  return { ...server, api: Object.assign(Object.create(server.api) as Api, { call }) };
}

const MADE_UP = { client_token: 'never', accessor: 'never' };

/** Writes that the server still acknowledges. */
async function successesAfter({ api, rootToken, child }: VaultServer): Promise<string[]> {
  const end = performance.now() + PROBE_MS;
  while (performance.now() < end && child.exit === undefined) {
    const body = { data: { after: 'the fault' } };
    const answer = await api
      .call('POST', 'secret/data/sim/after', { token: rootToken, body, timeoutMs: 5_000 })
      .catch(() => undefined);
    if (answer !== undefined && answer.status < 300) {
      return ['acknowledged a write after the fault'];
    }
    await delay(PROBE_PAUSE_MS);
  }
  return [];
}

/** A backup that cannot be put in place is refused; a part of one is never handed out. */
async function backUp({ api, rootToken }: VaultServer): Promise<string[]> {
  const answer = await fetch(`${api.address}/v1/sys/storage/raft/snapshot`, {
    headers: { 'x-vault-token': rootToken },
  });
  await answer.arrayBuffer().catch(() => {});
  return answer.status < REFUSED_STATUS ? [`a backup was answered with ${answer.status}`] : [];
}
