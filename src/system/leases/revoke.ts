/** `sys/leases/revoke*` and `tidy`: the end of a lease, or of all below a path, with what was lent. */
import { endBelow, isEndingBelow } from '../../core/expiry/below.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { asPrefix, idOf, leaseId, tokenOf, urlLeaseId } from './ports.ts';
import type { LeaseFields, LeasePorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

/** What is told when the secret of a lease could not be taken back: it is tried again, but nobody may think it is over. */
const NOT_REVOKED = 'failed to revoke lease; it will be tried again';
/** Answered when the caller does not want to wait. */
const ACCEPTED: Reply = { status: 202, raw: { contentType: 'application/json', body: '' } };

const SYNC = { kind: 'bool', description: 'Wait until it is revoked.', default: true } as const;

async function revoke(
  ports: LeasePorts,
  unit: Unit,
  request: Request<LeaseFields & { readonly sync: boolean }>,
): Promise<Reply | undefined> {
  const id = idOf(request);
  const { namespace, nowMs } = request;
  const lease = await ports.leases.get(unit, namespace.id, id);
  if (lease !== undefined) {
    ports.leases.expireNow(unit, lease, nowMs);
    if (!request.fields.sync) return ACCEPTED;
    return {
      settle: true,
      async settled(after) {
        const left = await ports.leases.get(after, namespace.id, id);
        if (left !== undefined) throw invalidRequest(NOT_REVOKED);
      },
    };
  }
  const token = await tokenOf(ports, unit, request, id);
  if (token === undefined) return request.fields.sync ? undefined : ACCEPTED;
  ports.tokens.revoke(unit, token, nowMs);
  return { settle: true };
}

function revokeByPrefix(ports: LeasePorts, pattern: string, force: boolean): Path<Unit> {
  return defineSystemPath({
    pattern,
    fields: {
      prefix: { kind: 'string', description: 'Leases whose id begins with this path.' },
      ...(force ? {} : { sync: SYNC }),
    },
    sudo: true,
    help: {
      synopsis: force
        ? 'Drops all leases below a prefix, even when their target cannot be reached. Needs sudo.'
        : 'Revokes all leases and tokens below a prefix. Needs sudo.',
    },
    operations: {
      update: {
        summary: 'Revoke by prefix',
        handler: (request, unit) => {
          const prefix = asPrefix(request.fields.prefix);
          if (prefix === '') throw notFound('1 error occurred:\n\t* unsupported path\n\n');
          const { namespace, nowMs } = request;
          endBelow(ports.queue, unit, namespace.id, prefix, nowMs, force);
          if (request.fields.sync === false) return ACCEPTED;
          return {
            settle: true,
            async settled(after) {
              if (await isEndingBelow(ports, after, namespace.id, prefix, nowMs))
                throw invalidRequest(NOT_REVOKED);
            },
          };
        },
      },
    },
  });
}

export function leaseRevokePaths(ports: LeasePorts): Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'leases/revoke[/{url_lease_id..+}]',
      fields: { lease_id: leaseId, url_lease_id: urlLeaseId, sync: SYNC },
      help: { synopsis: 'Revokes a lease.' },
      operations: {
        update: {
          summary: 'Revoke a lease',
          handler: (request, unit) => revoke(ports, unit, request),
        },
      },
    }),
    revokeByPrefix(ports, 'leases/revoke-prefix/{prefix..+}', false),
    revokeByPrefix(ports, 'leases/revoke-force/{prefix..+}', true),
    defineSystemPath({
      pattern: 'leases/tidy',
      fields: {},
      help: { synopsis: 'Looks at everything that is due.' },
      operations: {
        update: {
          summary: 'Start a clean-up',
          handler: () => ({
            status: 202,
            settle: true,
            warnings: [
              'Tidy operation successfully started. Any information from the operation will be printed to the server logs.',
            ],
          }),
        },
      },
    }),
  ];
}
