/** Says to the audit broker what is known of an exchange when its request, and its reply, are to be recorded. */
import type { AuditBroker } from '../audit/broker.ts';
import type { AuditedMount, PolicyResults, RenderedPart, RequestEntry } from '../audit/record.ts';
import type { RequestError } from '../model/errors.ts';
import type { Decision } from '../policy/acl.ts';
import type { BoundPlace } from './call.ts';
import type { Exchange } from './exchange.ts';
import type { Mount } from './mounts/mount-table.ts';
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
      const entry = new Recorded(exchange, error);
      entries.set(exchange, entry);
      return broker.request(entry);
    },
    reply(exchange, error) {
      if (isUnrecorded(exchange)) return NOTHING;
      const { wrap } = exchange;
      return broker.reply({
        request: entries.get(exchange) ?? new Recorded(exchange, error),
        reply: error === undefined ? exchange.reply : undefined,
        lease: exchange.lease,
        auth:
          exchange.auth === undefined
            ? undefined
            : { ...exchange.auth, displayName: exchange.principal?.displayName },
        wrap,
        error,
        reason: exchange.class === 'login' ? error?.detail : undefined,
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

/** By the policies that a rule names: the same list at every decision of that rule. */
const grantedBy = new WeakMap<Decision['policies'], PolicyResults>();

function policyResults(
  decision: Decision,
  { approvedBy, exception }: Pick<Exchange, 'approvedBy' | 'exception'>,
): PolicyResults {
  if (!decision.allowed) return { allowed: false, deniedBy: decision.reason };
  const results = granted(decision);
  if (approvedBy === undefined && exception === undefined) return results;
  return { ...results, approvedBy, environmentException: exception };
}

function granted(decision: Decision): PolicyResults {
  let results = grantedBy.get(decision.policies);
  if (results === undefined) {
    const grantingPolicies = decision.policies.map((policy) => ({ ...policy, type: 'acl' }));
    results = { allowed: true, grantingPolicies };
    grantedBy.set(decision.policies, results);
  }
  return results;
}

/** What is known of an exchange, copied: the record says what was so when it was made. */
class Recorded implements RequestEntry {
  readonly id: string;
  readonly protocol: RequestEntry['protocol'];
  readonly action: RequestEntry['action'];
  readonly binding: RequestEntry['binding'];
  readonly operation: RequestEntry['operation'];
  readonly namespace: RequestEntry['namespace'];
  readonly path: string;
  readonly mount: AuditedMount | undefined;
  readonly token: string | undefined;
  readonly principal: RequestEntry['principal'];
  readonly policyResults: PolicyResults | undefined;
  readonly remainingUses: number | undefined;
  readonly tokenIssuedAtMs: number | undefined;
  readonly data: RequestEntry['data'];
  readonly connection: RequestEntry['connection'];
  readonly wrapTtlSeconds: number;
  readonly refusalsNotRecorded: number;
  readonly error: RequestError | undefined;
  rendered: RenderedPart[] | undefined;
  readonly #call: Exchange['call'];

  constructor(exchange: Exchange, error: RequestError | undefined) {
    const { call, mount, decision, token } = exchange;
    this.#call = call;
    this.id = exchange.id;
    this.protocol = call.protocol;
    this.action = call.action;
    this.binding = exchange.named === undefined ? undefined : bindingOf(exchange.named, exchange);
    this.operation = exchange.operation;
    this.namespace = exchange.namespace;
    this.path = exchange.path;
    this.mount = mount === undefined ? undefined : auditedMount(mount.entry);
    this.token = call.token;
    this.principal = exchange.principal;
    this.policyResults = decision === undefined ? undefined : policyResults(decision, exchange);
    this.remainingUses =
      token === undefined || token.numUses === 0 ? undefined : Math.max(token.numUses, 0);
    this.tokenIssuedAtMs = token?.createdMs;
    this.data = exchange.data;
    this.connection = call.connection;
    this.wrapTtlSeconds = call.wrapTtlSeconds;
    this.refusalsNotRecorded = exchange.refusalsNotRecorded;
    this.error = error;
  }

  /** Made only when some header is to be recorded. */
  get headers(): RequestEntry['headers'] {
    return this.#call.headers;
  }
}

function bindingOf({ name, region }: BoundPlace, exchange: Exchange): RequestEntry['binding'] {
  return { name, region, caller: exchange.callerName };
}
