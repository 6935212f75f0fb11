/**
 * Response wrapping: the answer goes into the cubbyhole of a token that can be used once, and the caller gets that token.
 */
import type { Awaitable } from '../../base/awaitable.ts';
import { formatTime } from '../../base/time-format.ts';
import type { Exchange } from '../exchange.ts';
import { answerOf, envelopeText } from '../envelope.ts';
import type { Parts } from '../parts.ts';
import { wrappingToken } from './wrapping.ts';
import type { WrappingWish } from './wrapping.ts';
import { WRAPPED_KEY, cubbyholePrefix } from '../cubbyhole.ts';
import type { RawReply, Reply } from '../../model/reply.ts';

export function wrap(parts: Parts, exchange: Exchange): Awaitable<void> {
  const { reply, call } = exchange;
  if (reply?.rewrap !== undefined) {
    const { envelope, ...wish } = reply.rewrap;
    const asked = call.wrapTtlSeconds === 0 ? Infinity : call.wrapTtlSeconds;
    const ttlSeconds = Math.min(asked, wish.ttlSeconds);
    return wrapEnvelope(parts, exchange, envelope, { ...wish, ttlSeconds });
  }
  if (call.wrapTtlSeconds === 0 || reply === undefined || !isWrappable(exchange)) return;
  // The answer to what was approved goes to whoever opens the wrapping token that it waited under.
  if (call.resumed !== undefined) return;
  const answer = answerOf(exchange);
  const raw = reply.raw ?? textInside(reply);
  const data = raw === undefined ? undefined : rawData(raw, reply.status);
  const envelope = envelopeText(data === undefined ? answer : { ...answer, reply: { data } });
  return wrapEnvelope(parts, exchange, envelope, {
    ttlSeconds: call.wrapTtlSeconds,
    creationPath: exchange.path,
    raw: data !== undefined,
  });
}

/** Answers of other protocols (OAuth, OpenID Connect), and what was unwrapped, are opened as the text that they would have been. */
function textInside({ unwrapped, bare, data }: Reply): RawReply | undefined {
  const body = unwrapped ?? (bare === true ? JSON.stringify(data ?? {}) : undefined);
  return body === undefined ? undefined : { contentType: 'application/json', body };
}

/** Bytes as the protocol keeps them in an envelope. */
function rawData({ contentType, body }: RawReply, status = 200): Reply['data'] & {} {
  return {
    http_content_type: contentType,
    http_raw_body: Buffer.from(body).toString('base64'),
    http_status_code: status,
  };
}

function isWrappable(exchange: Exchange): boolean {
  const { reply } = exchange;
  if (
    reply === undefined ||
    (reply.bare === true && exchange.mount?.entry.type === 'system') ||
    reply.raw?.stream !== undefined
  )
    return false;
  if (reply.raw !== undefined || textInside(reply) !== undefined) return true;
  if (exchange.operation === 'list' && isEmptyList(reply.data)) return false;
  if ((reply.warnings?.length ?? 0) > 0) return true;
  return reply.data !== undefined || exchange.auth !== undefined || exchange.lease !== undefined;
}

function isEmptyList(data: Readonly<Record<string, unknown>> | null | undefined): boolean {
  const keys = data?.['keys'];
  if (Array.isArray(keys)) return keys.length === 0;
  return data !== undefined && data !== null && Object.keys(data).length === 0;
}

async function wrapEnvelope(
  parts: Parts,
  exchange: Exchange,
  envelope: string,
  wish: Omit<WrappingWish, 'numUses'>,
): Promise<void> {
  const { unit, namespace, nowMs } = exchange;
  const { ttlSeconds, creationPath } = wish;
  const { record, clientToken } = await wrappingToken(parts, exchange, { ...wish, numUses: 1 });
  unit.view(namespace.id, cubbyholePrefix(record.id)).putJson(WRAPPED_KEY, { response: envelope });
  const wrappedAccessor = accessorInside(exchange);
  exchange.wrap = {
    token:
      exchange.call.wrapFormat === 'jwt'
        ? signed(parts, clientToken, wrappedAccessor, nowMs, ttlSeconds)
        : clientToken,
    accessor: record.accessor,
    ttlSeconds,
    creationTime: formatTime(nowMs),
    creationPath,
    ...(wrappedAccessor === '' ? {} : { wrappedAccessor }),
  };
}

/** The accessor of what is wrapped, when that is a token or an AppRole's secret id. */
function accessorInside({ auth, mount, reply }: Exchange): string {
  if (auth !== undefined) return auth.accessor;
  const accessor =
    mount?.entry.type === 'approle' ? reply?.data?.['secret_id_accessor'] : undefined;
  return typeof accessor === 'string' ? accessor : '';
}

/** Clocks of replicas may differ by as much. */
const CLOCK_SKEW_SECONDS = 5;

function signed(
  parts: Parts,
  jti: string,
  accessor: string,
  nowMs: number,
  ttlSeconds: number,
): string {
  const iat = Math.floor(nowMs / 1000);
  const [exp, nbf] = [iat + ttlSeconds, iat - CLOCK_SKEW_SECONDS];
  return parts.wrapping.seal({ accessor, addr: parts.apiAddress(), exp, iat, jti, nbf });
}
