/** Orders and the authorizations that they need (RFC 8555 §7.4 and §7.5). */
import { uuid } from '../../../base/random.ts';
import { namesBelow } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { allowedNames } from '../names/allowed-names.ts';
import type { PkiPorts } from '../ports.ts';
import type { Directory, Signed } from './context.ts';
import { assertIdentifiers, parseIdentifiers } from './identifiers.ts';
import { AcmeProblem } from './problem.ts';
import { findAuthorization, findOrder, ordersOf, putAuthorization, putOrder } from './records.ts';
import type {
  AccountRecord,
  AuthorizationRecord,
  ChallengeType,
  Identifier,
  OrderRecord,
} from './records.ts';
import { orderUrl, shownAuthorization, shownChallenge, shownOrder } from './shown.ts';
import type { Shown } from './shown.ts';

const CREATED = 201;
const ORDER_LIFETIME_MS = 24 * 3_600_000;
const TOKEN_BYTES = 21;
/** Most orders that one account has; tidying makes room. */
const ORDERS_MAX = 10_000;

/** Who is asked to check a challenge: the calendar, right after this commit. */
export const VALIDATION_TASK = 'acme-validation';

function challengeTypes({ type, isWildcard }: Identifier): readonly ChallengeType[] {
  if (type === 'ip') return ['http-01'];
  return isWildcard ? ['dns-01'] : ['http-01', 'dns-01', 'tls-alpn-01'];
}

/** @throws {AcmeProblem} */
export async function newOrder(
  ports: PkiPorts,
  store: Transaction,
  directory: Directory,
  account: AccountRecord,
  { payload }: Signed,
  nowMs: number,
): Promise<Shown> {
  const identifiers = parseIdentifiers(payload?.['identifiers']);
  if (payload?.['notBefore'] !== undefined || payload?.['notAfter'] !== undefined) {
    throw new AcmeProblem('malformed', 'NotBefore and NotAfter are not supported');
  }
  assertIdentifiers(identifiers, await allowedNames(ports, directory.role, undefined));
  const others = await store.list(ordersOf(account.id), { limit: ORDERS_MAX });
  if (others.length >= ORDERS_MAX) throw new AcmeProblem('rateLimited', 'too many orders');
  const authorizations = identifiers.map((identifier): AuthorizationRecord => {
    const challenges = challengeTypes(identifier).map((type) => ({
      type,
      status: 'pending' as const,
      token: ports.random.bytes(TOKEN_BYTES).toString('base64url'),
    }));
    return {
      id: uuid(ports.random),
      accountId: account.id,
      identifier,
      status: 'pending',
      challenges,
      attempts: 0,
    };
  });
  for (const each of authorizations) putAuthorization(store, each);
  const order: OrderRecord = {
    id: uuid(ports.random),
    accountId: account.id,
    status: 'pending',
    expiresMs: nowMs + ORDER_LIFETIME_MS,
    identifiers,
    authorizations: authorizations.map((each) => each.id),
  };
  putOrder(store, order);
  return shownOrder(directory, order, CREATED);
}

/** @throws {AcmeProblem} */
export async function neededOrder(
  store: Transaction,
  account: AccountRecord,
  id: string,
  nowMs: number,
): Promise<OrderRecord> {
  const order = await findOrder(store, account.id, id);
  if (order === undefined) throw new AcmeProblem('malformed', 'order does not exist');
  return { ...order, status: await statusOf(store, order, nowMs) };
}

async function statusOf(
  store: Transaction,
  order: OrderRecord,
  nowMs: number,
): Promise<OrderRecord['status']> {
  if (order.status === 'invalid' || order.status === 'valid') return order.status;
  if (nowMs > order.expiresMs) return 'invalid';
  let isReady = true;
  for (const id of order.authorizations) {
    const found = await findAuthorization(store, order.accountId, id);
    if (found?.status === 'pending') isReady = false;
    else if (found?.status !== 'valid') return 'invalid';
  }
  return isReady ? 'ready' : 'pending';
}

export async function orderList(
  store: Transaction,
  directory: Directory,
  account: AccountRecord,
): Promise<Shown> {
  const ids = await namesBelow(store, ordersOf(account.id));
  const orders: string[] = [];
  for (const id of ids) {
    const order = await findOrder(store, account.id, id);
    if (order !== undefined && order.status !== 'invalid') orders.push(orderUrl(directory, id));
  }
  return { body: { orders } };
}

async function neededAuthorization(
  store: Transaction,
  account: AccountRecord,
  id: string,
): Promise<AuthorizationRecord> {
  const found = await findAuthorization(store, account.id, id);
  if (found === undefined) throw new AcmeProblem('malformed', 'authorization does not exist');
  return found;
}

/** Shown, or given up. @throws {AcmeProblem} */
export async function authorization(
  store: Transaction,
  directory: Directory,
  account: AccountRecord,
  { payload }: Signed,
  id: string,
): Promise<Shown> {
  const record = await neededAuthorization(store, account, id);
  if (payload === undefined || Object.keys(payload).length === 0) {
    return shownAuthorization(directory, record);
  }
  const mayEnd = record.status === 'pending' || record.status === 'valid';
  if (payload['status'] !== 'deactivated' || !mayEnd) throw new AcmeProblem('malformed');
  const ended: AuthorizationRecord = {
    ...record,
    status: 'deactivated',
    challenges: record.challenges.map((each) => ({ ...each, status: 'invalid' })),
  };
  putAuthorization(store, ended);
  return shownAuthorization(directory, ended);
}

/** Shown, or taken up: the client is ready for it. @throws {AcmeProblem} */
export async function challenge(
  request: Pick<Request, 'schedule' | 'nowMs'>,
  store: Transaction,
  directory: Directory,
  account: AccountRecord,
  { payload }: Signed,
  which: { readonly authorization: string; readonly type: string },
): Promise<Shown> {
  const record = await neededAuthorization(store, account, which.authorization);
  const found = record.challenges.find((each) => each.type === which.type);
  if (found === undefined) throw new AcmeProblem('malformed', 'unknown challenge');
  if (payload === undefined || found.status !== 'pending') {
    return shownChallenge(directory, record, found);
  }
  if (Object.keys(payload).length > 0) {
    throw new AcmeProblem('malformed', 'unexpected request parameters');
  }
  if (record.status !== 'pending') {
    throw new AcmeProblem('malformed', 'cannot accept already validated authorization');
  }
  if (record.challenges.some((each) => each.status !== 'pending')) {
    throw new AcmeProblem('malformed', 'only a single challenge can be accepted');
  }
  const taken = { ...found, status: 'processing' as const };
  const challenges = record.challenges.map((each) => (each === found ? taken : each));
  putAuthorization(store, { ...record, challenges });
  request.schedule(VALIDATION_TASK, `${account.id}/${record.id}`, request.nowMs);
  return shownChallenge(directory, record, taken);
}
