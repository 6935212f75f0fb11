/**
 * Access key ids in the form that AWS gives them: four letters, then 80 bits in base32, of which 40 are the account number. So an
 * id says which account it belongs to, and nobody else has to.
 */
import { decodeBase32, encodeBase32 } from '../base/base32.ts';
import type { Random } from '../base/random.ts';
import { Recent } from '../base/recent.ts';

/** `AKIA`: a key that lasts. `ASIA`: a key that goes with a session token. */
export type AccessKeyPrefix = 'AKIA' | 'ASIA';

const ACCOUNT = /^\d{12}$/;
const ID = /^(?:AKIA|ASIA)([A-Z2-7]{16})$/;
const BYTES = 10;
/** Below the account number. */
const RANDOM_BITS = 39n;
const ACCOUNT_MASK = (1n << 40n) - 1n;
/** Set in every id that carries an account. */
const MARK = 1n << 79n;

export function isAccountId(text: string): boolean {
  return ACCOUNT.test(text);
}

/** A fresh id of `account`, which has 12 digits. */
export function newAccessKeyId(random: Random, prefix: AccessKeyPrefix, account: string): string {
  const noise = BigInt(`0x${random.bytes(5).toString('hex')}`) & ((1n << RANDOM_BITS) - 1n);
  const bits = MARK | (BigInt(account) << RANDOM_BITS) | noise;
  return prefix + encodeBase32(Buffer.from(bits.toString(16).padStart(2 * BYTES, '0'), 'hex'));
}

/** Accounts of ids that were shown lately: the same few, with every request. */
const KNOWN_MAX = 1_024;
const known = new Recent<string>(KNOWN_MAX);

/** The account of an id; undefined when it is none of ours. */
export function accountOf(accessKeyId: string): string | undefined {
  let account = known.get(accessKeyId);
  if (account !== undefined) return account;
  account = decodedAccount(accessKeyId);
  if (account !== undefined) known.set(accessKeyId, account);
  return account;
}

function decodedAccount(accessKeyId: string): string | undefined {
  const match = ID.exec(accessKeyId);
  const bytes = match === null ? undefined : decodeBase32(match[1] ?? '');
  if (bytes === undefined) return undefined;
  const bits = BigInt(`0x${bytes.toString('hex')}`);
  if ((bits & MARK) === 0n) return undefined;
  const account = ((bits >> RANDOM_BITS) & ACCOUNT_MASK).toString().padStart(12, '0');
  return isAccountId(account) ? account : undefined;
}
