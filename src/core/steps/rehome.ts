/**
 * A token is what it is in the namespace that its id names: whoever asks about one is judged, and answered, there, whatever namespace the
 * request was sent to. So is a lease, but for those only whose own token is of that namespace.
 */
import { RequestError } from '../../model/errors.ts';
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';
import { namespaceIdIn } from '../../tokens/token-record.ts';
import { OPENING_PATHS, enter } from './route.ts';

const LOOKUP = 'auth/token/lookup';
const TOKEN_PATHS: ReadonlySet<string> = new Set([
  LOOKUP,
  'auth/token/renew',
  'auth/token/revoke',
  'auth/token/revoke-orphan',
]);
const LEASE_PATHS: ReadonlySet<string> = new Set([
  'sys/leases/lookup',
  'sys/leases/renew',
  'sys/leases/revoke',
]);
/** The id may also stand in the path. */
const LEASE_PREFIXES = ['sys/leases/renew/', 'sys/leases/revoke/'] as const;

export function rehome(parts: Parts, exchange: Exchange): void {
  const { operation, routing, namespace } = exchange;
  if (operation !== 'update' && operation !== 'create') return;
  assertText(exchange);
  if (routing === undefined || routing.namespaces.size === 1) return;
  const id = namespaceNamed(exchange);
  const home = id === undefined ? undefined : routing.namespacesById.get(id);
  if (home === undefined || home.id === namespace.id) return;
  exchange.namespace = home;
  enter(parts, exchange, routing);
}

/** What names a token is text, and not read as one: whose it is decides what is asked of the policies. @throws {RequestError} */
function assertText({ path, data }: Exchange): void {
  const named = data['token'];
  if (named === undefined || typeof named === 'string') return;
  if (TOKEN_PATHS.has(path)) throw new RequestError('permission_denied', 'invalid token');
  if (OPENING_PATHS.has(path) && named !== null)
    throw new RequestError(
      'permission_denied',
      'error validating wrapping token: could not decode token in request body',
    );
}

/** Id of the namespace in what the request is about. */
function namespaceNamed({ path, data, token }: Exchange): string | undefined {
  if (TOKEN_PATHS.has(path)) {
    const named = data['token'];
    if (named === undefined) return path === LOOKUP ? token?.namespaceId : undefined;
    return typeof named === 'string' ? namespaceIdIn(named) : undefined;
  }
  const prefix = LEASE_PREFIXES.find((each) => path.startsWith(each));
  if (prefix === undefined && !LEASE_PATHS.has(path)) return undefined;
  const named = data['lease_id'] ?? (prefix === undefined ? undefined : path.slice(prefix.length));
  const id = typeof named === 'string' ? namespaceIdIn(named) : undefined;
  // Ids of leases are known to many: they lead nobody into a namespace of others (CVE-2026-45808).
  return id === token?.namespaceId ? id : undefined;
}
