/** The password of somebody who has logged in, sealed into the token: renewals ask the one who knows it once more. */
import type { Random } from '../base/random.ts';
import { aeadNonceBytes, aeadOpen, aeadSeal } from '../crypto/aead.ts';
import type { AuthRenewal } from '../model/backend.ts';
import { invalidRequest } from '../model/errors.ts';
import type { Reader, Transaction } from '../model/transaction.ts';

const AEAD = 'xchacha20-poly1305';
const SEALING_KEY = 'renewal-key';

async function sealingKey(store: Transaction, random: Random): Promise<Buffer> {
  const known = await store.get(SEALING_KEY);
  if (known !== undefined) return known;
  const key = random.bytes(32);
  store.put(SEALING_KEY, key);
  return key;
}

/** For the `internal` of a grant; opens for this name only. */
export async function sealedPassword(
  store: Transaction,
  random: Random,
  password: string,
  username: string,
): Promise<{ readonly password: string }> {
  const key = await sealingKey(store, random);
  const nonce = random.bytes(aeadNonceBytes(AEAD));
  const bytes = aeadSeal(AEAD, key, nonce, Buffer.from(password), Buffer.from(username));
  return { password: bytes.toString('base64') };
}

/** @throws {RequestError} when the token holds none that opens here */
export async function openedPassword(
  store: Reader,
  { internal }: AuthRenewal,
  username: string,
): Promise<string> {
  const { password } = internal;
  const key = await store.get(SEALING_KEY);
  if (typeof password !== 'string' || key === undefined)
    throw invalidRequest('failed to renew entry: log in again');
  return aeadOpen(AEAD, key, Buffer.from(password, 'base64'), Buffer.from(username)).toString();
}
