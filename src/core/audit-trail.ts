/** Says to the audit broker what is known of an exchange when its request, and its reply, are to be recorded. */
import type { AuditBroker } from '../audit/broker.ts';
import type { AuditedMount, RequestEntry } from '../audit/record.ts';
import type { RequestError } from '../model/errors.ts';
import type { Exchange } from './exchange.ts';
import type { Mount } from './mount-table.ts';
import type { AuditTrail } from './parts.ts';

/**
 * How the server is, asked by balancers every second and by anybody: not recorded, as in Vault, and answered when nothing
 * can be recorded.
 */
const UNRECORDED = new Set(['sys/health', 'sys/leader', 'sys/seal-status']);
const NOTHING: Promise<void> = Promise.resolve();

function isUnrecorded(exchange: Exchange): boolean {
  const { operation } = exchange;
  return (operation === 'read' || operation === 'header') && UNRECORDED.has(exchange.path);
}

export function auditTrail(broker: AuditBroker): AuditTrail {
  /** The broker renders what both records share only once, as long as it is handed the same object. */
  const entries = new WeakMap<Exchange, RequestEntry>();
  return {
    request(exchange, error) {
      if (isUnrecorded(exchange)) return NOTHING;
      const entry = requestEntry(exchange, error);
      entries.set(exchange, entry);
      return broker.request(entry);
    },
    reply(exchange, error) {
      if (isUnrecorded(exchange)) return NOTHING;
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

/** One object per mount entry: the broker renders it once. */
const auditedMounts = new WeakMap<Mount['entry'], AuditedMount>();

function auditedMount(entry: Mount['entry']): AuditedMount {
  let mount = auditedMounts.get(entry);
  if (mount === undefined) {
    mount = {
      path: entry.path,
      type: entry.type,
      accessor: entry.accessor,
      clearRequestKeys: entry.config.audit_non_hmac_request_keys,
      clearResponseKeys: entry.config.audit_non_hmac_response_keys,
    };
    auditedMounts.set(entry, mount);
  }
  return mount;
}

function requestEntry(exchange: Exchange, error: RequestError | undefined): RequestEntry {
  const { call, mount, decision, token } = exchange;
  return {
    id: exchange.id,
    protocol: call.protocol,
    action: call.action,
    operation: exchange.operation,
    namespace: exchange.namespace,
    path: exchange.path,
    mount: mount === undefined ? undefined : auditedMount(mount.entry),
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
