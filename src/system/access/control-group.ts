/** `sys/control-group` and its settings: who approves a request that a policy holds back, and how it stands. */
import type { Approvals } from '../../core/held/approvals.ts';
import { approvalMaxTtlSeconds, putApprovalMaxTtl } from '../../core/held/settings.ts';
import type { CoreUnit } from '../../core/epoch-cache.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Unit } from '../../model/transaction.ts';

const accessor = {
  kind: 'string',
  description: 'Accessor of the wrapping token that the one who asked was given.',
} as const;

export function controlGroupPaths(approvals: Approvals): readonly Path<Unit>[] {
  return [
    defineSystemPath({
      pattern: 'control-group/authorize',
      fields: { accessor },
      help: {
        synopsis: 'Approves a request that waits.',
        description:
          'Only for members of a group that the policy names, and not for the one who asked.',
      },
      operations: {
        update: {
          summary: 'Approve a request that waits',
          handler: async (request, unit) => {
            const { fields, namespace, principal, nowMs } = request;
            const name = fields.accessor ?? '';
            const core = unit as CoreUnit;
            const approved = await approvals.authorize(core, namespace, name, principal, nowMs);
            return { data: { approved } };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'control-group/request',
      fields: { accessor },
      help: {
        synopsis: 'Tells how a request that waits for approvals stands.',
        description: 'What was sent with it is shown to the one who asked and to who may approve.',
      },
      operations: {
        update: {
          summary: 'Read a request that waits',
          handler: async (request, unit) => {
            const { fields, namespace, principal, nowMs } = request;
            const name = fields.accessor ?? '';
            const core = unit as CoreUnit;
            const standing = await approvals.standing(core, namespace, name, principal, nowMs);
            const { held, requester, approvedBy, concerned } = standing;
            return {
              data: {
                approved: approvedBy !== undefined,
                authorizations: held.authorizations.map(({ entityId, entityName }) => ({
                  entity_id: entityId,
                  entity_name: entityName,
                })),
                request_data: concerned ? held.body : null,
                request_entity: {
                  id: requester?.id ?? held.entityId,
                  name: requester?.name ?? held.entityName,
                },
                request_operation: held.operation,
                request_path: held.call.path,
              },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'config/control-group',
      fields: {
        max_ttl: {
          kind: 'duration_seconds',
          description: 'Longest that a request of this namespace waits for approvals.',
        },
      },
      help: { synopsis: 'Shows and sets how long requests wait for approvals.' },
      operations: {
        read: {
          summary: 'Read how long requests wait',
          handler: async ({ namespace }, unit) => ({
            data: { max_ttl: await approvalMaxTtlSeconds(unit, namespace.id) },
          }),
        },
        update: {
          summary: 'Set how long requests wait',
          handler: ({ namespace, fields }, unit) => {
            const { max_ttl: seconds } = fields;
            if (seconds === undefined || seconds <= 0)
              throw invalidRequest('max_ttl must be greater than zero');
            putApprovalMaxTtl(unit, namespace.id, seconds);
            return undefined;
          },
        },
        delete: {
          summary: 'Put the usual time back',
          handler: ({ namespace }, unit) => {
            putApprovalMaxTtl(unit, namespace.id, undefined);
            return undefined;
          },
        },
      },
    }),
  ];
}
