/** `identity/exclusion`: policies of which nobody may have more than one. */
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import { checkedPolicies } from '../records.ts';
import type { Exclusion } from './records.ts';
import { RoleStore } from './role-store.ts';

const DESCRIPTION_LENGTH_MAX = 1024;

function shown(exclusion: Exclusion): Record<string, unknown> {
  const { description, name, policies } = exclusion;
  return { description, name, policies };
}

/** `changed`: what is kept in memory of exclusions is out of date with this unit's commit. */
export function exclusionPaths(changed: (unit: Unit) => void): readonly Path<Unit>[] {
  const at = (request: Pick<Request, 'namespace'>, unit: Unit): RoleStore =>
    new RoleStore(unit, request.namespace);

  return [
    defineSystemPath({
      pattern: 'exclusion',
      fields: {},
      help: { synopsis: 'Lists which policies exclude each other.' },
      operations: {
        list: {
          summary: 'List exclusions',
          handler: async (request, unit) => {
            const found = await at(request, unit).exclusions();
            if (found.length === 0) throw notFound();
            return {
              data: {
                key_info: Object.fromEntries(found.map((each) => [each.name, shown(each)])),
                keys: found.map((each) => each.name),
              },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'exclusion/{name}',
      fields: {
        name: { kind: 'string', description: 'Name of the exclusion.' },
        description: { kind: 'string', description: 'Why they exclude each other.' },
        policies: {
          kind: 'comma_string_list',
          description: 'Policies of which nobody may have more than one.',
        },
      },
      help: {
        synopsis: 'Creates, reads, changes and deletes an exclusion.',
        description:
          'Assignments that would give somebody two of the policies are refused. Of who has two already, none of them is in force.',
      },
      operations: {
        read: {
          summary: 'Read an exclusion',
          handler: async (request, unit) => {
            const found = await at(request, unit).exclusion(request.fields.name ?? '');
            if (found === undefined) throw notFound();
            return { data: shown(found) };
          },
        },
        update: {
          summary: 'Create or change an exclusion',
          handler: async (request, unit) => {
            const { name = '', description, policies } = request.fields;
            const store = at(request, unit);
            const before = await store.exclusion(name);
            const exclusion: Exclusion = {
              name,
              description: description ?? before?.description ?? '',
              policies:
                policies === undefined ? (before?.policies ?? []) : checkedPolicies(policies),
            };
            if (exclusion.policies.length < 2)
              throw invalidRequest('at least two policies are needed');
            if (exclusion.description.length > DESCRIPTION_LENGTH_MAX)
              throw invalidRequest('the description is too long');
            await store.putExclusion(exclusion);
            changed(unit);
            return undefined;
          },
        },
        delete: {
          summary: 'Delete an exclusion',
          handler: (request, unit) => {
            at(request, unit).deleteExclusion(request.fields.name ?? '');
            changed(unit);
            return undefined;
          },
        },
      },
    }),
  ];
}
