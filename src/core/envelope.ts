/** The answer of an exchange, and Vault's JSON envelope of it (also what a wrapping token keeps). */
import { isJsonObject } from '../base/json.ts';
import type { Answer } from './call.ts';
import type { Exchange } from './exchange.ts';
import type { RequestError } from '../model/errors.ts';
import type { IssuedAuth, MfaRequirement, Reply } from '../model/reply.ts';

export function answerOf(exchange: Exchange): Answer {
  const { reply, lease, auth, wrap, warnings } = exchange;
  const { id: requestId, namespace, callerName } = exchange;
  const answer: Writable<Answer> = { requestId, namespacePath: namespace.path };
  if (reply?.headers !== undefined || hasMembers(exchange.headers)) {
    answer.headers = { ...exchange.headers, ...reply?.headers };
  }
  if (callerName !== undefined) Object.assign(answer, callerOf(exchange));
  if (wrap !== undefined) {
    answer.wrap = wrap;
    answer.reply = {};
    // How long what is inside may be kept says nothing of the token that it is in.
    if (answer.headers?.['Cache-Control'] !== undefined) {
      const { 'Cache-Control': _, ...others } = answer.headers;
      answer.headers = others;
    }
    return answer;
  }
  // What was ignored is only mentioned beside an answer: an empty one stays empty (204).
  const own = reply?.warnings ?? [];
  if (reply !== undefined && (hasContent(reply) || own.length > 0)) {
    answer.reply = warnings.length === 0 ? reply : { ...reply, warnings: [...own, ...warnings] };
  }
  if (lease !== undefined) answer.lease = lease;
  if (auth !== undefined) answer.auth = auth;
  return answer;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function hasMembers(headers: Readonly<Record<string, string>>): boolean {
  for (const name in headers) return name !== undefined;
  return false;
}

const NOBODY: Pick<Answer, 'caller'> = {};

/** Who asked, for facades whose errors and replies name the caller. */
export function callerOf({ callerName, token }: Exchange): Pick<Answer, 'caller'> {
  if (callerName === undefined || token === undefined) return NOBODY;
  return { caller: { name: callerName, accessor: token.accessor, entityId: token.entityId } };
}

/** A reply that nobody will send lets go of what its stream stands on. */
export function dropReply(exchange: Exchange): void {
  exchange.reply?.raw?.stream?.destroy();
}

/** Whether there is anything to show: else the answer is empty (204). */
function hasContent(reply: Reply | undefined): boolean {
  if (reply === undefined) return false;
  return (
    reply.data !== undefined ||
    reply.raw !== undefined ||
    reply.status !== undefined ||
    reply.unwrapped !== undefined ||
    reply.auth !== undefined ||
    reply.completedLogin !== undefined ||
    reply.resume !== undefined ||
    reply.lease !== undefined ||
    reply.issuedAuth !== undefined ||
    reply.issuedLease !== undefined
  );
}

/** The `auth` object of the envelope. */
export function authObject(auth: IssuedAuth): Record<string, unknown> {
  if (auth.mfaRequirement !== undefined) return waitingObject(auth.mfaRequirement);
  return {
    client_token: auth.clientToken,
    accessor: auth.accessor,
    policies: auth.policies,
    token_policies: auth.tokenPolicies,
    ...(auth.identityPolicies.length > 0 ? { identity_policies: auth.identityPolicies } : {}),
    metadata: auth.metadata,
    lease_duration: auth.leaseDurationSeconds,
    renewable: auth.renewable,
    entity_id: auth.entityId,
    token_type: auth.tokenType,
    orphan: auth.orphan,
    mfa_requirement: null,
    num_uses: auth.numUses,
  };
}

/** The `auth` object of a login that waits for its second factor. */
export function waitingObject(requirement: MfaRequirement): Record<string, unknown> {
  return {
    client_token: '',
    accessor: '',
    policies: null,
    metadata: null,
    lease_duration: 0,
    renewable: false,
    entity_id: '',
    token_type: 'default',
    orphan: false,
    mfa_requirement: requirement,
    num_uses: 0,
  };
}

/** The envelope as an object, its eight keys in Vault's order. */
export function envelopeObject(answer: Answer): Record<string, unknown> {
  const { reply, lease, auth, wrap } = answer;
  return {
    request_id: wrap === undefined ? answer.requestId : '',
    lease_id: lease?.id ?? '',
    renewable: lease?.renewable ?? false,
    lease_duration: lease?.durationSeconds ?? 0,
    data: reply?.data ?? null,
    wrap_info:
      wrap === undefined
        ? null
        : {
            token: wrap.token,
            accessor: wrap.accessor,
            ttl: wrap.ttlSeconds,
            creation_time: wrap.creationTime,
            creation_path: wrap.creationPath,
            ...(wrap.wrappedAccessor === undefined
              ? {}
              : { wrapped_accessor: wrap.wrappedAccessor }),
          },
    warnings: reply?.warnings !== undefined && reply.warnings.length > 0 ? reply.warnings : null,
    auth: auth === undefined ? null : authObject(auth),
  };
}

/** The envelope as a wrapping token keeps it; below the eight keys names are sorted, as the reference's encoder does. */
export function envelopeText(answer: Answer): string {
  const envelope = envelopeObject(answer);
  return JSON.stringify({ ...envelope, data: sorted(envelope['data']) });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value) || 'toJSON' in value) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}

/** The answer to what did not come about; what was got ready for a reply is not told. */
export function failed(exchange: Exchange, error: RequestError): Answer {
  dropReply(exchange);
  return {
    requestId: exchange.id,
    namespacePath: exchange.namespace.path,
    error,
    headers: { ...exchange.headers, ...error.headers },
    ...callerOf(exchange),
  };
}
