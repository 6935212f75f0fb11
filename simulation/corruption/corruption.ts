/**
 * Alters the records of a stopped server: flipped bits, swapped, replayed, moved, cut and deleted records, and everything put back to an older
 * state. The server must never give a wrong secret, and must say that something is wrong: at start, in an answer, or in its log.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { at } from '../../rig/api.ts';
import { startVaultServer } from '../../rig/vault-server.ts';
import type { VaultServer } from '../../rig/vault-server.ts';
import { Seeded } from '../seeded.ts';
import { mountSecrets } from '../server-under-test.ts';
import { ALTERATIONS } from './alterations.ts';
import type { Copy, Row, Stores } from './records.ts';

export interface CorruptionOptions {
  readonly count: number;
  readonly seed: number;
}

const SECRETS = 24;
const NOTICE_MS_MAX = 5_000;
const CONTROL_MS = 2_000;
/** What the server calls it. */
const NOTICE =
  /failed authentication|integrity|deleted, inserted or replaced|rolled back|put back to an older state|does not open|seal configuration|sealed under a static key/i;

/** Read before there is any key, so nothing vouches for these records: an alteration is refused or has no effect. */
const CLEAR_PREFIX = 'core/seal/';
const UNNOTICED = 'nobody was told';

function secretOf(index: number, round: number): string {
  return `canary ${index} of round ${round}`;
}

/** Fills a store with secrets that are written twice; gives its records as they were before the second time. */
async function prepare(original: Copy): Promise<readonly Row[]> {
  let older: readonly Row[] = [];
  for (const round of [1, 2]) {
    const { program, folder } = original;
    const server = await startVaultServer(program, { folder });
    if (round === 1) await mountSecrets(server);
    for (let index = 0; index < SECRETS; index++) {
      const body = { data: { value: secretOf(index, round) } };
      await server.api.expect('POST', `secret/data/c/${index}`, { token: server.rootToken, body });
    }
    server.api.close();
    await server.child.stop();
    if (round === 1) older = await original.rows();
  }
  return older;
}

/** Tries `count` alterations on copies of a store. */
export async function simulateCorruption(
  start: () => Promise<Stores>,
  { count, seed }: CorruptionOptions,
): Promise<string[]> {
  const seeded = new Seeded(seed);
  const stores = await start();
  const problems: string[] = [];
  const noticed = new Map<string, number>();
  try {
    const original = await stores.empty();
    const older = await prepare(original);
    // The control: without an alteration nothing may be noticed, or what follows proves nothing.
    const untouched = await stores.copyOf(original, 'control');
    const control = await examine(untouched, CONTROL_MS);
    if ('noticed' in control) problems.push(`without any alteration: ${control.noticed}`);
    await untouched.remove();
    const kinds = Object.keys(ALTERATIONS);
    for (let index = 0; index < count; index++) {
      const copy = await stores.copyOf(original, String(index));
      const kind = kinds[index % kinds.length] ?? '';
      const altered = ALTERATIONS[kind]?.({ rows: await copy.rows(), older, seeded });
      if (altered === undefined) continue;
      const { done } = altered;
      await copy.replace(altered.rows);
      const found = await examine(copy, NOTICE_MS_MAX, kind === 'rollback' ? 1 : 2);
      const harmless =
        'problem' in found && found.problem === UNNOTICED && done.includes(CLEAR_PREFIX);
      const outcome = 'noticed' in found ? found.noticed : harmless ? 'no effect' : 'problem';
      noticed.set(`${kind}: ${outcome}`, (noticed.get(`${kind}: ${outcome}`) ?? 0) + 1);
      if ('problem' in found && !harmless) problems.push(`${kind} ${done}: ${found.problem}`);
      await copy.remove();
    }
  } finally {
    await stores.close();
  }
  for (const [what, times] of noticed) console.log(`  ${what} ${times} ×`);
  return problems;
}

type Examined = { readonly noticed: string } | { readonly problem: string };

/** @param round the writing whose secrets are right: an older state of everything is genuine, and told as such. */
async function examine({ folder, program }: Copy, noticeMs: number, round = 2): Promise<Examined> {
  let server: VaultServer;
  try {
    server = await startVaultServer(program, { folder, evenIfSealed: true });
  } catch (error) {
    return NOTICE.test(String(error))
      ? { noticed: 'refused to start' }
      : { problem: `ended without saying why: ${String(error).slice(-500)}` };
  }
  try {
    return await examineRunning(server, noticeMs, round);
  } finally {
    server.api.close();
    await server.child.kill();
  }
}

async function examineRunning(
  { api, child, rootToken }: VaultServer,
  noticeMs: number,
  round: number,
): Promise<Examined> {
  const deadline = performance.now() + noticeMs;
  let refusals = 0;
  let asked = false;
  while (performance.now() < deadline) {
    const health = await api.call('GET', 'sys/health').catch(() => undefined);
    if (!asked && health?.status === 200) {
      asked = true;
      for (let index = 0; index < SECRETS; index++) {
        const answer = await api
          .call('GET', `secret/data/c/${index}`, { token: rootToken })
          .catch(() => ({ status: 0, body: undefined }));
        if (answer.status !== 200) {
          refusals += answer.status >= 500 ? 1 : 0;
          continue;
        }
        const value = at(answer.body, 'data', 'data', 'value');
        if (value !== secretOf(index, round))
          return { problem: `gave ${String(value)} for ${index}` };
      }
    }
    if (refusals > 0) return { noticed: 'an error in the answer' };
    if (NOTICE.test(child.output)) return { noticed: asked ? 'in the log' : 'did not unseal' };
    if (child.exit !== undefined)
      return { problem: `ended without saying why: ${child.output.slice(-500)}` };
    await delay(20);
  }
  return { problem: asked ? UNNOTICED : 'neither served nor said why' };
}
