/** Keeps identities in their environment, whatever the policies say. Costs nothing while nothing carries one. */
import type { Awaitable } from '../../base/awaitable.ts';
import { RequestError } from '../../model/errors.ts';
import type { Operation } from '../../model/request.ts';
import type { Decision } from '../../policy/acl.ts';
import type { Environments } from '../guards/environments.ts';
import { listedError } from '../exchange.ts';
import type { Exchange } from '../exchange.ts';
import { resolveMount } from '../mounts/mount-table.ts';
import type { Routing } from '../mounts/mount-table.ts';
import type { Parts } from '../parts.ts';

const WRITES: ReadonlySet<Operation> = new Set(['create', 'update', 'patch', 'delete']);

/** Where somebody who is bound could read behind the mounts, or move what is labelled. */
const CLOSED_PREFIXES: readonly string[] = [
  'sys/environments',
  'sys/raw',
  'sys/remount',
  'sys/storage',
];
/**
 * Where somebody who is bound could become, or make, somebody who is not, or have what others do written down elsewhere; `alias`
 * and `persona` are old names of aliases.
 */
const UNBINDING_PREFIXES: readonly string[] = [
  'identity/alias',
  'identity/credential',
  'identity/entity',
  'identity/group',
  'identity/persona',
  'sys/audit/',
  'sys/auth',
  'sys/config/auditing',
];
/** What follows is a mount: its settings, and the leases of what was lent there. */
const OF_MOUNTS: readonly string[] = [
  'sys/mounts/',
  'sys/leases/lookup/',
  'sys/leases/renew/',
  'sys/leases/revoke/',
  'sys/leases/revoke-force/',
  'sys/leases/revoke-prefix/',
];
const OF_LEASES = 'sys/leases/';
const OF_NAMESPACES = 'sys/namespaces/';

const REFUSAL: Decision = {
  allowed: false,
  sudo: false,
  isRoot: false,
  reason: 'environment',
  rule: undefined,
  policies: [],
  limit: undefined,
  responseKeysFilterPath: '',
  mfaMethods: [],
  controlGroups: [],
};

export function segregate(parts: Parts, exchange: Exchange): Awaitable<void> {
  const { routing } = exchange;
  const environments = routing?.guards.environments;
  if (routing === undefined || environments === undefined) return;
  return guard(parts, exchange, routing, environments);
}

async function guard(
  parts: Parts,
  exchange: Exchange,
  routing: Routing,
  environments: Environments,
): Promise<void> {
  const { unit, token, principal, nowMs } = exchange;
  if (token === undefined || principal === undefined) return;
  const { entityId, tokenNamespace } = principal;
  const who =
    entityId === ''
      ? undefined
      : await parts.identity.members(unit, tokenNamespace.id, entityId, nowMs);
  const [ownId = entityId, ...groupIds] = who ?? [];
  const bound = new Set(token.environments);
  const door = routing.mountsByAccessor.get(token.mountAccessor);
  const home = routing.namespacesById.get(token.namespaceId);
  const places = [
    door === undefined ? undefined : environments.ofMount(routing, door),
    home === undefined ? undefined : environments.ofNamespace(routing, home),
    // Who was merged into another stays bound, and binds the other.
    ...environments.ofIdentities([entityId, ...(who ?? [])]),
  ];
  for (const place of places) if (place !== undefined) bound.add(place);
  if (bound.size === 0) return;
  exchange.boundTo = [...bound];
  const wanted = environmentOf(exchange, routing, environments);
  if (wanted === undefined) {
    if (mayUnbind(exchange)) throw refused(exchange);
    return;
  }
  if (bound.size === 1 && bound.has(wanted)) return;
  const exception = environments.exceptionFor(wanted, ownId, groupIds, nowMs);
  if (exception === undefined) throw refused(exchange);
  exchange.exception = exception.id;
}

/** Of what is asked for, or of the mount or namespace that a path of the system speaks of. */
function environmentOf(
  exchange: Exchange,
  routing: Routing,
  environments: Environments,
): string | undefined {
  const { mount, namespace, path } = exchange;
  const own =
    mount === undefined
      ? environments.ofNamespace(routing, namespace)
      : environments.ofMount(routing, mount);
  if (own !== undefined || !path.startsWith('sys/')) return own;
  if (path.startsWith(OF_NAMESPACES)) {
    const [name = ''] = path.slice(OF_NAMESPACES.length).split('/');
    const named = routing.namespaces.get(`${namespace.path}${name}/`);
    return named === undefined ? undefined : environments.ofNamespace(routing, named);
  }
  const named = mountNamed(exchange);
  const target = named === undefined ? undefined : resolveMount(routing, namespace, `${named}/`);
  return target === undefined ? undefined : environments.ofMount(routing, target.mount);
}

function mountNamed({ path, data }: Exchange): string | undefined {
  const prefix = OF_MOUNTS.find((each) => path.startsWith(each));
  if (prefix !== undefined) return path.slice(prefix.length);
  const lease = path.startsWith(OF_LEASES) ? data['lease_id'] : undefined;
  return typeof lease === 'string' ? lease : undefined;
}

/** What carries no environment is open to all, but for what leads around it. */
function mayUnbind({ path, mount, operation }: Exchange): boolean {
  if (CLOSED_PREFIXES.some((prefix) => path.startsWith(prefix))) return true;
  if (!WRITES.has(operation)) return false;
  if (UNBINDING_PREFIXES.some((prefix) => path.startsWith(prefix))) return true;
  return mount?.entry.table === 'auth' && !mount.entry.type.endsWith('token');
}

function refused(exchange: Exchange): RequestError {
  exchange.decision = REFUSAL;
  return new RequestError('permission_denied', listedError('permission denied'), {
    detail: 'environment',
  });
}
