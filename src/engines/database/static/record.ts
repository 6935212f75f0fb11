/** What is stored of a static role: one account of the database, its credential, and when that changes. */
import { nextDueMs } from '../../../calendar/calendar.ts';
import type { Recurrence } from '../../../calendar/calendar.ts';
import type { Reader } from '../../../model/transaction.ts';
import type { Credential } from '../../../targets/database.ts';
import type { CredentialRule, MadeCredential } from '../credential.ts';

export const STATIC_ROLES: string = 'static-role/';

export interface StaticRole {
  /** Another one each time the role is made: an intent of one that is gone is none of its successor. */
  readonly id: string;
  readonly connection: string;
  readonly username: string;
  readonly credential: CredentialRule;
  readonly statements: readonly string[];
  readonly recurrence: Recurrence;
  readonly current: MadeCredential | undefined;
  readonly rotatedMs: number;
  readonly dueMs: number;
  /** The next credential, from before it is set at the database until it is known to be. */
  readonly pending: (MadeCredential & { readonly sinceMs: number }) | undefined;
  /** Failed attempts since the last success, and what the last one failed with. */
  readonly failures: number;
  readonly lastError: string;
}

/** Never through the cache of decoded records: it holds a password. */
export async function findStaticRole(store: Reader, name: string): Promise<StaticRole | undefined> {
  return await store.getJson<StaticRole>(STATIC_ROLES + name);
}

/** The role once the database has taken `made`. */
export function rotated(role: StaticRole, made: MadeCredential, nowMs: number): StaticRole {
  return {
    ...role,
    current: { credential: made.credential, shown: made.shown },
    pending: undefined,
    rotatedMs: nowMs,
    dueMs: nextDueMs(role.recurrence, nowMs),
    failures: 0,
    lastError: '',
  };
}

export function passwordOf(credential: Credential | undefined): string | undefined {
  return credential?.kind === 'password' ? credential.password : undefined;
}
