/** `sys/locked-users`: who is locked out after failed logins, and the way back in. */
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import type { Request } from '../model/request.ts';
import type { Unit } from '../model/transaction.ts';
import type { NamespaceRef } from '../model/principal.ts';
import type { Reply } from '../model/reply.ts';

export interface LockedUsersPorts {
  readonly locked: (
    unit: Unit,
    namespaceId: string,
    nowMs: number,
  ) => Promise<readonly { readonly accessor: string; readonly names: readonly string[] }[]>;
  readonly unlock: (
    unit: Unit,
    namespaceId: string,
    accessor: string,
    name: string,
  ) => Promise<void>;
  /** A namespace and those below it. */
  readonly namespacesFrom: (unit: Unit, path: string) => Promise<readonly NamespaceRef[]>;
}

interface Shown {
  readonly mount_accessor: string;
  readonly counts: number;
  readonly alias_identifiers: readonly string[] | null;
}

async function shownNamespace(
  ports: LockedUsersPorts,
  unit: Unit,
  request: Request<unknown>,
  namespace: NamespaceRef,
  accessor: string,
): Promise<{ readonly counts: number; readonly [name: string]: unknown }> {
  const all = await ports.locked(unit, namespace.id, request.nowMs);
  const mounts: Shown[] = all
    .filter((mount) => accessor === '' || mount.accessor === accessor)
    .map((mount) => ({
      mount_accessor: mount.accessor,
      counts: mount.names.length,
      alias_identifiers: mount.names,
    }))
    .sort((a, b) => b.counts - a.counts);
  if (accessor !== '' && mounts.length === 0) {
    mounts.push({ mount_accessor: accessor, counts: 0, alias_identifiers: null });
  }
  return {
    namespace_id: namespace.id,
    namespace_path: namespace.path,
    counts: mounts.reduce((sum, mount) => sum + mount.counts, 0),
    mount_accessors: mounts,
  };
}

export function lockedUserPaths(ports: LockedUsersPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'locked-users',
      fields: {
        mount_accessor: { kind: 'string', description: 'Only users of this mount.', default: '' },
      },
      help: { synopsis: 'Shows who is locked out after failed logins.' },
      operations: {
        read: {
          summary: 'Show locked users',
          handler: async (request, unit): Promise<Reply> => {
            const accessor = request.fields.mount_accessor;
            const namespaces =
              accessor === ''
                ? await ports.namespacesFrom(unit, request.namespace.path)
                : [request.namespace];
            const shown = [];
            for (const namespace of namespaces)
              shown.push(await shownNamespace(ports, unit, request, namespace, accessor));
            shown.sort((a, b) => b.counts - a.counts);
            const total = shown.reduce((sum, namespace) => sum + namespace.counts, 0);
            return { data: { by_namespace: shown, total } };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'locked-users/{mount_accessor}/unlock/{alias_identifier...}',
      fields: {
        mount_accessor: { kind: 'string', description: 'Accessor of the auth mount.' },
        alias_identifier: { kind: 'string', description: 'Name that logs in there.' },
      },
      help: { synopsis: 'Lets a locked user log in again.' },
      operations: {
        update: {
          summary: 'Unlock a user',
          handler: async (request, unit) => {
            const { mount_accessor: accessor = '', alias_identifier: name = '' } = request.fields;
            await ports.unlock(unit, request.namespace.id, accessor, name);
            return undefined;
          },
        },
      },
    }),
  ];
}
