/** Authorities: key pairs that sign, each with an id and perhaps a name; one of them is the default. */
import type { KeyObject } from 'node:crypto';
import { parsePrivateKey } from '../../crypto/ssh/private-key.ts';
import { parsePublicKey } from '../../crypto/ssh/public-key.ts';
import { invalidRequest } from '../../model/errors.ts';
import { inTurn } from '../../model/listing/in-turn.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';

const ISSUERS = 'issuer/';
/** Apart from what everybody may read, so that only signing decrypts it. */
const PRIVATE_KEYS = 'issuer-key/';
const CONFIG = 'config/issuers';
/** Of those who add or rename one. */
const TURN = 'turn/issuers';
/** Authorities of one mount: finding one by its name looks at all of them. */
const ISSUERS_MAX = 100;
export const DEFAULT_REF = 'default';

export interface Issuer {
  readonly id: string;
  readonly name: string;
  readonly publicKey: string;
}

interface IssuersConfig {
  /** '' when none is. */
  readonly defaultId: string;
}

const NO_DEFAULT = 'no default issuer currently configured';

export async function defaultIssuerId(store: Reader): Promise<string> {
  return (await store.getRecord<IssuersConfig>(CONFIG))?.defaultId ?? '';
}

export function setDefaultIssuer(store: Transaction, id: string): void {
  store.putJson(CONFIG, { defaultId: id } satisfies IssuersConfig);
}

export async function issuerIds(
  store: Reader,
  page?: { readonly after?: string; readonly limit?: number },
): Promise<readonly string[]> {
  return await store.list(ISSUERS, page);
}

export async function issuerById(store: Reader, id: string): Promise<Issuer | undefined> {
  return await store.getRecord<Issuer>(ISSUERS + id);
}

export async function allIssuers(store: Reader): Promise<Issuer[]> {
  const ids = await issuerIds(store);
  const found = await store.getRecords<Issuer>(ids.map((id) => ISSUERS + id));
  return found.filter((issuer) => issuer !== undefined);
}

/** By id, by name, or `default`; undefined when there is none. */
export async function findIssuer(store: Reader, ref: string): Promise<Issuer | undefined> {
  if (ref === DEFAULT_REF) {
    const id = await defaultIssuerId(store);
    return id === '' ? undefined : await issuerById(store, id);
  }
  const all = await allIssuers(store);
  return all.find(({ id }) => id === ref) ?? all.find(({ name }) => name !== '' && name === ref);
}

/** @throws {RequestError} invalid_request */
export async function issuerOf(store: Reader, ref: string): Promise<Issuer> {
  const issuer = await findIssuer(store, ref);
  if (issuer !== undefined) return issuer;
  throw invalidRequest(
    ref === DEFAULT_REF ? NO_DEFAULT : `unable to find issuer for reference: ${ref}`,
  );
}

export async function signingKey(store: Reader, issuer: Issuer): Promise<KeyObject> {
  const pem = await store.get(PRIVATE_KEYS + issuer.id);
  if (pem === undefined) throw new Error('an issuer has no private key');
  return parsePrivateKey(pem.toString());
}

export interface NewIssuer extends Issuer {
  readonly privateKey: string;
}

/** Keeps a new authority, or finds the one that has this key. The first of all becomes the default. */
export async function addIssuer(
  store: Transaction,
  issuer: NewIssuer,
  asDefault: boolean,
): Promise<{ readonly issuer: Issuer; readonly existed: boolean }> {
  await inTurn(store, TURN);
  const all = await allIssuers(store);
  const { blob } = parsePublicKey(issuer.publicKey);
  const existing = all.find(({ publicKey }) => parsePublicKey(publicKey).blob.equals(blob));
  if (existing !== undefined) return { issuer: existing, existed: true };
  if (all.length >= ISSUERS_MAX) throw invalidRequest('the mount has too many issuers');
  const { privateKey, ...shown } = issuer;
  store.putJsonNew(ISSUERS + issuer.id, shown);
  store.putNew(PRIVATE_KEYS + issuer.id, privateKey);
  if (asDefault || all.length === 0) setDefaultIssuer(store, issuer.id);
  return { issuer: shown, existed: false };
}

export function renameIssuer(store: Transaction, issuer: Issuer, name: string): Issuer {
  const renamed = { ...issuer, name };
  store.putJson(ISSUERS + issuer.id, renamed);
  return renamed;
}

/** @returns whether it was the default */
export async function removeIssuer(store: Transaction, id: string): Promise<boolean> {
  const wasDefault = (await defaultIssuerId(store)) === id;
  if (wasDefault) setDefaultIssuer(store, '');
  store.delete(ISSUERS + id);
  store.delete(PRIVATE_KEYS + id);
  return wasDefault;
}

const ISSUER_NAME = /^\w(?:[\w.-]*\w)?$/;
const NAME_LENGTH_MAX = 256;

/** A name that another authority may not have. @throws {RequestError} invalid_request */
export async function checkIssuerName(
  store: Transaction,
  name: string,
  own?: string,
): Promise<void> {
  if (name.toLowerCase() === DEFAULT_REF) {
    throw invalidRequest("reserved keyword 'default' can not be used as issuer name");
  }
  if (name.length > NAME_LENGTH_MAX || !ISSUER_NAME.test(name)) {
    throw invalidRequest('issuer name contained invalid characters');
  }
  await inTurn(store, TURN);
  const other = await findIssuer(store, name);
  if (other !== undefined && other.id !== own) throw invalidRequest('issuer name already in use');
}
