/** Time-based one-time passwords (RFC 6238) over HOTP (RFC 4226). */
import { createHmac } from 'node:crypto';

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
