/** `identity/role/{name}/activate` and `identity/activation`: asking for a role, approving it, ending it. */
import { formatTime } from '../../base/time-format.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound, permissionDenied } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Identity } from '../identity.ts';
import { activate, approveActivation, endActivation, findActivation } from './activation.ts';
import type { Found } from './activation.ts';
import type { Activation } from './records.ts';
import { RoleStore } from './role-store.ts';
import type { Membership } from '../membership.ts';
import type { Reply } from '../../model/reply.ts';

const id = { kind: 'string', description: 'Id of the activation.' } as const;

export function statusOf({ denied, activeMs }: Activation): 'pending' | 'active' | 'denied' {
  if (denied !== undefined) return 'denied';
  return activeMs === 0 ? 'pending' : 'active';
}

function shown(activation: Activation, holder: Found['entity']): Record<string, unknown> {
  return {
    activation_id: activation.id,
    approvals: activation.approvals.map(({ entityId, entityName, atMs }) => ({
      entity_id: entityId,
      entity_name: entityName,
      time: formatTime(atMs),
    })),
    entity_id: holder.id,
    entity_name: holder.name,
    expire_time: formatTime(activation.untilMs),
    reason: activation.reason,
    request_time: formatTime(activation.requestedMs),
    role: activation.role,
    status: statusOf(activation),
    ...(activation.denied !== undefined && {
      denied_by: activation.denied.entityName,
      denial_reason: activation.denied.reason,
    }),
    ttl: activation.ttlSeconds,
  };
}

export function activationPaths(identity: Identity): readonly Path<Unit>[] {
  /** The caller's entity. @throws {RequestError} when the token has none in this namespace */
  async function callerOf(
    request: Pick<Request, 'principal' | 'namespace'>,
    unit: Unit,
  ): Promise<Membership> {
    const { principal, namespace } = request;
    const entityId = principal?.entityId ?? '';
    const found =
      entityId === '' || principal?.tokenNamespace.id !== namespace.id
        ? undefined
        : await identity.membership(unit, namespace.id, entityId);
    if (found === undefined) throw permissionDenied('the token has no entity here');
    return found;
  }

  async function activations(
    request: Pick<Request, 'namespace' | 'nowMs'>,
    unit: Unit,
  ): Promise<Reply> {
    const directory = identity.in(unit, request.namespace);
    const store = new RoleStore(unit, request.namespace);
    const infos: [string, Record<string, unknown>][] = [];
    for (const activationId of await store.activationIds()) {
      const holder = await store.holderOf(activationId);
      const entity = holder === undefined ? undefined : await directory.entity(holder);
      const activation = entity?.activations?.find((each) => each.id === activationId);
      if (entity === undefined || activation === undefined || request.nowMs >= activation.untilMs)
        continue;
      infos.push([activationId, shown(activation, entity)]);
    }
    if (infos.length === 0) throw notFound();
    return { data: { key_info: Object.fromEntries(infos), keys: infos.map(([key]) => key) } };
  }

  return [
    defineSystemPath({
      pattern: 'role/{name}/activate',
      fields: {
        name: { kind: 'string', description: 'Name of the role.' },
        reason: { kind: 'string', description: 'Why the role is needed.' },
        ttl: {
          kind: 'duration_seconds',
          description: 'For how long; as the role says unless said.',
        },
      },
      help: {
        synopsis: 'Activates a role for the caller’s entity.',
        description: 'At once, or once those have approved it whom the role names.',
      },
      operations: {
        update: {
          summary: 'Activate a role',
          handler: async (request, unit) => {
            const { fields, namespace, nowMs } = request;
            const { name = '', reason = '', ttl = 0 } = fields;
            const holder = await callerOf(request, unit);
            const role = await new RoleStore(unit, namespace).role(name);
            if (role === undefined) throw permissionDenied('there is no such role');
            const directory = identity.in(unit, namespace);
            const { random } = identity.ports;
            const wish = { reason, ttlSeconds: ttl };
            const made = await activate(directory, holder, role, wish, { nowMs, random });
            return { data: shown(made, holder.entity) };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'activation',
      fields: {},
      help: { synopsis: 'Lists the activations that run or wait.' },
      operations: {
        list: {
          summary: 'List activations',
          handler: (request, unit) => activations(request, unit),
        },
      },
    }),
    defineSystemPath({
      pattern: 'activation/{id}',
      fields: { id },
      help: { synopsis: 'Reads and ends an activation.' },
      operations: {
        read: {
          summary: 'Read an activation',
          handler: async (request, unit) => {
            const { fields, namespace, nowMs } = request;
            const directory = identity.in(unit, namespace);
            const found = await findActivation(directory, fields.id ?? '', nowMs);
            return { data: shown(found.activation, found.entity) };
          },
        },
        delete: {
          summary: 'End an activation',
          handler: async (request, unit) => {
            const { fields, namespace, nowMs } = request;
            const directory = identity.in(unit, namespace);
            endActivation(
              directory,
              await findActivation(directory, fields.id ?? '', nowMs),
              nowMs,
            );
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'activation/{id}/approve',
      fields: { id },
      help: {
        synopsis: 'Approves an activation that waits.',
        description: 'Only for members of a group that the role names, and not for its holder.',
      },
      operations: {
        update: {
          summary: 'Approve an activation',
          handler: async (request, unit) => {
            const { fields, namespace, nowMs } = request;
            if ((fields.id ?? '') === '') throw invalidRequest('missing id');
            const directory = identity.in(unit, namespace);
            const giver = await callerOf(request, unit);
            const found = await findActivation(directory, fields.id ?? '', nowMs);
            const approved = await approveActivation(directory, found, giver, nowMs);
            return { data: shown(approved, found.entity) };
          },
        },
      },
    }),
  ];
}
