/**
 * Nonces against replay (RFC 8555 §6.5): made without a trace, marked when they are used, so that whoever asks for many costs
 * nothing. One is good for a quarter of an hour, on every server that shares the store.
 */
import { createHmac } from 'node:crypto';
import type { Random } from '../../../base/random.ts';
import { equalConstantTime } from '../../../crypto/secret-bytes.ts';
import type { Transaction } from '../../../model/transaction.ts';

const KEY = 'acme-nonce-key';
const USED = 'acme-nonce/';
const LIFETIME_MS = 15 * 60_000;
const TIME_BYTES = 6;
const RANDOM_BYTES = 12;
const MAC_BYTES = 16;
const KEY_BYTES = 32;
/** Used ones that are forgotten whenever one more is used. */
const FORGOTTEN_AT_ONCE = 4;

async function keyOf(store: Transaction, random: Random): Promise<Buffer> {
  const known = await store.get(KEY);
  if (known !== undefined) return known;
  const made = random.bytes(KEY_BYTES);
  store.put(KEY, made);
  return made;
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest().subarray(0, MAC_BYTES);
}

export async function newNonce(store: Transaction, random: Random, nowMs: number): Promise<string> {
  const body = Buffer.alloc(TIME_BYTES + RANDOM_BYTES);
  body.writeUIntBE(nowMs, 0, TIME_BYTES);
  body.set(random.bytes(RANDOM_BYTES), TIME_BYTES);
  return Buffer.concat([body, mac(await keyOf(store, random), body)]).toString('base64url');
}

/** Names of used ones sort by time. */
function usedKey(body: Buffer): string {
  return USED + body.toString('hex');
}

/** True once for each nonce that was made here, while it is good. */
export async function redeemNonce(
  store: Transaction,
  random: Random,
  nonce: string,
  nowMs: number,
): Promise<boolean> {
  const bytes = Buffer.from(nonce, 'base64url');
  if (bytes.length !== TIME_BYTES + RANDOM_BYTES + MAC_BYTES) return false;
  const body = bytes.subarray(0, TIME_BYTES + RANDOM_BYTES);
  const key = await keyOf(store, random);
  if (!equalConstantTime(mac(key, body), bytes.subarray(TIME_BYTES + RANDOM_BYTES))) return false;
  const madeMs = body.readUIntBE(0, TIME_BYTES);
  if (nowMs - madeMs > LIFETIME_MS) return false;
  if ((await store.get(usedKey(body))) !== undefined) return false;
  store.put(usedKey(body), '');
  await forgetOld(store, nowMs);
  return true;
}

async function forgetOld(store: Transaction, nowMs: number): Promise<void> {
  for (const name of await store.list(USED, { limit: FORGOTTEN_AT_ONCE })) {
    const madeMs = Buffer.from(name, 'hex').readUIntBE(0, TIME_BYTES);
    if (nowMs - madeMs <= LIFETIME_MS) return;
    store.delete(USED + name);
  }
}
