/** Says to the audit broker what is known of an exchange when its request, and its reply, are to be recorded. */
import type { AuditBroker } from '../audit/broker.ts';
import type { RequestEntry } from '../audit/record.ts';
import type { RequestError } from '../model/errors.ts';
import type { Exchange } from './exchange.ts';
import type { AuditTrail } from './parts.ts';

export function auditTrail(broker: AuditBroker): AuditTrail {
  /** The broker renders what both records share only once, as long as it is handed the same object. */
  const entries = new WeakMap<Exchange, RequestEntry>();
  return {
    request(exchange, error) {
      const entry = requestEntry(exchange, error);
      entries.set(exchange, entry);
      return broker.request(entry);
    },
    reply(exchange, error) {
      const { wrap } = exchange;
      return broker.reply({
        request: entries.get(exchange) ?? requestEntry(exchange, error),
        reply: error === undefined ? exchange.reply : undefined,
        lease: exchange.lease,
        auth:
          exchange.auth === undefined
            ? undefined
            : { ...exchange.auth, displayName: exchange.principal?.displayName },
        wrap,
        error,
      });
    },
  };
}

function requestEntry(exchange: Exchange, error: RequestError | undefined): RequestEntry {
  const { call, mount, decision, token } = exchange;
  return {
    id: exchange.id,
    protocol: call.protocol,
    operation: exchange.operation,
    namespace: exchange.namespace,
    path: exchange.path,
    mount:
      mount === undefined
        ? undefined
        : {
            path: mount.entry.path,
            type: mount.entry.type,
            accessor: mount.entry.accessor,
            clearRequestKeys: mount.entry.config.audit_non_hmac_request_keys,
            clearResponseKeys: mount.entry.config.audit_non_hmac_response_keys,
          },
    token: call.token,
    principal: exchange.principal,
    policyResults:
      decision === undefined
        ? undefined
        : {
            allowed: decision.allowed,
            grantingPolicies: decision.allowed
              ? decision.policies.map((policy) => ({ ...policy, type: 'acl' }))
              : undefined,
            deniedBy: decision.allowed ? undefined : decision.reason,
          },
    remainingUses:
      token === undefined || token.numUses === 0 ? undefined : Math.max(token.numUses, 0),
    tokenIssuedAtMs: token?.createdMs,
    data: exchange.data,
    connection: call.connection,
    // Made only when some header is to be recorded.
    get headers() {
      return call.headers;
    },
    wrapTtlSeconds: call.wrapTtlSeconds,
    error,
  };
}
