/** `sys/remount`: move a mount to another path or namespace, with its data; its leases and tokens end. */
import { uuid } from '../../base/random.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { conflictingPath, mountPath } from '../../core/mounts/mount-names.ts';
import { resolveNamespace } from '../../core/mounts/mount-table.ts';
import type { Routing } from '../../core/mounts/mount-table.ts';
import type { Namespace } from '../../core/mounts/namespaces.ts';
import { getMigration, putMigration } from '../../core/mounts/mover.ts';
import { endBelow } from '../../core/expiry/below.ts';
import { coreUnit, leavingPath, routingOf } from './ports.ts';
import type { MountPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

const PROTECTED = ['audit/', 'auth/token/', 'sys/', 'cubbyhole/', 'identity/'];
interface Target {
  readonly namespace: Namespace;
  readonly path: string;
}

/** `ns1/secret` names a mount of a child namespace. */
function locate(routing: Routing, request: Request<unknown>, text: string): Target {
  const found = resolveNamespace(routing, request.namespace.path, text.replace(/^\//, ''));
  if (found === undefined) throw invalidRequest('namespace not found');
  return { namespace: found.namespace, path: mountPath(found.path) };
}

async function remount(
  ports: MountPorts,
  unit: Unit,
  request: Request<{ readonly from?: string | undefined; readonly to?: string | undefined }>,
): Promise<Reply> {
  const { from: fromText, to: toText } = request.fields;
  if (fromText === undefined || toText === undefined || fromText === '' || toText === '') {
    throw invalidRequest("both 'from' and 'to' path must be specified as a string");
  }
  if (toText.endsWith(' ') || toText.startsWith(' '))
    throw invalidRequest("'to' path cannot contain trailing whitespace");
  const routing = await routingOf(ports, unit);
  const from = locate(routing, request, fromText);
  const to = locate(routing, request, toText);
  if (PROTECTED.some((prefix) => from.path.startsWith(prefix)))
    throw invalidRequest(`cannot remount "${from.path}"`);
  if (PROTECTED.some((prefix) => to.path.startsWith(prefix)))
    throw invalidRequest(`cannot remount to destination ${to.path}`);
  const authFrom = from.path.startsWith('auth/');
  if (authFrom !== to.path.startsWith('auth/')) {
    throw invalidRequest(
      authFrom
        ? `cannot remount auth mount to non-auth mount "${to.path}"`
        : `cannot remount secrets mount to auth mount "${to.path}"`,
    );
  }
  const mount = routing.mounts.get(from.namespace.path + from.path);
  if (mount === undefined || mount.entry.tainted)
    throw invalidRequest(`no matching mount at "${from.path}"`);
  const taken =
    conflictingPath(routing, to.namespace.path, to.path) ??
    (await leavingPath(unit, to.namespace.id, to.path));
  if (taken !== undefined) throw invalidRequest(`path already in use at "${taken}"`);
  const id = uuid(ports.world.random);
  putMigration(coreUnit(unit), id, {
    source_mount: from.path,
    target_mount: to.path,
    status: 'in-progress',
    entry: mount.entry,
    targetNamespaceId: to.namespace.id,
  });
  const movingTo = to.namespace.path + to.path;
  ports.table.put(coreUnit(unit), { ...mount.entry, tainted: true, movingTo });
  endBelow(ports.queue, unit, mount.entry.namespaceId, from.path, request.nowMs, false);
  ports.queue.schedule(
    unit,
    { kind: 'move', namespaceId: mount.entry.namespaceId, id },
    request.nowMs,
  );
  return {
    data: { migration_id: id },
    injectTopLevel: true,
    settle: true,
    warnings: [
      'Mount move has been queued. Progress will be reported in the server log, tagged with the returned migration_id',
    ],
  };
}

export function remountPaths(ports: MountPorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'remount',
      fields: {
        from: { kind: 'string', description: 'Where the mount is.' },
        to: { kind: 'string', description: 'Where it shall be.' },
      },
      sudo: true,
      help: { synopsis: 'Moves a mount to another path or namespace. Needs sudo.' },
      operations: {
        update: {
          summary: 'Move a mount',
          handler: (request, unit) => remount(ports, unit, request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'remount/status/{migration_id..+}',
      fields: { migration_id: { kind: 'string', description: 'As `sys/remount` returned it.' } },
      help: { synopsis: 'Shows how far a move is.' },
      operations: {
        read: {
          summary: 'Status of a move',
          handler: async (request, unit) => {
            const id = request.fields.migration_id ?? '';
            const migration = await getMigration(coreUnit(unit), id);
            if (migration === undefined) throw notFound();
            const { source_mount, target_mount, status } = migration;
            return {
              data: { migration_id: id, migration_info: { source_mount, target_mount, status } },
            };
          },
        },
      },
    }),
  ];
}
