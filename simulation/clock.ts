/**
 * Sets the clock of a server's machine while it runs (libfaketime, which leaves the monotonic clock alone): an hour or ten years ahead or
 * back, or stopped. What is over has to be refused all the same, what is not has to go on, and codes of the real time have to be taken.
 */
import { randomBytes } from 'node:crypto';
import { globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startVaultServer, strongroom } from '../rig/vault-server.ts';
import type { VaultServer } from '../rig/vault-server.ts';
import { encodeBase32 } from '../src/base/base32.ts';
import { totpCode, totpStep } from '../src/crypto/totp.ts';
import { Seeded } from './seeded.ts';
import { verifyAudit } from './server-under-test.ts';

export interface ClockOptions {
  readonly jumps: number;
  readonly seed: number;
}

const [FAKETIME] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
export const FAKETIME_IS_HERE: boolean = FAKETIME !== undefined;
export const FAKETIME_HINT = 'apt-get install faketime';

const HOURS = [1, -1, 87_660, -87_660];
/** A server looks at its clock about so often. */
const LOOKED_MS = 1_500;
/** Lifetimes are told in seconds, and small differences of clocks are made good meanwhile. */
const TOLERANCE_MS = 1_000;
const SHORT_MS = 2_000;
const PERIOD_SECONDS = 30;
const POLL_MS = 50;
const PROBLEMS_MAX = 20;

/** A clock that another process reads from a file. */
class FakeClock {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, 'time');
    this.#write('+0');
  }

  environment(): Record<string, string> {
    return {
      LD_PRELOAD: FAKETIME ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      TZ: 'UTC',
    };
  }

  setBy(hours: number): void {
    this.#write(`${hours < 0 ? '' : '+'}${hours * 3600}`);
  }

  freeze(): void {
    this.#write(new Date().toISOString().replace('T', ' ').slice(0, 19));
  }

  setRight(): void {
    this.#write('+0');
  }

  /** Whoever reads finds the old time or the new one. */
  #write(text: string): void {
    writeFileSync(`${this.#file}.new`, `${text}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}

interface Token {
  readonly token: string;
  /** It ends between these times of our own clock. */
  readonly endsMs: readonly [earliest: number, latest: number];
}

async function makeToken({ api, rootToken }: VaultServer, ttlMs: number): Promise<Token> {
  const sentMs = performance.now();
  const body = { ttl: `${ttlMs / 1000}s`, policies: ['default'] };
  const answer = await api.expect('POST', 'auth/token/create', { token: rootToken, body });
  const { auth } = answer as { auth: { client_token: string } };
  return { token: auth.client_token, endsMs: [sentMs + ttlMs, performance.now() + ttlMs] };
}

/** Undefined, or what is wrong with the answer that this token gets now. */
async function judge({ api }: VaultServer, { token, endsMs }: Token): Promise<string | undefined> {
  const sentMs = performance.now();
  const { status } = await api.call('GET', 'auth/token/lookup-self', { token });
  const [earliestMs, latestMs] = endsMs;
  if (status === 200 && sentMs > latestMs + TOLERANCE_MS)
    return `a token was accepted ${Math.round(sentMs - latestMs)} ms after its end`;
  if (status !== 200 && performance.now() < earliestMs - TOLERANCE_MS)
    return `a token that lives was answered ${status}`;
  return undefined;
}

async function judgeCode({ api, rootToken }: VaultServer, key: Buffer): Promise<string[]> {
  const name = `totp/keys/k${randomBytes(6).toString('hex')}`;
  const shape = { hash: 'sha1', digits: 6, periodSeconds: PERIOD_SECONDS } as const;
  const body = {
    key: encodeBase32(key),
    algorithm: 'SHA1',
    digits: shape.digits,
    period: shape.periodSeconds,
  };
  await api.expect('POST', name, { token: rootToken, body });
  const code = totpCode(key, totpStep(Date.now(), PERIOD_SECONDS), shape);
  const path = name.replace('/keys/', '/code/');
  const answer = await api.expect('POST', path, { token: rootToken, body: { code } });
  const { valid } = answer['data'] as { valid: boolean };
  return valid ? [] : ['a code of the present time was refused'];
}

export async function simulateClock({ jumps, seed }: ClockOptions): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-clock-'));
  const seeded = new Seeded(seed);
  const clock = new FakeClock(folder);
  const problems: string[] = [];
  const counts = { answers: 0, jumps: 0, told: 0 };
  const server = await startVaultServer(strongroom, { folder, environment: clock.environment() });
  const { api, rootToken } = server;
  const degraded = async (): Promise<unknown> =>
    ((await api.call('GET', 'sys/health')).body as { degraded?: unknown }).degraded;
  try {
    await api.expect('POST', 'sys/mounts/totp', { token: rootToken, body: { type: 'totp' } });
    const lasting = await makeToken(server, 3_600_000);
    const keep = (found: string | undefined, what: string): void => {
      counts.answers++;
      if (found !== undefined) problems.push(`${what}: ${found}`);
    };
    for (; counts.jumps < jumps && problems.length < PROBLEMS_MAX; counts.jumps++) {
      const hours = seeded.pick([...HOURS, 0]);
      const what = `jump ${counts.jumps} (${hours === 0 ? 'stopped' : `${hours} h`})`;
      const short = await makeToken(server, SHORT_MS);
      if (hours === 0) clock.freeze();
      else clock.setBy(hours);
      const untilMs = short.endsMs[1] + TOLERANCE_MS;
      const lookedMs = performance.now() + LOOKED_MS;
      let last = false;
      while (!last) {
        last = performance.now() > Math.max(untilMs, lookedMs);
        for (const token of [short, lasting]) keep(await judge(server, token), what);
        if (!last) await delay(POLL_MS);
      }
      const codes = await judgeCode(server, randomBytes(20));
      problems.push(...codes.map((problem) => `${what}: ${problem}`));
      const health = await degraded();
      if (hours !== 0 && health === 'clock') counts.told++;
      else if (hours !== 0) problems.push(`${what}: sys/health says ${String(health)}`);
      clock.setRight();
      await delay(LOOKED_MS);
      if ((await degraded()) !== undefined) problems.push(`${what}: it is not over`);
    }
    problems.push(...(await verifyAudit(server.auditFile)));
    api.close();
    await server.child.stop();
  } finally {
    await server.child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `  clock set or stopped ${counts.jumps} times, told as wrong ${counts.told} times: ${counts.answers} answers to tokens, ${problems.length} wrong`,
  );
  return problems;
}
