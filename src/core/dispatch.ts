/** Hands a request to its handler, with no more than the handler may see. */
import { RequestError, invalidRequest } from '../model/errors.ts';
import type { OperationSpec } from '../model/backend.ts';
import type { Request } from '../model/request.ts';
import type { Transaction, Unit } from '../model/transaction.ts';
import type { Exchange } from './exchange.ts';
import { dataPrefix } from './mounts/mount-entry.ts';
import { outsideOf, scheduleFor } from './outside/outside.ts';
import { asksForThePast, recallOf } from './recall.ts';
import type { Parts } from './parts.ts';

/** The mount stands in for `sys` while the server is sealed and no routing table can be read. */
const SEALED_MOUNT: Request['mount'] = {
  path: 'sys/',
  type: 'system',
  accessor: '',
  uuid: '',
  options: null,
  defaultLeaseTtlSeconds: 0,
  maxLeaseTtlSeconds: 0,
  config: {},
};

export function requestOf(
  parts: Parts,
  exchange: Exchange,
  { outsideEffects = false }: Pick<OperationSpec<never, never>, 'outsideEffects'>,
): Request {
  const { call, mount, namespace } = exchange;
  const request: Writable<Request> = {
    id: exchange.id,
    operation: exchange.operation,
    namespace,
    mount: mount?.ref ?? SEALED_MOUNT,
    path: exchange.pathBelowMount,
    fields: exchange.fields,
    data: exchange.data,
    principal: exchange.principal,
    connection: call.connection,
    headers: passthrough(exchange),
    nowMs: exchange.nowMs,
    wrapTtlSeconds: call.wrapTtlSeconds,
    sudo: exchange.decision?.sudo ?? false,
    outside: outsideOf(parts, exchange, outsideEffects),
    schedule: scheduleFor(parts, exchange),
  };
  const seesCore = mount === undefined || mount.backend.scope === 'unit';
  const past = !seesCore && asksForThePast(call);
  if (call.protocol === 'vault' && call.task === undefined && !seesCore && !past) return request;
  addRarer(request, exchange, seesCore);
  return past
    ? { ...request, ...recallOf(parts, exchange, storeOf(exchange) as Transaction) }
    : request;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const WRITES = new Set(['create', 'update']);

/** What only parts of the core, or facades of other protocols, hand on. */
function addRarer(request: Writable<Request>, exchange: Exchange, seesCore: boolean): void {
  const { call, callerName } = exchange;
  if (seesCore) {
    if (call.token !== undefined) {
      request.clientToken = call.token;
      request.bearer = call.bearer === true;
    }
    if (exchange.boundTo !== undefined) request.environments = exchange.boundTo;
    if (call.evidence !== undefined) request.evidence = call.evidence;
    const { match, operation } = exchange;
    const isUpload = match?.path.takesUpload === true && WRITES.has(operation);
    if (isUpload && call.upload !== undefined) request.upload = call.upload();
    const { authorization } = exchange.class === 'open' ? call.headers : NO_HEADERS;
    if (authorization !== undefined) request.authorization = authorization;
  }
  if (call.task !== undefined) request.task = call.task;
  if (callerName !== undefined) request.callerName = callerName;
  if (call.retention !== undefined) request.retention = call.retention;
}

/** An engine gets a view of its own mount; a part of the core gets the unit. */
export function storeOf(exchange: Exchange): Transaction | Unit {
  const { mount } = exchange;
  if (mount === undefined || mount.backend.scope === 'unit') return exchange.unit;
  return exchange.unit.view(mount.namespace.id, dataPrefix(mount.entry));
}

/** Never to a backend, whatever the mount's settings say (CVE-2026-4525). */
const CREDENTIAL_HEADERS = new Set([
  'authorization',
  'x-vault-token',
  'cookie',
  'proxy-authorization',
]);
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function passthrough(exchange: Exchange): Readonly<Record<string, string>> {
  const named = exchange.mount?.entry.config.passthrough_request_headers;
  if (named === undefined || named.length === 0) return NO_HEADERS;
  const passed: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const name of named) {
    const lower = name.toLowerCase();
    const value = exchange.call.headers[lower];
    if (value !== undefined && !CREDENTIAL_HEADERS.has(lower)) passed[lower] = value;
  }
  return passed;
}

/** The declared operation that serves this request. @throws {RequestError} not_found or unsupported_operation */
export function operationOf(exchange: Exchange): OperationSpec<unknown, unknown> {
  const { match, mount, operation } = exchange;
  if (mount === undefined && exchange.class !== 'open') {
    throw new RequestError(
      'not_found',
      `no handler for route "${exchange.path}". route entry not found.`,
    );
  }
  if (match === undefined) throw new RequestError('not_found', listed('unsupported path'));
  const { operations } = match.path;
  const spec =
    operation === 'create'
      ? (operations.create ?? operations.update)
      : operation === 'update'
        ? (operations.update ?? operations.create)
        : operation === 'help' || operation === 'renew' || operation === 'revoke'
          ? undefined
          : operations[operation];
  if (spec === undefined) {
    throw new RequestError(
      'unsupported_operation',
      refusalText(match.path.whileSealed === true, exchange),
    );
  }
  return spec as unknown as OperationSpec<unknown, unknown>;
}

/** The paths that also answer while sealed refuse without a word, as the reference does. */
function refusalText(whileSealed: boolean, exchange: Exchange): string {
  if (whileSealed) return '';
  return exchange.class === 'open' ? 'unsupported operation' : listed('unsupported operation');
}

function listed(text: string): string {
  return `1 error occurred:\n\t* ${text}\n\n`;
}

/** A deliberate refusal to act on what the field check found. */
export function assertFields(exchange: Exchange): void {
  if (exchange.fieldError === undefined) return;
  throw invalidRequest(exchange.fieldError.message, { cause: exchange.fieldError });
}
