/** `identity/oidc/assignment` and `identity/oidc/scope`: who may log in to a client, and what it learns of them. */
import { decodeBase64Text } from '../../base/base64-text.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { OidcContext } from './context.ts';
import { distinctNames } from './names.ts';
import { ALLOW_ALL, OPENID_SCOPE } from './provider-store.ts';
import { TemplateError, checkTemplate } from './template.ts';

/** The random part of an id has one spelling; what follows its dot names a namespace, where case counts. */
function canonicalIds(ids: readonly string[]): readonly string[] {
  const canonical = ids.map((id) => {
    const dot = id.indexOf('.');
    return dot < 0 ? id.toLowerCase() : id.slice(0, dot).toLowerCase() + id.slice(dot);
  });
  return distinctNames(canonical);
}

interface AssignmentWish {
  readonly name?: string | undefined;
  readonly entity_ids?: readonly string[] | undefined;
  readonly group_ids?: readonly string[] | undefined;
}

interface ScopeWish {
  readonly name?: string | undefined;
  readonly template?: string | undefined;
  readonly description?: string | undefined;
}

function assignmentPaths(context: OidcContext): readonly Path<Unit>[] {
  async function write(request: Request<AssignmentWish>, unit: Unit): Promise<undefined> {
    const { name = '', entity_ids: entities, group_ids: groups } = request.fields;
    if (name === ALLOW_ALL)
      throw invalidRequest(`modification of assignment "${ALLOW_ALL}" not allowed`);
    const store = context.provided(request, unit);
    const before = await store.assignment(name);
    await store.put('assignment', name, {
      entity_ids: canonicalIds(entities ?? before?.entity_ids ?? []),
      group_ids: canonicalIds(groups ?? before?.group_ids ?? []),
    });
    return undefined;
  }

  return [
    defineSystemPath({
      pattern: 'oidc/assignment',
      fields: {},
      help: { synopsis: 'Lists the assignments.' },
      operations: {
        list: {
          summary: 'List assignments',
          handler: async (request, unit) => ({
            data: { keys: await context.provided(request, unit).names('assignment') },
          }),
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/assignment/{name}',
      fields: {
        name: { kind: 'string', description: 'Name of the assignment.' },
        entity_ids: {
          kind: 'comma_string_list',
          description: 'Ids of entities that may log in to a client with this assignment.',
        },
        group_ids: { kind: 'comma_string_list', description: 'Ids of groups whose members may.' },
      },
      help: { synopsis: 'Creates, reads, changes and deletes an assignment.' },
      exists: async (request, unit) =>
        (await context.provided(request, unit).assignment(request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read an assignment',
          handler: async (request, unit) => {
            const found = await context
              .provided(request, unit)
              .assignment(request.fields.name ?? '');
            if (found === undefined) throw notFound();
            return { data: { ...found } };
          },
        },
        create: { summary: 'Create an assignment', handler: write },
        update: { summary: 'Change an assignment', handler: write },
        delete: {
          summary: 'Delete an assignment',
          handler: async (request, unit) => {
            const { name = '' } = request.fields;
            if (name === ALLOW_ALL)
              throw invalidRequest(`deletion of assignment "${ALLOW_ALL}" not allowed`);
            const store = context.provided(request, unit);
            await context.at(request, unit).inTurn();
            const users = (await store.clients()).filter((each) => each.assignments.includes(name));
            if (users.length > 0) {
              throw invalidRequest(
                `unable to delete assignment "${name}" because it is currently referenced by these clients: ${users.map((each) => each.name).join(', ')}`,
              );
            }
            store.delete('assignment', name);
            return undefined;
          },
        },
      },
    }),
  ];
}

function scopePaths(context: OidcContext): readonly Path<Unit>[] {
  async function write(request: Request<ScopeWish>, unit: Unit): Promise<undefined> {
    const { fields } = request;
    const { name = '' } = fields;
    if (name === OPENID_SCOPE) throw invalidRequest(`the "${OPENID_SCOPE}" scope name is reserved`);
    const store = context.provided(request, unit);
    const before = await store.scope(name);
    const sent = fields.template ?? before?.template ?? '';
    const template = decodeBase64Text(sent) ?? sent;
    try {
      checkTemplate(template);
    } catch (error) {
      if (error instanceof TemplateError) throw invalidRequest(error.message);
      throw error;
    }
    const description = fields.description ?? before?.description ?? '';
    await store.put('scope', name, { template, description });
    return undefined;
  }

  return [
    defineSystemPath({
      pattern: 'oidc/scope',
      fields: {},
      help: { synopsis: 'Lists the scopes.' },
      operations: {
        list: {
          summary: 'List scopes',
          handler: async (request, unit) => {
            const keys = await context.provided(request, unit).names('scope');
            if (keys.length === 0) throw notFound();
            return { data: { keys } };
          },
        },
      },
    }),
    defineSystemPath({
      pattern: 'oidc/scope/{name}',
      fields: {
        name: { kind: 'string', description: 'Name of the scope.' },
        template: {
          kind: 'string',
          description: 'Claims that the scope adds: JSON with directives, or that in base64.',
        },
        description: { kind: 'string', description: 'What the scope is about.' },
      },
      help: { synopsis: 'Creates, reads, changes and deletes a scope.' },
      exists: async (request, unit) =>
        (await context.provided(request, unit).scope(request.fields.name ?? '')) !== undefined,
      operations: {
        read: {
          summary: 'Read a scope',
          handler: async (request, unit) => {
            const found = await context.provided(request, unit).scope(request.fields.name ?? '');
            if (found === undefined) throw notFound();
            return { data: { ...found } };
          },
        },
        create: { summary: 'Create a scope', handler: write },
        update: { summary: 'Change a scope', handler: write },
        delete: {
          summary: 'Delete a scope',
          handler: async (request, unit) => {
            const { name = '' } = request.fields;
            const store = context.provided(request, unit);
            await context.at(request, unit).inTurn();
            const users = (await store.providers()).filter((each) =>
              each.provider.scopesSupported.includes(name),
            );
            if (users.length > 0) {
              throw invalidRequest(
                `unable to delete scope "${name}" because it is currently referenced by these providers: ${users.map((each) => each.name).join(', ')}`,
              );
            }
            store.delete('scope', name);
            return undefined;
          },
        },
      },
    }),
  ];
}

export function grantPaths(context: OidcContext): readonly Path<Unit>[] {
  return [...assignmentPaths(context), ...scopePaths(context)];
}
