/** `sys/leases` and `sys/leases/count`: the leases that could not be revoked, for the operator. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';
import { NAMES_MAX } from './ports.ts';
import type { LeasePorts } from './ports.ts';

const children = {
  kind: 'bool',
  description: 'Also those of the namespaces below; each namespace answers for itself here.',
  default: false,
} as const;

export function irrevocablePaths(ports: LeasePorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'leases/count',
      fields: {
        type: { kind: 'string', description: '"irrevocable".' },
        include_child_namespaces: children,
      },
      help: { synopsis: 'Counts the leases that could not be revoked.' },
      operations: {
        read: {
          summary: 'Count irrevocable leases',
          handler: async (request, unit) => {
            if (request.fields.type !== 'irrevocable') throw notFound();
            const ids = await ports.leases.irrevocable(unit, request.namespace.id, NAMES_MAX);
            return { data: { counts: countByMount(ids), lease_count: ids.length } };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'leases',
      fields: {
        type: { kind: 'string', description: '"irrevocable".' },
        limit: { kind: 'string', description: 'Most leases, or "none".' },
        include_child_namespaces: children,
      },
      sudo: true,
      help: { synopsis: 'Lists the leases that could not be revoked, with the error. Needs sudo.' },
      operations: {
        read: {
          summary: 'List irrevocable leases',
          handler: async (request, unit) => {
            if (request.fields.type !== 'irrevocable') throw notFound();
            const { limit } = request.fields;
            if (limit !== undefined && limit !== '' && limit !== 'none' && !/^\d+$/.test(limit)) {
              throw invalidRequest("invalid 'limit' provided");
            }
            const most =
              limit === undefined || limit === '' || limit === 'none' ? NAMES_MAX : Number(limit);
            const ids = await ports.leases.irrevocable(
              unit,
              request.namespace.id,
              Math.min(most, NAMES_MAX),
            );
            const leases = [];
            for (const id of ids) {
              const lease = await ports.leases.get(unit, request.namespace.id, id);
              leases.push({
                lease_id: id,
                mount_accessor: lease?.mountAccessor ?? '',
                error: lease?.irrevocable ?? '',
              });
            }
            return { data: { lease_count: leases.length, leases } };
          },
        },
      },
    }),
  ];
}

function countByMount(ids: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) {
    const mount = id.slice(0, id.indexOf('/') + 1);
    counts.set(mount, (counts.get(mount) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}
