/** Accounts, orders and authorizations as they are stored. */
import type { Reader, Transaction } from '../../../model/transaction.ts';
import type { ProblemDocument } from './problem.ts';

export interface AccountRecord {
  readonly id: string;
  readonly status: 'valid' | 'deactivated' | 'revoked';
  readonly contact: readonly string[];
  readonly termsAgreed: boolean;
  /** JSON Web Key. */
  readonly jwk: Readonly<Record<string, string>>;
  /** The directory that it belongs to. */
  readonly directory: string;
  readonly createdMs: number;
  readonly endedMs?: number;
  /** The external account that it is bound to. */
  readonly eab?: string;
}

export interface Identifier {
  readonly type: 'dns' | 'ip';
  /** Without the wildcard. */
  readonly value: string;
  readonly original: string;
  readonly isWildcard: boolean;
}

export interface OrderRecord {
  readonly id: string;
  readonly accountId: string;
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly expiresMs: number;
  readonly identifiers: readonly Identifier[];
  readonly authorizations: readonly string[];
  /** Of the certificate, as keys have it. */
  readonly serial?: string;
  readonly certificateEndMs?: number;
  readonly issuerId?: string;
}

export type ChallengeType = 'http-01' | 'dns-01' | 'tls-alpn-01';

export interface Challenge {
  readonly type: ChallengeType;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  readonly token: string;
  readonly validatedMs?: number;
  readonly error?: ProblemDocument;
}

export interface AuthorizationRecord {
  readonly id: string;
  readonly accountId: string;
  readonly identifier: Identifier;
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  readonly expiresMs?: number;
  readonly challenges: readonly Challenge[];
  /** Failed attempts so far. */
  readonly attempts: number;
}

export interface EabRecord {
  readonly id: string;
  /** In base64. */
  readonly key: string;
  readonly directory: string;
  readonly createdMs: number;
}

export const ACCOUNTS = 'acme-account/';
const THUMBPRINTS = 'acme-thumbprint/';
export const EABS = 'acme-eab/';

const UUID = /^[0-9a-f-]{36}$/;

export function isId(text: string): boolean {
  return UUID.test(text);
}

export function accountKey(id: string): string {
  return `${ACCOUNTS}${id}`;
}

export function thumbprintKey(thumbprint: string): string {
  return THUMBPRINTS + thumbprint;
}

export function ordersOf(accountId: string): string {
  return `acme-order/${accountId}/`;
}

export function authorizationsOf(accountId: string): string {
  return `acme-authorization/${accountId}/`;
}

/** Which account a certificate was made for. */
export function certificateKey(serial: string): string {
  return `acme-certificate/${serial}`;
}

export async function findAccount(store: Reader, id: string): Promise<AccountRecord | undefined> {
  return isId(id) ? await store.getJson<AccountRecord>(accountKey(id)) : undefined;
}

export async function findOrder(
  store: Reader,
  accountId: string,
  id: string,
): Promise<OrderRecord | undefined> {
  return isId(id) ? await store.getJson<OrderRecord>(ordersOf(accountId) + id) : undefined;
}

export async function findAuthorization(
  store: Reader,
  accountId: string,
  id: string,
): Promise<AuthorizationRecord | undefined> {
  return isId(id)
    ? await store.getJson<AuthorizationRecord>(authorizationsOf(accountId) + id)
    : undefined;
}

export function putAccount(store: Transaction, account: AccountRecord): void {
  store.putJson(accountKey(account.id), account);
}

export function putOrder(store: Transaction, order: OrderRecord): void {
  store.putJson(ordersOf(order.accountId) + order.id, order);
}

export function putAuthorization(store: Transaction, authorization: AuthorizationRecord): void {
  store.putJson(authorizationsOf(authorization.accountId) + authorization.id, authorization);
}
