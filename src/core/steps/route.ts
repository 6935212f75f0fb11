/** Finds namespace, mount and path declaration, and with them the class of the request. */
import { after } from '../../base/awaitable.ts';
import type { Awaitable } from '../../base/awaitable.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { Path } from '../../model/backend.ts';
import type { Exchange, RequestClass } from '../exchange.ts';
import { matchBackend, resolveMount, resolveNamespace } from '../mounts/mount-table.ts';
import type { AnyBackend, BackendMatch, Routing } from '../mounts/mount-table.ts';
import type { Namespace } from '../mounts/namespaces.ts';
import type { Parts } from '../parts.ts';
import { appliesTo, isAmong } from '../declared/paths.ts';

/** These have no meaning outside the token's own namespace, so they always go there. */
const SELF_PATHS = new Set([
  'auth/token/lookup-self',
  'auth/token/renew-self',
  'auth/token/revoke-self',
]);
/** Asked with the wrapping token itself, so are these. */
export const OPENING_PATHS: ReadonlySet<string> = new Set([
  'sys/wrapping/lookup',
  'sys/wrapping/rewrap',
  'sys/wrapping/unwrap',
]);
const PROBE = 'sys/health';
/** Answers in a namespace whose API is locked. */
const UNLOCK_PREFIX = 'sys/namespaces/api-lock/unlock';

export function route(parts: Parts, exchange: Exchange): Awaitable<void> {
  const state = parts.state();
  if (state !== 'unsealed') return routeWhileSealed(parts, exchange, state);
  // A probe is told at once that the storage does not answer, instead of waiting for it.
  if (exchange.call.path === PROBE && !parts.reachable())
    return routeOpenly(parts, exchange, PROBE);
  return after(parts.table.routing(exchange.unit), (routing) => find(parts, exchange, routing));
}

function find(parts: Parts, exchange: Exchange, routing: Routing): void {
  exchange.routing = routing;
  const found = resolveNamespace(routing, exchange.call.namespace, exchange.call.path);
  if (found === undefined) return besideNamespaces(parts, exchange);
  exchange.namespace = found.namespace;
  exchange.path = found.path;
  const { token } = exchange;
  const home = token === undefined ? undefined : routing.namespacesById.get(token.namespaceId);
  if (home !== undefined && goesHome(exchange, home)) exchange.namespace = home;
  enter(parts, exchange, routing);
}

function goesHome({ path, token, namespace }: Exchange, home: Namespace): boolean {
  if (SELF_PATHS.has(path)) return true;
  // Whoever was sent no more than a wrapping token need not know where it is from; another tenant does not open it.
  const isOpening = token?.wrapped !== undefined && OPENING_PATHS.has(path);
  return isOpening && home.path.startsWith(namespace.path);
}

/** Finds what serves the path in the exchange's namespace. @throws {RequestError} when nobody is served there */
export function enter(parts: Parts, exchange: Exchange, routing: Routing): void {
  const { namespace, path } = exchange;
  if (namespace.tainted) throw new RequestError('not_found', 'namespace not found');
  if (isLocked(parts, exchange) && !path.startsWith(UNLOCK_PREFIX)) {
    throw new RequestError(
      'unavailable',
      `API access to this namespace has been locked by an administrator - "${namespace.path}" must be unlocked to gain access.`,
    );
  }
  const target = resolveMount(routing, namespace, path);
  if (target === undefined || target.mount.entry.tainted) return;
  exchange.mount = target.mount;
  exchange.pathBelowMount = target.path;
  const { backend } = target.mount;
  const match = matchBackend(backend, target.path) ?? bareStatus(exchange, backend);
  if (match === undefined) {
    exchange.class = classOfNothing(backend, target.path);
    return;
  }
  exchange.match = match;
  exchange.class = classOf(match.path, backend.kind, target.path);
  if (match.path.rootNamespaceOnly === true && namespace.path !== '') {
    throw invalidRequest('operation unavailable in namespaces');
  }
}

/**
 * What is known of the server as a whole does not depend on the namespace that a caller names: it is answered, or refused, whether
 * or not there is one.
 */
function besideNamespaces(parts: Parts, exchange: Exchange): void {
  routeOpenly(parts, exchange, exchange.call.path);
  if (exchange.match === undefined) throw new RequestError('not_found', 'namespace not found');
  if (exchange.match.path.rootNamespaceOnly === true)
    throw invalidRequest('operation unavailable in namespaces');
}

/** A namespace is locked when it or one above it is. */
function isLocked(parts: Parts, exchange: Exchange): boolean {
  const { routing, namespace } = exchange;
  if (routing === undefined || routing.namespaces.size === 1) return false;
  for (
    let end = namespace.path.length;
    end > 0;
    end = namespace.path.lastIndexOf('/', end - 2) + 1
  ) {
    if (routing.namespaces.get(namespace.path.slice(0, end))?.lockedBy !== undefined) return true;
  }
  return parts.root().lockedBy !== undefined && namespace.path !== '';
}

/** A list of `sys/health` and the like is refused like any other wrong verb, although listing appends a slash. */
function bareStatus(exchange: Exchange, backend: AnyBackend): BackendMatch | undefined {
  const { operation } = exchange.call;
  if (operation !== 'list' && operation !== 'scan') return undefined;
  const match = matchBackend(backend, exchange.pathBelowMount.slice(0, -1));
  return match?.path.whileSealed === true ? match : undefined;
}

/** Below a path that asks for no token (a login's name, say) nobody is asked for one to hear that there is nothing. */
function classOfNothing(backend: AnyBackend, path: string): RequestClass {
  if (isAmong(backend.openPlaces, path)) return 'open';
  const end = path.lastIndexOf('/');
  const above = end < 0 ? undefined : matchBackend(backend, path.slice(0, end))?.path;
  const open = above?.login === true || above?.unauthenticated === true;
  if (open && above.pattern.endsWith('}')) return 'open';
  return backend.kind === 'system' ? 'sys' : 'data';
}

/** To a path of `sys` that needs nothing of the storage. */
function routeOpenly(parts: Parts, exchange: Exchange, path: string): void {
  if (!path.startsWith('sys/')) return;
  const match = matchBackend(parts.system, path.slice('sys/'.length));
  if (match?.path.whileSealed !== true) return;
  exchange.pathBelowMount = path.slice('sys/'.length);
  exchange.match = match;
  exchange.class = 'open';
}

function routeWhileSealed(
  parts: Parts,
  exchange: Exchange,
  state: 'uninitialized' | 'sealed',
): void {
  routeOpenly(parts, exchange, exchange.call.path);
  if (exchange.match !== undefined) return;
  throw state === 'sealed'
    ? new RequestError('sealed', 'Vault is sealed')
    : new RequestError('not_initialized', 'Vault is sealed');
}

function classOf(
  path: Path<never>,
  kind: 'secret' | 'auth' | 'system',
  below: string,
): RequestClass {
  if (path.login === true) return 'login';
  if (appliesTo(path.unauthenticated, below)) return 'open';
  return kind === 'system' ? 'sys' : 'data';
}
