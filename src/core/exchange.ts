/** One request on its way through the pipeline: each step reads what earlier ones found and adds its own. */
import type { JsonObject } from '../base/json.ts';
import type { RequestError } from '../model/errors.ts';
import type { Path } from '../model/backend.ts';
import type { Operation, Request } from '../model/request.ts';
import type { Stored } from '../model/transaction.ts';
import type { Acl, Decision } from '../policy/acl.ts';
import type { ControlGroup } from '../policy/policy.ts';
import type { TokenRecord } from '../tokens/token-record.ts';
import type { BoundPlace, Call, WrapInfo } from './call.ts';
import type { CoreUnit } from './epoch-cache.ts';
import type { HeldRequest } from './held/held-request.ts';
import type { Mount, Routing } from './mounts/mount-table.ts';
import type { Namespace } from './mounts/namespaces.ts';
import type { Opened } from './outside/intent-record.ts';
import type { Principal } from '../model/principal.ts';
import type { IssuedAuth, IssuedLease, Reply } from '../model/reply.ts';

/** Which steps of the pipeline a request takes. */
export type RequestClass = 'login' | 'data' | 'sys' | 'open';

export interface Exchange {
  /** As the facade handed it in; once its binding is known, with the namespace and path that this names. */
  call: Call;
  readonly id: string;
  readonly nowMs: number;
  unit: CoreUnit;
  class: RequestClass;

  // What it is about.
  /** What a facade called the place, before it was found. */
  readonly named: BoundPlace | undefined;
  routing: Routing | undefined;
  namespace: Namespace;
  mount: Mount | undefined;
  /** Path below the namespace: what policies and audit name. */
  path: string;
  pathBelowMount: string;
  match:
    | {
        readonly path: Path<never>;
        readonly params: Readonly<Record<string, string>>;
        readonly absent: readonly string[];
      }
    | undefined;
  operation: Operation;
  data: Readonly<JsonObject>;
  bodyRead: boolean;
  fields: Readonly<Record<string, unknown>>;
  fieldError: RequestError | undefined;
  warnings: string[];

  // Who asks, and what they may.
  token: Stored<TokenRecord> | undefined;
  principal: Principal | undefined;
  /** Whom a credential stands for, as its protocol names it: `user/ann`, `assumed-role/app/session`. */
  callerName: string | undefined;
  /** A request that was held back and is made now. */
  resumed: HeldRequest | undefined;
  /** Environments that the caller is bound to; undefined when none. */
  boundTo: readonly string[] | undefined;
  /** Id of the exception by which it gets at another. */
  exception: string | undefined;
  /** The control groups that hold the request back. */
  heldBy: readonly ControlGroup[] | undefined;
  /** Names of those who approved it. */
  approvedBy: readonly string[] | undefined;
  acl: Acl | undefined;
  decision: Decision | undefined;

  /** Of others, before this one. */
  refusalsNotRecorded: number;

  // What came of it.
  request: Request | undefined;
  reply: Reply | undefined;
  /** Waits for what the reply must not be told before. */
  settle: (() => Promise<void>) | undefined;
  lease: IssuedLease | undefined;
  auth: IssuedAuth | undefined;
  wrap: WrapInfo | undefined;
  headers: Record<string, string>;
  /** Pending until the audit record of the request is durable. */
  requestRecorded: Promise<void> | undefined;
  /** Acts outside that this run has begun and the commit will end. */
  readonly intents: Opened[];
  /** Runs when the handler is done, before the commit: last writes of the core. */
  atEnd: (() => void)[];
}

/** A request as it came in, with nothing known of it yet. */
export function newExchange(
  call: Call,
  id: string,
  nowMs: number,
  unit: CoreUnit,
  namespace: Namespace,
): Exchange {
  return {
    call,
    id,
    nowMs,
    unit,
    class: 'data',
    routing: undefined,
    namespace,
    mount: undefined,
    named: call.bound,
    path: call.path,
    pathBelowMount: '',
    match: undefined,
    operation: OPERATIONS[call.operation],
    data: call.query,
    bodyRead: false,
    fields: {},
    fieldError: undefined,
    warnings: [],
    token: undefined,
    principal: undefined,
    callerName: undefined,
    resumed: undefined,
    boundTo: undefined,
    exception: undefined,
    heldBy: undefined,
    approvedBy: undefined,
    acl: undefined,
    decision: undefined,
    refusalsNotRecorded: 0,
    request: undefined,
    reply: undefined,
    settle: undefined,
    lease: undefined,
    auth: undefined,
    wrap: undefined,
    headers: {},
    requestRecorded: undefined,
    intents: [],
    atEnd: [],
  };
}

const OPERATIONS: Record<Call['operation'], Operation> = {
  read: 'read',
  write: 'update',
  patch: 'patch',
  delete: 'delete',
  list: 'list',
  scan: 'scan',
  header: 'header',
  help: 'help',
};

/** The path with its namespace, as policies match it. */
export function fullPath(exchange: Pick<Exchange, 'namespace' | 'path'>): string {
  return exchange.namespace.path + exchange.path;
}

/** Vault's multi-error text, which tools match. */
export function listedError(text: string): string {
  return `1 error occurred:\n\t* ${text}\n\n`;
}
