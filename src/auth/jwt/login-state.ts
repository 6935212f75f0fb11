/**
 * The state of a browser login (RFC 6749 §10.12): what was asked for, sealed and handed to the browser, so that any replica
 * can end what another began and a stream of beginnings stores nothing. Nonce and code verifier are derived from it.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Random } from '../../base/random.ts';
import { aeadNonceBytes, aeadOpen, aeadSeal } from '../../crypto/aead.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';

const AEAD = 'xchacha20-poly1305';
const KEY = 'oidc-state-key';
const KEY_BYTES = 32;
const SEED_BYTES = 16;
const PREFIX = 'st_';
const STATE_LENGTH_MAX = 4096;
/** A login is to be over by then. */
export const STATE_LIFE_MS: number = 10 * 60_000;

export interface Begun {
  readonly role: string;
  readonly redirectUri: string;
  /** Hash of the client's nonce; '' = it sent none. */
  readonly clientNonceHash: string;
  /** Of the device flow; else ''. */
  readonly deviceCode: string;
  /** From where the login was begun, for the page of confirmation. */
  readonly address: string;
}

export interface LoginState extends Begun {
  /** Names the login: a hash of the whole text. */
  readonly id: string;
  readonly expiresMs: number;
  readonly nonce: string;
  /** RFC 7636 §4.1. */
  readonly codeVerifier: string;
}

type Packed = Begun & { readonly seed: string; readonly expiresMs: number };

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

async function keyOf(store: Reader): Promise<Buffer | undefined> {
  return await store.get(KEY);
}

function derived(key: Buffer, purpose: string, seed: string): string {
  return createHmac('sha256', key).update(`${purpose} ${seed}`).digest('base64url');
}

function stateOf(text: string, key: Buffer, packed: Packed): LoginState {
  const { seed, ...begun } = packed;
  return {
    ...begun,
    id: hashOf(text),
    nonce: `n_${derived(key, 'nonce', seed)}`,
    codeVerifier: derived(key, 'code verifier', seed),
  };
}

export interface Opening {
  readonly text: string;
  readonly state: LoginState;
}

/** @param mount binds the state to this mount */
export async function beginLogin(
  begun: Begun,
  store: Transaction,
  options: { readonly mount: string; readonly random: Random; readonly nowMs: number },
): Promise<Opening> {
  const { random, mount, nowMs } = options;
  let key = await keyOf(store);
  if (key === undefined) {
    key = random.bytes(KEY_BYTES);
    store.put(KEY, key);
  }
  const packed: Packed = {
    ...begun,
    seed: random.bytes(SEED_BYTES).toString('base64url'),
    expiresMs: nowMs + STATE_LIFE_MS,
  };
  const sealed = aeadSeal(
    AEAD,
    key,
    random.bytes(aeadNonceBytes(AEAD)),
    Buffer.from(JSON.stringify(packed)),
    Buffer.from(mount),
  );
  const text = PREFIX + sealed.toString('base64url');
  return { text, state: stateOf(text, key, packed) };
}

/** Undefined when the text is not one that {@link beginLogin} made for this mount, or too old. */
export async function openState(
  text: string,
  store: Reader,
  options: { readonly mount: string; readonly nowMs: number },
): Promise<LoginState | undefined> {
  // Providers hand it back as it was; what follows a comma is the namespace, for consoles.
  const [plain = ''] = text.split(',');
  if (!plain.startsWith(PREFIX) || plain.length > STATE_LENGTH_MAX) return undefined;
  const key = await keyOf(store);
  if (key === undefined) return undefined;
  try {
    const sealed = Buffer.from(plain.slice(PREFIX.length), 'base64url');
    const packed = aeadOpen(AEAD, key, sealed, Buffer.from(options.mount)).toString();
    const state = stateOf(plain, key, JSON.parse(packed) as Packed);
    return state.expiresMs > options.nowMs ? state : undefined;
  } catch {
    return undefined;
  }
}

const SPENT = 'oidc/spent/';
const ARRIVED = 'oidc/arrived/';
/** Old records looked at whenever one is written. */
const SWEPT_AT_ONCE = 16;

function recordName(state: LoginState): string {
  return `${String(state.expiresMs).padStart(15, '0')}-${state.id}`;
}

async function sweep(store: Transaction, folder: string, nowMs: number): Promise<void> {
  for (const name of await store.list(folder, { limit: SWEPT_AT_ONCE }))
    if (Number(name.split('-')[0]) <= nowMs) store.delete(folder + name);
}

/** Whether a login has come of the state already. */
export async function isSpent(store: Reader, state: LoginState): Promise<boolean> {
  return (await store.getJson(SPENT + recordName(state))) !== undefined;
}

/** No other login comes of the state (with the commit of this one). */
export async function spend(store: Transaction, state: LoginState, nowMs: number): Promise<void> {
  await sweep(store, SPENT, nowMs);
  store.putJson(SPENT + recordName(state), true);
  store.delete(ARRIVED + recordName(state));
}

/** Keeps what a provider has vouched for until the one who began the login asks for it. */
export async function keepArrived(
  store: Transaction,
  state: LoginState,
  what: unknown,
  nowMs: number,
): Promise<void> {
  await sweep(store, ARRIVED, nowMs);
  store.putJson(ARRIVED + recordName(state), what);
}

export async function arrived<T>(store: Reader, state: LoginState): Promise<T | undefined> {
  return await store.getJson<T>(ARRIVED + recordName(state));
}
