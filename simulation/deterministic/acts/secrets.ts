/** Reads and writes of secrets, and of what nobody may write. */
import type { Answer } from '../../../src/core/call.ts';
import type { Register } from '../../replicas/linearizable.ts';
import { UNWRITTEN } from '../../replicas/linearizable.ts';
import { NOTHING_TOKEN, ROOT_TOKEN } from '../image.ts';
import type { Hand } from './hand.ts';

const KEYS = 2;

export function someSecret({ chance }: Hand): string {
  return `secret/data/shared/${chance.between(1, KEYS)}`;
}

export async function write(hand: Hand): Promise<void> {
  const path = someSecret(hand);
  const value = hand.nextValue();
  const told = await hand.ask({
    operation: 'write',
    path,
    token: ROOT_TOKEN,
    data: { data: { v: value } },
  });
  const version = versionOf(told.answer);
  const answerMs = version === undefined ? Number.POSITIVE_INFINITY : told.answeredMs;
  hand.ledger.note(path, {
    action: { kind: 'write', value, version },
    callMs: told.sentMs,
    answerMs,
  });
}

export async function read(hand: Hand): Promise<void> {
  const path = someSecret(hand);
  const told = await hand.ask({ operation: 'read', path, token: ROOT_TOKEN });
  const saw = registerOf(told.answer);
  if (saw === undefined) return;
  hand.ledger.note(path, {
    action: { kind: 'read', saw },
    callMs: told.sentMs,
    answerMs: told.answeredMs,
  });
}

export async function compareAndSet(hand: Hand): Promise<void> {
  const path = someSecret(hand);
  const known = await hand.ask({ operation: 'read', path, token: ROOT_TOKEN });
  const expected = registerOf(known.answer)?.version;
  if (expected === undefined) return;
  const value = hand.nextValue();
  const data = { data: { v: value }, options: { cas: expected } };
  const { answer, sentMs, answeredMs } = await hand.ask({
    operation: 'write',
    path,
    token: ROOT_TOKEN,
    data,
  });
  const refused = answer?.error?.code === 'invalid_request';
  const outcome = versionOf(answer) !== undefined ? 'done' : refused ? 'refused' : 'unknown';
  const answerMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : answeredMs;
  hand.ledger.note(path, {
    action: { kind: 'compare-and-set', value, expected, outcome },
    callMs: sentMs,
    answerMs,
  });
}

/** What is denied must not happen. */
export async function forbidden(hand: Hand): Promise<void> {
  const { answer } = await hand.ask({
    operation: 'write',
    path: 'secret/data/forbidden',
    token: NOTHING_TOKEN,
    data: { data: { v: hand.nextValue() } },
  });
  if (answer !== undefined && answer.error === undefined)
    hand.ledger.problems.push('a write was allowed that is not');
}

function versionOf(answer: Answer | undefined): number | undefined {
  const version = answer?.error === undefined ? answer?.reply?.data?.['version'] : undefined;
  return typeof version === 'number' ? version : undefined;
}

export function registerOf(answer: Answer | undefined): Register | undefined {
  if (answer?.error?.code === 'not_found') return UNWRITTEN;
  if (answer === undefined || answer.error !== undefined) return undefined;
  const { data, metadata } = answer.reply?.data ?? {};
  const { v } = data as { v: number };
  const { version } = metadata as { version: number };
  return { version, value: v };
}
