/** Accounts, orders and authorizations as clients see them (RFC 8555 §7.1). */
import { formatTimeSeconds } from '../../../base/time-format.ts';
import type { Directory } from './context.ts';
import type { AccountRecord, AuthorizationRecord, Challenge, OrderRecord } from './records.ts';
import type { Reply } from '../../../model/reply.ts';

export interface Shown {
  readonly body: Readonly<Record<string, unknown>>;
  readonly location?: string;
  readonly link?: string;
  readonly status?: number;
}

export function jsonReply(
  { body, location, link, status = 200 }: Shown,
  headers: Readonly<Record<string, string>>,
): Reply {
  const links = [headers['Link'], link].filter((each) => each !== undefined).join(', ');
  return {
    status,
    headers: {
      ...headers,
      ...(links === '' ? {} : { Link: links }),
      ...(location === undefined ? {} : { Location: location }),
    },
    raw: { contentType: 'application/json', body: JSON.stringify(body) },
  };
}

export function shownAccount(
  { baseUrl }: Directory,
  account: AccountRecord,
  status?: number,
): Shown {
  const location = `${baseUrl}account/${account.id}`;
  return {
    location,
    ...(status === undefined ? {} : { status }),
    body: {
      status: account.status,
      orders: `${location}/orders`,
      ...(account.contact.length === 0 ? {} : { contact: account.contact }),
    },
  };
}

export function orderUrl({ baseUrl }: Directory, id: string): string {
  return `${baseUrl}order/${id}`;
}

function authorizationUrl({ baseUrl }: Directory, id: string): string {
  return `${baseUrl}authorization/${id}`;
}

export function shownOrder(directory: Directory, order: OrderRecord, status?: number): Shown {
  const location = orderUrl(directory, order.id);
  return {
    location,
    ...(status === undefined ? {} : { status }),
    body: {
      status: order.status,
      expires: formatTimeSeconds(order.expiresMs),
      identifiers: order.identifiers.map(({ type, original }) => ({ type, value: original })),
      authorizations: order.authorizations.map((id) => authorizationUrl(directory, id)),
      finalize: `${location}/finalize`,
      ...(order.status === 'valid' ? { certificate: `${location}/cert` } : {}),
    },
  };
}

function challengeBody(
  { baseUrl }: Directory,
  authorizationId: string,
  challenge: Challenge,
): Readonly<Record<string, unknown>> {
  const { type, status, token, validatedMs, error } = challenge;
  return {
    type,
    status,
    token,
    url: `${baseUrl}challenge/${authorizationId}/${type}`,
    ...(validatedMs === undefined ? {} : { validated: formatTimeSeconds(validatedMs) }),
    ...(error === undefined ? {} : { error }),
  };
}

export function shownChallenge(
  directory: Directory,
  { id }: AuthorizationRecord,
  challenge: Challenge,
): Shown {
  return {
    body: challengeBody(directory, id, challenge),
    link: `<${authorizationUrl(directory, id)}>;rel="up"`,
  };
}

export function shownAuthorization(directory: Directory, record: AuthorizationRecord): Shown {
  const { id, identifier, status, expiresMs, challenges } = record;
  return {
    body: {
      identifier: { type: identifier.type, value: identifier.value },
      status,
      wildcard: identifier.isWildcard,
      ...(expiresMs === undefined ? {} : { expires: formatTimeSeconds(expiresMs) }),
      challenges: challenges.map((each) => challengeBody(directory, id, each)),
    },
  };
}
