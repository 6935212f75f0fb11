/** `sys/leases`: what has been lent, how long, and how to end it. Tokens of logins are leases too. */
import { formatTime } from '../base/time-format.ts';
import { defineSystemPath } from '../model/backend.ts';
import type { Path } from '../model/backend.ts';
import { invalidRequest, notFound } from '../model/errors.ts';
import type { Reply, Request } from '../model/request.ts';
import type { ListPage, Stored, Unit } from '../model/transaction.ts';
import { compareKeys } from '../storage/key-order.ts';
import type { CoreUnit } from '../core/epoch-cache.ts';
import { dataPrefix } from '../core/mount-entry.ts';
import type { Mount } from '../core/mount-table.ts';
import { anyBelow, endBelow } from '../core/expiry/below.ts';
import { coreUnit } from './mounts/ports.ts';
import type { ExpiryQueue } from '../leases/expiry-queue.ts';
import type { LeaseRecord, LeaseStore } from '../leases/lease-store.ts';
import type { TokenRecord } from '../tokens/token-record.ts';
import { ttlSeconds } from '../tokens/token-record.ts';
import type { TokenStore } from '../tokens/token-store.ts';

export interface LeasePorts {
  readonly leases: LeaseStore;
  readonly tokens: TokenStore;
  readonly mountByAccessor: (unit: CoreUnit, accessor: string) => Promise<Mount | undefined>;
  readonly queue: ExpiryQueue;
}

const NAMES_MAX = 10_000;
/** A listing must not look complete when it is not. */
const CUT = `These are the first ${NAMES_MAX} names; ask with "after" and "limit" for the rest.`;
const leaseId = { kind: 'string', description: 'Id of the lease.' } as const;
const urlLeaseId = {
  kind: 'string',
  description: 'Id of the lease, as part of the path.',
} as const;

interface LeaseFields {
  readonly lease_id?: string | undefined;
  readonly url_lease_id?: string | undefined;
}

function idOf(request: Request<LeaseFields>): string {
  const id =
    request.fields.lease_id === undefined || request.fields.lease_id === ''
      ? request.fields.url_lease_id
      : request.fields.lease_id;
  if (id === undefined || id === '') throw invalidRequest('lease_id must be specified');
  return id;
}

/** The token behind a lease id, looked up only in the caller's namespace (CVE-2026-45808). */
async function tokenOf(
  ports: LeasePorts,
  unit: Unit,
  request: Request<unknown>,
  id: string,
): Promise<Stored<TokenRecord> | undefined> {
  const ref = await ports.tokens.byLeaseId(unit, request.namespace.id, id);
  return ref === undefined ? undefined : await ports.tokens.byRef(unit, ref, request.nowMs);
}

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

async function renew(
  ports: LeasePorts,
  unit: Unit,
  request: Request<LeaseFields & { readonly increment: number }>,
): Promise<Reply> {
  const id = idOf(request);
  const lease = await ports.leases.get(unit, request.namespace.id, id);
  if (lease === undefined) {
    if ((await tokenOf(ports, unit, request, id)) !== undefined)
      throw invalidRequest('tokens cannot be renewed through this endpoint');
    throw invalidRequest('lease not found');
  }
  if (lease.irrevocable !== undefined || request.nowMs >= lease.expiresMs)
    throw invalidRequest('lease expired');
  if (!lease.renewable) throw invalidRequest('lease is not renewable');
  const mount = await ports.mountByAccessor(coreUnit(unit), lease.mountAccessor);
  const secret = mount?.backend.secrets?.[lease.secretType];
  if (mount === undefined || secret?.renew === undefined)
    throw invalidRequest('lease is not renewable');
  const granted = await secret.renew(
    {
      leaseId: id,
      internal: lease.internal,
      incrementSeconds: request.fields.increment,
      nowMs: request.nowMs,
    },
    unit.view(lease.namespaceId, dataPrefix(mount.entry)),
  );
  const wantedSeconds =
    request.fields.increment || granted.ttlSeconds || mount.ref.defaultLeaseTtlSeconds;
  const expiresMs = Math.min(
    request.nowMs + wantedSeconds * 1000,
    lease.maxExpiresMs,
    // The engine's bounds may have become narrower since.
    lease.issuedMs + (granted.maxTtlSeconds || Number.POSITIVE_INFINITY) * 1000,
  );
  if (expiresMs - request.nowMs < 1000) throw invalidRequest('past the max TTL, cannot renew');
  const renewed: LeaseRecord = { ...lease, expiresMs, lastRenewalMs: request.nowMs };
  ports.leases.put(unit, renewed);
  if (expiresMs < lease.expiresMs) ports.leases.reschedule(unit, renewed);
  return {
    data: null,
    issuedLease: { id, renewable: true, durationSeconds: ttlSeconds(renewed, request.nowMs) },
  };
}

/** What is told when the secret of a lease could not be taken back: it is tried again, but nobody may think it is over. */
const NOT_REVOKED = 'failed to revoke lease; it will be tried again';
/** Answered when the caller does not want to wait. */
const ACCEPTED: Reply = { status: 202 };

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
  if (token === undefined) return undefined;
  ports.tokens.revoke(unit, token, nowMs);
  return { settle: true };
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

function asPrefix(text: string | undefined): string {
  const trimmed = (text ?? '').replace(/\/+$/, '');
  return trimmed === '' ? '' : `${trimmed}/`;
}

function revokeByPrefix(ports: LeasePorts, pattern: string, force: boolean): Path<Unit> {
  return defineSystemPath({
    pattern,
    fields: {
      prefix: { kind: 'string', description: 'Leases whose id begins with this path.' },
      sync: { kind: 'bool', description: 'Wait until all are revoked.', default: true },
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
          if (!request.fields.sync) return ACCEPTED;
          return {
            settle: true,
            async settled(after) {
              if (await anyBelow(ports, after, namespace.id, prefix))
                throw invalidRequest(NOT_REVOKED);
            },
          };
        },
      },
    },
  });
}

export function leasePaths(ports: LeasePorts): Path<Unit>[] {
  const increment = {
    kind: 'duration_seconds',
    description: 'How long the lease should last from now.',
    default: 0,
  } as const;
  const sync = { kind: 'bool', description: 'Wait until it is revoked.', default: true } as const;
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
    defineSystemPath({
      pattern: 'leases/renew[/{url_lease_id...}]',
      fields: { lease_id: leaseId, url_lease_id: urlLeaseId, increment },
      help: { synopsis: 'Renews a lease.' },
      operations: {
        update: {
          summary: 'Renew a lease',
          handler: (request, unit) => renew(ports, unit, request),
          outsideEffects: true,
        },
      },
    }),
    defineSystemPath({
      pattern: 'leases/revoke[/{url_lease_id...}]',
      fields: { lease_id: leaseId, url_lease_id: urlLeaseId, sync },
      help: { synopsis: 'Revokes a lease.' },
      operations: {
        update: {
          summary: 'Revoke a lease',
          handler: (request, unit) => revoke(ports, unit, request),
        },
      },
    }),
    revokeByPrefix(ports, 'leases/revoke-prefix/{prefix...}', false),
    revokeByPrefix(ports, 'leases/revoke-force/{prefix...}', true),
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
    defineSystemPath({
      pattern: 'leases/count',
      fields: { type: { kind: 'string', description: '"irrevocable".' } },
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
