/** The facade of the Vault / OpenBao HTTP API: everything below `/v1/`. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import type { Answer, Call, CallOperation, Handle } from '../../core/call.ts';
import { RequestError, invalidRequest, notFound } from '../../model/errors.ts';
import type { Connection } from '../../model/request.ts';
import type { Facade, WireReply, WireRequest } from '../facade.ts';
import { DEFAULT_BODY_LIMITS, checkMediaType, readBodyData } from './body.ts';
import type { BodyLimits } from './body.ts';
import { CORS_DISABLED, decideCors } from './cors.ts';
import type { CorsSettings } from './cors.ts';
import { renderSuccess } from './envelope.ts';
import { errorReply, JSON_HEADERS, renderError } from './error-table.ts';
import { canonicalNamespace, canonicalPath } from './path.ts';
import { NO_PARAMETERS, parseParameters, queryData } from './query.ts';
import {
  checkIdleHeaders,
  headerText,
  passableHeaders,
  refuseRepeatedHeaders,
  secondFactorOf,
  tokenOf,
  wrapFormatOf,
  wrapTtlOf,
} from './request-headers.ts';
import { consumedParameters, verbOf } from './verbs.ts';
import type { Verb } from './verbs.ts';
import type { Reply } from '../../model/reply.ts';

/** Answers a `GET` without a token. It must not tell what only a token may learn. */
export type OpenPath = (
  query: Readonly<JsonObject>,
  headers: WireRequest['headers'],
) => Reply | Promise<Reply>;

export interface VaultFacadeOptions {
  readonly handle: Handle;
  readonly log: Log;
  /** The CORS settings in force, asked for each request that names an origin. */
  readonly cors?: () => CorsSettings | Promise<CorsSettings>;
  /** Paths that this listener serves to anybody, past the core (`sys/metrics`, as the operator configured it). */
  readonly open?: ReadonlyMap<string, OpenPath>;
  readonly limits?: Partial<BodyLimits>;
}

const PREFIX = '/v1/';
/** `/v1/` and a path that was written with a slash before it: what programs make of `/secret/app` by putting the two together. */
const DOUBLED_START = /^\/v1\/\/+(?=[!-.0-~])/;
/** What watches a server asks these, with any flags and without a token: there is nothing to list, and nothing to patch. */
const STATUS_PATHS: ReadonlySet<string> = new Set([
  'sys/health',
  'sys/init',
  'sys/leader',
  'sys/seal-status',
]);
/** Nothing else is ever repeated in the header of a redirect. */
const VISIBLE = /^[!-~]*$/;
const ROBOTS = 'User-agent: *\nDisallow: /\n';
const NO_DATA: Readonly<JsonObject> = Object.freeze(Object.create(null) as JsonObject);

/** Makes the facade that turns requests below `/v1/` into calls and their answers into replies. */
export function createVaultFacade(options: VaultFacadeOptions): Facade {
  const limits: BodyLimits = { ...DEFAULT_BODY_LIMITS, ...options.limits };
  const cors = options.cors ?? (() => CORS_DISABLED);

  return {
    refuse: errorReply,
    async handle(request) {
      try {
        if (request.headers['origin'] === undefined) {
          return withHeaders(
            await answer(request, options, limits),
            undefined,
            echoedNamespace(request),
          );
        }
        const crossOrigin = await decideCors(request, cors);
        const reply = crossOrigin?.reply ?? (await answer(request, options, limits));
        return withHeaders(reply, crossOrigin?.headers, echoedNamespace(request));
      } catch (error) {
        if (error instanceof RequestError) {
          return withHeaders(renderError(error), undefined, echoedNamespace(request));
        }
        options.log.error('request failed in the vault facade', {
          error: error instanceof Error ? error.name : 'unknown',
        });
        return errorReply(500, 'internal error');
      }
    },
  };
}

function answer(
  request: WireRequest,
  options: VaultFacadeOptions,
  limits: BodyLimits,
): Awaitable<WireReply> {
  refuseRepeatedHeaders(request);
  const { target, method } = request;
  if ((method === 'GET' || method === 'HEAD') && DOUBLED_START.test(target)) {
    return redirected(target);
  }
  const question = target.indexOf('?');
  const full = canonicalTarget(question < 0 ? target : target.slice(0, question));
  if (full === '/robots.txt') {
    return {
      status: 200,
      headers: { ...JSON_HEADERS, 'Content-Type': 'text/plain' },
      body: ROBOTS,
    };
  }
  if (!full.startsWith(PREFIX)) return errorReply(404, '');

  const name = full.slice(PREFIX.length);
  const asked = options.open?.get(name);
  if (asked !== undefined && method !== 'GET') return errorReply(405, '');
  const parameters = question < 0 ? NO_PARAMETERS : parseParameters(target.slice(question + 1));
  const isStatus = asked !== undefined || STATUS_PATHS.has(name);
  const verb = verbOf(method, parameters, isStatus ? 'no listing' : undefined);
  if (!isStatus) checkMediaType(request, verb);
  checkIdleHeaders(request.headers);
  const namespace = canonicalNamespace(headerText(request.headers, 'x-vault-namespace'));
  if (namespace === undefined) throw notFound('namespace not found');

  const query =
    parameters.size === 0 ? NO_DATA : queryData(parameters, consumedParameters(method, verb));
  const path = operationPath(name, verb.operation);
  if (asked !== undefined && verb.operation === 'read')
    return after(asked(query, request.headers), renderOpen);
  const call = new VaultCall(request, { verb, path, namespace, query, limits });
  return options.handle(call).then((answered) => render(answered, call.operation, method));
}

/** Tells a reader the one form of its path; nothing is routed or decided by the other one. A write is refused instead. */
function redirected(target: string): WireReply {
  const location = target.replace(DOUBLED_START, PREFIX);
  if (!VISIBLE.test(location)) throw invalidRequest('path contains an empty segment');
  return { status: 307, headers: { ...JSON_HEADERS, Location: location }, body: '' };
}

function renderOpen(reply: Reply): WireReply {
  return renderSuccess({ requestId: '', namespacePath: '', reply }, 'read');
}

/** Absolute-form and asterisk-form targets (RFC 9112 §3.2) name no path of ours. */
function canonicalTarget(raw: string): string {
  if (!raw.startsWith('/')) throw invalidRequest('request target is not a path');
  // A leading '//' would be an authority; such a path is simply not below /v1/.
  if (raw.startsWith('//')) return '';
  return canonicalPath(raw);
}

/** LIST and SCAN name a folder; a write must name a thing. @throws {RequestError} */
function operationPath(path: string, operation: CallOperation): string {
  switch (operation) {
    case 'list':
    case 'scan':
      return path.endsWith('/') ? path : `${path}/`;
    case 'write':
    case 'patch':
      if (path.endsWith('/')) throw invalidRequest("cannot write to a path ending in '/'");
      return path;
    default:
      return path;
  }
}

function render(answered: Answer, operation: CallOperation, method: string): WireReply {
  if (answered.error !== undefined) {
    const reply = renderError(answered.error);
    return answered.headers === undefined ? reply : withHeaders(reply, answered.headers, '');
  }
  // OPTIONS is no operation of any path: what does not refuse it as a header operation has no such method.
  if (method === 'OPTIONS') return errorReply(405, '');
  return renderSuccess(answered, operation);
}

/** The namespace header comes back as it was sent. */
function echoedNamespace(request: WireRequest): string {
  return headerText(request.headers, 'x-vault-namespace');
}

function withHeaders(
  reply: WireReply,
  more: Readonly<Record<string, string>> | undefined,
  namespace: string,
): WireReply {
  if (more === undefined && namespace === '') return reply;
  const headers = { ...reply.headers, ...more };
  if (namespace !== '') headers['X-Vault-Namespace'] = namespace;
  return { ...reply, headers };
}

interface CallParts {
  readonly verb: Verb;
  readonly path: string;
  readonly namespace: string;
  readonly query: Readonly<JsonObject>;
  readonly limits: BodyLimits;
}

/** A call whose costlier parts (body, passed headers, abort signal) are made only when the core asks for them. */
class VaultCall implements Call {
  readonly protocol = 'vault';
  readonly operation: CallOperation;
  readonly path: string;
  readonly namespace: string;
  readonly token: string | undefined;
  readonly bearer: boolean;
  readonly query: Readonly<JsonObject>;
  readonly wrapTtlSeconds: number;
  readonly wrapFormat: '' | 'jwt';
  readonly connection: Connection;
  readonly readBody: () => Promise<Readonly<JsonObject>>;
  readonly #request: WireRequest;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(request: WireRequest, parts: CallParts) {
    this.#request = request;
    this.operation = parts.verb.operation;
    this.path = parts.path;
    this.namespace = parts.namespace;
    this.token = tokenOf(request.headers);
    this.bearer = headerText(request.headers, 'x-vault-token') === '';
    this.query = parts.query;
    this.wrapTtlSeconds = wrapTtlOf(request.headers);
    this.wrapFormat = wrapFormatOf(request.headers);
    this.connection = request.connection;
    this.readBody = () => readBodyData(request, parts.verb, parts.limits);
  }

  upload(): AsyncIterable<Uint8Array> {
    return this.#request.bodyPieces();
  }

  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= passableHeaders(this.#request.headers);
    return this.#headers;
  }

  get secondFactor(): Call['secondFactor'] & {} {
    return secondFactorOf(this.#request.headers);
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }
}
