/** `identity/mfa/login-enforcement`: who has to show a second factor. */
import { uuid } from '../../base/random.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { MfaContext } from './context.ts';
import { shownEnforcement } from './records.ts';

/** Entries of each list of an enforcement. */
const LISTED_MAX = 1000;

interface EnforcementWish {
  readonly name?: string | undefined;
  readonly mfa_method_ids?: readonly string[] | undefined;
  readonly auth_method_accessors?: readonly string[] | undefined;
  readonly auth_method_types?: readonly string[] | undefined;
  readonly identity_group_ids?: readonly string[] | undefined;
  readonly identity_entity_ids?: readonly string[] | undefined;
}

export function enforcementPaths(context: MfaContext): readonly Path<Unit>[] {
  /** @throws {RequestError} when something does not exist here */
  async function check(request: Request<EnforcementWish>, unit: Unit): Promise<void> {
    const { fields, namespace } = request;
    const directory = context.directory(unit, namespace);
    const mounts = await context.ports.authMounts(unit, namespace.id);
    for (const accessor of fields.auth_method_accessors ?? []) {
      if (!mounts.some((mount) => mount.accessor === accessor))
        throw invalidRequest('one of the auth method accessors provided is invalid');
    }
    for (const type of fields.auth_method_types ?? []) {
      if (!mounts.some((mount) => mount.type === type))
        throw invalidRequest('one of the auth method types provided is invalid');
    }
    for (const id of fields.identity_group_ids ?? []) {
      if ((await directory.group(id)) === undefined)
        throw invalidRequest("one of the provided group ids doesn't exist");
    }
    for (const id of fields.identity_entity_ids ?? []) {
      if ((await directory.entity(id)) === undefined)
        throw invalidRequest("one of the provided entity ids doesn't exist");
    }
  }

  async function write(request: Request<EnforcementWish>, unit: Unit): Promise<undefined> {
    const { fields, namespace } = request;
    const { name = '', mfa_method_ids: methodIds } = fields;
    if (methodIds === undefined) throw invalidRequest('missing method ids');
    const lists = [
      fields.auth_method_accessors,
      fields.auth_method_types,
      fields.identity_group_ids,
      fields.identity_entity_ids,
    ];
    if ([methodIds, ...lists].some((each) => (each?.length ?? 0) > LISTED_MAX))
      throw invalidRequest(`at most ${LISTED_MAX} entries are allowed in a list`);
    const rules = await context.rules(unit);
    for (const id of methodIds) {
      const method = rules.methods.get(id);
      if (method === undefined)
        throw invalidRequest("one of the provided method ids doesn't exist");
      if (!rules.reaches(method, namespace)) {
        throw invalidRequest(
          "one of the provided method ids is in an incompatible namespace and can't be used",
        );
      }
    }
    await check(request, unit);
    if (lists.every((each) => each === undefined)) {
      throw invalidRequest(
        'One of auth_method_accessors, auth_method_types, identity_group_ids, identity_entity_ids must be specified',
      );
    }
    const store = context.at(unit, namespace);
    const before = await store.enforcement(name);
    await store.putEnforcement({
      id: before?.id ?? uuid(context.random),
      name,
      namespaceId: namespace.id,
      methodIds,
      accessors: fields.auth_method_accessors ?? before?.accessors ?? [],
      types: fields.auth_method_types ?? before?.types ?? [],
      groupIds: fields.identity_group_ids ?? before?.groupIds ?? [],
      entityIds: fields.identity_entity_ids ?? before?.entityIds ?? [],
    });
    context.changed(unit);
    return undefined;
  }

  return [
    defineSystemPath({
      pattern: 'mfa/login-enforcement',
      fields: {},
      help: { synopsis: 'Lists the enforcements of the second factor.' },
      operations: {
        list: {
          summary: 'List MFA enforcements',
          handler: async (request, unit) => {
            const rules = await context.rules(unit);
            const found = [...rules.enforcementsOf(request.namespace.id)];
            if (found.length === 0) throw notFound();
            const { path } = request.namespace;
            return {
              data: {
                key_info: Object.fromEntries(
                  found.map((rule) => [rule.name, shownEnforcement(rule, path)]),
                ),
                keys: found.map((rule) => rule.name),
              },
            };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'mfa/login-enforcement/{name}',
      fields: {
        name: { kind: 'string', description: 'Name of the enforcement.' },
        mfa_method_ids: {
          kind: 'comma_string_list',
          description: 'Ids of methods, one of which has to be shown.',
        },
        auth_method_accessors: {
          kind: 'comma_string_list',
          description: 'For logins by these auth mounts.',
        },
        auth_method_types: {
          kind: 'comma_string_list',
          description: 'For logins by auth mounts of these types.',
        },
        identity_group_ids: {
          kind: 'comma_string_list',
          description: 'For members of these groups, inherited ones included.',
        },
        identity_entity_ids: { kind: 'comma_string_list', description: 'For these entities.' },
      },
      help: {
        synopsis: 'Creates, reads, changes and deletes an enforcement of the second factor.',
      },
      operations: {
        read: {
          summary: 'Read an MFA enforcement',
          handler: async (request, unit) => {
            const { fields, namespace } = request;
            const rule = await context.at(unit, namespace).enforcement(fields.name ?? '');
            if (rule === undefined) throw notFound();
            return { data: shownEnforcement(rule, namespace.path) };
          },
        },
        update: { summary: 'Create or change an MFA enforcement', handler: write },
        delete: {
          summary: 'Delete an MFA enforcement',
          handler: (request, unit) => {
            context.at(unit, request.namespace).deleteEnforcement(request.fields.name ?? '');
            context.changed(unit);
            return undefined;
          },
        },
      },
    }),
  ];
}
