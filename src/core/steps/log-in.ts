/** The token of a credential: checks the evidence, and makes the token when there is none or it has ended. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import type { CredentialRecord, JudgedKey, Session } from '../../identity/credentials/record.ts';
import { permissionDenied } from '../../model/errors.ts';
import type { Evidence } from '../../model/evidence.ts';
import type { Stored } from '../../model/transaction.ts';
import type { TokenRecord } from '../../tokens/token-record.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

/** Where a credential is turned into a token that the caller itself holds: there it needs no other one. */
export const CREDENTIAL_LOGIN_PATH = 'identity/credential-login';
/**
 * How long the token of a credential lives, and how long it must still do so to be used: sessions made with it (STS) end with it,
 * and the longest lasts 36 hours.
 */
const TOKEN_TTL_SECONDS = 48 * 3600;
const TOKEN_LEFT_MIN_MS = 36 * 3_600_000;

export function logIn(parts: Parts, exchange: Exchange, evidence: Evidence): Awaitable<void> {
  if (parts.state() !== 'unsealed' || exchange.call.path === CREDENTIAL_LOGIN_PATH) return;
  const { unit, call, nowMs } = exchange;
  return after(parts.table.routing(unit), ({ namespaces }) => {
    const namespace = namespaces.get(call.namespace);
    if (namespace === undefined) throw permissionDenied('the namespace does not exist');
    return after(parts.credentials.judge(unit, namespace.id, evidence, nowMs), (judged) =>
      judged.session === undefined
        ? enter(parts, exchange, namespace.id, judged)
        : enterSession(parts, exchange, judged.session),
    );
  });
}

function enterSession(parts: Parts, exchange: Exchange, session: Session): Awaitable<void> {
  const found = parts.tokens.lookup(exchange.unit, session.clientToken, exchange.nowMs);
  return after(found, (token) => {
    exchange.token = token;
    exchange.callerName = session.name;
    if (token === undefined) throw permissionDenied('the session has ended');
  });
}

function enter(
  parts: Parts,
  exchange: Exchange,
  namespaceId: string,
  { credential, token }: JudgedKey,
): Awaitable<void> {
  const { unit, nowMs } = exchange;
  const { expiresMs } = credential;
  const leftMs = expiresMs === 0 ? Number.POSITIVE_INFINITY : expiresMs - nowMs;
  const found = token === undefined ? undefined : parts.tokens.byRef(unit, token, nowMs);
  return after(found, (known) => {
    const lasts =
      known !== undefined && known.expiresMs - nowMs >= Math.min(TOKEN_LEFT_MIN_MS, leftMs);
    const entered = lasts ? known : issue(parts, exchange, namespaceId, credential, leftMs);
    return after(entered, (record) => {
      exchange.token = record;
      exchange.callerName = `user/${record.metadata?.['entity_name'] ?? ''}`;
    });
  });
}

async function issue(
  parts: Parts,
  { unit, nowMs }: Exchange,
  namespaceId: string,
  credential: Stored<CredentialRecord>,
  leftMs: number,
): Promise<Stored<TokenRecord>> {
  const entityName = await parts.credentials.entityName(unit, namespaceId, credential.entityId);
  if (entityName === undefined) throw permissionDenied('the entity is disabled or gone');
  const ttlSeconds = Math.min(TOKEN_TTL_SECONDS, Math.ceil(leftMs / 1000));
  const { record } = await parts.tokens.issue(
    unit,
    {
      type: 'service',
      namespaceId,
      parent: undefined,
      policies: ['default'],
      path: CREDENTIAL_LOGIN_PATH,
      displayName: `${credential.kind}-${entityName}`,
      metadata: {
        credential_id: credential.id,
        credential_kind: credential.kind,
        entity_name: entityName,
      },
      ttlSeconds,
      explicitMaxTtlSeconds: ttlSeconds,
      periodSeconds: 0,
      renewable: false,
      numUses: 0,
      role: '',
      entityId: credential.entityId,
      boundCidrs: credential.boundCidrs,
      strictlyBindIp: false,
      noDefaultPolicy: false,
      internal: null,
      mountAccessor: '',
      maxTtlSeconds: ttlSeconds,
    },
    nowMs,
  );
  parts.credentials.remember(unit, credential, { id: record.id, namespaceId });
  return record;
}
