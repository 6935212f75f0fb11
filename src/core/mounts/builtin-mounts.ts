/** The mounts that every namespace is born with. */
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import type { MountEntry } from './mount-entry.ts';
import { ROOT_NAMESPACE_ID } from '../../model/principal.ts';

interface Builtin {
  readonly path: string;
  readonly table: MountEntry['table'];
  readonly type: string;
  readonly accessorPrefix: string;
  readonly description: string;
  readonly local?: boolean;
  readonly sealWrap?: boolean;
  readonly passthrough?: readonly string[];
}

const BUILTINS: readonly Builtin[] = [
  {
    path: 'sys/',
    table: 'secret',
    type: 'system',
    accessorPrefix: 'system',
    description: 'system endpoints used for control, policy and debugging',
    passthrough: ['Accept'],
    sealWrap: true,
  },
  {
    path: 'identity/',
    table: 'secret',
    type: 'identity',
    accessorPrefix: 'identity',
    description: 'identity store',
    passthrough: ['Authorization'],
  },
  {
    path: 'cubbyhole/',
    table: 'secret',
    type: 'cubbyhole',
    accessorPrefix: 'cubbyhole',
    description: 'per-token private secret storage',
    local: true,
  },
  {
    path: 'auth/token/',
    table: 'auth',
    type: 'token',
    accessorPrefix: 'auth_token',
    description: 'token based credentials',
  },
];

/** `kv_1a2b3c4d`, `auth_userpass_1a2b3c4d`. */
export function newAccessor(random: Random, prefix: string): string {
  return `${prefix}_${random.bytes(4).toString('hex')}`;
}

/** In a child namespace the types have a prefix of their own, as clients of the reference see them. */
export function builtinMounts(random: Random, namespaceId: string): MountEntry[] {
  const root = namespaceId === ROOT_NAMESPACE_ID;
  return BUILTINS.map((builtin) => ({
    uuid: uuid(random),
    table: builtin.table,
    namespaceId,
    path: builtin.path,
    type: root ? builtin.type : `ns_${builtin.type}`,
    accessor: newAccessor(random, builtin.accessorPrefix),
    description: builtin.description,
    options: null,
    config: {
      default_lease_ttl: 0,
      max_lease_ttl: 0,
      force_no_cache: false,
      ...(builtin.passthrough === undefined
        ? {}
        : { passthrough_request_headers: builtin.passthrough }),
      ...(builtin.type === 'token' ? { token_type: root ? 'default-service' : 'default' } : {}),
    },
    local: builtin.local ?? false,
    sealWrap: builtin.sealWrap ?? false,
    externalEntropyAccess: false,
    pluginVersion: '',
    tainted: false,
    builtin: true,
  }));
}
