/** `sys/leases/lookup`: what a lease is, and which there are below a path. */
import { formatTime } from '../../base/time-format.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { ListPage, Unit } from '../../model/transaction.ts';
import { compareKeys } from '../../storage/key-order.ts';
import { ttlSeconds } from '../../tokens/token-record.ts';
import { NAMES_MAX, asPrefix, idOf, leaseId, tokenOf } from './ports.ts';
import type { LeaseFields, LeasePorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

/** A listing must not look complete when it is not. */
const CUT = `These are the first ${NAMES_MAX} names; ask with "after" and "limit" for the rest.`;

async function lookup(
  ports: LeasePorts,
  unit: Unit,
  request: Request<LeaseFields>,
): Promise<Reply> {
  const id = idOf(request);
  const lease = await ports.leases.get(unit, request.namespace.id, id);
  const token = lease === undefined ? await tokenOf(ports, unit, request, id) : undefined;
  const found = lease ?? token;
  if (found === undefined) throw invalidRequest('invalid lease');
  const issuedMs = lease?.issuedMs ?? token?.createdMs ?? 0;
  return {
    data: {
      expire_time: found.expiresMs === 0 ? null : formatTime(found.expiresMs),
      id,
      issue_time: formatTime(issuedMs),
      last_renewal: found.lastRenewalMs === 0 ? null : formatTime(found.lastRenewalMs),
      renewable: found.renewable,
      ttl: ttlSeconds(found, request.nowMs),
    },
  };
}

async function names(
  ports: LeasePorts,
  unit: Unit,
  request: Request<unknown>,
  prefix: string,
  page: ListPage,
): Promise<string[]> {
  const { id } = request.namespace;
  const ofLeases = await ports.leases.list(unit, id, prefix, page);
  const ofTokens = await ports.tokens.listLeases(unit, id, prefix, page);
  if (ofTokens.length === 0) return [...ofLeases];
  if (ofLeases.length === 0) return [...ofTokens];
  // Both are in byte order and may go on: what comes after the end of the page is left to the next one.
  return [...new Set([...ofLeases, ...ofTokens])].sort(compareKeys).slice(0, page.limit);
}

export function leaseLookupPaths(ports: LeasePorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'leases/lookup',
      fields: { lease_id: leaseId },
      help: { synopsis: 'Shows a lease.' },
      operations: {
        update: {
          summary: 'Show a lease',
          handler: (request, unit) => lookup(ports, unit, request),
        },
      },
    }),
    defineSystemPath({
      pattern: 'leases/lookup/{prefix...}',
      fields: {
        prefix: { kind: 'string', description: 'Path below which to list.' },
        after: { kind: 'string', description: 'Names after this one.' },
        limit: { kind: 'int', description: 'Most names.', default: 0 },
      },
      sudo: true,
      help: { synopsis: 'Lists lease ids below a prefix. Needs sudo.' },
      operations: {
        list: {
          summary: 'List leases',
          handler: async (request, unit) => {
            const { after, limit } = request.fields;
            const page: ListPage = {
              limit: limit > 0 ? Math.min(limit, NAMES_MAX) : NAMES_MAX,
              ...(after === undefined ? {} : { after }),
            };
            const keys = await names(ports, unit, request, asPrefix(request.fields.prefix), page);
            const cut = limit <= 0 && keys.length === NAMES_MAX;
            return { data: { keys }, ...(cut ? { warnings: [CUT] } : {}) };
          },
        },
      },
    }),
  ];
}
