/** Tokens, policies and wrapped answers. */
import { GUARDED, GUARD_TOKEN, ROOT_TOKEN, guardPolicy } from '../image.ts';
import type { Hand } from './hand.ts';
import { someSecret } from './secrets.ts';
import type { KnownToken } from '../known-token.ts';

export async function makeToken(hand: Hand): Promise<void> {
  const { chance, ledger } = hand;
  const parent = chance.happens(0.3) ? hand.someToken() : undefined;
  const ttlSeconds = chance.pick([0, 4, 30]);
  const usesMax = chance.pick([0, 0, 0, 2]);
  const data = {
    policies: ['app'],
    no_default_policy: true,
    ...(ttlSeconds > 0 ? { ttl: `${ttlSeconds}s` } : {}),
    num_uses: usesMax,
  };
  const told = await hand.ask({
    operation: 'write',
    path: 'auth/token/create',
    token: parent?.token ?? ROOT_TOKEN,
    data,
  });
  if (parent !== undefined) hand.judgeToken(parent, told);
  const token = told.answer?.auth?.clientToken;
  if (token === undefined) return;
  ledger.addToken({
    token,
    parent,
    madeMs: told.sentMs,
    toldMs: told.answeredMs,
    ttlMs: ttlSeconds * 1000,
    usesMax,
  });
}

export async function useToken(hand: Hand): Promise<void> {
  const known = hand.someToken();
  if (known === undefined) return;
  hand.judgeToken(
    known,
    await hand.ask({ operation: 'read', path: someSecret(hand), token: known.token }),
  );
}

export async function revokeToken(
  hand: Hand,
  known: KnownToken | undefined = hand.someToken(),
): Promise<void> {
  if (known === undefined) return;
  known.revokingMs = Math.min(known.revokingMs, hand.cluster.scheduler.nowMs);
  const { answer, answeredMs } = await hand.ask({
    operation: 'write',
    path: 'auth/token/revoke',
    token: ROOT_TOKEN,
    data: { token: known.token },
  });
  if (answer !== undefined && answer.error === undefined)
    known.revokedMs = Math.min(known.revokedMs, answeredMs);
}

export async function changePolicy(hand: Hand): Promise<void> {
  const before = hand.policyTurn;
  const { promise, resolve } = Promise.withResolvers<void>();
  hand.policyTurn = promise;
  await before;
  const allowed = hand.chance.happens(0.5);
  const change = hand.ledger.changePolicy(allowed, hand.cluster.scheduler.nowMs);
  const told = await hand.ask({
    operation: 'write',
    path: 'sys/policies/acl/guard',
    token: ROOT_TOKEN,
    data: { policy: guardPolicy(allowed) },
  });
  change.overMs = told.overMs;
  if (told.answer !== undefined && told.answer.error === undefined) change.toldMs = told.answeredMs;
  resolve();
}

export async function readGuarded(hand: Hand): Promise<void> {
  const { answer, sentMs, answeredMs } = await hand.ask({
    operation: 'read',
    path: GUARDED,
    token: GUARD_TOKEN,
  });
  if (answer === undefined) return;
  const code = answer.error?.code;
  if (code === undefined || code === 'permission_denied') {
    hand.ledger.judgePolicy(code === undefined, sentMs, answeredMs);
  }
}

/** A wrapped answer is opened once. */
export async function wrap(hand: Hand): Promise<void> {
  const { answer } = await hand.ask({
    operation: 'read',
    path: GUARDED,
    token: ROOT_TOKEN,
    wrapTtlSeconds: 60,
  });
  const token = answer?.wrap?.token;
  if (token === undefined) return;
  const open = async (): Promise<boolean> => {
    const told = await hand.ask({ operation: 'write', path: 'sys/wrapping/unwrap', token });
    return told.answer !== undefined && told.answer.error === undefined;
  };
  const opened = await Promise.all([open(), open()]);
  if (opened.every(Boolean)) hand.ledger.problems.push('a wrapped answer was opened twice');
}
