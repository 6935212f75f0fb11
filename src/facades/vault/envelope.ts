/** Successful answers of the Vault protocol: the envelope of eight keys, bare objects and raw bodies. */
import type { Answer, CallOperation, WrapInfo } from '../../core/call.ts';
import { waitingObject } from '../../core/envelope.ts';
import type { WireReply } from '../facade.ts';
import { errorReply, JSON_HEADERS } from './error-table.ts';
import type { IssuedAuth, Reply } from '../../model/reply.ts';

/** Renders an answer without error. */
export function renderSuccess(answer: Answer, operation: CallOperation): WireReply {
  const { reply } = answer;
  const headers = headersOf(answer);
  if (answer.wrap !== undefined) {
    return { status: 200, headers, body: wrapEnvelope(answer.wrap) };
  }
  if (answer.auth === undefined && isNothing(reply, operation)) {
    return { ...errorReply(404, ''), headers };
  }
  if (reply === undefined && answer.auth === undefined) return { status: 204, headers, body: '' };
  if (reply?.unwrapped !== undefined) {
    return { status: reply.status ?? 200, headers, body: `${reply.unwrapped.trimEnd()}\n` };
  }
  if (reply?.raw !== undefined) {
    return {
      status: reply.status ?? 200,
      headers: { ...headers, 'Content-Type': reply.raw.contentType, ...reply.headers },
      body: reply.raw.body,
      ...(reply.raw.stream === undefined ? {} : { stream: reply.raw.stream }),
    };
  }
  const status = reply?.status ?? 200;
  if (status === 204) return { status, headers, body: '' };
  if (reply?.bare === true || operation === 'help') {
    return { status, headers, body: `${JSON.stringify(reply?.data ?? {})}\n` };
  }
  return { status, headers, body: envelope(answer, reply) };
}

function headersOf(answer: Answer): Readonly<Record<string, string>> {
  if (answer.headers === undefined && answer.reply?.headers === undefined) return JSON_HEADERS;
  return { ...JSON_HEADERS, ...answer.headers, ...answer.reply?.headers };
}

/**
 * A read of nothing and a list without keys are 404. A list with warnings, or with data but no `keys`, is an answer.
 */
function isNothing(reply: Reply | undefined, operation: CallOperation): boolean {
  if (operation === 'read' || operation === 'header') return reply === undefined;
  if (operation !== 'list') return false;
  if (reply === undefined) return true;
  if (reply.raw !== undefined || reply.bare === true) return false;
  if ((reply.warnings?.length ?? 0) > 0) return false;
  const data = reply.data ?? {};
  const keys = data['keys'];
  if (Array.isArray(keys)) return keys.length === 0;
  return keys === undefined || keys === null ? Object.keys(data).length === 0 : false;
}

function envelope(answer: Answer, reply: Reply | undefined): string {
  const { lease, auth } = answer;
  const data = reply?.data;
  const warnings = reply?.warnings;
  const hasData = data !== undefined && data !== null;
  const rest =
    `"request_id":${JSON.stringify(answer.requestId)},` +
    (lease === undefined
      ? '"lease_id":"","renewable":false,"lease_duration":0,'
      : `"lease_id":${JSON.stringify(lease.id)},"renewable":${lease.renewable},"lease_duration":${lease.durationSeconds},`) +
    `"data":${hasData ? JSON.stringify(data) : 'null'},"wrap_info":null,"warnings":` +
    (warnings === undefined || warnings.length === 0 ? 'null' : JSON.stringify(warnings)) +
    `,"auth":${auth === undefined ? 'null' : JSON.stringify(authObject(auth))}}\n`;
  return `{${reply?.injectTopLevel === true && hasData ? topLevel(data) : ''}${rest}`;
}

/** Members of the data, to stand before the envelope's own: a reader that meets a name twice keeps the envelope's. */
function topLevel(data: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const [name, value] of Object.entries(data)) {
    const json = JSON.stringify(value) as string | undefined;
    if (json !== undefined) text += `${JSON.stringify(name)}:${json},`;
  }
  return text;
}

function wrapEnvelope(wrap: WrapInfo): string {
  const info = {
    token: wrap.token,
    accessor: wrap.accessor,
    ttl: wrap.ttlSeconds,
    creation_time: wrap.creationTime,
    creation_path: wrap.creationPath,
    ...(wrap.wrappedAccessor === undefined ? {} : { wrapped_accessor: wrap.wrappedAccessor }),
  };
  return `{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":${JSON.stringify(info)},"warnings":null,"auth":null}\n`;
}

/** The `auth` object of the protocol; also what a wrapped login stores. */
export function authObject(auth: IssuedAuth): Readonly<Record<string, unknown>> {
  if (auth.mfaRequirement !== undefined) return waitingObject(auth.mfaRequirement);
  return {
    client_token: auth.clientToken,
    accessor: auth.accessor,
    policies: auth.policies,
    ...(auth.tokenPolicies.length === 0 ? {} : { token_policies: auth.tokenPolicies }),
    ...(auth.identityPolicies.length === 0 ? {} : { identity_policies: auth.identityPolicies }),
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
