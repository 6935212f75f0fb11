/** Time-based one-time passwords (RFC 6238) over HOTP (RFC 4226). */
import { createHmac } from 'node:crypto';
import { equalConstantTime } from './secret-bytes.ts';

export type TotpHash = 'sha1' | 'sha256' | 'sha512';

export interface TotpShape {
  readonly hash: TotpHash;
  readonly digits: number;
  readonly periodSeconds: number;
}

const MS_PER_SECOND = 1000;

/** The time step that `nowMs` lies in (RFC 6238 §4.2, T0 = 0). */
export function totpStep(nowMs: number, periodSeconds: number): number {
  return Math.floor(nowMs / MS_PER_SECOND / periodSeconds);
}

/** The code of one time step: exactly `digits` ASCII digits (RFC 4226 §5.3). */
export function totpCode(key: Uint8Array, step: number, shape: TotpShape): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac(shape.hash, key).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  const number = digest.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** shape.digits).padStart(shape.digits, '0');
}

/** Which codes count: those of the present time step and of `skew` steps on either side. */
export interface TotpWindow {
  readonly shape: TotpShape;
  readonly skew: number;
  readonly nowMs: number;
}

/** The first time step whose code still counts: what was used before it can be forgotten. */
export function oldestStep({ shape, skew, nowMs }: TotpWindow): number {
  return Math.max(0, totpStep(nowMs, shape.periodSeconds) - skew);
}

/** The steps in the window whose code this is. Every step is tried, so that the time tells nothing. */
export function matchingSteps(key: Uint8Array, code: string, window: TotpWindow): number[] {
  const { shape, skew, nowMs } = window;
  const given = Buffer.from(code, 'latin1');
  const last = totpStep(nowMs, shape.periodSeconds) + skew;
  const steps: number[] = [];
  for (let step = oldestStep(window); step <= last; step++) {
    const expected = Buffer.from(totpCode(key, step, shape), 'latin1');
    if (equalConstantTime(expected, given)) steps.push(step);
  }
  return steps;
}
