/** `library`: sets of accounts that are borrowed, one borrower at a time. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { listPath } from '../../model/listing/list-path.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { assertFree, findAccount, putAccount, removeAccount, withPassword } from './accounts.ts';
import { configOf } from './config.ts';
import { setPassword, telling } from './directory.ts';
import type { LdapPorts } from './ports.ts';

export const LIBRARY = 'library/';
const DAY_SECONDS = 24 * 60 * 60;
const ACCOUNTS_MAX = 200;

export interface LibrarySet {
  readonly accounts: readonly string[];
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  /** Anybody may return what another one has. */
  readonly anyoneReturns: boolean;
}

export const SET_NAME = {
  kind: 'lower_string',
  description: 'Name of the set.',
  default: '',
} as const;

const FIELDS = {
  name: SET_NAME,
  service_account_names: {
    kind: 'comma_string_list',
    description: 'Names of the accounts in the directory.',
  },
  ttl: { kind: 'duration_seconds', description: 'How long an account is lent; a day by default.' },
  max_ttl: { kind: 'duration_seconds', description: 'How long with renewals; a day by default.' },
  disable_check_in_enforcement: {
    kind: 'bool',
    description: 'Anybody may return an account, not only who has it.',
  },
} as const;

interface SetFields {
  readonly name: string;
  readonly service_account_names: readonly string[] | undefined;
  readonly ttl: number | undefined;
  readonly max_ttl: number | undefined;
  readonly disable_check_in_enforcement: boolean | undefined;
}

export async function findSet(store: Reader, name: string): Promise<LibrarySet | undefined> {
  return await store.getRecord<LibrarySet>(LIBRARY + name);
}

/** @throws {RequestError} */
export async function setOf(store: Reader, name: string): Promise<LibrarySet> {
  const set = await findSet(store, name);
  if (set === undefined) throw invalidRequest(`"${name}" doesn't exist`);
  return set;
}

/** A new password for an account, which nobody has from now on. */
export async function takeIn(
  store: Transaction,
  ports: LdapPorts,
  which: { readonly owner: string; readonly username: string },
  { namespaceId, nowMs }: { readonly namespaceId: string; readonly nowMs: number },
): Promise<void> {
  const { owner, username } = which;
  const config = await configOf(store);
  const password = await ports.password(namespaceId, config.passwordPolicy);
  await telling('error updating password', () =>
    setPassword(config, { username, dn: '' }, password),
  );
  const before = await findAccount(store, username);
  const account = before ?? {
    owner,
    username,
    dn: '',
    password: '',
    lastPassword: '',
    rotatedMs: 0,
    pending: '',
    checkOut: undefined,
  };
  putAccount(store, { ...withPassword(account, password, nowMs), checkOut: undefined });
}

async function assertReturned(store: Reader, usernames: readonly string[]): Promise<void> {
  for (const username of usernames) {
    if ((await findAccount(store, username))?.checkOut !== undefined) {
      throw invalidRequest(`"${username}" can't be deleted because it is currently checked out`);
    }
  }
}

async function write(
  { fields, namespace, nowMs }: Request<SetFields>,
  store: Transaction,
  ports: LdapPorts,
): Promise<void> {
  const { name, service_account_names: names } = fields;
  const owner = LIBRARY + name;
  const before = await findSet(store, name);
  if (before === undefined && (names === undefined || names.length === 0)) {
    throw invalidRequest("'service_account_names' must be provided");
  }
  const set: LibrarySet = {
    accounts: names === undefined ? (before?.accounts ?? []) : [...new Set(names)],
    ttlSeconds: fields.ttl ?? before?.ttlSeconds ?? DAY_SECONDS,
    maxTtlSeconds: fields.max_ttl ?? before?.maxTtlSeconds ?? DAY_SECONDS,
    anyoneReturns: fields.disable_check_in_enforcement ?? before?.anyoneReturns ?? false,
  };
  checkSet(set);
  const added = set.accounts.filter((each) => before?.accounts.includes(each) !== true);
  const removed = (before?.accounts ?? []).filter((each) => !set.accounts.includes(each));
  for (const username of added) await assertFree(store, username, owner);
  await assertReturned(store, removed);
  // Cut off before the commit, they are in no set, and the next attempt gives them other passwords.
  for (const username of added) {
    await takeIn(store, ports, { owner, username }, { namespaceId: namespace.id, nowMs });
  }
  for (const username of removed) removeAccount(store, username);
  store.putJson(LIBRARY + name, set);
}

function checkSet(set: LibrarySet): void {
  if (set.accounts.length === 0) {
    throw invalidRequest('at least one service account must be configured');
  }
  if (set.accounts.includes('')) throw invalidRequest('service account name must not be empty');
  if (set.accounts.length > ACCOUNTS_MAX) throw invalidRequest('too many service accounts');
  if (set.maxTtlSeconds > 0 && set.maxTtlSeconds < set.ttlSeconds) {
    throw invalidRequest(
      `max_ttl (${set.maxTtlSeconds} seconds) may not be less than ttl (${set.ttlSeconds} seconds)`,
    );
  }
}

export function libraryPaths(ports: LdapPorts): readonly Path[] {
  return [
    listPath('library/', LIBRARY, 'the sets of the library'),
    definePath({
      pattern: 'library/{name}',
      fields: FIELDS,
      help: {
        synopsis: 'A set of accounts that are borrowed, one borrower at a time.',
        description: 'An account gets a new password whenever it is returned.',
      },
      operations: {
        read: {
          summary: 'Read a set',
          handler: async ({ fields }, store) => {
            const set = await findSet(store, fields.name);
            if (set === undefined) return undefined;
            return {
              data: {
                service_account_names: set.accounts,
                ttl: set.ttlSeconds,
                max_ttl: set.maxTtlSeconds,
                disable_check_in_enforcement: set.anyoneReturns,
              },
            };
          },
        },
        update: {
          summary: 'Write a set',
          outsideEffects: true,
          handler: async (request, store) => {
            await write(request, store, ports);
            return undefined;
          },
        },
        delete: {
          summary: 'Delete a set whose accounts are all returned',
          handler: async ({ fields }, store) => {
            const set = await findSet(store, fields.name);
            if (set === undefined) return undefined;
            await assertReturned(store, set.accounts);
            for (const username of set.accounts) removeAccount(store, username);
            store.delete(LIBRARY + fields.name);
            return undefined;
          },
        },
      },
    }),
  ];
}
