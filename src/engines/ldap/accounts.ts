/** Accounts of the directory whose passwords are kept here. Each has one owner: a static role or a set of the library. */
import { invalidRequest } from '../../model/errors.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';

const ACCOUNTS = 'account/';
/** Longest name of an account. */
const NAME_LENGTH_MAX = 1024;

export interface Account {
  /** `static-role/NAME` or `library/NAME`. */
  readonly owner: string;
  readonly username: string;
  readonly dn: string;
  readonly password: string;
  readonly lastPassword: string;
  /** 0 = the password was not set here. */
  readonly rotatedMs: number;
  /** The next password, from before it is set until it is known to be. */
  readonly pending: string;
  /** Who has it, of a library. */
  readonly checkOut: CheckOut | undefined;
}

export interface CheckOut {
  readonly id: string;
  readonly entityId: string;
  readonly tokenId: string;
}

/** By the hex of its name: names may hold anything. */
function keyOf(username: string): string {
  return ACCOUNTS + Buffer.from(username.toLowerCase()).toString('hex');
}

/** Not through the cache of decoded records: it holds a password. */
export async function findAccount(store: Reader, username: string): Promise<Account | undefined> {
  return await store.getJson<Account>(keyOf(username));
}

export function putAccount(store: Transaction, account: Account): void {
  store.putJson(keyOf(account.username), account);
}

export function removeAccount(store: Transaction, username: string): void {
  store.delete(keyOf(username));
}

/** @throws {RequestError} somebody else has it */
export async function assertFree(store: Reader, username: string, owner: string): Promise<void> {
  if (username === '' || username.length > NAME_LENGTH_MAX) {
    throw invalidRequest('the name of an account is empty or too long');
  }
  const account = await findAccount(store, username);
  if (account !== undefined && account.owner !== owner) {
    throw invalidRequest(`"${username}" is already managed by the secrets engine`);
  }
}

/** The account once the directory has taken `password`. */
export function withPassword(account: Account, password: string, nowMs: number): Account {
  return {
    ...account,
    password,
    lastPassword: account.password,
    rotatedMs: nowMs,
    pending: '',
  };
}
