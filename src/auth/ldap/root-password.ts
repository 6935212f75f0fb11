/**
 * Passwords of the account with which the directory is searched, once it is ours to change. Each follows from a secret and its
 * number, so that a change that was cut off between the directory and the store is not lost: the next one can be made again.
 */
import { createHmac } from 'node:crypto';

export interface Rotation {
  /** Secret from which passwords are derived. */
  readonly key: string;
  /** How often the password was changed since it was configured. */
  readonly count: number;
}

/** Letters of both cases, digits and a sign, for directories that ask for all of them. */
export function derivedPassword(key: string, number: number): string {
  const bytes = createHmac('sha256', key).update(`ldap root password ${number}`).digest();
  return `Aa1-${bytes.toString('base64url')}`;
}
