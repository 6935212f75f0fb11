/** Borrowing from the library: an account goes to one caller at a time, and gets a new password when it comes back. */
import type { JsonObject } from '../../base/json.ts';
import { uuid } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { Path, SecretType } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Transaction } from '../../model/transaction.ts';
import { findAccount, putAccount } from './accounts.ts';
import type { CheckOut } from './accounts.ts';
import { LIBRARY, SET_NAME, setOf, takeIn } from './library.ts';
import type { LdapPorts } from './ports.ts';
import type { Principal } from '../../model/principal.ts';
import type { Reply } from '../../model/reply.ts';

export const CHECK_OUT = 'checkout-creds';

interface Lent extends JsonObject {
  readonly set_name: string;
  readonly service_account_name: string;
  /** Which check-out it was: one that was returned and lent again is another's. */
  readonly check_out: string;
  readonly namespace: string;
}

const ACCOUNT_NAMES = {
  kind: 'comma_string_list',
  description: 'Names of the accounts to return; needless when the caller has one only.',
} as const;

async function checkOut(
  request: Request<{ readonly name: string; readonly ttl: number | undefined }>,
  store: Transaction,
  { random }: LdapPorts,
): Promise<Reply> {
  const { fields, principal, namespace } = request;
  const set = await setOf(store, fields.name);
  for (const username of set.accounts) {
    const account = await findAccount(store, username);
    if (account === undefined || account.checkOut !== undefined) continue;
    const taken: CheckOut = {
      id: uuid(random),
      entityId: principal?.entityId ?? '',
      tokenId: principal?.tokenId ?? '',
    };
    // Committed on condition that nobody else has taken it meanwhile.
    putAccount(store, { ...account, checkOut: taken });
    const internal: Lent = {
      set_name: fields.name,
      service_account_name: username,
      check_out: taken.id,
      namespace: namespace.id,
    };
    return {
      data: { service_account_name: username, password: account.password },
      lease: {
        ttlSeconds: ttlOf(set.ttlSeconds, fields.ttl),
        maxTtlSeconds: set.maxTtlSeconds,
        renewable: true,
        secretType: CHECK_OUT,
        internal,
      },
    };
  }
  throw invalidRequest('No service accounts available for check-out.');
}

/** A caller may ask for less than the set gives. */
function ttlOf(ofSet: number, asked: number | undefined): number {
  if (asked === undefined || asked <= 0) return ofSet;
  return ofSet <= 0 ? asked : Math.min(ofSet, asked);
}

function borrowed({ entityId, tokenId }: CheckOut, principal: Principal | undefined): boolean {
  if (principal === undefined) return false;
  if (entityId !== '' && entityId === principal.entityId) return true;
  return tokenId !== '' && tokenId === principal.tokenId;
}

interface CheckInFields {
  readonly name: string;
  readonly service_account_names: readonly string[] | undefined;
}

async function checkIn(
  { fields, principal, namespace, nowMs }: Request<CheckInFields>,
  store: Transaction,
  ports: LdapPorts,
  forced: boolean,
): Promise<Reply> {
  const set = await setOf(store, fields.name);
  const anyone = forced || set.anyoneReturns;
  const named = fields.service_account_names ?? [];
  const found: string[] = [];
  for (const username of named.length === 0 ? set.accounts : named) {
    if (!set.accounts.includes(username)) {
      throw invalidRequest(`"${username}" is no account of this set`);
    }
    const taken = (await findAccount(store, username))?.checkOut;
    if (taken === undefined) continue;
    if (anyone || borrowed(taken, principal)) found.push(username);
    else if (named.length > 0) {
      throw invalidRequest(
        `"${username}" can't be checked in because it wasn't checked out by the caller`,
      );
    }
  }
  if (named.length === 0 && found.length > 1) {
    throw invalidRequest(
      "when multiple service accounts are checked out, the 'service_account_names' to check in must be provided",
    );
  }
  const owner = LIBRARY + fields.name;
  // Cut off before the commit, it still counts as lent, and gets another password when its lease ends.
  for (const username of found) {
    await takeIn(store, ports, { owner, username }, { namespaceId: namespace.id, nowMs });
  }
  return { data: { check_ins: found } };
}

export function checkOutPaths(ports: LdapPorts): readonly Path[] {
  return [
    definePath({
      pattern: 'library/{name}/check-out',
      fields: {
        name: SET_NAME,
        ttl: {
          kind: 'duration_seconds',
          description: 'How long; at most as long as the set says.',
        },
      },
      help: { synopsis: 'Borrows an account of a set.' },
      operations: {
        update: {
          summary: 'Check an account out',
          handler: (request, store) => checkOut(request, store, ports),
        },
      },
    }),
    definePath({
      pattern: 'library/{name}/check-in',
      fields: { name: SET_NAME, service_account_names: ACCOUNT_NAMES },
      help: { synopsis: 'Returns accounts that the caller has borrowed.' },
      operations: {
        update: {
          summary: 'Check accounts in',
          outsideEffects: true,
          handler: (request, store) => checkIn(request, store, ports, false),
        },
      },
    }),
    definePath({
      pattern: 'library/manage/{name}/check-in',
      fields: { name: SET_NAME, service_account_names: ACCOUNT_NAMES },
      help: { synopsis: 'Returns accounts, whoever has borrowed them.' },
      operations: {
        update: {
          summary: 'Check accounts in for others',
          outsideEffects: true,
          handler: (request, store) => checkIn(request, store, ports, true),
        },
      },
    }),
    definePath({
      pattern: 'library/{name}/status',
      fields: { name: SET_NAME },
      help: { synopsis: 'Which accounts of a set are borrowed, and by whom.' },
      operations: {
        read: {
          summary: 'Read who has what',
          handler: async ({ fields }, store) => {
            const set = await setOf(store, fields.name);
            const data: Record<string, unknown> = {};
            for (const username of set.accounts) {
              const taken = (await findAccount(store, username))?.checkOut;
              data[username] =
                taken === undefined
                  ? { available: true }
                  : {
                      available: false,
                      ...(taken.tokenId === '' ? {} : { borrower_client_token: taken.tokenId }),
                      ...(taken.entityId === '' ? {} : { borrower_entity_id: taken.entityId }),
                    };
            }
            return { data };
          },
        },
      },
    }),
  ];
}

export function checkOutSecret(ports: LdapPorts): SecretType {
  return {
    async renew({ internal }, store) {
      const lent = internal as Lent;
      const set = await setOf(store, lent.set_name);
      const account = await findAccount(store, lent.service_account_name);
      if (account?.checkOut?.id !== lent.check_out) {
        throw invalidRequest(
          `${lent.service_account_name} is already checked in, please call check-out to regain it`,
        );
      }
      return { ttlSeconds: set.ttlSeconds, maxTtlSeconds: set.maxTtlSeconds };
    },
    async revoke({ internal, nowMs }, store) {
      const lent = internal as Lent;
      const account = await findAccount(store, lent.service_account_name);
      // Returned already, and perhaps lent again.
      if (account?.checkOut?.id !== lent.check_out) return;
      const which = { owner: account.owner, username: account.username };
      await takeIn(store, ports, which, { namespaceId: lent.namespace, nowMs });
    },
  };
}
