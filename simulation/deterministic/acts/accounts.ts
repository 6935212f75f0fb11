/** Accounts that are lent, renewed and taken back, also all of it at once; and credentials that are rotated. */
import { NOT_YET } from '../inspect-leases.ts';
import type { KnownLease } from '../lease-book.ts';
import { ACCOUNTS_MOUNT, ROOT_TOKEN } from '../image.ts';
import type { Question } from '../server.ts';
import { revokeToken } from './access.ts';
import type { Act, Hand } from './hand.ts';

/** Roles, of which each says how long its accounts are lent; see `image.ts`. */
const ROLES = ['app', 'long'];
/** A renewal by this ends a lease within the run. */
const SHORT_SECONDS = 2;
/** What is done to one lease at once begins within this. */
const SPREAD_MS = 15;

interface Wanted {
  readonly mount: string;
  readonly namespace?: string;
  readonly role: string;
  readonly token?: ReturnType<Hand['someToken']>;
}

export async function borrow(hand: Hand, wanted: Wanted): Promise<KnownLease | undefined> {
  const { mount, namespace = '', role, token } = wanted;
  const question: Question = {
    operation: 'read',
    path: `${mount}/creds/${role}`,
    token: token?.token ?? ROOT_TOKEN,
    namespace,
  };
  hand.ledger.leases.asked.add(namespace + mount);
  const told = await hand.ask(question);
  if (token !== undefined) hand.judgeToken(token, told);
  const { lease, reply } = told.answer ?? {};
  if (lease === undefined) return undefined;
  const { username, password } = { ...reply?.data };
  return hand.ledger.leases.lent({
    id: lease.id,
    place: namespace + mount,
    namespace,
    username: String(username),
    password: String(password),
    token,
    sentMs: told.sentMs,
    toldMs: told.answeredMs,
    lastsMs: lease.durationSeconds * 1000,
  });
}

export async function lend(hand: Hand): Promise<void> {
  await lendOne(hand);
}

async function lendOne(hand: Hand): Promise<KnownLease | undefined> {
  const { chance } = hand;
  const token = chance.happens(0.4) ? hand.someToken() : undefined;
  return await borrow(hand, { mount: ACCOUNTS_MOUNT, role: chance.pick(ROLES), token });
}

function someLease({ ledger, chance }: Hand): KnownLease | undefined {
  const { all } = ledger.leases;
  return all.length === 0 ? undefined : chance.pick(all);
}

export async function giveBack(
  hand: Hand,
  lease: KnownLease | undefined = someLease(hand),
): Promise<void> {
  if (lease === undefined) return;
  const { leases } = hand.ledger;
  const sync = hand.chance.happens(0.7);
  leases.ending(lease, hand.cluster.scheduler.nowMs);
  const told = await hand.ask({
    operation: 'write',
    path: 'sys/leases/revoke',
    namespace: lease.namespace,
    token: ROOT_TOKEN,
    data: { lease_id: lease.id, sync },
  });
  const { answer, answeredMs } = told;
  const refusal = answer?.error;
  // Also one that is told as failed goes on until it has come about.
  const begun = refusal === undefined || refusal.message.startsWith(NOT_YET);
  if (answer === undefined || !begun) return;
  leases.ended(lease, answeredMs);
  if (sync && refusal === undefined && hand.cluster.target.accounts.has(lease.username)) {
    hand.ledger.problems.push('a lease was revoked at once and its account is still there');
  }
}

export async function renew(
  hand: Hand,
  lease: KnownLease | undefined = someLease(hand),
  incrementSeconds: number = 0,
): Promise<void> {
  if (lease === undefined) return;
  const { leases } = hand.ledger;
  const { nowMs } = hand.cluster.scheduler;
  const renewal = leases.renewing(lease, nowMs);
  // Shorter than it was lent for: it may end any time after that.
  if (incrementSeconds > 0) leases.ending(lease, nowMs);
  const told = await hand.ask({
    operation: 'write',
    path: 'sys/leases/renew',
    namespace: lease.namespace,
    token: ROOT_TOKEN,
    data: { lease_id: lease.id, increment: incrementSeconds },
  });
  const { answer } = told;
  const granted = answer?.error === undefined ? answer?.lease?.durationSeconds : undefined;
  renewal({ ...told, granted: granted === undefined ? undefined : granted * 1000 });
}

/** One lease, and several who want different things of it at the same time. */
export async function contend(hand: Hand): Promise<void> {
  const { chance } = hand;
  const lease = chance.happens(0.7) ? await lendOne(hand) : someLease(hand);
  if (lease === undefined) return;
  const kinds: readonly Act[] = [
    () => renew(hand, lease),
    () => renew(hand, lease),
    () => renew(hand, lease, SHORT_SECONDS),
    () => giveBack(hand, lease),
    () => giveBack(hand, lease),
    () => (lease.token === undefined ? giveBack(hand, lease) : revokeToken(hand, lease.token)),
  ];
  const acts = Array.from({ length: chance.between(2, 3) }, () => chance.pick(kinds));
  await hand.atOnce(acts, SPREAD_MS);
  if (chance.happens(0.5)) return;
  // Whatever has come of it must be so for whoever comes next; a lease that was shortened is met at its end.
  await hand.cluster.scheduler.sleep(
    chance.happens(0.4) ? chance.unit() * 1000 * SHORT_SECONDS : 0,
    'client goes on',
  );
  await renew(hand, lease);
}

const ROTATIONS = [
  'accounts/rotate-role/fixed',
  'accounts/rotate-role/still',
  'accounts/rotate-root/main',
  'rotating/rotation/now/app',
];

async function rotateAt(hand: Hand, path: string): Promise<void> {
  await hand.ask({ operation: 'write', path, token: ROOT_TOKEN });
}

export async function rotate(hand: Hand): Promise<void> {
  await rotateAt(hand, hand.chance.pick(ROTATIONS));
}

/** Changes what a kept account's rotation goes by, which stores its role anew. */
async function changeRole(hand: Hand): Promise<void> {
  const path = hand.chance.pick(['accounts/static-roles/fixed', 'accounts/static-roles/still']);
  const data = { rotation_statements: [`statement ${hand.nextValue()}`] };
  await hand.ask({ operation: 'write', path, token: ROOT_TOKEN, data });
}

/** One credential, rotated by several at the same time. */
export async function rotateAtOnce(hand: Hand): Promise<void> {
  const { chance } = hand;
  const path = chance.pick(ROTATIONS);
  const acts = Array.from({ length: chance.between(2, 3) }, (_, index): Act => {
    if (index > 0 && chance.happens(0.3)) return changeRole;
    return () => rotateAt(hand, path);
  });
  await hand.atOnce(acts, SPREAD_MS);
}
