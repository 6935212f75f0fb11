/**
 * `sys/approvals`: what waits for the caller, and what the caller waits for: requests that a control group holds back, and roles
 * whose activation needs approvals. Who may approve is decided by the policy and the role, not by who may look.
 */
import { formatTime } from '../../base/time-format.ts';
import type { Approvals, Standing } from '../../core/held/approvals.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import type { Identity } from '../../identity/identity.ts';
import {
  approveActivation,
  denyActivation,
  findActivation,
  mayApprove,
} from '../../identity/roles/activation.ts';
import type { Found } from '../../identity/roles/activation.ts';
import { statusOf } from '../../identity/roles/activation-paths.ts';
import { RoleStore } from '../../identity/roles/role-store.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { RequestError, invalidRequest, notFound, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Membership } from '../../identity/membership.ts';
import type { Reply } from '../../model/reply.ts';

const REASON_LENGTH_MAX = 1024;
/** Ids of activations; accessors of wrapping tokens look otherwise. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface ApprovalsPorts {
  readonly approvals: Approvals;
  readonly identity: Identity;
}

type Asked = Pick<Request, 'namespace' | 'principal' | 'nowMs'>;
type Shown = Readonly<Record<string, unknown>>;

interface Given {
  readonly entityId: string;
  readonly entityName: string;
  readonly atMs: number;
}

function shownGiven({ entityId, entityName, atMs }: Given): Shown {
  return { entity_id: entityId, entity_name: entityName, time: formatTime(atMs) };
}

function shownDenied(denied: (Given & { readonly reason: string }) | undefined): Shown | null {
  return denied === undefined ? null : { ...shownGiven(denied), reason: denied.reason };
}

/** A request that is held back; with what was sent only where somebody looks at it alone. */
function shownRequest(standing: Standing): Shown {
  const { held, requester, approvedBy } = standing;
  return {
    approvals: held.authorizations.map(shownGiven),
    denied: shownDenied(held.denied),
    entity_aliases: requester?.aliases ?? [],
    entity_id: requester?.id ?? held.entityId,
    entity_name: requester?.name ?? held.entityName,
    expire_time: formatTime(held.untilMs),
    kind: 'request',
    may_approve: standing.mayApprove && held.denied === undefined && !standing.given,
    needs: standing.factors.map(({ name, approvals, groupNames, groupIds }) => ({
      approvals,
      factor: name,
      groups: [...groupNames, ...groupIds],
    })),
    operation: held.operation,
    path: held.call.path,
    reason: held.reason,
    request_time: formatTime(held.requestedMs),
    status:
      held.denied !== undefined ? 'denied' : approvedBy === undefined ? 'pending' : 'approved',
  };
}

export function approvalPaths({ approvals, identity }: ApprovalsPorts): readonly Path<Unit>[] {
  /** The caller as somebody of this namespace, who alone has to do with its roles. */
  async function caller(
    { principal, namespace }: Asked,
    unit: Unit,
  ): Promise<Membership | undefined> {
    const entityId = principal?.entityId ?? '';
    if (entityId === '' || principal?.tokenNamespace.id !== namespace.id) return undefined;
    return await identity.membership(unit, namespace.id, entityId);
  }

  /** An activation that waits or was denied; undefined when it is none of the caller's business. */
  async function shownRole(
    { namespace }: Asked,
    unit: Unit,
    { activation, entity }: Found,
    asker: Membership | undefined,
  ): Promise<Shown | undefined> {
    const role = await new RoleStore(unit, namespace).role(activation.role);
    if (role === undefined || asker === undefined || activation.activeMs !== 0) return undefined;
    const may = mayApprove(role, asker, entity.id);
    if (!may && asker.entity.id !== entity.id) return undefined;
    const given = activation.approvals.some(({ entityId }) => entityId === asker.entity.id);
    return {
      approvals: activation.approvals.map(shownGiven),
      denied: shownDenied(activation.denied),
      entity_aliases: entity.aliases.map(({ name }) => name),
      entity_id: entity.id,
      entity_name: entity.name,
      expire_time: formatTime(activation.untilMs),
      kind: 'role',
      may_approve: may && activation.denied === undefined && !given,
      needs: [{ approvals: role.approvals, factor: '', groups: role.approverGroupIds }],
      operation: 'activate',
      path: `identity/role/${role.name}`,
      reason: activation.reason,
      request_time: formatTime(activation.requestedMs),
      status: statusOf(activation),
      ttl: activation.ttlSeconds,
    };
  }

  async function list(request: Asked, unit: Unit): Promise<Reply> {
    const { namespace, principal, nowMs } = request;
    const found: [string, Shown][] = [];
    for (const each of await approvals.waiting(unit as CoreUnit, namespace, principal, nowMs))
      found.push([each.held.accessor, shownRequest(each)]);
    const asker = await caller(request, unit);
    const directory = identity.in(unit, namespace);
    for (const id of await new RoleStore(unit, namespace).activationIds()) {
      const activation = await findActivation(directory, id, nowMs).catch(ignoreGone);
      const shown =
        activation === undefined ? undefined : await shownRole(request, unit, activation, asker);
      if (shown !== undefined) found.push([id, shown]);
    }
    if (found.length === 0) throw notFound();
    return { data: { key_info: Object.fromEntries(found), keys: found.map(([id]) => id) } };
  }

  async function one(request: Asked, unit: Unit, id: string): Promise<Shown> {
    const { namespace, principal, nowMs } = request;
    if (UUID.test(id)) {
      const found = await findActivation(identity.in(unit, namespace), id, nowMs);
      const shown = await shownRole(request, unit, found, await caller(request, unit));
      if (shown === undefined) throw permissionDenied('the approval does not concern the caller');
      return { id, ...shown };
    }
    const core = unit as CoreUnit;
    const standing = await approvals.standing(core, namespace, id, principal, nowMs);
    if (!standing.concerned) throw permissionDenied('the approval does not concern the caller');
    return { id, ...shownRequest(standing), data: standing.held.body };
  }

  async function approve(request: Asked, unit: Unit, id: string): Promise<void> {
    const { namespace, principal, nowMs } = request;
    if (!UUID.test(id)) {
      await approvals.authorize(unit as CoreUnit, namespace, id, principal, nowMs);
      return;
    }
    const directory = identity.in(unit, namespace);
    const found = await findActivation(directory, id, nowMs);
    await approveActivation(directory, found, await giver(request, unit), nowMs);
  }

  async function deny(request: Asked, unit: Unit, id: string, text: string): Promise<void> {
    const { namespace, principal, nowMs } = request;
    const reason = text.trim();
    if (reason.length > REASON_LENGTH_MAX) throw invalidRequest('the reason is too long');
    if (!UUID.test(id)) {
      const wish = { accessor: id, reason };
      await approvals.deny(unit as CoreUnit, namespace, wish, principal, nowMs);
      return;
    }
    const directory = identity.in(unit, namespace);
    const found = await findActivation(directory, id, nowMs);
    await denyActivation(directory, found, await giver(request, unit), { reason, nowMs });
  }

  async function giver(request: Asked, unit: Unit): Promise<Membership> {
    const found = await caller(request, unit);
    if (found === undefined) throw permissionDenied('the approver has no entity here');
    return found;
  }

  const id = {
    kind: 'string',
    description: 'Accessor of the wrapping token of a request, or id of an activation.',
  } as const;

  return [
    defineSystemPath({
      pattern: 'approvals',
      fields: {},
      help: {
        synopsis: 'Lists what waits for the caller’s approval, and what the caller waits for.',
        description: 'Of requests at most 200: those whose wait ends first.',
      },
      operations: {
        list: { summary: 'List what waits', handler: (request, unit) => list(request, unit) },
      },
    }),
    defineSystemPath({
      pattern: 'approvals/{id}',
      fields: { id },
      help: {
        synopsis: 'Shows what waits, with what was sent.',
        description: 'To the one who asked, and to those who may approve.',
      },
      operations: {
        read: {
          summary: 'Show what waits',
          handler: async (request, unit) => ({
            data: await one(request, unit, request.fields.id ?? ''),
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'approvals/{id}/approve',
      fields: { id },
      help: {
        synopsis: 'Approves what waits.',
        description: 'Only for members of a group that the policy or role names.',
      },
      operations: {
        update: {
          summary: 'Approve what waits',
          handler: async (request, unit) => {
            const name = request.fields.id ?? '';
            await approve(request, unit, name);
            return await now(request, unit, name);
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'approvals/{id}/deny',
      fields: { id, reason: { kind: 'string', description: 'Why not.' } },
      help: {
        synopsis: 'Denies what waits, for good.',
        description: 'For the same people as approving. The one who asked sees by whom and why.',
      },
      operations: {
        update: {
          summary: 'Deny what waits',
          handler: async (request, unit) => {
            const { id: name = '', reason = '' } = request.fields;
            await deny(request, unit, name, reason);
            return await now(request, unit, name);
          },
        },
      },
    }),
  ];

  /** How it stands after what the caller did: a role that has begun waits no more. */
  async function now(request: Asked, unit: Unit, name: string): Promise<Reply> {
    if (!UUID.test(name)) return { data: status(await one(request, unit, name)) };
    const found = await findActivation(identity.in(unit, request.namespace), name, request.nowMs);
    return { data: { id: name, status: statusOf(found.activation) } };
  }
}

function status(shown: Shown): Shown {
  return { id: shown['id'], status: shown['status'] };
}

function ignoreGone(error: unknown): undefined {
  if (!(error instanceof RequestError)) throw error;
}
