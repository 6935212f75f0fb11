/** What holders of roles do on their own: `identity/eligible`, and `identity/role/{name}/deactivate`. */
import { formatTime } from '../../base/time-format.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Identity } from '../identity.ts';
import type { Membership } from '../membership.ts';
import { endActivationsOf } from './activation.ts';
import { statusOf } from './activation-paths.ts';
import { isEligible } from './exclusions.ts';
import type { EligibleRole } from './records.ts';
import { RoleStore } from './role-store.ts';

/** What its holder has to know of a role, and of the activation that runs, or else waits. */
function shown(role: EligibleRole, { entity }: Membership, nowMs: number): Record<string, unknown> {
  const own = (entity.activations ?? []).filter(
    (each) => each.role === role.name && nowMs < each.untilMs && each.denied === undefined,
  );
  const activation = own.find(({ activeMs }) => activeMs !== 0) ?? own[0];
  return {
    activation_id: activation?.id ?? '',
    approvals: role.approvals,
    default_ttl: role.defaultTtlSeconds,
    description: role.description,
    expire_time: activation === undefined ? '' : formatTime(activation.untilMs),
    max_ttl: role.maxTtlSeconds,
    policies: role.policies,
    status: activation === undefined ? 'eligible' : statusOf(activation),
  };
}

export function eligiblePaths(identity: Identity): readonly Path<Unit>[] {
  /** Undefined when the caller's token has no entity in this namespace. */
  async function callerOf(
    { principal, namespace }: Pick<Request, 'principal' | 'namespace'>,
    unit: Unit,
  ): Promise<Membership | undefined> {
    const entityId = principal?.entityId ?? '';
    if (entityId === '' || principal?.tokenNamespace.id !== namespace.id) return undefined;
    return await identity.membership(unit, namespace.id, entityId);
  }

  return [
    defineSystemPath({
      pattern: 'role/{name}/deactivate',
      fields: { name: { kind: 'string', description: 'Name of the role.' } },
      help: {
        synopsis: 'Ends the caller’s own activation of a role.',
        description: 'Also one that still waits for approvals.',
      },
      operations: {
        update: {
          summary: 'Deactivate a role',
          handler: async (request, unit) => {
            const { fields, namespace, nowMs } = request;
            const holder = await callerOf(request, unit);
            if (
              holder === undefined ||
              !endActivationsOf(
                identity.in(unit, namespace),
                holder.entity,
                fields.name ?? '',
                nowMs,
              )
            )
              throw invalidRequest('there is no such activation');
            return undefined;
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'eligible',
      fields: {},
      help: {
        synopsis: 'Lists the roles that the caller may activate.',
        description: 'With what each gives, for how long, and whether it is active.',
      },
      operations: {
        list: {
          summary: 'List the roles that the caller may activate',
          handler: async (request, unit) => {
            const { namespace, nowMs } = request;
            const holder = await callerOf(request, unit);
            if (holder === undefined) throw notFound();
            const roles = (await new RoleStore(unit, namespace).roles()).filter((role) =>
              isEligible(role, holder),
            );
            if (roles.length === 0) throw notFound();
            const infos = roles.map((role) => [role.name, shown(role, holder, nowMs)] as const);
            return {
              data: { key_info: Object.fromEntries(infos), keys: roles.map(({ name }) => name) },
            };
          },
        },
      },
    }),
  ];
}
