/** `sys/environments`: what carries an environment, who is bound to one, and who may get at another for a while. */
import { formatTime } from '../../base/time-format.ts';
import { EnvironmentStore, LABELS_MAX } from '../../core/guards/environments.ts';
import type { EnvironmentException, Label } from '../../core/guards/environments.ts';
import type { Routing } from '../../core/mounts/mount-table.ts';
import { defineSystemPath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Unit } from '../../model/transaction.ts';
import type { Reply } from '../../model/reply.ts';

export interface EnvironmentPorts {
  readonly routing: (unit: Unit) => Promise<Routing>;
  /** Whether an id is of an entity or a group, in whatever namespace. */
  readonly kindOf: (unit: Unit, id: string) => Promise<'entity' | 'group' | undefined>;
  /** What is kept in memory is out of date with this unit's commit. */
  readonly changed: (unit: Unit) => void;
  readonly newId: () => string;
}

const NAME = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/;
const REASON_LENGTH_MAX = 1024;
const EXCEPTION_TTL_SECONDS_MAX = 30 * 86_400;
const EXCEPTION_TTL_SECONDS = 3600;

const environment = { kind: 'string', description: 'Name of the environment.' } as const;

/** @throws {RequestError} */
function environmentName(text: string | undefined): string {
  const name = (text ?? '').toLowerCase();
  if (!NAME.test(name)) {
    throw invalidRequest(
      'the environment needs a name of letters, digits, - and _, 64 characters at most',
    );
  }
  return name;
}

/** The namespace or mount of a path, from the root namespace on. @throws {RequestError} */
function placeOf(routing: Routing, path: string): Pick<Label, 'kind' | 'id'> & { path: string } {
  const full = path.endsWith('/') ? path : `${path}/`;
  const namespace = routing.namespaces.get(full);
  if (namespace !== undefined) return { kind: 'namespace', id: namespace.id, path: full };
  const mount = routing.mounts.get(full);
  if (mount === undefined) throw invalidRequest('there is no namespace or mount of that path');
  if (mount.entry.builtin) throw invalidRequest('that mount belongs to its namespace: label that');
  return { kind: 'mount', id: mount.entry.accessor, path: full };
}

function shownException(exception: EnvironmentException): Record<string, unknown> {
  return {
    created_by: exception.createdBy,
    created_time: formatTime(exception.createdMs),
    environment: exception.environment,
    exception_id: exception.id,
    expire_time: formatTime(exception.untilMs),
    identity: exception.subjectId,
    reason: exception.reason,
  };
}

export function environmentPaths(ports: EnvironmentPorts): readonly Path<Unit>[] {
  async function put(unit: Unit, label: Label): Promise<undefined> {
    const store = new EnvironmentStore(unit);
    const known = await store.label(label.kind, label.id);
    if (known === undefined && (await store.labels()).length >= LABELS_MAX)
      throw invalidRequest(`at most ${LABELS_MAX} labels are kept`);
    store.putLabel(label);
    ports.changed(unit);
    return undefined;
  }

  async function take(unit: Unit, { kind, id }: Pick<Label, 'kind' | 'id'>): Promise<undefined> {
    new EnvironmentStore(unit).deleteLabel(kind, id);
    ports.changed(unit);
    return undefined;
  }

  /** Environments by the name that each label is known under. @throws {RequestError} not_found when there are none */
  async function listed(unit: Unit, nameOf: (label: Label) => string | undefined): Promise<Reply> {
    const infos: [string, Record<string, unknown>][] = [];
    for (const label of await new EnvironmentStore(unit).labels()) {
      const name = nameOf(label);
      if (name !== undefined)
        infos.push([name, { environment: label.environment, type: label.kind }]);
    }
    if (infos.length === 0) throw notFound();
    return {
      data: { key_info: Object.fromEntries(infos), keys: infos.map(([key]) => key).sort() },
    };
  }

  async function pathNames(unit: Unit): Promise<(label: Label) => string | undefined> {
    const routing = await ports.routing(unit);
    return ({ kind, id }) => {
      if (kind === 'namespace') return routing.namespacesById.get(id)?.path;
      return kind === 'mount' ? routing.mountsByAccessor.get(id)?.fullPath : undefined;
    };
  }

  async function makeException(
    request: Request<{
      readonly identity?: string | undefined;
      readonly environment?: string | undefined;
      readonly reason?: string | undefined;
      readonly ttl?: number | undefined;
    }>,
    unit: Unit,
  ): Promise<Reply> {
    const { fields, nowMs, principal } = request;
    const { identity: subjectId = '', ttl = EXCEPTION_TTL_SECONDS } = fields;
    const reason = (fields.reason ?? '').trim();
    const kind = await ports.kindOf(unit, subjectId);
    if (kind === undefined) throw invalidRequest('identity is no id of an entity or group');
    if (reason === '' || reason.length > REASON_LENGTH_MAX)
      throw invalidRequest(`a reason of ${REASON_LENGTH_MAX} characters at most is needed`);
    if (ttl <= 0 || ttl > EXCEPTION_TTL_SECONDS_MAX)
      throw invalidRequest(`ttl must be between 1 and ${EXCEPTION_TTL_SECONDS_MAX} seconds`);
    const store = new EnvironmentStore(unit);
    for (const each of await store.exceptions())
      if (nowMs >= each.untilMs) store.deleteException(each.id);
    const exception: EnvironmentException = {
      id: ports.newId(),
      kind,
      subjectId,
      environment: environmentName(fields.environment),
      reason,
      createdMs: nowMs,
      createdBy: principal?.entityId || (principal?.displayName ?? ''),
      untilMs: nowMs + ttl * 1000,
    };
    store.putException(exception);
    ports.changed(unit);
    return { data: shownException(exception) };
  }

  async function exceptionOf(
    request: Request<{ readonly id?: string | undefined }>,
    unit: Unit,
  ): Promise<EnvironmentException> {
    const all = await new EnvironmentStore(unit).exceptions();
    const found = all.find(
      ({ id, untilMs }) => id === request.fields.id && request.nowMs < untilMs,
    );
    if (found === undefined) throw notFound();
    return found;
  }

  const guarded = { sudo: true, rootNamespaceOnly: true } as const;
  return [
    defineSystemPath({
      ...guarded,
      pattern: 'environments/resources',
      fields: {},
      help: { synopsis: 'Lists the namespaces and mounts that carry an environment.' },
      operations: {
        list: {
          summary: 'List labelled namespaces and mounts',
          handler: async (_request, unit) => await listed(unit, await pathNames(unit)),
        },
      },
    }),
    defineSystemPath({
      ...guarded,
      pattern: 'environments/resources/{path..+}',
      fields: {
        path: { kind: 'string', description: 'Path of a namespace or mount, from the root on.' },
        environment,
      },
      help: {
        synopsis: 'The environment of a namespace or mount.',
        description:
          'All that lies below it is of that environment, and so is who logs in there. A mount in a namespace that carries one is of that one.',
      },
      operations: {
        read: {
          summary: 'Read the environment of a namespace or mount',
          handler: async ({ fields }, unit) => {
            const place = placeOf(await ports.routing(unit), fields.path ?? '');
            const label = await new EnvironmentStore(unit).label(place.kind, place.id);
            if (label === undefined) throw notFound();
            return { data: { environment: label.environment, path: place.path, type: place.kind } };
          },
        },
        update: {
          summary: 'Give a namespace or mount an environment',
          handler: async ({ fields }, unit) => {
            const routing = await ports.routing(unit);
            const { kind, id } = placeOf(routing, fields.path ?? '');
            const name = environmentName(fields.environment);
            const mount = routing.mountsByAccessor.get(id);
            const above =
              mount === undefined
                ? undefined
                : routing.guards.environments?.ofNamespace(routing, mount.namespace);
            if (above !== undefined && above !== name)
              throw invalidRequest(`the namespace of the mount is of the environment ${above}`);
            return await put(unit, { kind, id, environment: name });
          },
        },
        delete: {
          summary: 'Take the environment of a namespace or mount',
          handler: async ({ fields }, unit) =>
            await take(unit, placeOf(await ports.routing(unit), fields.path ?? '')),
        },
      },
    }),
    defineSystemPath({
      ...guarded,
      pattern: 'environments/identities',
      fields: {},
      help: { synopsis: 'Lists the entities and groups that are bound to an environment.' },
      operations: {
        list: {
          summary: 'List bound identities',
          handler: (_request, unit) =>
            listed(unit, ({ kind, id }) =>
              kind === 'entity' || kind === 'group' ? id : undefined,
            ),
        },
      },
    }),
    defineSystemPath({
      ...guarded,
      pattern: 'environments/identities/{id:any}',
      fields: {
        id: { kind: 'string', description: 'Id of an entity or group.' },
        environment,
      },
      help: {
        synopsis: 'The environment that an entity, or the members of a group, are bound to.',
      },
      operations: {
        read: {
          summary: 'Read the environment of an identity',
          handler: async ({ fields }, unit) => {
            const store = new EnvironmentStore(unit);
            const id = fields.id ?? '';
            const label = (await store.label('entity', id)) ?? (await store.label('group', id));
            if (label === undefined) throw notFound();
            return { data: { environment: label.environment, identity: id, type: label.kind } };
          },
        },
        update: {
          summary: 'Bind an identity to an environment',
          handler: async ({ fields }, unit) => {
            const { id = '' } = fields;
            const kind = await ports.kindOf(unit, id);
            if (kind === undefined) throw invalidRequest('that is no id of an entity or group');
            return await put(unit, { kind, id, environment: environmentName(fields.environment) });
          },
        },
        delete: {
          summary: 'Release an identity from its environment',
          handler: async ({ fields }, unit) => {
            const { id = '' } = fields;
            await take(unit, { kind: 'group', id });
            return await take(unit, { kind: 'entity', id });
          },
        },
      },
    }),
    defineSystemPath({
      ...guarded,
      pattern: 'environments/exceptions',
      fields: {
        identity: { kind: 'string', description: 'Id of an entity or group.' },
        environment,
        reason: { kind: 'string', description: 'Why it is needed.' },
        ttl: { kind: 'duration_seconds', description: 'For how long; an hour unless said.' },
      },
      help: { synopsis: 'Lets an identity get at another environment for a while, with a reason.' },
      operations: {
        update: { summary: 'Make an exception', handler: makeException },
        list: {
          summary: 'List exceptions in force',
          handler: async (request, unit) => {
            const all = await new EnvironmentStore(unit).exceptions();
            const live = all.filter((each) => request.nowMs < each.untilMs);
            if (live.length === 0) throw notFound();
            return {
              data: {
                key_info: Object.fromEntries(live.map((each) => [each.id, shownException(each)])),
                keys: live.map((each) => each.id),
              },
            };
          },
        },
      },
    }),
    defineSystemPath({
      ...guarded,
      pattern: 'environments/exceptions/{id}',
      fields: { id: { kind: 'string', description: 'Id of the exception.' } },
      help: { synopsis: 'Reads and ends an exception.' },
      operations: {
        read: {
          summary: 'Read an exception',
          handler: async (request, unit) => ({
            data: shownException(await exceptionOf(request, unit)),
          }),
        },
        delete: {
          summary: 'End an exception',
          handler: async (request, unit) => {
            new EnvironmentStore(unit).deleteException((await exceptionOf(request, unit)).id);
            ports.changed(unit);
            return undefined;
          },
        },
      },
    }),
  ];
}
